"""The values that planning speaks of: a network as one firewall sees it, a firewall rule, an endpoint."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from networks.common.addressing import IP, Cidr, contains

COMMENT_BYTES = 100  # nft takes 128
LONGEST_WORD = 253  # RFC 1035: a host's whole name
FAMILIES = (4, 6)
ENDS_A_QUOTE = frozenset('"\\')
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-")


@dataclass(frozen=True, slots=True)
class Net:
    """A network as one firewall sees it; `addresses` are the firewall's own in it."""

    id: str
    name: str
    vrf: int
    prefixes: tuple[Cidr, ...]
    addresses: tuple[IP, ...] = ()
    destination_prefixes: tuple[Cidr, ...] = ()
    nat: bool = False

    def address(self, version: int) -> IP | None:
        """The firewall's lowest address of that family: what a hidden network hides behind."""
        return min((ip for ip in self.addresses if ip.version == version), default=None, key=int)

    def of(self, version: int) -> tuple[Cidr, ...]:
        """Its prefixes of one family, sorted."""
        return _of(self.prefixes, version)

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
    """What may leave towards external networks (egress) or come in from them (ingress); no prefixes mean any."""

    direction: str
    protocol: str
    ports: tuple[str, ...] = ()
    sources: tuple[Cidr, ...] = ()
    destinations: tuple[Cidr, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port of the firewall's own address in a shared network, forwarded to one machine behind it."""

    vrf: int
    address: IP
    port: int
    protocol: str
    machine: str
    target: IP
    target_port: int


@lru_cache(4096)
def _of(prefixes: tuple[Cidr, ...], version: int) -> tuple[Cidr, ...]:
    return of_family(prefixes, version)


def of_family(prefixes: Iterable[Cidr], version: int) -> tuple[Cidr, ...]:
    """The prefixes of one family, sorted, none inside another: nft refuses a set whose intervals overlap."""
    kept: list[Cidr] = []
    for cidr in sorted({cidr for cidr in prefixes if cidr.version == version}, key=_order):
        if not (kept and contains(kept[-1], cidr)):
            kept.append(cidr)
    return tuple(kept)


def _order(cidr: Cidr) -> tuple[int, int]:
    return int(cidr.network_address), cidr.prefixlen


def one_line(text: str) -> str:
    """Text that can end no line and no quote, whatever it contained, and is short enough for a comment."""
    spelled = "".join(
        character if character.isprintable() and character not in ENDS_A_QUOTE else "?"
        for character in text
    )
    return spelled.encode()[:COMMENT_BYTES].decode(errors="ignore").strip()


def word(text: str) -> str:
    """Text as one word of a configuration, such as a host's or an interface's name; perhaps none is left."""
    return "".join(
        character if character in _WORD else "-" for character in text[:LONGEST_WORD]
    ).strip("-.:")
