"""A small partition to test in: a super network, an underlay, the internet, and three projects.

Everything is made by the product's own code.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from firewalls.allocation import NewFirewall, create_firewall
from firewalls.models import Firewall
from machines.allocation import Order, Request, create_machine
from machines.models import Machine
from networks.allocation import create_private_network
from networks.models import Network, Partition, Prefix, Project


def network(id: str, kind: str, *prefixes: str, **fields: Any) -> Network:
    made = Network(id=id, kind=kind, **fields)
    made.save(force_insert=True)
    for cidr in prefixes:
        Prefix(network=made, cidr=cidr).save()
    return made


@dataclass
class World:
    """One partition with what it takes to allocate machines and firewalls in it."""

    partition: Partition
    pool: Network
    fabric: Network
    internet: Network
    shop: Project
    storage: Project
    analytics: Project

    def private(self, name: str, project: Project, **options: Any) -> Network:
        return create_private_network(
            name=name, id=name, partition=self.partition, project=project, **options
        )

    def machine(self, name: str, project: Project, *networks: Network, **options: Any) -> Machine:
        wishes = _wishes(networks, options)
        order = Order(name=name, partition=self.partition, project=project, **wishes)
        return create_machine(order)

    def firewall(self, name: str, project: Project, *networks: Network, **options: Any) -> Firewall:
        wishes = _wishes(networks, options)
        new = NewFirewall(name=name, partition=self.partition, project=project, **wishes)
        return create_firewall(new)


def _wishes(networks: tuple[Network, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What a test says in short, as an allocation takes it."""
    auto = options.pop("auto", True)
    wishes = {
        "networks": [Request(net, auto=auto) for net in networks],
        "addresses": [ip_address(address) for address in options.pop("addresses", ())],
    }
    return wishes | options


def world(
    id: str = "fra",
    pool: str = "10.128.0.0/14",
    fabric: str = "10.4.0.0/16",
    *,
    v6: str = "",
    number: int = 0,
    lengths: dict[str, int] | None = None,
) -> World:
    """Build it; with `v6` in dual stack.

    `number` keeps the external networks of several partitions apart. `lengths` are those of what
    is carved from the pool, for a pool in which the usual ones do not fit.
    """
    partition = Partition(id=id, name=id.upper(), management_prefixes=["192.0.2.0/24"])
    partition.save()
    lengths = lengths or ({"4": 22, "6": 64} if v6 else {"4": 22})
    pools = [pool, v6] if v6 else [pool]
    projects = [
        Project.objects.get_or_create(id=name, defaults={"name": name})[0]
        for name in ("shop", "storage-team", "analytics")
    ]
    return World(
        partition,
        network(
            f"super-{id}", "super", *pools, partition=partition, default_child_prefix_length=lengths
        ),
        network(f"underlay-{id}", "underlay", fabric, partition=partition),
        network(
            f"internet-{id}",
            "external",
            f"203.0.{113 + number}.0/24",
            vrf=104009 + number,
            nat=True,
            destination_prefixes=["0.0.0.0/0"],
        ),
        *projects,
    )
