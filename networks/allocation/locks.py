"""What an allocation locks: networks first, then prefixes (see networks.common.locking)."""

from collections.abc import Collection, Iterable

from networks.common.locking import Strength, lock
from networks.common.validation import refuse
from networks.common.violations import Violation, named
from networks.models import Network, Prefix


def lock_networks(networks: Iterable[Network]) -> None:
    """Keep these networks from being removed, shared or grown until this transaction ends.

    Whoever allocates in a network does not wait for others who do so, only for those who share,
    grow or remove it. What may have changed since they were read is brought up to date. Raises
    ValidationError on `networks` if one was removed.
    """
    rows = {network.pk: network for network in networks}
    locked = {row.pk: row for row in lock(Network, rows, strength=Strength.SHARE)}
    gone = rows.keys() - locked.keys()
    if gone:
        refuse(Violation("networks", "gone", f"{named(gone)} was removed meanwhile."))
    for id, network in rows.items():
        network.shared, network.project_id = locked[id].shared, locked[id].project_id


def lock_prefixes(networks: Collection[str]) -> list[Prefix]:
    """The prefixes of these networks in order of address, locked.

    Others who allocate in them or release there wait until this transaction ends.
    """
    locked = lock(Prefix, networks, by="network")
    return sorted(locked, key=lambda prefix: (prefix.cidr.version, prefix.cidr))
