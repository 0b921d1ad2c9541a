"""Whether a firewall's SSH is still reached once a configuration is loaded there: pure.

Read off the files, for they are what is sent, and what old revisions still have. A firewall goes
back by itself where it is not reached any more; this is to know it before.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from firewalls.configuration.carried import carries
from networks.common.addressing import IP, Cidr

RULES = "/etc/nftables.conf"
LINK_LOCAL = ip_network("fe80::/10")
FAMILIES = {4: "IPv4", 6: "IPv6"}
_ACCEPTED = re.compile(
    r"^ *ip6? saddr \{ ([^}]+) \} tcp dport (\d+) ct state new counter accept comment \"SSH ", re.M
)
_REFUSED = re.compile(r"^ *iifname \{ \"bridge(\d+)\"[^}]*\} tcp dport \d+ counter jump ", re.M)
_DHCP = re.compile(r"^DHCP=(yes|true|ipv4|ipv6|both)$", re.M | re.I)


@dataclass(frozen=True, slots=True)
class WaysIn:
    """From where the rules accept SSH, at which ports, and from whose VRFs never.

    `own`: the firewall's addresses, each with its VRF id.
    """

    accepted: frozenset[Cidr]
    ports: frozenset[int]
    refused: frozenset[int]
    own: Mapping[IP, int]

    def admits(self, source: IP) -> bool:
        """Whether SSH from there is accepted, but for a network in which it never is."""
        return any(source in cidr for cidr in self.accepted if cidr.version == source.version)


@dataclass(frozen=True, slots=True)
class Reached:
    """How a firewall's SSH is reached now.

    `sources`: the addresses that it sees us come from, as far as we know. `is_own`: it may have its
    management address from us. `others`: the units of somebody else that set up its devices, by
    path; `making_way`: those of them that ours replace.
    """

    host: str
    port: int
    sources: tuple[IP, ...] = ()
    is_own: bool = False
    others: Mapping[str, str] | None = None
    making_way: frozenset[str] = frozenset()

    @property
    def address(self) -> IP | None:
        """The management address; None for a name, and for a port of this machine: a forward."""
        try:
            address = ip_address(self.host.partition("%")[0])
        except ValueError:
            return None
        return None if address.is_loopback else address


@dataclass(frozen=True, slots=True)
class Hazard:
    """Why its SSH would not be reached, and what to do: a sentence, and a code for programs.

    `is_certain`: nobody can mean it. Otherwise a person may know better.
    """

    code: str
    sentence: str
    is_certain: bool = False


def ways_in(files: Mapping[str, str]) -> WaysIn:
    """From where these files of ours let SSH in."""
    rules = files.get(RULES, "")
    found = _ACCEPTED.findall(rules)
    prefixes = [ip_network(text.strip()) for texts, _ in found for text in texts.split(",")]
    return WaysIn(
        frozenset(prefixes),
        frozenset(int(port) for _, port in found),
        frozenset(map(int, _REFUSED.findall(rules))),
        carries(files).addresses,
    )


def hazards(new: WaysIn, reached: Reached) -> Iterator[Hazard]:
    """What is known against reaching it so with these ways in; what is certain comes first."""
    address = reached.address
    if not new.accepted:
        yield Hazard(
            "no_management",
            "Its rules would accept SSH from nowhere, as its partition has no management prefixes."
            " Enter there from where firewalls are managed.",
            is_certain=True,
        )
    elif address is not None:
        yield from _of_address(new, reached, address)
        yield from _of_rules(new, reached, address)


def _of_address(new: WaysIn, reached: Reached, address: IP) -> Iterator[Hazard]:
    """What becomes of its management address."""
    if address in new.own:
        if new.own[address] in new.refused:
            yield Hazard(
                "address_of_tenants",
                f"Its management address {address} is in a network with machines in it, and SSH"
                " from there is refused. Manage it by an address outside of such networks.",
            )
        return
    if reached.is_own:
        yield Hazard(
            "address_taken_away",
            f"It would lose its management address {address}, which is of a network that it has"
            " left. Enter another management address first.",
            is_certain=True,
        )
        return
    for path in sorted(reached.making_way):
        yield from _of_unit(path, reached, address)


def _of_unit(path: str, reached: Reached, address: IP) -> Iterator[Hazard]:
    """What this unit of somebody else, which makes way, has set up."""
    others = reached.others or {}
    keeping = [text for name, text in others.items() if name not in reached.making_way]
    if any(_sets_up(text, address) for text in keeping):
        return
    remedy = "Give management a device that is no uplink, and a unit of its own, first."
    if _sets_up(others.get(path, ""), address):
        sentence = f"Its management address {address} is set up by {path}, which makes way for ours"
        yield Hazard("address_taken_away", f"{sentence}. {remedy}", is_certain=True)
    elif _DHCP.search(others.get(path, "")):
        sentence = f"{path} makes way for ours, and asks for an address by DHCP, perhaps {address}"
        yield Hazard("address_may_go", f"{sentence}. {remedy}")


def _sets_up(unit: str, address: IP) -> bool:
    lines = re.findall(r"^Address=([0-9A-Fa-f.:]+)(?:/\d+)?$", unit, re.M)
    return any(ip_address(text) == address for text in lines if _is_address(text))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _of_rules(new: WaysIn, reached: Reached, address: IP) -> Iterator[Hazard]:
    """Whether the rules accept SSH from where it comes."""
    accepted = [cidr for cidr in new.accepted if cidr.version == address.version]
    if not any(_may_reach(cidr, address) for cidr in accepted):
        kind = "link-local addresses" if address.is_link_local else FAMILIES[address.version]
        yield Hazard(
            "no_way_in",
            f"Its management address is {address}, and no management prefix of its partition is of"
            f" {kind}, so its rules would accept nobody who comes that way. Enter one there.",
            is_certain=True,
        )
    else:
        yield from _of_sources(new, reached, address)
    if reached.port not in new.ports:
        ports = ", ".join(map(str, sorted(new.ports)))
        yield Hazard(
            "other_port",
            f"Its SSH is reached at port {reached.port}, and its rules would accept port {ports}"
            " only. Have its sshd listen there, unless the port is forwarded on the way.",
        )


def _of_sources(new: WaysIn, reached: Reached, address: IP) -> Iterator[Hazard]:
    """Whether we are let in; where it is managed in a management prefix itself, others are."""
    if reached.sources and not any(map(new.admits, (address, *reached.sources))):
        sources = ", ".join(map(str, reached.sources))
        yield Hazard(
            "not_from_here",
            f"It is reached from {sources}, and neither that nor its management address {address}"
            " is in a management prefix of its partition. Enter it there, unless addresses are"
            " translated on the way.",
        )


def _may_reach(cidr: Cidr, address: IP) -> bool:
    """Whether somebody in that prefix may come to this address: a link-local one from its link."""
    if isinstance(address, IPv6Address) and address.is_link_local:
        return cidr.overlaps(LINK_LOCAL)
    return True
