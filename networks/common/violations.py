"""A broken rule as a value, and the words that its sentence needs. Pure."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

MOST_EXAMPLES = 5  # of many things that a sentence names
LONGEST_QUOTED = 60  # characters of what was sent


class Violation(NamedTuple):
    """A broken rule: the field at fault, a stable code for programs, a sentence for people."""

    field: str
    code: str
    message: str


def counted(number: int, word: str) -> str:
    """`1 address`, `3 addresses`."""
    plural = word + ("es" if word.endswith(("s", "x")) else "s")
    return f"{number:,} {word if number == 1 else plural}"


def named(items: Iterable[str], limit: int = MOST_EXAMPLES) -> str:
    """A readable, bounded list: the first few names and how many more."""
    names = sorted(items)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def some(first: Iterable[str], total: int) -> str:
    """The first few of many, as they come, and how many more there are."""
    names = [*first]
    more = f" and {total - len(names):,} more" if total > len(names) else ""
    return ", ".join(names) + more


def with_article(kind: str) -> str:
    """`a private`, `an external`."""
    return ("an " if kind[0] in "aeiou" else "a ") + kind


def no_such(kind: str, word: str, known: Mapping[str, str]) -> str:
    """Why a word is refused, with the nearest known one, and all there are.

    `known`: by each spelling that somebody might try, the word that is right.
    """
    quoted = repr(word[:LONGEST_QUOTED])
    words = ", ".join(sorted(set(known.values())))
    if not words:
        return f"There is no {kind} {quoted} here, and no other."
    meant = nearest(word, known)
    if meant is None:
        return f"There is no {kind} {quoted} here; there are {words}."
    return f"There is no {kind} {quoted} here; did you mean {meant}? There are {words}."


def nearest(word: str, known: Mapping[str, str]) -> str | None:
    """The known word that was probably meant, whatever its case, dashes or a slip of the hand."""
    folded = {_folded(spelling): right for spelling, right in known.items()}
    if len(word) > LONGEST_QUOTED:
        return None
    close = get_close_matches(_folded(word), folded, n=1)
    return folded[close[0]] if close else None


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")
