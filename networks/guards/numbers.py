"""VRF ids and AS numbers: whoever takes one or gives it up notes that (see networks.pools).

The number of a removed row is vacated until somebody takes it again; so is one that a firewall may
have and nobody ever took. It is noted in the same transaction, so of every number below the mark of
its pool it is true at all times that it is taken or vacated.
"""

import pgtrigger

from networks.common.triggers import lines

_VACATE = "INSERT INTO networks_vacated VALUES ('{pool}', {number}) ON CONFLICT DO NOTHING;"
_OCCUPY = "DELETE FROM networks_vacated WHERE pool = '{pool}' AND number = {number};"


def numbered(pool: str) -> list[pgtrigger.Trigger]:
    """Note what becomes of the numbers in the column of this name."""
    vacate = _VACATE.format(pool=pool, number=f"OLD.{pool}")
    occupy = _OCCUPY.format(pool=pool, number=f"NEW.{pool}")
    is_another = pgtrigger.Q(**{f"old__{pool}__df": pgtrigger.F(f"new__{pool}")})
    unless_none = f"IF OLD.{pool} IS NOT NULL THEN {vacate} END IF;"
    return [
        _after(f"takes_its_{pool}", pgtrigger.Insert, occupy),
        _after(f"vacates_its_{pool}", pgtrigger.Delete, unless_none),
        _after(f"changes_its_{pool}", pgtrigger.Update, vacate, occupy, condition=is_another),
        recounted(f"{pool}s_after_truncate"),
    ]


def _after(
    name: str,
    operation: pgtrigger.Operation,
    *statements: str,
    condition: pgtrigger.Condition | None = None,
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=condition,
        func=lines(*statements, "RETURN NULL;"),
    )


def recounted(name: str) -> pgtrigger.Trigger:
    """Begin anew when a whole table was emptied."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Truncate,
        func="PERFORM networks_recount(); RETURN NULL;",
    )


CARRIED_NUMBER = [
    _after(
        f"vacates_its_{pool}",
        pgtrigger.Insert,
        _VACATE.format(pool=pool, number=f"NEW.{pool}"),
        condition=pgtrigger.Q(**{f"new__{pool}__isnull": False, "new__left_at__isnull": False}),
    )
    for pool in ("vrf", "asn")
]
CARRIED_NUMBER.append(recounted("numbers_after_truncate"))
