"""Reads nftables.conf: what becomes of a packet in each of its hooks."""

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
    sport: int = 0
    direction: str = "original"
    marked: bool = True  # by a rule that still lets its connection in
    shown: IP | None = None  # whom the other side hears, if not the source

    def reply(self) -> "Packet":
        """What comes back, after its translation was taken back."""
        return replace(
            self,
            src=self.dst,
            dst=self.src,
            port=self.sport,
            sport=self.port,
            direction="reply",
            shown=self.shown or self.src,
        )


Condition = Callable[[Packet], bool]


@dataclass
class Rule:
    """Applies where all conditions are met; then the verdict counts, if there is one.

    The argument of a verdict is the chain to jump to, or the address to translate to.
    """

    conditions: list[Condition]
    verdict: str = ""
    argument: str = ""
    mark: str = ""

    def applies(self, packet: Packet) -> bool:
        # Asked a million times: with all() and its generator, reading back takes a third longer.
        for condition in self.conditions:
            if not condition(packet):
                break
        else:
            return True
        return False


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
        self.base_chains: dict[tuple[str, str], list[tuple[str, Chain]]] = {}
        for (table, _), chain in self.chains.items():
            self.base_chains.setdefault((chain.hook, chain.kind), []).append((table, chain))

    def verdict(self, hook: str, packet: Packet) -> str:
        """accept or drop: a packet passes a hook where every filter chain of it lets it through."""
        chains = self.base_chains.get((hook, "filter"), [])
        if not chains:
            return "drop"
        verdicts = {self._walk(table, chain, packet) for table, chain in chains}
        return "accept" if verdicts == {"accept"} else "drop"

    def _walk(self, table: str, chain: Chain, packet: Packet) -> str:
        """The verdict of a chain; empty where one without a policy comes to none."""
        for rule in chain.rules:
            if not rule.applies(packet):
                continue
            if rule.verdict in ("accept", "drop"):
                return rule.verdict
            if rule.verdict in ("jump", "goto"):
                verdict = self._walk(table, self.chains[table, rule.argument], packet)
                if verdict or rule.verdict == "goto":
                    return verdict or chain.policy
        return chain.policy

    def tracked(self, hook: str, packet: Packet) -> bool:
        """Whether the kernel keeps a connection for it."""
        chains = self.base_chains.get((hook, "filter"), [])
        rules = [rule for _, chain in chains for rule in chain.rules if rule.verdict == "notrack"]
        return not any(rule.applies(packet) for rule in rules)

    def delivered(self, packet: Packet, network: str) -> Packet:
        """The packet from a network after its destination was translated.

        It comes in by the SVI first, then by the VRF device.
        """
        for device in (f"bridge{network}", f"vrf{network}"):
            translation = self._translation("prerouting", "dnat", replace(packet, iif=device))
            if translation:
                address, port = _address_and_port(translation)
                return replace(packet, dst=address, port=port, addressed=(packet.dst, packet.port))
        return packet

    def source(self, packet: Packet) -> IP:
        """The packet's source as the other side sees it."""
        translation = self._translation("postrouting", "snat", packet)
        return ip_address(translation) if translation else packet.src

    def _translation(self, hook: str, verb: str, packet: Packet) -> str:
        for _, chain in self.base_chains.get((hook, "nat"), []):
            for rule in chain.rules:
                if rule.verdict == verb and rule.applies(packet):
                    return rule.argument
        return ""


def _address_and_port(text: str) -> tuple[IP, int]:
    address, _, port = text.rpartition(":")
    return ip_address(address.strip("[]")), int(port)


def read(text: str) -> Filter:
    """Read a whole nftables.conf. Raises Unreadable."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    tokens = Tokens([token for line in lines for token in split(line)])
    return Filter(dict(_tables(tokens)))


def split(line: str) -> list[str]:
    """The tokens of a line, and its end."""
    tokens = _TOKEN.findall(line)
    if "".join(tokens) != re.sub(r"\s(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", line):
        raise Unreadable(line)
    return [*tokens, "\n"]


class Tokens:
    """What is still to be read."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self, further: int = 0) -> str:
        position = self.position + further
        return self.tokens[position] if position < len(self.tokens) else ""

    def read(self, *expected: str) -> str:
        """The next token, which must be one of those expected, if any are."""
        token = self.peek()
        if expected and token not in expected:
            before = self.tokens[max(0, self.position - 8) : self.position]
            alternatives = " or ".join(expected)
            raise Unreadable(f"{token!r} where {alternatives} was expected, after {before}")
        self.position += 1
        return token

    def read_all(self, *expected: str) -> None:
        """Exactly these tokens, one after the other."""
        for token in expected:
            self.read(token)

    def skip_lines(self) -> str:
        """The next token of this or a later line, which stays to be read."""
        while self.peek() == "\n":
            self.position += 1
        return self.peek()


