"""The statements of an nftables file, one a line, each with the table and block that it is in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.reader.metal_stack.account import Account

_TABLE = re.compile(r"table inet (\w+) \{")
_BLOCK = re.compile(r"(chain|set) (\w+) \{")
_COUNTER = re.compile(r"counter \w+ \{ *\}")
CHAIN, SET = "chain", "set"


@dataclass(frozen=True)
class Statement:
    """A line within a chain or a set, without the room around it, and whose account it is in."""

    account: Account
    number: int
    text: str
    table: str
    kind: str
    name: str

    def not_read(self, why: str) -> None:
        self.account.not_read(self.number, self.text, why)

    def not_judged(self, why: str) -> None:
        self.account.not_judged(self.number, self.text, why)


def statements(text: str, account: Account) -> Iterator[Statement]:
    """Those of all chains and sets; a line that is in none, and begins none, is in the account."""
    table, block = "", ("", "")
    for number, line in account.lines(text):
        statement = line.strip()
        if statement == "}" and table:
            table, block = (table, ("", "")) if block[0] else ("", block)
        elif found := _TABLE.fullmatch(statement) if not table else None:
            table = found[1]
        elif found := _BLOCK.fullmatch(statement) if table and not block[0] else None:
            block = found[1], found[2]
        elif block[0]:
            yield Statement(account, number, statement, table, *block)
        elif not (table and _COUNTER.fullmatch(statement)):
            account.not_read(number, line)
