"""Building the large demo: made up in memory, written in one transaction."""

from datetime import datetime
from random import Random

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config.demo.large import folders, machines, networks
from config.demo.large.configurations import configure
from config.demo.large.copying import copy, with_ids
from config.demo.large.fleet import Fleet
from config.demo.large.networks import MARK
from config.demo.large.sizes import Size, sized
from config.demo.large.world import World
from firewalls.device import practice
from networks.common.audit import operation
from networks.models import Network, Partition, Prefix

SEED = 5
# The rows that this transaction wrote.
_CLEAR_TOUCHED = "DELETE FROM firewalls_touched WHERE xmin = pg_current_xact_id()::xid"


def is_there() -> bool:
    return Partition.objects.filter(description=MARK).exists()


def build(factor: float = 1.0) -> Fleet:
    """Write all of it or nothing, then make the practice firewalls' folders."""
    now = timezone.now()
    with operation("the large demo was built"), transaction.atomic():
        fleet = write_fleet(Random(SEED), now, sized(factor))
        configure(fleet.firewalls, now)
        _clear_touched()
    folders.make_missing()
    return fleet


def write_fleet(random: Random, now: datetime, size: Size) -> Fleet:
    """Write networks, machines and firewalls, without a configuration."""
    world = networks.make_up(random, now, size)
    _write_world(world)
    fleet = machines.make_up(world, size)
    _write_machines(fleet)
    return fleet


def _write_world(world: World) -> None:
    copy([place.partition for place in world.places])
    copy(world.projects)
    private = [network for network in world.networks if network.kind == Network.Kind.PRIVATE]
    others = [network for network in world.networks if network.kind != Network.Kind.PRIVATE]
    _write_networks(world, others)  # among them the super networks, from which private ones are cut
    _write_networks(world, private)


def _write_networks(world: World, rows: list[Network]) -> None:
    prefixes: list[Prefix] = []
    for network in rows:
        prefixes += world.prefixes[network.pk]
    copy(rows)
    copy(with_ids(prefixes))


def _write_machines(fleet: Fleet) -> None:
    port = practice.port(settings.PRACTICE)
    key = practice.host_key(settings.PRACTICE)
    for firewall in fleet.firewalls:
        firewall.port = port
        firewall.host_key = key
    copy(fleet.machines)
    copy(fleet.firewalls)
    copy(fleet.attachments)
    copy(fleet.rules)
    copy(fleet.addresses)


def _clear_touched() -> None:
    """Spare reconcile these changes: what is wanted of the firewalls was written down here."""
    with connection.cursor() as cursor:
        cursor.execute(_CLEAR_TOUCHED)
