"""A broken rule as a value, and the words that its sentence needs. Pure."""

from collections.abc import Iterable
from typing import NamedTuple


class Violation(NamedTuple):
    """A broken rule: the field at fault, a stable code for programs, a sentence for people."""

    field: str
    code: str
    message: str


def counted(number: int, word: str) -> str:
    """`1 address`, `3 addresses`."""
    plural = word + ("es" if word.endswith(("s", "x")) else "s")
    return f"{number:,} {word if number == 1 else plural}"


def named(items: Iterable[str], limit: int = 5) -> str:
    """A readable, bounded list: the first few names and how many more."""
    names = sorted(items)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def with_article(kind: str) -> str:
    """`a private`, `an external`."""
    return ("an " if kind[0] in "aeiou" else "a ") + kind
