"""What firewalls announce into networks that have no business to know it."""

from collections.abc import Iterator

from firewalls.configuration.routes.leaks import Leak
from firewalls.reachability.audits import Exposure
from firewalls.reachability.values import Guard, Partition
from networks.common.addressing import Cidr, contains


def exposures(partition: Partition) -> Iterator[Exposure]:
    """By firewall and network: imported without no-export, so that the whole fabric learns of it.

    A network's own machines must find what their firewall leads to; and what is outside, the
    public addresses that are used behind it. Nothing else is anybody's to know (RFC 1997, MEP-5).
    """
    for guard in sorted(partition.guards, key=lambda one: one.name):
        for network, vrf in sorted(guard.vrfs.items()):
            for leak in vrf.leaks:
                if not leak.no_export:
                    yield from _exposed(partition, guard, network, leak)


def _exposed(partition: Partition, guard: Guard, network: str, leak: Leak) -> Iterator[Exposure]:
    here, source = partition.networks[network], partition.networks[guard.networks[leak.source]]
    proper = [*here.prefixes]
    if network == guard.network:
        proper += [*source.prefixes, *source.destination_prefixes]
    for entry in leak.entries:
        if entry.permitted and not any(contains(outer, entry.prefix) for outer in proper):
            owner = _owner(partition, entry.prefix)
            yield Exposure(guard.id, guard.name, network, entry.prefix, owner)


def _owner(partition: Partition, prefix: Cidr) -> str:
    return next((network.id for _, network in partition.places.within(prefix)), "")
