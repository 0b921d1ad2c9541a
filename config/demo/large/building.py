"""Building the large demo: made up in memory, written in one transaction."""

from datetime import datetime
from random import Random

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config.demo.large import machines, places
from config.demo.large.configurations import configure, make_missing_folders
from config.demo.large.copying import copy, numbered
from config.demo.large.machines import Fleet
from config.demo.large.places import MARK, World
from config.demo.large.sizes import Size, sized
from firewalls.device import practice
from networks.common.audit import operation
from networks.models import Network, Partition

SEED = 5


def is_there() -> bool:
    return Partition.objects.filter(description=MARK).exists()


def build(factor: float = 1.0) -> Fleet:
    """All of it or nothing; then the practice firewalls' folders."""
    now = timezone.now()
    with operation("the large demo was built"), transaction.atomic():
        fleet = written(Random(SEED), now, sized(factor))
        configure(fleet.firewalls, now)
        _forget_changes()
    make_missing_folders()
    return fleet


def written(random: Random, now: datetime, size: Size) -> Fleet:
    """Networks, machines and firewalls, without a configuration."""
    world = places.make_up(random, now, size)
    _write_places(world)
    fleet = machines.make_up(world, size)
    _write_machines(fleet)
    return fleet


def _write_places(world: World) -> None:
    copy([plot.partition for plot in world.plots])
    copy(world.projects)
    private = [one for one in world.networks if one.kind == Network.Kind.PRIVATE]
    others = [one for one in world.networks if one.kind != Network.Kind.PRIVATE]
    for networks in (others, private):  # which are carved from super networks
        copy(networks)
        copy(numbered([prefix for network in networks for prefix in world.prefixes[network.pk]]))


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


def _forget_changes() -> None:
    """What is wanted of the firewalls was written here; reconcile need not look at it once more."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM firewalls_touched WHERE xmin = pg_current_xact_id()::xid")
