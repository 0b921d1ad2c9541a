"""What planning takes: networks as one firewall sees them, rules, endpoints; and text made safe."""

from dataclasses import dataclass, field
from functools import lru_cache

from networks.common.addressing import IP, Cidr, contains

COMMENT_BYTES = 100  # nft takes 128
LONGEST_INTERFACE = 15  # the kernel's IFNAMSIZ, less its end
LONGEST_WORD = 253  # RFC 1035: a host's whole name
FAMILIES = (4, 6)
ICMP = "icmp"  # a protocol without ports: ICMP in IPv4, ICMPv6 in IPv6
REMEMBERED = 4096  # results kept of a function: thousands of firewalls name the same few prefixes
ENDS_A_QUOTE = frozenset('"\\')
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-")


@dataclass(frozen=True, slots=True)
class Net:
    """A network as one firewall sees it; `addresses` are the firewall's own in it.

    `place` is its number among the networks of this firewall, which it keeps while others come and
    go: 0 is the primary's.
    """

    id: str
    name: str
    vrf: int
    prefixes: tuple[Cidr, ...]
    addresses: tuple[IP, ...] = ()
    destination_prefixes: tuple[Cidr, ...] = ()
    nat: bool = False
    place: int = field(kw_only=True)

    def address(self, version: int) -> IP | None:
        """The firewall's lowest address of that family: what a hidden network hides behind."""
        addresses = (address for address in self.addresses if address.version == version)
        return min(addresses, default=None, key=int)

    def prefixes_of(self, version: int) -> tuple[Cidr, ...]:
        """Its prefixes of one family, sorted, none inside another."""
        return of_family(self.prefixes, version)

    def families(self) -> list[int]:
        """The address families that it has prefixes or destinations of."""
        return sorted({cidr.version for cidr in (*self.prefixes, *self.destination_prefixes)})

    def has_default_route(self, version: int) -> bool:
        """Whether everything of that family is reached through it."""
        return any(
            cidr.version == version and cidr.prefixlen == 0 for cidr in self.destination_prefixes
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What may leave towards external networks (egress) or come in from them (ingress).

    No sources mean any, no destinations too. A port is a number, or two with a dash between them;
    ICMP has none.
    """

    direction: str
    protocol: str
    ports: tuple[str, ...] = ()
    sources: tuple[Cidr, ...] = ()
    destinations: tuple[Cidr, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port of the firewall's address in a shared network, forwarded to one machine behind it."""

    vrf: int
    address: IP
    port: int
    protocol: str
    machine: str
    target: IP
    target_port: int


@lru_cache(REMEMBERED)
def of_family(prefixes: tuple[Cidr, ...], version: int) -> tuple[Cidr, ...]:
    """The prefixes of one family, sorted, none inside another: nft refuses overlapping ones."""
    outermost: list[Cidr] = []
    for cidr in sorted({cidr for cidr in prefixes if cidr.version == version}, key=_order):
        if not (outermost and contains(outermost[-1], cidr)):
            outermost.append(cidr)
    return tuple(outermost)


def _order(cidr: Cidr) -> tuple[int, int]:
    return int(cidr.network_address), cidr.prefixlen


@lru_cache(REMEMBERED)
def one_line(text: str) -> str:
    """Text for a comment: short enough, and whatever it contained, it ends no line and no quote."""
    harmless = "".join(
        character if character.isprintable() and character not in ENDS_A_QUOTE else "?"
        for character in text
    )
    return harmless.encode()[:COMMENT_BYTES].decode(errors="ignore").strip()


def word(text: str) -> str:
    """Text as one word of a configuration, such as a host's name; perhaps nothing is left of it."""
    harmless = "".join(
        character if character in _WORD else "-" for character in text[:LONGEST_WORD]
    )
    return harmless.strip("-.:")


def interface(text: str) -> str:
    """Text as the name of an interface; perhaps nothing is left of it."""
    return "".join(
        character if character in _WORD or character == "_" else "-"
        for character in text[:LONGEST_INTERFACE].replace(":", "-")
    ).strip("-.")
