"""Whom others see: what the nat chains translate, as the translations that our audit judges."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from firewalls.configuration.filters import Translation
from firewalls.configuration.routes import Vrf
from networks.common.addressing import IP, Cidr, contains
from tests.reader.metal_stack.flows import SVI
from tests.reader.metal_stack.matching import What
from tests.reader.metal_stack.nft import Rule, Rules


def translations(rules: Rules, vrfs: Iterable[Vrf]) -> tuple[Translation, ...]:
    """One for each network and family; what another one says of them is in its account."""
    by_device = {f"{SVI}{vrf.number}": vrf for vrf in vrfs}
    found: dict[tuple[int, int], Translation] = {}
    for chain in rules.called("postrouting", "nat"):
        for rule in chain.read:
            _take_in(rule, by_device, found)
    return tuple(found.values())


def _take_in(
    rule: Rule, by_device: dict[str, Vrf], found: dict[tuple[int, int], Translation]
) -> None:
    devices = [one for one in rule.matches if one.what is What.OIF and not one.negated]
    sources = [one for one in rule.matches if one.what is What.SOURCE and not one.negated]
    beyond = [one for one in rule.matches if one not in (*devices, *sources)]
    names = [name for one in devices for name in one.values]
    vrf = by_device.get(names[0]) if len(names) == 1 else None
    if vrf is None or len(sources) != 1 or rule.verdict not in ("masquerade", "snat"):
        rule.line.not_judged("it spares from translation, or not by network and source")
        return
    version, prefixes = sources[0].version, sources[0].values
    if any(not _spares_itself(one.values, one.negated, vrf) for one in beyond):
        rule.line.not_judged("what it spares from translation is taken to be translated")
    address = _shown(rule, vrf, version)
    if address is None:
        rule.line.not_judged("the firewall has no address of that family there")
        return
    before = found.get((vrf.number, version))
    if before and before.address != address and not _covered(prefixes, before.sources):
        rule.line.not_judged(f"an earlier rule translates to {before.address}")
    elif before is None or before.address == address:
        sources_so_far = before.sources if before else ()
        every = tuple(dict.fromkeys((*sources_so_far, *prefixes)))
        comment = rule.comment or rule.line.text
        found[vrf.number, version] = Translation(vrf.number, version, every, address, comment)


def _spares_itself(values: Iterable[Any], negated: bool, vrf: Vrf) -> bool:
    """Whether it only spares what goes to the firewall's own addresses, and passes nowhere."""
    return negated and all(
        isinstance(one, Cidr) and any(address in one for address in vrf.addresses) for one in values
    )


def _shown(rule: Rule, vrf: Vrf, version: int) -> IP | None:
    """The address that is given, the first of several; or the first that the device has."""
    if rule.verdict == "snat":
        return ip_address(rule.argument.split()[0])
    return next((one for one in vrf.addresses if one.version == version), None)


def _covered(prefixes: Iterable[Cidr], others: Iterable[Cidr]) -> bool:
    return all(any(contains(other, prefix) for other in others) for prefix in prefixes)


def name_forwards(rules: Rules, vrfs: Iterable[Vrf]) -> None:
    """Have named what leads into a network; what leads to the firewall itself crosses nothing."""
    own = {str(address) for vrf in vrfs for address in vrf.addresses}
    for chain in rules.called("prerouting", "nat"):
        for rule in chain.read:
            if rule.verdict == "dnat" and not set(rule.argument.split()) <= own:
                rule.line.not_judged("what it forwards is taken to end here")
