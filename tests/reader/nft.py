"""nftables.conf, read: what becomes of a packet in each of its hooks."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tests.reader import Unreadable

IP = IPv4Address | IPv6Address
_TOKEN = re.compile(r'"[^"\n]*"|[{},;]|!=|[^\s{},;"]+|\n')
PROTOCOLS = {"1": "icmp", "58": "icmpv6", "tcp": "tcp", "udp": "udp"}


@dataclass(frozen=True)
class Packet:
    """A packet on its way through the firewall, with what connection tracking knows of it."""

    src: IP
    dst: IP
    protocol: str = "tcp"
    port: int = 0
    iif: str = ""
    oif: str = ""
    state: str = "new"
    addressed: tuple[IP, int] | None = None  # before its destination was translated


Test = Callable[[Packet], bool]


@dataclass
class Rule:
    """Applies where all tests hold; then the verdict counts, if there is one."""

    tests: list[Test]
    verdict: str = ""
    argument: str = ""

    def applies(self, packet: Packet) -> bool:
        for test in self.tests:  # noqa: SIM110 - run a million times
            if not test(packet):
                return False
        return True


@dataclass
class Chain:
    hook: str = ""
    kind: str = ""
    policy: str = ""
    rules: list[Rule] = field(default_factory=list)


@dataclass
class Filter:
    """All chains, by table and name."""

    chains: dict[tuple[str, str], Chain]

    def __post_init__(self) -> None:
        self.based: dict[tuple[str, str], list[tuple[str, Chain]]] = {}
        for (table, _), chain in self.chains.items():
            self.based.setdefault((chain.hook, chain.kind), []).append((table, chain))

    def verdict(self, hook: str, packet: Packet) -> str:
        """accept or drop: a packet passes a hook where every filter chain of it lets it through."""
        base = self.based.get((hook, "filter"), [])
        return (
            "accept"
            if base and all(self._walk(table, chain, packet) == "accept" for table, chain in base)
            else "drop"
        )

    def _walk(self, table: str, chain: Chain, packet: Packet) -> str:
        for rule in chain.rules:
            if not rule.applies(packet):
                continue
            if rule.verdict in ("accept", "drop"):
                return rule.verdict
            if rule.verdict == "jump" and (
                ended := self._walk(table, self.chains[table, rule.argument], packet)
            ):
                return ended
        return chain.policy

    def delivered(self, packet: Packet, network: str) -> Packet:
        """The packet after its destination was translated, as it comes in from a network: by the SVI, then by the VRF device."""
        for device in (f"vlan{network}", f"vrf{network}"):
            if to := self._translation("prerouting", "dnat", replace(packet, iif=device)):
                address, port = _endpoint(to)
                return replace(packet, dst=address, port=port, addressed=(packet.dst, packet.port))
        return packet

    def source(self, packet: Packet) -> IP:
        """The packet's source as the other side sees it."""
        to = self._translation("postrouting", "snat", packet)
        return ip_address(to) if to else packet.src

    def _translation(self, hook: str, verb: str, packet: Packet) -> str:
        for _, chain in self.based.get((hook, "nat"), []):
            for rule in chain.rules:
                if rule.verdict == verb and rule.applies(packet):
                    return rule.argument
        return ""


def _endpoint(text: str) -> tuple[IP, int]:
    address, _, port = text.rpartition(":")
    return ip_address(address.strip("[]")), int(port)


