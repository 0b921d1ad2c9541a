"""The conditions of a rule, as values: to be asked about a packet, or for what they name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any

from networks.common.addressing import Cidr
from tests.reader import Unreadable
from tests.reader.nft import IP, Packet, Tokens, elements, ports, unquoted

Sets = Mapping[str, Iterable[Cidr]]  # those of one table, by name
SERVICES = {"bgp": "179", "ssh": "22", "domain": "53"}
PROTOCOLS = {"icmp": "icmp", "ipv6-icmp": "icmpv6", "tcp": "tcp", "udp": "udp"}
VERSIONS = {"ip": 4, "ip6": 6}
PING = "echo-request"


class What(StrEnum):
    """What of a packet a condition is about."""

    IIF = "iif"
    OIF = "oif"
    SOURCE = "source"
    DESTINATION = "destination"
    PROTOCOL = "protocol"
    PORT = "port"
    SOURCE_PORT = "source port"
    STATE = "state"
    ICMP = "type of ICMP"


SIDES = {"saddr": What.SOURCE, "daddr": What.DESTINATION}
DEVICES = {"iifname": What.IIF, "oifname": What.OIF}


@dataclass(frozen=True)
class Match:
    """It holds where the packet has one of the values, or has none of them if it is negated.

    Addresses are of one family, and those of the other are neither. Ports are spans.
    """

    what: What
    values: tuple[Any, ...]
    negated: bool = False
    version: int = 0

    def __call__(self, packet: Packet) -> bool:
        if self.version and packet.dst.version != self.version:
            return False
        return any(self._is(value, packet) for value in self.values) != self.negated

    def names(self, device: str) -> bool:
        """Whether it holds for a device of this name."""
        return any(fnmatchcase(device, name) for name in self.values) != self.negated

    def _is(self, value: Any, packet: Packet) -> bool:
        match self.what:
            case What.IIF | What.OIF:
                return fnmatchcase(packet.iif if self.what is What.IIF else packet.oif, value)
            case What.SOURCE | What.DESTINATION:
                address: IP = packet.src if self.what is What.SOURCE else packet.dst
                return address in value
            case What.PORT | What.SOURCE_PORT:
                port = packet.port if self.what is What.PORT else packet.sport
                return value[0] <= port <= value[1]
        said = {What.PROTOCOL: packet.protocol, What.STATE: packet.state}
        return value == said.get(self.what, PING)  # of ICMP, nothing else is asked about


def matches(word: str, tokens: Tokens, sets: Sets) -> list[Match]:
    """The conditions that begin with this word. Raises Unreadable."""
    match word:
        case "meta":
            return [_meta(tokens)]
        case "iifname" | "oifname":
            return [_device(word, tokens)]
        case "ct":
            tokens.read("state")
            return [Match(What.STATE, _states(tokens))]
        case "ip" | "ip6":
            return [_internet(word, tokens, sets)]
        case "icmp":
            tokens.read("type")
            return [Match(What.ICMP, tuple(elements(tokens)))]
        case "tcp" | "udp":
            side = tokens.read("dport", "sport")
            spans = tuple(ports(SERVICES.get(text, text)) for text in elements(tokens))
            what = What.PORT if side == "dport" else What.SOURCE_PORT
            return [Match(What.PROTOCOL, (word,)), Match(what, spans)]
    raise Unreadable(f"{word!r} is not known in a rule")


def _meta(tokens: Tokens) -> Match:
    word = tokens.read("l4proto", *DEVICES)
    if word in DEVICES:
        return _device(word, tokens)
    return Match(What.PROTOCOL, (PROTOCOLS[tokens.read(*PROTOCOLS)],))


def _internet(word: str, tokens: Tokens, sets: Sets) -> Match:
    version = VERSIONS[word]
    side = tokens.read("protocol", *SIDES) if version == 4 else tokens.read(*SIDES)
    if side == "protocol":
        return Match(What.PROTOCOL, (PROTOCOLS[tokens.read(*PROTOCOLS)],), version=version)
    return _address(SIDES[side], version, tokens, sets)


def _negated(tokens: Tokens) -> bool:
    return tokens.peek() in ("==", "!=") and tokens.read() == "!="


def _device(word: str, tokens: Tokens) -> Match:
    negated = _negated(tokens)
    return Match(DEVICES[word], tuple(unquoted(name) for name in elements(tokens)), negated)


def _states(tokens: Tokens) -> tuple[str, ...]:
    states = [tokens.read("new", "established", "related", "invalid")]
    while tokens.peek() == ",":
        tokens.read()
        states.append(tokens.read("new", "established", "related", "invalid"))
    return tuple(states)


def _address(side: What, version: int, tokens: Tokens, sets: Sets) -> Match:
    negated = _negated(tokens)
    if tokens.peek().startswith("@"):
        name = tokens.read()[1:]
        if name not in sets:
            raise Unreadable(f"there is no set {name} in its table")
        cidrs = list(sets[name])
    else:
        cidrs = [ip_network(text, strict=False) for text in elements(tokens)]
    if any(cidr.version != version for cidr in cidrs):
        raise Unreadable("an address of the other family")
    return Match(side, tuple(cidrs), negated, version)
