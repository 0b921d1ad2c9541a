"""The large demo's machines and firewalls, the networks they join, and reserved addresses."""

from collections.abc import Iterator, Sequence
from itertools import cycle

from config.demo.large import names
from config.demo.large.fleet import Fleet
from config.demo.large.sizes import Size
from config.demo.large.world import World
from firewalls.device import practice
from firewalls.models import Firewall, Rule
from networks.common.addressing import capacity
from networks.models import Address, Network

MOST_JOINED = 4
WITHOUT_INTERNET_EVERY = 11
STATIC_EVERY = 9  # of the firewalls, one in so many has static addresses in shared networks
ALMOST_FULL_EVERY = 29
MOST_RESERVED = 900  # in one network
USUALLY_RESERVED = 40
FIREWALL_LABELS = {"size": names.SIZES[0], "image": "firewall-ubuntu-3.0.20260101"}
EGRESS = [(["443"], "packages and images"), (["53", "123"], "names and time")]


def make_up(world: World, size: Size) -> Fleet:
    """Firewalls for most networks, machines in all of them, and what projects have reserved."""
    fleet = Fleet(world, _shared_by_partition(world))
    for number, primary in enumerate(_primaries_of_firewalls(world, size)):
        _add_firewall(fleet, number, primary)
    primaries = cycle(_unevenly(world))
    for number in range(size.machines):
        _add_machine(fleet, number, next(primaries))
    _reserve_addresses(fleet, size)
    return fleet


def _shared_by_partition(world: World) -> dict[str | None, list[Network]]:
    shared: dict[str | None, list[Network]] = {place.partition.pk: [] for place in world.places}
    for network in world.private(shared=True):
        shared[network.partition_id].append(network)
    return shared


def _primaries_of_firewalls(world: World, size: Size) -> Sequence[Network]:
    """Nearly all private networks and every other shared one; some of them twice."""
    private = world.private(shared=False)
    shared = world.private(shared=True)
    chosen = [*private[: round(len(private) * 0.95)], *shared[::2]]
    return [*chosen, *chosen][: size.firewalls]


def _unevenly(world: World) -> list[Network]:
    """Every private network, the larger ones several times."""
    primaries: list[Network] = []
    for network in [*world.private(shared=False), *world.private(shared=True)]:
        primaries += [network] * world.random.choice([1, 1, 2, 3, 5])
    return primaries


def _add_machine(fleet: Fleet, number: int, primary: Network) -> None:
    role = names.ROLES[number % len(names.ROLES)]
    labels = {
        "size": names.SIZES[number % len(names.SIZES)],
        "image": names.IMAGES[number % len(names.IMAGES)],
    }
    fleet.add_machine(f"{role}-{number:05d}-{primary.pk}", primary, labels)


def _add_firewall(fleet: Fleet, number: int, primary: Network) -> None:
    suffix = "-2" if primary.pk in fleet.guarded else ""
    name = f"{primary.pk}-fw{suffix}"
    fleet.guarded.add(primary.pk)
    machine = fleet.add_machine(name, primary, dict(FIREWALL_LABELS))
    firewall = Firewall(
        machine=machine, practice=True, host=practice.HOST, user=practice.user(name)
    )
    fleet.firewalls.append(firewall)
    _join_networks(fleet, number, firewall)
    fleet.rules += _rules(firewall)


def _join_networks(fleet: Fleet, number: int, firewall: Firewall) -> None:
    """Join the underlay, some shared networks, mostly the internet, and the project's partners."""
    machine = firewall.machine
    random = fleet.world.random
    place = fleet.world.place_of(machine.primary)
    fleet.join(firewall, place.underlay)
    others = [
        network
        for network in fleet.shared[machine.primary.partition_id]
        if network.pk != machine.primary_id
    ]
    wanted = min(len(others), random.randint(0, MOST_JOINED))
    for network in random.sample(others, wanted):
        fleet.join(firewall, network, static=number % STATIC_EVERY == 0)
    if number % WITHOUT_INTERNET_EVERY:
        fleet.join(firewall, place.internet)
    for partner in place.partners:
        if partner.project_id == machine.project_id:
            fleet.join(firewall, partner)


def _rules(firewall: Firewall) -> Iterator[Rule]:
    for position, (ports, comment) in enumerate(EGRESS, 1):
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
        sources=firewall.machine.partition.management_prefixes,
        comment="the office",
    )


def _reserve_addresses(fleet: Fleet, size: Size) -> None:
    """Reserve addresses for load balancers and the like: on no machine, but taken."""
    for network, wanted in _wanted_reservations(fleet.world):
        for _ in range(wanted):
            if len(fleet.addresses) >= size.addresses:
                return
            if not _reserve_address(fleet, network):
                break


def _wanted_reservations(world: World) -> Iterator[tuple[Network, int]]:
    """First nearly fill some shared networks, then a few in each private network, over and over."""
    for network in world.private(shared=True)[::ALMOST_FULL_EVERY]:
        nine_tenths = capacity(world.prefixes[network.pk][0].cidr) * 9 // 10
        yield network, min(nine_tenths, MOST_RESERVED)
    private = [network for network in world.networks if network.kind == Network.Kind.PRIVATE]
    for network in cycle(private):
        yield network, USUALLY_RESERVED


def _reserve_address(fleet: Fleet, network: Network) -> bool:
    """Reserve one address of the network for a project; False if it is full."""
    random = fleet.world.random
    owner = random.choice(fleet.world.projects) if network.shared else network.project
    assert owner is not None, "a private network has a project"
    kind = random.choice([Address.Kind.STATIC, Address.Kind.EPHEMERAL])
    prefix = fleet.world.prefixes[network.pk][0]
    return fleet.add_address(prefix, owner, kind, name=f"lb-{len(fleet.addresses)}")
