"""Numbers that stay when others come: VLAN ids, and sequence numbers of prefix lists."""

from collections.abc import Iterable

VLANS = range(2, 4095)  # IEEE 802.1Q, without the bridge's default


def vlans(vrfs: Iterable[int]) -> dict[int, int]:
    """A VLAN id of the firewall's bridge for each VRF, by the VRF's number.

    It is that number itself, or where that is no VLAN id, the next free one from its remainder on.
    """
    numbers = set(vrfs)
    ids = {number: number for number in numbers if number in VLANS}
    taken = set(ids)
    for number in sorted(numbers - taken):
        ids[number] = claim(VLANS, number, taken)
    return ids


def claim(places: range, preferred: int, taken: set[int]) -> int:
    """The preferred place (its remainder), or the next free one; it is added to those taken.

    Raises ValueError where all are taken.
    """
    for step in range(len(places)):
        place = places[(preferred + step) % len(places)]
        if place not in taken:
            taken.add(place)
            return place
    raise ValueError(f"None of the {len(places)} numbers from {places.start} on is free.")