def _tables(tokens: Tokens) -> Iterator[tuple[tuple[str, str], Chain]]:
    """The chains by table and name. A table must be deleted before it is written anew."""
    deleted: set[str] = set()
    while tokens.skip_lines():
        verb = tokens.read("add", "delete", "table")
        if verb != "table":
            tokens.read_all("table", "inet")
            table = tokens.read()
            if verb == "delete":
                deleted.add(table)
            continue
        tokens.read("inet")
        table = tokens.read()
        if table not in deleted:
            raise Unreadable(f"table {table} is added to what is there already")
        tokens.read("{")
        yield from (((table, name), chain) for name, chain in _chains(tokens).items())


def _chains(tokens: Tokens) -> dict[str, Chain]:
    """Those of one table, by name. The marks that they give are those that its set has."""
    marks: set[str] = set()
    chains: dict[str, Chain] = {}
    while tokens.skip_lines() != "}":
        if tokens.read("chain", "set") == "set":
            marks |= _marks(tokens)
        else:
            name = tokens.read()
            chains[name] = _chain(tokens)
    tokens.read("}")
    used = {rule.mark for chain in chains.values() for rule in chain.rules if rule.mark}
    if used != marks:
        raise Unreadable(f"the marks {used ^ marks} are either set or current, not both")
    return chains


def _marks(tokens: Tokens) -> set[str]:
    """Those of the set of current marks."""
    tokens.read("current")
    tokens.read("{")
    tokens.skip_lines()
    tokens.read_all("type", "mark")
    marks = set()
    if tokens.skip_lines() == "elements":
        tokens.read_all("elements", "=", "{")
        while tokens.skip_lines() != "}":
            marks.add(tokens.read())
            tokens.read(",")
        tokens.read("}")
        tokens.skip_lines()
    tokens.read("}")
    return marks


def _chain(tokens: Tokens) -> Chain:
    chain = Chain()
    tokens.read("{")
    while tokens.skip_lines() != "}":
        if tokens.peek() == "type":
            _read_hook(chain, tokens)
        else:
            chain.rules.append(_rule(tokens))
    tokens.read("}")
    return chain


def _read_hook(chain: Chain, tokens: Tokens) -> None:
    """Where a base chain is called, and what becomes of what none of its rules decides."""
    tokens.read("type")
    chain.kind = tokens.read("filter", "nat")
    tokens.read("hook")
    chain.hook = tokens.read("input", "forward", "output", "prerouting", "postrouting")
    tokens.read("priority")
    tokens.read("filter", "srcnat", "dstnat", "raw")
    tokens.read_all(";", "policy")
    chain.policy = tokens.read("accept", "drop")
    tokens.read(";")


def _rule(tokens: Tokens) -> Rule:
    rule = Rule([])
    if not tokens.peek():
        raise Unreadable("it ends within a chain")
    while tokens.peek() not in ("\n", ""):
        word = tokens.read()
        if word == "ct" and tokens.peek() == "mark" and tokens.peek(1) == "set":
            tokens.read_all("mark", "set")
            rule.mark = tokens.read()
        elif not (_changes_nothing(word, tokens) or _decides(rule, word, tokens)):
            rule.conditions.append(_condition(word, tokens))
    return rule


def _changes_nothing(word: str, tokens: Tokens) -> bool:
    """Reads what changes nothing about the packet."""
    match word:
        case "counter":
            pass
        case "comment":
            unquoted(tokens.read())
        case "limit":
            tokens.read("rate")
            tokens.read()
        case "log":
            tokens.read("prefix")
            unquoted(tokens.read())
        case _:
            return False
    return True


def _decides(rule: Rule, word: str, tokens: Tokens) -> bool:
    """Reads what becomes of the packet."""
    match word:
        case "accept" | "drop" | "notrack":
            rule.verdict = word
        case "jump" | "goto":
            rule.verdict = word
            rule.argument = tokens.read()
        case "snat" | "dnat":
            tokens.read("ip", "ip6")
            tokens.read("to")
            rule.verdict = word
            rule.argument = tokens.read()
        case _:
            return False
    return True


