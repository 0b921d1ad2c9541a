"""Whether VRF ids and AS numbers are all found again, counted here by sets (networks.pools)."""

from collections.abc import Iterator

from django.db import connection

from config.checking.findings import Finding
from config.checking.loading import Stored
from machines.models import Machine
from networks.common.violations import named
from networks.models import Network

CURE = "SELECT networks_recount() notes them anew (R14)."
_NOTED = """
SELECT pool, first, low, ARRAY(SELECT number FROM networks_vacated WHERE pool = numbers.pool)
FROM networks_numbers AS numbers ORDER BY pool
"""


def differences(stored: Stored) -> Iterator[Finding]:
    """Numbers below the mark of their pool that are neither taken nor noted as vacated (R14)."""
    taken: dict[str, set[int | None]] = {
        "vrf": {network.vrf for network in stored.rows(Network)},
        "asn": {machine.asn for machine in stored.rows(Machine)},
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTED)
        rows = cursor.fetchall()
    for pool, first, low, vacated in rows:
        noted = set(vacated)
        if lost := set(range(first, low)) - taken[pool] - noted:
            numbers = named(map(str, sorted(lost)))
            yield Finding("numbers", pool, f"Nobody would get {numbers} any more; {CURE}")
        if stale := noted & taken[pool]:
            numbers = named(map(str, sorted(stale)))
            yield Finding("numbers", pool, f"{numbers} count as vacated, but are taken; {CURE}")
