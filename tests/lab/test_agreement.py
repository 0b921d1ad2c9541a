"""The product's answers about the partition as it stands, for every pair of its hosts."""

from tests.lab.agreement import agreement
from tests.lab.running import Lab


def test_what_the_product_says_of_every_pair_is_what_packets_do(lab: Lab) -> None:
    found = agreement(lab)
    lab.clock.took(f"every pair ({dict(found.verdicts)})")
    assert found.lines == []
    # None is ambiguous or unknown here, so every single answer was tried.
    assert found.verdicts.keys() == {"reachable", "unreachable"}
