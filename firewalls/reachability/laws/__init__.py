"""Laws that stay true: who may reach whom, who always must, and the flows that break it."""

from firewalls.reachability.laws.extents import Box, beyond
from firewalls.reachability.laws.judging import broken, broken_between, pairs_from, pairs_into
from firewalls.reachability.laws.values import Breach, Key, Kind, Law

__all__ = [
    "Box",
    "Breach",
    "Key",
    "Kind",
    "Law",
    "beyond",
    "broken",
    "broken_between",
    "pairs_from",
    "pairs_into",
]
