"""The part of the large demo that machines are put into: places, networks and free addresses."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random

from networks.common.addressing import IP, Cidr, capacity, first_usable
from networks.models import Network, Partition, Prefix, Project

CHILD_LENGTHS = {"4": 22, "6": 64}  # prefix lengths of private networks, by IP version


def pool_cidrs(number: int) -> dict[int, Cidr]:
    """The prefixes of the super network of the partition with this number, by IP version."""
    return {
        4: ip_network(f"10.{16 * (number + 1)}.0.0/12"),
        6: ip_network(f"2001:db8:{1000 + number}::/48"),
    }


@dataclass
class Place:
    """A partition with the networks that firewalls and machines there can be in."""

    partition: Partition
    number: int
    pool: Network
    underlay: Network
    internet: Network
    partners: list[Network]
    carved: int = 0  # private networks carved from the pool so far

    def next_cidr(self, version: int) -> Cidr:
        """The next child prefix of the super network."""
        pool = pool_cidrs(self.number)[version]
        length = CHILD_LENGTHS[str(version)]
        step = 2 ** (pool.max_prefixlen - length)
        start = ip_address(int(pool.network_address) + self.carved * step)
        return ip_network(f"{start}/{length}")


@dataclass
class World:
    """The places, projects and networks made up so far."""

    random: Random
    now: datetime
    places: list[Place] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    prefixes: dict[str, list[Prefix]] = field(default_factory=dict)  # by network
    # How many addresses of a prefix are taken, by CIDR: always the lowest ones.
    taken: dict[str, int] = field(default_factory=dict)

    def private(self, *, shared: bool) -> list[Network]:
        return [
            network
            for network in self.networks
            if network.kind == Network.Kind.PRIVATE and network.shared == shared
        ]

    def place_of(self, network: Network) -> Place:
        return next(place for place in self.places if place.partition.pk == network.partition_id)

    def add(self, network: Network, *cidrs: Cidr) -> Network:
        self.networks.append(network)
        child = network.kind == Network.Kind.PRIVATE
        self.prefixes[network.pk] = [
            Prefix(network=network, cidr=cidr, child=child) for cidr in cidrs
        ]
        return network

    def take_address(self, prefix: Prefix) -> IP | None:
        """The lowest free address of the prefix, which then is taken; None if it is full."""
        key = str(prefix.cidr)
        number = self.taken.get(key, 0)
        if number >= capacity(prefix.cidr):
            return None
        self.taken[key] = number + 1
        return first_usable(prefix.cidr) + number

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)
