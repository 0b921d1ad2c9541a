"""The large demo's partitions, projects and networks with their prefixes, made up."""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

from config.demo.large import names
from config.demo.large.sizes import Size
from config.demo.large.world import CHILD_LENGTHS, Place, World, pool_cidrs
from config.demo.world import MANAGEMENT
from networks.common.addressing import Cidr
from networks.models import Network, Partition, Project

MARK = "Part of the large demo."
FIRST_VRF = 10_000
EXTERNAL_VRF = 104_200
PARTNER_VRF = 104_300
PARTNERS = 2  # lines to partners in each partition
DUAL_STACK_EVERY = 3
IPV6_ONLY_EVERY = 97
CUSTOMERS_EVERY = 4  # of the networks that share a service, one in so many is a customer's
DEFAULT_ROUTES = [ip_network("0.0.0.0/0"), ip_network("::/0")]
_BENCHMARK = int(ip_address("198.18.0.0"))  # RFC 2544


def make_up(random: Random, now: datetime, size: Size) -> World:
    """Everything that machines and firewalls are put into."""
    world = World(random, now)
    for id, tenant in names.projects(size.projects):
        name = id.replace("-", " ").title()
        world.projects.append(Project(id=id, name=name, tenant=tenant, description=""))
    for number, (id, name) in enumerate(names.PARTITIONS.items()):
        world.places.append(_add_place(world, number, _partition(id, name)))
    for number in range(size.private):
        _add_private(world, number)
    for number in range(size.shared):
        _add_shared(world, number)
    return world


def _partition(id: str, name: str) -> Partition:
    return Partition(
        id=id,
        name=name,
        description=MARK,
        management_prefixes=MANAGEMENT,
        ntp_servers=[f"ntp1.{id}.example.net"],
        dns_servers=[ip_address("192.0.2.53")],
    )


def _add_place(world: World, number: int, partition: Partition) -> Place:
    """The partition's own networks; what is carved from its super network comes later."""
    pool = world.add(_super_network(partition), *pool_cidrs(number).values())
    underlay = world.add(_underlay(partition), ip_network(f"10.{240 + number}.0.0/16"))
    internet = world.add(_internet(partition, number), *_internet_cidrs(number))
    partners = list(_add_partners(world, number, partition))
    return Place(partition, number, pool, underlay, internet, partners)


def _super_network(partition: Partition) -> Network:
    return Network(
        id=f"super-{partition.pk}",
        name=f"super {partition.pk}",
        kind=Network.Kind.SUPER,
        partition=partition,
        default_child_prefix_length=CHILD_LENGTHS,
    )


def _underlay(partition: Partition) -> Network:
    return Network(
        id=f"underlay-{partition.pk}",
        name=f"underlay {partition.pk}",
        kind=Network.Kind.UNDERLAY,
        partition=partition,
    )


def _internet(partition: Partition, number: int) -> Network:
    return Network(
        id=f"internet-{partition.pk}",
        name=f"internet {partition.pk}",
        kind=Network.Kind.EXTERNAL,
        partition=partition,
        vrf=EXTERNAL_VRF + number,
        nat=True,
        destination_prefixes=DEFAULT_ROUTES,
    )


def _internet_cidrs(number: int) -> list[Cidr]:
    """Prefixes that belong to nobody (RFC 2544 and RFC 3849)."""
    return [
        ip_network((_BENCHMARK + number * 2**15, 17)),
        ip_network(f"2001:db8:{2000 + number}::/64"),
    ]


def _add_partners(world: World, number: int, partition: Partition) -> Iterator[Network]:
    """Lines to partners that serve one project each (R7)."""
    for line in range(PARTNERS):
        index = number * PARTNERS + line
        owner = world.projects[-1 - index % len(world.projects)]
        network = Network(
            id=f"partner-{owner.pk}-{partition.pk}",
            name=f"partner line of {owner.pk}",
            kind=Network.Kind.EXTERNAL,
            partition=partition,
            project=owner,
            vrf=PARTNER_VRF + index,
            nat=True,
            destination_prefixes=[ip_network(f"100.127.{index}.0/24")],
        )
        yield world.add(network, ip_network(f"100.126.{index}.0/24"))


def _add_private(world: World, number: int) -> None:
    """A network of one project, in the partition that has most networks of the project."""
    turn, index = divmod(number, len(world.projects))
    owner = world.projects[index]
    place = world.places[(index + turn // 2) % len(world.places)]
    repeated, stage_index = divmod(turn, len(names.STAGES))
    stage = names.STAGES[stage_index]
    suffix = f"-{repeated + 1}" if repeated else ""
    _carve(
        world,
        place,
        number,
        id=f"{owner.pk}-{stage}{suffix}",
        name=f"{owner.name} {stage}{suffix}",
        project=owner,
        labels={"stage": stage},
    )


def _add_shared(world: World, number: int) -> None:
    """A network in which a service is shared."""
    services = list(names.SERVICES)
    round_, place_index = divmod(number, len(world.places))
    place = world.places[place_index]
    service = services[round_ % len(services)]
    index = round_ // len(services) + 1
    _carve(
        world,
        place,
        number,
        id=f"{service}-{place.partition.pk}-{index}",
        name=f"{names.SERVICES[service]} {index} {place.partition.pk}",
        project=_owner_of_service(world, service, index),
        shared=True,
        shared_at=world.ago(world.random.uniform(5, 900)),
        shared_by="admin",
        shared_reason=names.REASONS[number % len(names.REASONS)],
        labels={"service": service},
    )


def _owner_of_service(world: World, service: str, index: int) -> Project:
    """Mostly the platform's; some are a customer's, shared when others had come to need them."""
    if index % CUSTOMERS_EVERY == 0:
        return world.random.choice(world.projects)
    owners = [project for project in world.projects if project.tenant == names.PLATFORM]
    of_service = [project for project in owners if project.pk.endswith(f"-{service}")]
    return [*of_service, *owners][0]


def _carve(world: World, place: Place, number: int, **fields: Any) -> None:
    """Add a private network with the next prefixes of the place's super network."""
    network = Network(
        kind=Network.Kind.PRIVATE,
        partition=place.partition,
        parent=place.pool,
        vrf=FIRST_VRF + sum(one.carved for one in world.places),
        **fields,
    )
    world.add(network, *(place.next_cidr(version) for version in _versions(number)))
    place.carved += 1


def _versions(number: int) -> list[int]:
    """The IP versions of the network with this number."""
    if number % IPV6_ONLY_EVERY == IPV6_ONLY_EVERY - 1:
        return [6]
    if number % DUAL_STACK_EVERY == 0:
        return [4, 6]
    return [4]
