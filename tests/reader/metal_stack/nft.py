"""Reads nftables files as metal-networker and firewall-controller write them, together."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

from networks.common.addressing import Cidr
from tests.reader import Unreadable, nft
from tests.reader.metal_stack.account import Account
from tests.reader.metal_stack.blocks import CHAIN, SET, Statement, statements
from tests.reader.metal_stack.matching import Match, Sets, matches
from tests.reader.nft import Tokens, elements, split, unquoted

PRIORITIES = {"raw": -300}
_HOOK = re.compile(r"type (filter|nat) hook (\w+) priority (-?\w+); policy (accept|drop);")
_OF_A_SET = re.compile(r"type ipv[46]_addr|flags interval|auto-merge")
Place = tuple[str, str]  # table and name


@dataclass
class Rule(nft.Rule):
    """A rule, and the line that it is. `over`: it applies to what exceeds a rate alone."""

    line: Statement = field(kw_only=True)
    comment: str = ""
    over: bool = False

    @property
    def matches(self) -> list[Match]:
        """Its conditions, for what they name."""
        return [one for one in self.conditions if isinstance(one, Match)]


@dataclass
class Chain(nft.Chain):
    """The lower its priority, the earlier it is called."""

    priority: int = 0

    @property
    def read(self) -> list[Rule]:
        """Its rules, each with the line that it was read from."""
        return [rule for rule in self.rules if isinstance(rule, Rule)]


@dataclass
class Rules(nft.Filter):
    """All chains, those that are called earlier first."""

    def called(self, hook: str, kind: str) -> list[Chain]:
        """The base chains of a hook."""
        chains = [chain for _, chain in self.base_chains.get((hook, kind), [])]
        return [chain for chain in chains if isinstance(chain, Chain)]

    def refuses(self, rule: Rule) -> bool:
        """Whether it drops, or jumps to where everything is dropped."""
        chains = (chain for (_, name), chain in self.chains.items() if name == rule.argument)
        verdicts = {one.verdict for chain in chains for one in chain.rules} - {""}
        return rule.verdict == "drop" or (rule.verdict == "jump" and verdicts == {"drop"})


def read(texts: Iterable[tuple[str, Account]]) -> Rules:
    """Read whole files, each into its account, as if they had been loaded one after the other."""
    lines = [line for text, account in texts for line in statements(text, account)]
    sets: dict[str, dict[str, list[Cidr]]] = {}
    for line in lines:
        if line.kind == SET:
            _read_set(line, sets.setdefault(line.table, {}).setdefault(line.name, []))
    chains: dict[Place, Chain] = {}
    for line in lines:
        if line.kind == CHAIN:
            _read_chain(line, chains.setdefault((line.table, line.name), Chain()), sets)
    for (table, _), chain in chains.items():
        _drop_astray(table, chain, chains)
    places = sorted(chains, key=lambda place: chains[place].priority)
    return Rules({place: chains[place] for place in places})


def _read_set(line: Statement, cidrs: list[Cidr]) -> None:
    if _OF_A_SET.fullmatch(line.text):
        return
    try:
        tokens = Tokens(split(line.text))
        tokens.read_all("elements", "=")
        cidrs += [ip_network(text, strict=False) for text in elements(tokens)]
        tokens.read("\n")
    except ValueError as error:
        line.not_read(str(error))


def _read_chain(line: Statement, chain: Chain, sets: Mapping[str, Sets]) -> None:
    try:
        if hook := _HOOK.fullmatch(line.text):
            chain.kind, chain.hook, priority, chain.policy = hook.groups()
            chain.priority = PRIORITIES.get(priority) or int(priority)
        else:
            chain.rules.append(_rule(line, sets.get(line.table, {})))
    except ValueError as error:
        line.not_read(str(error))


def _drop_astray(table: str, chain: Chain, chains: Mapping[Place, Chain]) -> None:
    """Take out, and name, what jumps to where nothing is."""
    for rule in chain.read:
        if rule.verdict == "jump" and (table, rule.argument) not in chains:
            rule.line.not_read("it jumps to a chain that is not there")
            chain.rules.remove(rule)


def _rule(line: Statement, sets: Sets) -> Rule:
    rule, tokens = Rule([], line=line), Tokens(split(line.text)[:-1])
    while tokens.peek():
        word = tokens.read()
        if not (_changes_nothing(rule, word, tokens) or _decides(rule, word, tokens)):
            rule.conditions += matches(word, tokens, sets)
    if rule.over:  # an ordinary packet exceeds no rate
        return replace(rule, verdict="")
    return rule


def _changes_nothing(rule: Rule, word: str, tokens: Tokens) -> bool:
    """Reads what changes nothing about the packet."""
    match word:
        case "counter":
            if tokens.peek() == "name":
                tokens.read_all("name", tokens.peek(1))
        case "comment":
            rule.comment = unquoted(tokens.read())
        case "log":
            tokens.read("prefix")
            unquoted(tokens.read())
        case "limit":
            _read_limit(rule, tokens)
        case "ct" if tokens.peek() == "zone":
            tokens.read_all("zone", "set")
            int(tokens.read())
        case _:
            return False
    return True


def _read_limit(rule: Rule, tokens: Tokens) -> None:
    tokens.read("rate")
    if tokens.peek() == "over":
        tokens.read()
        rule.over = True
    amount = tokens.read()
    if tokens.peek() == "mbytes/second":
        amount += tokens.read()
    if not re.fullmatch(r"\d+(/second|/minute|mbytes/second)", amount):
        raise Unreadable(f"{amount} is no rate")
    if tokens.peek() == "burst":
        tokens.read_all("burst", tokens.peek(1), "packets")


def _decides(rule: Rule, word: str, tokens: Tokens) -> bool:
    """Reads what becomes of the packet; the argument of a translation is its addresses."""
    match word:
        case "accept" | "drop":
            rule.verdict = word
        case "jump":
            rule.verdict, rule.argument = word, tokens.read()
        case "masquerade":
            rule.verdict = word
        case "snat" | "dnat":
            rule.verdict, rule.argument = word, " ".join(_addresses(tokens))
        case "random" if rule.verdict in ("masquerade", "snat"):
            pass
        case _:
            return False
    return True


def _addresses(tokens: Tokens) -> list[str]:
    """One, or several of which a hash of the packet picks one."""
    if tokens.peek() in ("ip", "ip6"):
        tokens.read()
    if tokens.peek() == "to":
        tokens.read()
    if tokens.peek() != "jhash":
        return [str(ip_address(tokens.read()))]
    tokens.read_all("jhash", "ip", "daddr", ".", "tcp", "sport", "mod")
    int(tokens.read())
    tokens.read_all("map", "{")
    found: list[str] = []
    while tokens.peek() and (not found or tokens.read(",", "}") == ","):
        tokens.read_all(tokens.peek(), ":")
        found.append(str(ip_address(tokens.read())))
    return found
