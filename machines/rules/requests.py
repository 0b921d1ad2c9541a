"""The networks that an allocation asks for (R4, R8, R9)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from networks.common.addressing import Cidr
from networks.common.violations import Violation, named, with_article
from networks.rules import PRIVATE, SUPER, UNDERLAY, Net


class Wanted(NamedTuple):
    """One network of an order, as the rules see it.

    auto: its addresses are picked; primary: it is marked as the one to live in.
    """

    net: Net
    prefixes: Sequence[Cidr]
    auto: bool = True
    primary: bool = False


def valid_request(wanted: Sequence[Wanted], field: str = "networks") -> Iterator[Violation]:
    """R8, R9: the networks are distinct, none is a pool or underlay, and one is private."""
    yield from distinct(wanted, field)
    for want in wanted:
        yield from not_explicit(want.net, field)
    yield from one_private(wanted, field)


def not_explicit(net: Net, field: str) -> Iterator[Violation]:
    """R8: super networks and underlays are never requested."""
    if net.kind in (SUPER, UNDERLAY):
        yield Violation(
            field,
            "not_explicit",
            f"{net.id} is {with_article(net.kind)} network, which is never given explicitly (R8).",
        )


def distinct(wanted: Sequence[Wanted], field: str) -> Iterator[Violation]:
    """R9: each network is named once."""
    ids = [want.net.id for want in wanted]
    repeated = {id for id in ids if ids.count(id) > 1}
    if repeated:
        yield Violation(
            field,
            "not_distinct",
            f"{named(repeated)} is given more than once; name each network once (R9).",
        )


def one_private(wanted: Sequence[Wanted], field: str) -> Iterator[Violation]:
    """R9: what is allocated needs a network to live in."""
    if not any(want.net.kind == PRIVATE for want in wanted):
        yield Violation(
            field,
            "no_private",
            "One of the networks is private; add the network it shall live in (R9).",
        )


def one_network(wanted: Sequence[Wanted]) -> Iterator[Violation]:
    """R4: a machine lives in exactly one network."""
    if len(wanted) > 1:
        networks = named(want.net.id for want in wanted)
        yield Violation(
            "networks",
            "several_networks",
            f"A machine lives in exactly one network, not in {networks} (R4).",
        )
