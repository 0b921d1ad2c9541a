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
MOST_JOINED = 4
WITHOUT_INTERNET_EVERY, BROUGHT_EVERY, ALMOST_FULL_EVERY = 11, 9, 29


@dataclass
class Fleet:
    """The rows."""

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
        self.give(machine, home, brought=number % BROUGHT_EVERY == 0)
        return machine

    def give(self, machine: Machine, network: Network, *, brought: bool = False) -> None:
        """An address per family (R10)."""
        for prefix in self.world.prefixes[network.pk]:
            kind = Address.Kind.STATIC if brought else Address.Kind.EPHEMERAL
            assert self.take(prefix, machine.project, kind, machine=machine), (
                f"{network.pk} is too small"
            )

    def take(self, prefix: Prefix, project: Project, kind: str, **fields: Any) -> bool:
        ip = self.world.take(prefix)
        if ip is not None:
            self.addresses.append(
                Address(address=ip, prefix=prefix, project=project, kind=kind, **fields)
            )
        return ip is not None

    def join(self, firewall: Firewall, network: Network, *, brought: bool = False) -> None:
        self.attachments.append(
            Attachment(firewall=firewall, network=network, created_at=firewall.machine.created_at)
        )
        self.give(firewall.machine, network, brought=brought)


def make_up(world: World, size: Size) -> Fleet:
    """Firewalls in front of most networks, machines in all of them, and what projects have reserved."""
    shared = world.private(shared=True)
    fleet = Fleet(
        world,
        {
            plot.partition.pk: [one for one in shared if one.partition_id == plot.partition.pk]
            for plot in world.plots
        },
    )
    for number, home in enumerate(_guarded(world, size)):
        _firewall(fleet, number, home)
    homes = cycle(_unevenly(world))
    for number in range(size.machines):
        home = next(homes)
        role = names.ROLES[number % len(names.ROLES)]
        labels = {
            "size": names.SIZES[number % len(names.SIZES)],
            "image": names.IMAGES[number % len(names.IMAGES)],
        }
        fleet.machine(f"{role}-{number:05d}-{home.pk}", home, labels)
    _reserve(fleet, size)
    return fleet


def _guarded(world: World, size: Size) -> Sequence[Network]:
    """The networks that get a firewall of their own: nearly all private ones, and every other shared one; some get two."""
    private, shared = world.private(shared=False), world.private(shared=True)
    chosen = [*private[: round(len(private) * 0.95)], *shared[::2]]
    return [*chosen, *chosen][: size.firewalls]


def _unevenly(world: World) -> list[Network]:
    """Every private network, the larger ones several times."""
    homes = [*world.private(shared=False), *world.private(shared=True)]
    return [home for home in homes for _ in range(world.random.choice([1, 1, 2, 3, 5]))]


def _firewall(fleet: Fleet, number: int, home: Network) -> None:
    world, plot = fleet.world, fleet.world.plot(home)
    name = f"{home.pk}-fw" + ("-2" if (home.pk in fleet.guarded) else "")
    fleet.guarded.add(home.pk)
    machine = fleet.machine(
        name, home, {"size": names.SIZES[0], "image": "firewall-ubuntu-3.0.20260101"}
    )
    firewall = Firewall(
        machine=machine, practice=True, host=practice.HOST, user=practice.user(name)
    )
    fleet.firewalls.append(firewall)
    fleet.join(firewall, plot.fabric)
    services = [one for one in fleet.services[home.partition_id] if one.pk != home.pk]
    for network in world.random.sample(
        services, min(len(services), world.random.randint(0, MOST_JOINED))
    ):
        fleet.join(firewall, network, brought=number % BROUGHT_EVERY == 0)
    if number % WITHOUT_INTERNET_EVERY:
        fleet.join(firewall, plot.internet)
    for line in plot.partners:
        if line.project_id == machine.project_id:
            fleet.join(firewall, line)
    fleet.rules += _rules(firewall)


def _rules(firewall: Firewall) -> Iterator[Rule]:
    partner = firewall.machine.partition.management_prefixes
    for position, (ports, comment) in enumerate(
        [(["443"], "packages and images"), (["53", "123"], "names and time")], 1
    ):
        yield Rule(
            firewall=firewall,
            direction="egress",
            position=position,
            protocol="tcp",
            ports=ports,
            comment=comment,
        )
    yield Rule(
        firewall=firewall,
        direction="ingress",
        position=1,
        protocol="tcp",
        ports=["443"],
        sources=partner,
        comment="the office",
    )


def _reserve(fleet: Fleet, size: Size) -> None:
    """Addresses of load balancers and the like: on no machine, but taken; some shared networks are nearly full of them."""
    world = fleet.world
    private = [home for home in world.networks if home.kind == Network.Kind.PRIVATE]
    crowded = world.private(shared=True)[::ALMOST_FULL_EVERY]
    wishes = [(home, capacity(world.prefixes[home.pk][0].cidr) * 9 // 10) for home in crowded]
    for home, wanted in chain(wishes, ((home, 40) for home in cycle(private))):
        prefix = world.prefixes[home.pk][0]
        for _ in range(min(wanted, 900)):
            if len(fleet.addresses) >= size.addresses:
                return
            owner = world.random.choice(world.projects) if home.shared else home.project
            assert owner is not None
            kind = world.random.choice([Address.Kind.STATIC, Address.Kind.EPHEMERAL])
            if not fleet.take(prefix, owner, kind, name=f"lb-{len(fleet.addresses)}"):
                break
