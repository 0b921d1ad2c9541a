"""The large demo's machines and firewalls, what they join, and their addresses."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle
from typing import Any

from config.demo.large import names
from config.demo.large.places import World
from config.demo.large.sizes import Size
from firewalls.device import practice
from firewalls.models import Attachment, Firewall, Rule
from machines.models import Machine
from networks.common.addressing import capacity
from networks.models import Address, Network, Prefix, Project

FIRST_ASN = 4_210_020_000  # RFC 6996
_NAMESPACE = uuid.UUID("5a4e6a5e-0c3b-5d0c-9c55-0a1b9a5d7c11")
MOST_JOINED, MOST_RESERVED = 4, 900  # by one firewall, in one network
WITHOUT_INTERNET_EVERY, BROUGHT_EVERY, ALMOST_FULL_EVERY = 11, 9, 29


@dataclass
class Fleet:
    """The rows made up so far."""

    world: World
    services: dict[str | None, list[Network]]  # the shared networks by partition
    machines: list[Machine] = field(default_factory=list)
    firewalls: list[Firewall] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    guarded: set[str] = field(default_factory=set)

    def machine(self, name: str, home: Network, labels: dict[str, str]) -> Machine:
        number = len(self.machines)
        machine = Machine(
            id=uuid.uuid5(_NAMESPACE, str(number)),
            name=name[:63].rstrip("-"),
            partition=home.partition,
            project=home.project,
            primary=home,
            asn=FIRST_ASN + number,
            labels=labels,
            created_at=self.world.ago(self.world.random.uniform(1, 800)),
        )
        self.machines.append(machine)
        self.assign_addresses(machine, home, brought=number % BROUGHT_EVERY == 0)
        return machine

    def assign_addresses(
        self, machine: Machine, network: Network, *, brought: bool = False
    ) -> None:
        """An address per family (R10)."""
        kind = Address.Kind.STATIC if brought else Address.Kind.EPHEMERAL
        for prefix in self.world.prefixes[network.pk]:
            has_room = self.add_address(prefix, machine.project, kind, machine=machine)
            assert has_room, f"{network.pk} is too small"

    def add_address(self, prefix: Prefix, project: Project, kind: str, **fields: Any) -> bool:
        """False if the prefix is full."""
        ip = self.world.next_address(prefix)
        if ip is None:
            return False
        address = Address(address=ip, prefix=prefix, project=project, kind=kind, **fields)
        self.addresses.append(address)
        return True

    def join(self, firewall: Firewall, network: Network, *, brought: bool = False) -> None:
        self.attachments.append(
            Attachment(firewall=firewall, network=network, created_at=firewall.machine.created_at)
        )
        self.assign_addresses(firewall.machine, network, brought=brought)


def make_up(world: World, size: Size) -> Fleet:
    """Firewalls in front of most networks, machines in all, and what projects have reserved."""
    services: dict[str | None, list[Network]] = {}
    for network in world.private(shared=True):
        services.setdefault(network.partition_id, []).append(network)
    fleet = Fleet(world, services)
    for number, home in enumerate(_guarded(world, size)):
        _firewall(fleet, number, home)
    homes = cycle(_homes(world))
    for number in range(size.machines):
        _machine(fleet, number, next(homes))
    _reserve(fleet, size)
    return fleet


def _machine(fleet: Fleet, number: int, home: Network) -> None:
    role = names.ROLES[number % len(names.ROLES)]
    labels = {
        "size": names.SIZES[number % len(names.SIZES)],
        "image": names.IMAGES[number % len(names.IMAGES)],
    }
    fleet.machine(f"{role}-{number:05d}-{home.pk}", home, labels)


def _guarded(world: World, size: Size) -> Sequence[Network]:
    """A network per firewall: nearly all private ones and every other shared one, some twice."""
    private, shared = world.private(shared=False), world.private(shared=True)
    chosen = [*private[: round(len(private) * 0.95)], *shared[::2]]
    return [*chosen, *chosen][: size.firewalls]


def _homes(world: World) -> list[Network]:
    """Every private network, some of them several times, for they have more machines."""
    homes = []
    for network in [*world.private(shared=False), *world.private(shared=True)]:
        homes += [network] * world.random.choice([1, 1, 2, 3, 5])
    return homes


def _firewall(fleet: Fleet, number: int, home: Network) -> None:
    world = fleet.world
    plot = world.plot(home)
    is_second = home.pk in fleet.guarded
    fleet.guarded.add(home.pk)
    name = f"{home.pk}-fw-2" if is_second else f"{home.pk}-fw"
    labels = {"size": names.SIZES[0], "image": "firewall-ubuntu-3.0.20260101"}
    machine = fleet.machine(name, home, labels)
    firewall = Firewall(
        machine=machine, practice=True, host=practice.HOST, user=practice.user(name)
    )
    fleet.firewalls.append(firewall)
    fleet.join(firewall, plot.fabric)
    services = [one for one in fleet.services.get(home.partition_id, []) if one.pk != home.pk]
    wished = min(len(services), world.random.randint(0, MOST_JOINED))
    for network in world.random.sample(services, wished):
        fleet.join(firewall, network, brought=number % BROUGHT_EVERY == 0)
    if number % WITHOUT_INTERNET_EVERY:
        fleet.join(firewall, plot.internet)
    for line in plot.partners:
        if line.project_id == machine.project_id:
            fleet.join(firewall, line)
    fleet.rules += _rules(firewall)


def _rules(firewall: Firewall) -> Iterator[Rule]:
    common: dict[str, Any] = {"firewall": firewall, "protocol": "tcp"}
    egress = common | {"direction": "egress"}
    yield Rule(position=1, ports=["443"], comment="packages and images", **egress)
    yield Rule(position=2, ports=["53", "123"], comment="names and time", **egress)
    office = firewall.machine.partition.management_prefixes
    ingress = common | {"direction": "ingress", "sources": office}
    yield Rule(position=1, ports=["443"], comment="the office", **ingress)


def _reserve(fleet: Fleet, size: Size) -> None:
    """Addresses of load balancers and the like, on no machine, until there are enough addresses.

    Some shared networks are nearly full of them.
    """
    world = fleet.world
    private = [home for home in world.networks if home.kind == Network.Kind.PRIVATE]
    crowded = world.private(shared=True)[::ALMOST_FULL_EVERY]
    nearly_all = [(home, capacity(world.prefixes[home.pk][0].cidr) * 9 // 10) for home in crowded]
    for home, number in chain(nearly_all, ((home, 40) for home in cycle(private))):
        for _ in range(min(number, MOST_RESERVED)):
            if len(fleet.addresses) >= size.addresses:
                return
            if not _reserve_one(fleet, home):
                break


def _reserve_one(fleet: Fleet, home: Network) -> bool:
    """False if the network's first prefix is full."""
    random = fleet.world.random
    owner = random.choice(fleet.world.projects) if home.shared else home.project
    assert owner is not None  # a private network has one
    kind = random.choice([Address.Kind.STATIC, Address.Kind.EPHEMERAL])
    prefix = fleet.world.prefixes[home.pk][0]
    return fleet.add_address(prefix, owner, kind, name=f"lb-{len(fleet.addresses)}")
