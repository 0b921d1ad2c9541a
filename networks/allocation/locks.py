"""What an allocation locks: networks first, then prefixes, each in the order of their ids.

Everybody keeps this one order, so that nobody waits for each other in a circle.
"""

from collections.abc import Collection, Iterable

from django.db import connection

from networks.common.statements import Statement
from networks.common.validation import refuse
from networks.common.violations import Violation, named
from networks.models import Network, Prefix

# By hand, for the ORM knows no FOR SHARE: whoever allocates in a network does not wait for others
# who do so, only for those who share, grow or remove it.
_LOCK_NETWORKS = """
SELECT id, shared, project_id FROM networks_network WHERE id = ANY(%s) ORDER BY id FOR SHARE
"""
_LOCKED_PREFIXES = Statement(Prefix, "WHERE network_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE")


def lock_networks(networks: Iterable[Network]) -> None:
    """Keep these networks from being removed, shared or grown until this transaction ends.

    What may have changed since they were read is brought up to date. Raises ValidationError on
    `networks` if one was removed.
    """
    rows = {network.pk: network for network in networks}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_NETWORKS, [list(rows)])
        locked = {id: (shared, project) for id, shared, project in cursor.fetchall()}
    gone = rows.keys() - locked.keys()
    if gone:
        refuse(Violation("networks", "gone", f"{named(gone)} was removed meanwhile."))
    for id, network in rows.items():
        network.shared, network.project_id = locked[id]


def lock_prefixes(networks: Collection[str]) -> list[Prefix]:
    """The prefixes of these networks in order of address, locked.

    Others who allocate in them or release there wait until this transaction ends.
    """
    locked = _LOCKED_PREFIXES.rows(list(networks))
    return sorted(locked, key=lambda prefix: (prefix.cidr.version, prefix.cidr))