def read(text: str) -> Filter:
    """Read a whole nftables.conf. Raises Unreadable."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    tokens = [token for line in lines for token in _tokens(line)]
    return Filter(dict(_tables(_Words(tokens))))


def _tokens(line: str) -> list[str]:
    found = _TOKEN.findall(line)
    if "".join(found) != re.sub(r"\s(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", line):
        raise Unreadable(line)
    return [*found, "\n"]


class _Words:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        word = self.peek()
        if expected and word not in expected:
            raise Unreadable(
                f"{word!r} where {' or '.join(expected)} was expected, after {self.tokens[max(0, self.at - 8) : self.at]}"
            )
        self.at += 1
        return word

    def skip(self) -> str:
        """The next word of this or a later line."""
        while self.peek() == "\n":
            self.at += 1
        return self.peek()


def _tables(words: _Words) -> Iterator[tuple[tuple[str, str], Chain]]:
    flushed: set[str] = set()
    while words.skip():
        verb = words.take("add", "delete", "table")
        if verb != "table":
            words.take("table"), words.take("inet")
            flushed |= {words.take()} if verb == "delete" else set(words.take()[:0])
            continue
        words.take("inet")
        table = words.take()
        if table not in flushed:
            raise Unreadable(f"table {table} is added to what is there already")
        words.take("{")
        while words.skip() != "}":
            words.take("chain")
            yield (table, words.take()), _chain(words)
        words.take("}")


def _chain(words: _Words) -> Chain:
    chain = Chain()
    words.take("{")
    while words.skip() != "}":
        if words.peek() == "type":
            words.take()
            chain.kind = words.take("filter", "nat")
            words.take("hook")
            chain.hook = words.take("input", "forward", "output", "prerouting", "postrouting")
            (
                words.take("priority"),
                words.take("filter", "srcnat", "dstnat"),
                words.take(";"),
                words.take("policy"),
            )
            chain.policy = words.take("accept", "drop")
            words.take(";")
        else:
            chain.rules.append(_rule(words))
    words.take("}")
    return chain


def _rule(words: _Words) -> Rule:
    rule = Rule([])
    if not words.peek():
        raise Unreadable("it ends within a chain")
    while words.peek() not in ("\n", ""):
        word = words.take()
        if not (_says_nothing(word, words) or _decides(rule, word, words)):
            rule.tests.append(_test(word, words))
    return rule


def _says_nothing(word: str, words: _Words) -> bool:
    """What changes nothing about the packet."""
    match word:
        case "counter":
            pass
        case "comment":
            _text(words.take())
        case "limit":
            words.take("rate"), words.take()
        case "log":
            words.take("prefix"), _text(words.take())
        case _:
            return False
    return True


def _decides(rule: Rule, word: str, words: _Words) -> bool:
    match word:
        case "accept" | "drop":
            rule.verdict = word
        case "jump":
            rule.verdict, rule.argument = word, words.take()
        case "snat" | "dnat":
            words.take("ip", "ip6"), words.take("to")
            rule.verdict, rule.argument = word, words.take()
        case _:
            return False
    return True


def _text(token: str) -> str:
    if not (token.startswith('"') and token.endswith('"') and len(token) > 1):
        raise Unreadable(f"{token} is no text in quotes")
    return token.strip('"')


def _test(word: str, words: _Words) -> Test:
    match word:
        case "iifname" | "oifname":
            return _device(word, words)
        case "meta":
            return _meta(words)
        case "ct":
            return _tracked(words)
        case "ip" | "ip6":
            return _address(word, words)
        case "tcp" | "udp":
            words.take("dport")
            ranges = [_range(text) for text in _set(words)]
            return lambda packet: (
                packet.protocol == word
                and any(first <= packet.port <= last for first, last in ranges)
            )
    raise Unreadable(f"{word!r} in a rule")


def _device(side: str, words: _Words) -> Test:
    negated = words.peek() == "!=" and bool(words.take())
    names = {_text(name) for name in _set(words)}
    if side == "iifname":
        return lambda packet: (packet.iif in names) != negated
    return lambda packet: (packet.oif in names) != negated


def _meta(words: _Words) -> Test:
    if words.take("nfproto", "l4proto") == "nfproto":
        version = {"ipv4": 4, "ipv6": 6}[words.take("ipv4", "ipv6")]
        return lambda packet: packet.dst.version == version
    protocol = PROTOCOLS[words.take(*PROTOCOLS)]
    return lambda packet: packet.protocol == protocol


def _tracked(words: _Words) -> Test:
    what = words.take("state", "status", "original")
    if what == "state":
        states = {words.take("new", "established", "related", "invalid")}
        while words.peek() == ",":
            words.take()
            states.add(words.take("new", "established", "related", "invalid"))
        return lambda packet: packet.state in states
    if what == "status":
        words.take("dnat")
        return lambda packet: packet.addressed is not None
    if words.take("ip", "ip6", "proto-dst") == "proto-dst":
        port = int(words.take())
        return lambda packet: (packet.addressed or (packet.dst, packet.port))[1] == port
    words.take("daddr")
    address = ip_address(words.take())
    return lambda packet: (packet.addressed or (packet.dst, packet.port))[0] == address


def _address(family: str, words: _Words) -> Test:
    version, side = 4 if family == "ip" else 6, words.take("saddr", "daddr")
    spans = [
        (int(net[0]), int(net[-1]))
        for net in map(ip_network, _set(words))
        if net.version == version or _wrong(net)
    ]

    def test(packet: Packet) -> bool:
        address = packet.src if side == "saddr" else packet.dst
        number = int(address)
        return address.version == version and any(first <= number <= last for first, last in spans)

    return test


def _wrong(net: object) -> bool:
    raise Unreadable(f"{net} in a set of the other family")


def _set(words: _Words) -> list[str]:
    if words.peek() != "{":
        return [words.take()]
    words.take("{")
    items = [words.take()]
    while words.peek() == ",":
        words.take()
        items.append(words.take())
    words.take("}")
    return items


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)
