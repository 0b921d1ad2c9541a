"""Chains of others that drop what we accept: a packet passes only if every base chain lets it.

A chain with the policy `drop` may drop anything, so it is told as long as it is there. One that
drops by rule only (what bans addresses does) is told if it was not there when we applied.
"""

from __future__ import annotations

from .. import rules
from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "rules of others in the kernel"
HOOKS = ("forward", "input")
JUMPS = ("jump", "goto")
POLICY = "drops what it does not accept"
RULE = "drops or rejects by rule"
DROPPING = ("drop", "drop;", "reject", "reject;", "REJECT", "DROP", "xt_REJECT", "xt_DROP")


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    known = wanted.others.splitlines()
    return [
        differences.surplus(line, f"{line}, perhaps also what we accept")
        for line in told(seen.rules(), rules.tables(wanted.rule_set))
        if line.endswith(POLICY) or line not in known
    ]


def told(every: dict[str, str], ours: list[str]) -> list[str]:
    """A line for each chain of another's table where packets end that come in or through."""
    lines = []
    for table, text in sorted(every.items()):
        if table not in ours:
            lines += [f"table {table}, chain {chain}" for chain in _dropping(text)]
    return lines


def _dropping(text: str) -> Iterator[str]:
    chains = dict(_chains(text))
    by_rule = {name for name, lines in chains.items() if any(map(_drops, lines))}
    for name, lines in chains.items():
        hook = next((line.split() for line in lines if line.startswith("type ")), [])
        where = [word for word in HOOKS if word in hook]
        if where and "policy drop;" in " ".join(hook):
            yield f"{name} (hook {where[0]}): {POLICY}"
        elif where and by_rule & _reached(name, chains):
            yield f"{name} (hook {where[0]}): {RULE}"


def _chains(text: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of each chain of a table."""
    name, lines = "", list[str]()
    for line in map(str.strip, text.splitlines()):
        if line.startswith("chain "):
            name, lines = line.split()[1], []
        elif line == "}" and name:
            yield name, lines
            name = ""
        elif name:
            lines.append(line)


def _drops(line: str) -> bool:
    plain = line.partition(" comment ")[0]
    return not line.startswith("type ") and any(word in DROPPING for word in plain.split())


def _reached(name: str, chains: dict[str, list[str]]) -> set[str]:
    """The chains that a packet may come to from this one."""
    reached, ahead = set[str](), [name]
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            words = " ".join(chains.get(here, [])).replace(",", " ").replace("}", " ").split()
            ahead += [words[at + 1] for at, word in enumerate(words[:-1]) if word in JUMPS]
    return reached
