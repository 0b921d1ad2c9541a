"""Whether VRF ids and AS numbers are all found again, counted here by sets (networks.pools)."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from config.checking.findings import Finding
from config.checking.loading import Stored
from machines.models import Machine
from networks.common.violations import named
from networks.models import Network

CURE = "SELECT networks_recount() notes them anew (R14)."


def differences(stored: Stored) -> Iterator[Finding]:
    """Numbers below the mark of their pool that are neither taken nor noted as vacated (R14)."""
    taken: dict[str, set[int | None]] = {
        "vrf": {network.vrf for network in stored.rows(Network)},
        "asn": {machine.asn for machine in stored.rows(Machine)},
    }
    vacated = _rows("SELECT pool, number FROM networks_vacated")
    for pool, first, low in _rows("SELECT pool, first, low FROM networks_numbers ORDER BY pool"):
        noted = {number for name, number in vacated if name == pool}
        if lost := set(range(first, low)) - taken[pool] - noted:
            numbers = named(map(str, sorted(lost)))
            yield Finding("numbers", pool, f"Nobody would get {numbers} any more; {CURE}")
        if stale := noted & taken[pool]:
            numbers = named(map(str, sorted(stale)))
            yield Finding("numbers", pool, f"{numbers} count as vacated, but are taken; {CURE}")


def _rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