def unquoted(token: str) -> str:
    if not (token.startswith('"') and token.endswith('"') and len(token) > 1):
        raise Unreadable(f"{token} is no text in quotes")
    return token.strip('"')


def _condition(word: str, tokens: Tokens) -> Condition:
    match word:
        case "iifname" | "oifname":
            return _device(word, tokens)
        case "meta":
            return _meta(tokens)
        case "ct":
            return _tracked(tokens)
        case "ip" | "ip6":
            return _address(word, tokens)
        case "tcp" | "udp":
            return _port(word, tokens)
    raise Unreadable(f"{word!r} in a rule")


def _port(protocol: str, tokens: Tokens) -> Condition:
    side = tokens.read("dport", "sport")
    ranges = [ports(text) for text in elements(tokens)]

    def condition(packet: Packet) -> bool:
        port = packet.port if side == "dport" else packet.sport
        return packet.protocol == protocol and any(first <= port <= last for first, last in ranges)

    return condition


def ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _device(side: str, tokens: Tokens) -> Condition:
    negated = tokens.peek() == "!="
    if negated:
        tokens.read("!=")
    names = {unquoted(name) for name in elements(tokens)}
    if side == "iifname":
        return lambda packet: (packet.iif in names) != negated
    return lambda packet: (packet.oif in names) != negated


def _meta(tokens: Tokens) -> Condition:
    if tokens.read("nfproto", "l4proto") == "nfproto":
        version = {"ipv4": 4, "ipv6": 6}[tokens.read("ipv4", "ipv6")]
        return lambda packet: packet.dst.version == version
    protocol = PROTOCOLS[tokens.read(*PROTOCOLS)]
    return lambda packet: packet.protocol == protocol


def _tracked(tokens: Tokens) -> Condition:
    """What connection tracking knows of the packet."""
    match tokens.read("state", "status", "mark", "direction", "original", "reply"):
        case "state":
            states = _states(tokens)
            return lambda packet: packet.state in states
        case "status":
            tokens.read("dnat")
            return lambda packet: packet.addressed is not None
        case "mark":
            tokens.read("@current")
            return lambda packet: packet.marked
        case "direction":
            direction = tokens.read("original", "reply")
            return lambda packet: packet.direction == direction
        case "reply":
            return _shown(tokens)
        case _:
            return _original(tokens)


def _shown(tokens: Tokens) -> Condition:
    """Whom the other side hears is not this one."""
    tokens.read("ip", "ip6")
    tokens.read_all("daddr", "!=")
    address = ip_address(tokens.read())
    return lambda packet: (packet.shown or packet.src) != address


def _states(tokens: Tokens) -> set[str]:
    known = ("new", "established", "related", "invalid")
    states = {tokens.read(*known)}
    while tokens.peek() == ",":
        tokens.read(",")
        states.add(tokens.read(*known))
    return states


def _original(tokens: Tokens) -> Condition:
    """What the packet's connection was addressed to before its destination was translated."""
    if tokens.read("ip", "ip6", "proto-dst") == "proto-dst":
        port = int(tokens.read())
        return lambda packet: _addressed(packet)[1] == port
    tokens.read("daddr")
    address = ip_address(tokens.read())
    return lambda packet: _addressed(packet)[0] == address


def _addressed(packet: Packet) -> tuple[IP, int]:
    if packet.addressed:
        return packet.addressed
    if packet.direction == "reply":
        return packet.src, packet.sport
    return packet.dst, packet.port


def _address(family: str, tokens: Tokens) -> Condition:
    version = 4 if family == "ip" else 6
    side = tokens.read("saddr", "daddr")
    negated = tokens.peek() == "!="
    if negated:
        tokens.read("!=")
    nets = list(map(ip_network, elements(tokens)))
    for net in nets:
        if net.version != version:
            raise Unreadable(f"{net} in a set of the other family")
    spans = [(int(net[0]), int(net[-1])) for net in nets]

    def condition(packet: Packet) -> bool:
        address = packet.src if side == "saddr" else packet.dst
        if address.version != version:
            return False
        number = int(address)
        return any(first <= number <= last for first, last in spans) != negated

    return condition


def elements(tokens: Tokens) -> list[str]:
    """A set, or the one element that stands for one."""
    if tokens.peek() != "{":
        return [tokens.read()]
    tokens.read("{")
    found = [tokens.read()]
    while tokens.peek() == ",":
        tokens.read(",")
        found.append(tokens.read())
    tokens.read("}")
    return found
