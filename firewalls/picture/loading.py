"""What a picture shows, read from the database: as many queries for one firewall as for 500."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from firewalls.models import Attachment, Firewall, FirewallQuerySet
from firewalls.picture.values import Consumer, Guard, Join, Service, Uses
from machines.models import Machine
from networks.models import Address, Network, NetworkQuerySet, Partition, Prefix
from networks.usage import usage

Families = frozenset[int]  # the address families of a network
Prefixes = dict[str, list[str]]  # by network, in order of address
Addresses = dict[tuple[str, str], list[str]]  # by firewall and network
_NONE: Families = frozenset()
_FIREWALL = ("pk", "machine__name", "state", "machine__primary", "machine__project")


class _Row(NamedTuple):
    """A firewall, as it is read."""

    key: str
    name: str
    state: str
    network: str
    project: str
    tenant: str


class _Joined(NamedTuple):
    """What firewalls have joined, by firewall."""

    shared: dict[str, list[str]]
    external: dict[str, list[str]]


def uses(partition: Partition) -> Uses:
    """All firewalls of the partition with what they have joined, and its shared networks."""
    rows = _firewalls(Firewall.objects.filter(machine__partition=partition))
    networks = Network.objects.filter(partition=partition)
    return _uses(rows, _joined(rows), _addresses(rows), networks)


def around(among: FirewallQuerySet) -> Uses:
    """These firewalls alone, with the networks that they live in or have joined."""
    rows = _firewalls(among)
    joined = _joined(rows)
    names = {row.network for row in rows}
    names |= {name for names_of_one in joined.shared.values() for name in names_of_one}
    return _uses(rows, joined, _addresses(rows), Network.objects.filter(pk__in=names))


def _uses(
    rows: list[_Row], joined: _Joined, addresses: Addresses, networks: NetworkQuerySet
) -> Uses:
    prefixes, machines = _prefixes(networks), _machines(networks)
    families = {network: _families(cidrs) for network, cidrs in prefixes.items()}

    def join(row: _Row, network: str) -> Join:
        own = tuple(addresses.get((row.key, network), ()))
        meets = families.get(row.network, _NONE) & families.get(network, _NONE)
        return Join(network, own, bool(meets))

    firewalls = tuple(
        Consumer(
            *row,
            machines=machines.get(row.network, 0),
            joins=tuple(join(row, network) for network in joined.shared[row.key]),
            outside=tuple(joined.external[row.key]),
        )
        for row in rows
    )
    return Uses(firewalls, tuple(_services(networks.shared(), firewalls, machines, prefixes)))


def _firewalls(chosen: FirewallQuerySet) -> list[_Row]:
    rows = chosen.with_state().order_by("machine__name", "pk")
    fields = rows.values_list(*_FIREWALL, "machine__project__tenant")
    return [_Row(str(key), *rest) for key, *rest in fields]


def _joined(firewalls: Iterable[_Row]) -> _Joined:
    wanted, keys = (
        (Network.Kind.PRIVATE, Network.Kind.EXTERNAL),
        [UUID(row.key) for row in firewalls],
    )
    rows = Attachment.objects.filter(firewall__in=keys, network__kind__in=wanted)
    rows = rows.order_by("network")
    joined = _Joined(defaultdict(list), defaultdict(list))
    for firewall, network, kind in rows.values_list("firewall", "network", "network__kind"):
        of_kind = joined.shared if kind == Network.Kind.PRIVATE else joined.external
        of_kind[str(firewall)].append(network)
    return joined


def _machines(networks: NetworkQuerySet) -> dict[str, int]:
    """How many machines live in each network."""
    rows = Machine.objects.plain().filter(primary__in=networks).order_by()
    return dict(rows.values_list("primary").annotate(Count("id")))


def _prefixes(networks: NetworkQuerySet) -> Prefixes:
    """Those of the private networks, in order of address."""
    rows = Prefix.objects.filter(network__in=networks, network__kind=Network.Kind.PRIVATE)
    prefixes: Prefixes = defaultdict(list)
    for network, cidr in rows.order_by("cidr").values_list("network", "cidr"):
        prefixes[network].append(str(cidr))
    return prefixes


def _families(cidrs: Iterable[str]) -> Families:
    return frozenset(6 if ":" in cidr else 4 for cidr in cidrs)


def _addresses(firewalls: Iterable[_Row]) -> Addresses:
    """Those of firewalls in shared networks, by firewall and network.

    By keys: through the tables of firewalls and machines, PostgreSQL looks at all addresses.
    """
    keys = [UUID(row.key) for row in firewalls]
    rows = Address.objects.filter(machine__in=keys, prefix__network__shared=True)
    addresses: dict[tuple[str, str], list[str]] = defaultdict(list)
    fields = rows.order_by("address").values_list("machine", "prefix__network", "address")
    for machine, network, address in fields:
        addresses[str(machine), network].append(str(address))
    return addresses


def _services(
    shared: NetworkQuerySet,
    firewalls: Iterable[Consumer],
    machines: dict[str, int],
    prefixes: Prefixes,
) -> Iterable[Service]:
    networks = list(shared.select_related("project").order_by("id"))
    used = usage(networks)
    guards: dict[str, list[Guard]] = defaultdict(list)
    for one in firewalls:
        guards[one.network].append(Guard(one.key, one.name, one.state, one.outside))
    for network in networks:
        assert network.project is not None  # a private network has one
        ipv4 = used[network.pk].get("4", {"used": 0, "kept_back": 0, "available": 0})
        yield Service(
            key=network.pk,
            project=network.project.pk,
            tenant=network.project.tenant,
            prefixes=tuple(prefixes[network.pk]),
            vrf=network.vrf,
            machines=machines.get(network.pk, 0),
            guards=tuple(guards[network.pk]),
            used=ipv4["used"] + ipv4["kept_back"],
            available=ipv4["available"],
        )
