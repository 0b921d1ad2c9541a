"""How far flows go: boxes of sources, destinations and ports, and what of them is new."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

NOTHING = (0, 0)  # where there are no ports, or no addresses


class Box(NamedTuple):
    """Numbers of addresses and ports, each from the first to the last, both among them."""

    sources: tuple[int, int]
    destinations: tuple[int, int]
    ports: tuple[int, int]


def beyond(boxes: Iterable[Box], known: Iterable[Box]) -> list[Box]:
    """What of the boxes lies in none of those that are known."""
    left = list(boxes)
    for one in known:
        left = [piece for box in left for piece in _without(box, one)]
    return left


def _without(box: Box, other: Box) -> Iterator[Box]:
    """The box but for what it has in common with the other, in pieces: side by side, by axis."""
    if any(b[1] < o[0] or o[1] < b[0] for b, o in zip(box, other, strict=True)):
        yield box
        return
    rest = list(box)
    for axis, (first, last) in enumerate(other):
        begins, ends = rest[axis]
        if begins < first:
            yield Box(*(*rest[:axis], (begins, first - 1), *rest[axis + 1 :]))
        if last < ends:
            yield Box(*(*rest[:axis], (last + 1, ends), *rest[axis + 1 :]))
        rest[axis] = (max(begins, first), min(ends, last))
