"""How large the large demo is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How many of each there are, over all partitions. Machines do not count the firewalls."""

    projects: int
    private: int
    shared: int
    firewalls: int
    machines: int
    addresses: int


WHOLE = Size(
    projects=400, private=1900, shared=300, firewalls=2000, machines=10_000, addresses=100_000
)
FEWEST = 12  # of everything: with fewer, some cases would not occur


def sized(factor: float) -> Size:
    """The whole size times the factor."""
    numbers = {}
    for name, number in vars(WHOLE).items():
        numbers[name] = max(FEWEST, round(number * factor))
    return Size(**numbers)
