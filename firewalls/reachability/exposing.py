"""What firewalls announce into networks that have no business to know it."""

from collections.abc import Iterable, Iterator

from firewalls.configuration.routes.leaks import Leak
from firewalls.reachability.audits import Exposure
from firewalls.reachability.values import PRIVATE, Guard, Network, Partition
from networks.common.addressing import Cidr, contains


def exposures(partition: Partition) -> Iterator[Exposure]:
    """By firewall and network: imported without no-export, so that the whole fabric learns of it.

    A network's own machines must find what their firewall leads to; and what is outside, the
    public addresses that are used behind it. Nothing else is anybody's to know (RFC 1997, MEP-5):
    what is private behind the firewall least of all, though others may have the same prefix.
    """
    for guard in sorted(partition.guards, key=lambda one: one.name):
        for network, vrf in sorted(guard.vrfs.items()):
            for leak in vrf.leaks:
                if not leak.no_export:
                    yield from _exposed(partition, guard, network, leak)


def _exposed(partition: Partition, guard: Guard, network: str, leak: Leak) -> Iterator[Exposure]:
    here, source = partition.networks[network], partition.networks[guard.networks[leak.source]]
    own = network == guard.network
    proper = (*here.prefixes, *(source.prefixes if own else ()))
    proper += source.destination_prefixes if own else ()
    hidden = source.prefixes if source.kind == PRIVATE and not own else ()
    for entry in leak.entries:
        if entry.permitted and (_in(hidden, entry.prefix) or not _in(proper, entry.prefix)):
            owner = _owner(partition, source, entry.prefix)
            yield Exposure(guard.id, guard.name, network, entry.prefix, owner)


def _in(prefixes: Iterable[Cidr], prefix: Cidr) -> bool:
    return any(contains(outer, prefix) for outer in prefixes)


def _owner(partition: Partition, source: Network, prefix: Cidr) -> str:
    """The one that it comes from, where that has it; a default route is no network's own."""
    if prefix.prefixlen == 0:
        return ""
    if any(prefix.overlaps(one) for one in source.prefixes):
        return source.id
    return next((network.id for _, network in partition.places.within(prefix)), "")
