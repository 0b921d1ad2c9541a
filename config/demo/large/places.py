"""The large demo's partitions, projects, networks and prefixes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

from config.demo.large import names
from config.demo.large.sizes import Size
from config.demo.world import MANAGEMENT
from networks.common.addressing import IP, Cidr, capacity, first_usable
from networks.models import Network, Partition, Prefix, Project

MARK = "Part of the large demo."
FIRST_VRF, EXTERNAL_VRF, PARTNER_VRF = 10_000, 104_200, 104_300
DUAL_STACK_EVERY, IPV6_ONLY_EVERY = 3, 97
CUSTOMERS_EVERY = 4  # of the networks shared for one service
PARTNERS = 2  # of each partition
CHILD_LENGTHS = {"4": 22, "6": 64}
_BENCHMARK = int(ip_address("198.18.0.0"))
DEFAULT_ROUTES = [ip_network("0.0.0.0/0"), ip_network("::/0")]


@dataclass
class Plot:
    """A partition with the address space that it deals out."""

    partition: Partition
    number: int
    pool: Network
    fabric: Network
    internet: Network
    partners: list[Network]
    dealt: int = 0

    def cidr(self, version: int) -> Cidr:
        """The next child prefix of the super network."""
        pool = next(pool for pool in _pools(self.number) if pool.version == version)
        length = CHILD_LENGTHS[str(version)]
        size = 2 ** (pool.max_prefixlen - length)
        start = ip_address(int(pool.network_address) + self.dealt * size)
        return ip_network(f"{start}/{length}")


@dataclass
class World:
    """What has been made up so far. `taken` counts, by prefix, the addresses given away so far."""

    random: Random
    now: datetime
    plots: list[Plot] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    prefixes: dict[str, list[Prefix]] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    def private(self, *, shared: bool) -> list[Network]:
        return [
            network
            for network in self.networks
            if network.kind == Network.Kind.PRIVATE and network.shared == shared
        ]

    def plot(self, network: Network) -> Plot:
        return next(plot for plot in self.plots if plot.partition.pk == network.partition_id)

    def add(self, network: Network, *cidrs: Cidr) -> Network:
        self.networks.append(network)
        child = network.kind == Network.Kind.PRIVATE
        self.prefixes[network.pk] = [
            Prefix(network=network, cidr=cidr, child=child) for cidr in cidrs
        ]
        return network

    def next_address(self, prefix: Prefix) -> IP | None:
        """The lowest address of the prefix that nobody has yet."""
        number = self.taken.get(str(prefix.cidr), 0)
        if number >= capacity(prefix.cidr):
            return None
        self.taken[str(prefix.cidr)] = number + 1
        return first_usable(prefix.cidr) + number

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)


def _pools(number: int) -> tuple[Cidr, Cidr]:
    """The address space of a partition's super network."""
    ipv4 = ip_network(f"10.{16 * (number + 1)}.0.0/12")
    ipv6 = ip_network(f"2001:db8:{1000 + number}::/48")
    return ipv4, ipv6


def make_up(random: Random, now: datetime, size: Size) -> World:
    """Everything that machines and firewalls are put into."""
    world = World(random, now)
    world.projects = [
        Project(id=id, name=id.replace("-", " ").title(), tenant=tenant, description="")
        for id, tenant in names.projects(size.projects)
    ]
    for number, (id, name) in enumerate(names.PARTITIONS.items()):
        world.plots.append(_plot(world, number, id, name))
    for number in range(size.private):
        _private(world, number)
    for number in range(size.shared):
        _shared(world, number)
    return world


def _plot(world: World, number: int, id: str, name: str) -> Plot:
    partition = Partition(
        id=id,
        name=name,
        description=MARK,
        management_prefixes=MANAGEMENT,
        ntp_servers=[f"ntp1.{id}.example.net"],
        dns_servers=[ip_address("192.0.2.53")],
    )
    here: dict[str, Any] = {"partition": partition}
    pool = Network(
        id=f"super-{id}",
        name=f"super {id}",
        kind=Network.Kind.SUPER,
        default_child_prefix_length=CHILD_LENGTHS,
        **here,
    )
    fabric = Network(id=f"underlay-{id}", name=f"underlay {id}", kind=Network.Kind.UNDERLAY, **here)
    internet = Network(
        id=f"internet-{id}",
        name=f"internet {id}",
        kind=Network.Kind.EXTERNAL,
        vrf=EXTERNAL_VRF + number,
        nat=True,
        destination_prefixes=DEFAULT_ROUTES,
        **here,
    )
    world.add(pool, *_pools(number))
    world.add(fabric, ip_network(f"10.{240 + number}.0.0/16"))
    # RFC 2544 and RFC 3849: addresses that are nobody's
    world.add(
        internet,
        ip_network((_BENCHMARK + number * 2**15, 17)),
        ip_network(f"2001:db8:{2000 + number}::/64"),
    )
    partners = list(_partners(world, number, partition))
    return Plot(partition, number, pool, fabric, internet, partners)


def _partners(world: World, number: int, partition: Partition) -> Iterator[Network]:
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


def _private(world: World, number: int) -> None:
    """A network of one project, which lives in the partition that the project mostly is in."""
    turn, place = divmod(number, len(world.projects))
    owner = world.projects[place]
    plot = world.plots[(place + turn // 2) % len(world.plots)]
    repetition, index = divmod(turn, len(names.STAGES))
    stage = names.STAGES[index]
    suffix = f"-{repetition + 1}" if repetition else ""
    _carve(
        world,
        plot,
        number,
        id=f"{owner.pk}-{stage}{suffix}",
        name=f"{owner.name} {stage}{suffix}",
        project=owner,
        labels={"stage": stage},
    )


def _shared(world: World, number: int) -> None:
    """A network that a service is shared in; some are customers', shared as others needed them."""
    plot = world.plots[number % len(world.plots)]
    services = list(names.SERVICES)
    service = services[number // len(world.plots) % len(services)]
    index = number // (len(world.plots) * len(services)) + 1
    if index % CUSTOMERS_EVERY == 0:
        owner = world.random.choice(world.projects)
    else:
        owner = _platform_project(world, service)
    days = world.random.uniform(5, 900)
    _carve(
        world,
        plot,
        number,
        id=f"{service}-{plot.partition.pk}-{index}",
        name=f"{names.SERVICES[service]} {index} {plot.partition.pk}",
        project=owner,
        shared=True,
        shared_at=world.ago(days),
        shared_by="admin",
        shared_reason=names.REASONS[number % len(names.REASONS)],
        labels={"service": service},
    )


def _platform_project(world: World, service: str) -> Project:
    """Whoever runs the service, or in a small demo the first project of the platform."""
    projects = [project for project in world.projects if project.tenant == names.PLATFORM]
    own = [project for project in projects if project.pk.endswith(f"-{service}")]
    return (own or projects)[0]


def _carve(world: World, plot: Plot, number: int, **fields: Any) -> None:
    vrf = FIRST_VRF + sum(plot.dealt for plot in world.plots)
    network = Network(
        kind=Network.Kind.PRIVATE, partition=plot.partition, parent=plot.pool, vrf=vrf, **fields
    )
    families = [4]
    if number % DUAL_STACK_EVERY == 0:
        families = [4, 6]
    if number % IPV6_ONLY_EVERY == IPV6_ONLY_EVERY - 1:
        families = [6]
    world.add(network, *(plot.cidr(version) for version in families))
    plot.dealt += 1
