"""The firewalls of one network: what each passes on for it, in what they differ, and what to do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from firewalls.configuration.offers import Offer, offer, unlike
from firewalls.configuration.plan import Net
from firewalls.models import Firewall
from networks.models import Network

ROLE = "operator"  # who may join networks


class Sibling(NamedTuple):
    """One of the firewalls, with what it passes on, and the networks through which it does."""

    firewall: Firewall
    offer: Offer
    shared: tuple[Network, ...]
    outward: tuple[Network, ...]


class Remedy(NamedTuple):
    """A joining that takes one difference away; it takes the role operator."""

    firewall: Firewall
    network: Network

    @property
    def message(self) -> str:
        return f"Join {self.firewall.name} to {self.network.pk}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A network that some of them pass on, and others do not, in these address families."""

    network: Network
    versions: tuple[int, ...]
    having: tuple[Firewall, ...]
    lacking: tuple[Firewall, ...]

    @property
    def message(self) -> str:
        """What differs, as a sentence."""
        outside = self.network.kind == Network.Kind.EXTERNAL
        what = f"outside through {self.network.pk}" if outside else f"to {self.network.pk}"
        families = " and ".join(f"IPv{version}" for version in self.versions)
        leads = "leads" if len(self.having) == 1 else "lead"
        does = "does" if len(self.lacking) == 1 else "do"
        return (
            f"{_names(self.having)} {leads} {what} by {families};"
            f" {_names(self.lacking)} {does} not."
        )

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        return tuple(Remedy(firewall, self.network) for firewall in self.lacking)


@dataclass(frozen=True, slots=True)
class Siblings:
    """The firewalls of a network by name, and in what they differ by network."""

    firewalls: tuple[Sibling, ...]
    differences: tuple[Difference, ...]

    def of(self, firewall: Firewall) -> list[Difference]:
        """The differences in which this one has a part."""
        return [one for one in self.differences if firewall in (*one.having, *one.lacking)]


def siblings(network: Network) -> Siblings:
    """Those of this primary network. A constant number of queries for any number of them."""
    rows = Firewall.objects.with_relations().with_state().filter(machine__primary=network)
    rows = rows.order_by("machine__name", "pk")
    primary = _net(network)
    together = tuple(
        _sibling(firewall, primary)
        for firewall in rows.prefetch_related("attachments__network__prefixes")
    )
    return Siblings(together, tuple(_differences(together)))


def _sibling(firewall: Firewall, primary: Net) -> Sibling:
    joined = [row.network for row in firewall.attachments.all()]
    joined.sort(key=lambda network: network.pk)
    shared = [network for network in joined if network.kind == Network.Kind.PRIVATE]
    externals = [network for network in joined if network.kind == Network.Kind.EXTERNAL]
    passed_on = offer(primary, map(_net, shared), map(_net, externals))
    led_to = {network for _, network in passed_on.shared}
    outward = [one for one in externals if _leads(one, passed_on.outside)]
    return Sibling(
        firewall,
        passed_on,
        tuple(network for network in shared if network.pk in led_to),
        tuple(outward),
    )


def _net(network: Network) -> Net:
    """As planning knows it, but for what depends on a firewall."""
    return Net(
        id=network.pk,
        name=network.name,
        vrf=network.vrf or 0,
        prefixes=tuple(prefix.cidr for prefix in network.prefixes.all()),
        destination_prefixes=tuple(network.destination_prefixes),
        place=0,
    )


def _leads(external: Network, versions: Iterable[int]) -> bool:
    """Whether it has a default route of one of these families."""
    return any(_net(external).has_default_route(version) for version in versions)


def _differences(together: Sequence[Sibling]) -> Iterator[Difference]:
    apart = unlike(sibling.offer for sibling in together)
    joined = {one.pk: one for sibling in together for one in (*sibling.shared, *sibling.outward)}
    for network in (joined[pk] for pk in sorted(joined)):
        missing = {
            version: [one for one in together if not _passes_on(one, network, version)]
            for version in apart
            if _is_of(network, version, together)
        }
        versions = tuple(version for version, without in missing.items() if without)
        if versions:
            lacking = {one.firewall for version in versions for one in missing[version]}
            yield Difference(
                network,
                versions,
                tuple(one.firewall for one in together if network in (*one.shared, *one.outward)),
                tuple(one.firewall for one in together if one.firewall in lacking),
            )


def _is_of(network: Network, version: int, together: Iterable[Sibling]) -> bool:
    """Whether any of them leads there in that family."""
    if network.kind == Network.Kind.EXTERNAL:
        return _leads(network, [version])
    return any((version, network.pk) in one.offer.shared for one in together)


def _passes_on(sibling: Sibling, network: Network, version: int) -> bool:
    """Whether it leads to the shared network, or outside, be it through another external one."""
    if network.kind == Network.Kind.EXTERNAL:
        return version in sibling.offer.outside
    return (version, network.pk) in sibling.offer.shared


def _names(firewalls: Sequence[Firewall]) -> str:
    names = [firewall.name for firewall in firewalls]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
