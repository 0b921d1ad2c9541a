"""Sequence numbers that stay when others come."""


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
