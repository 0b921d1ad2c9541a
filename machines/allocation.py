"""Allocating machines and freeing them. An error leaves no address behind."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from django.db import transaction

from machines import rules
from machines.models import Machine
from machines.rules import Wanted
from networks.allocation import (
    AddressRequest,
    allocate_from,
    lock_networks,
    lock_prefixes,
    release,
)
from networks.common.addressing import IP, Cidr, prefix_of, versions
from networks.common.audit import audited_as
from networks.common.limits import MOST_ADDRESSES, MOST_NETWORKS, at_most
from networks.common.locking import lock_keys
from networks.common.validation import enforce, refuse, reported_on
from networks.common.violations import Violation
from networks.models import Address, Network, Partition, Prefix, Project
from networks.pools import ASN_BASE, POOL, next_number


class Request(NamedTuple):
    """One network of an order.

    auto: its addresses are picked; primary: it is marked as the one to live in.
    """

    network: Network
    auto: bool = True
    primary: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a machine or firewall is allocated from."""

    name: str
    partition: Partition
    project: Project
    networks: Sequence[Request]
    addresses: Sequence[IP] = ()  # a network that none of these lies in picks its own
    labels: Mapping[str, str] | None = None
    id: uuid.UUID | None = None  # by default a new one
    asn: int | None = None  # by default the next free one


@audited_as(lambda arguments: f"{arguments['order'].name} was allocated")
@transaction.atomic
def create_machine(order: Order) -> Machine:
    """Allocate a machine with its addresses. Raises ValidationError (R2, R4, R5, R7 to R12)."""
    enforce(few_enough(order))
    lock_networks(request.network for request in order.networks)
    wanted = wanted_networks(order.networks)
    machine = new_machine(order, home_of(order, wanted))
    assign_addresses(machine, wanted, order.addresses)
    return machine


def home_of(order: Order, wanted: Sequence[Wanted]) -> Network:
    """The network that it will live in. Raises ValidationError if the order breaks a rule."""
    enforce([*rules.valid_request(wanted), *rules.one_network(wanted)])
    primary = order.networks[0].network
    enforce(rules.primary_is_own(primary, order.project.pk, order.partition.pk, "networks"))
    enforce(address_violations(wanted, order.addresses))
    return primary


def few_enough(order: Order) -> Iterator[Violation]:
    """What is wrong with how much is ordered at once."""
    yield from at_most("networks", order.networks, MOST_NETWORKS)


def wanted_networks(requests: Sequence[Request]) -> list[Wanted]:
    """The requests as values for the rules, with the prefixes that their networks have now."""
    prefixes = Prefix.objects.filter(network__in=[request.network for request in requests])
    by_network: dict[str, list[Cidr]] = {}
    for network, cidr in prefixes.values_list("network", "cidr"):
        by_network.setdefault(network, []).append(cidr)
    return [
        Wanted(
            request.network,
            by_network.get(request.network.pk, []),
            request.auto,
            request.primary,
        )
        for request in requests
    ]


def address_violations(wanted: Sequence[Wanted], addresses: Sequence[IP]) -> list[Violation]:
    """What is wrong with these addresses for these networks (R10, R11)."""
    too_many = [*at_most("addresses", addresses, MOST_ADDRESSES)]
    if too_many or (outside := [*rules.inside_networks(addresses, wanted)]):
        return too_many or outside
    missing: list[Violation] = []
    for want in wanted:
        missing += rules.address_per_family(want, addresses)
    return missing


def new_machine(order: Order, primary: Network) -> Machine:
    """Save the machine's row, with an AS number of its own."""
    machine = Machine(
        id=order.id or uuid.uuid4(),
        name=order.name,
        partition=order.partition,
        project=order.project,
        primary=primary,
        asn=order.asn or _free_asn(),
        labels={} if order.labels is None else order.labels,
    )
    with reported_on(primary="networks"):  # if it was given to another project meanwhile
        machine.save(force_insert=True)
    return machine


def _free_asn() -> int:
    """The next free AS number (RFC 6996: private, four bytes)."""
    first, last = ASN_BASE + POOL[0], ASN_BASE + POOL[-1]
    number = next_number("asn", first, last)
    if number is None:
        reason = f"No AS number is free any more: all of {first} to {last} are taken."
        refuse(Violation("asn", "exhausted", reason))
    return number


def assign_addresses(
    machine: Machine,
    wanted: Sequence[Wanted],
    addresses: Sequence[IP],
    picked: Collection[IP] = (),
) -> None:
    """Put these addresses on the machine; pick one per family of a network that has none of them.

    `picked`: kept back for this machine, and picked first. (R10, R11)
    """
    locked = lock_prefixes([want.net.id for want in wanted])
    for want in wanted:
        network = cast(Network, want.net)
        inside = [ip for ip in addresses if prefix_of(ip, want.prefixes)]
        if inside:
            for ip in inside:
                assign_address(machine, network, ip)
        else:
            prefixes = [prefix for prefix in locked if prefix.network_id == network.pk]
            _pick_addresses(machine, want, prefixes, picked)


def _pick_addresses(
    machine: Machine, want: Wanted, prefixes: list[Prefix], picked: Collection[IP]
) -> None:
    """Allocate the next free address of each family of the network."""
    for version in versions(want.prefixes):
        request = AddressRequest(
            network=cast(Network, want.net),
            project=machine.project,
            version=version,
            machine=machine,
            ip=_among(picked, version, want.prefixes),
            kind=Address.Kind.EPHEMERAL,
        )
        with reported_on(network="networks"):
            allocate_from(prefixes, request)


def _among(picked: Collection[IP], version: int, prefixes: Collection[Cidr]) -> IP | None:
    """The lowest of that family that lies in one of these prefixes."""
    there = [ip for ip in picked if ip.version == version and prefix_of(ip, prefixes)]
    return min(there, key=int, default=None)


def assign_address(machine: Machine, network: Network, ip: IP) -> Address:
    """Put this address on the machine: one that its project reserved, or that nobody has (R11).

    Raises ValidationError on `addresses`.
    """
    prefixes = lock_prefixes([network.pk])
    keys = lock_keys(Address, [ip], by="address")
    row = Address.objects.filter(pk__in=keys).first()
    if row is None:
        request = AddressRequest(network=network, project=machine.project, ip=ip, machine=machine)
        with reported_on(address="addresses", project="addresses"):
            return allocate_from(prefixes, request)
    holder = row.machine.name if row.machine else None
    enforce(rules.may_use_address(ip, row.project_id, machine.project_id, holder))
    row.machine = machine
    row.kind = Address.Kind.STATIC
    with reported_on(address="addresses"):
        row.save()
    return row


@audited_as(lambda arguments: f"{arguments['machine']} was freed")
@transaction.atomic
def free_machine(machine: Machine) -> None:
    """Free the machine (R16).

    Picked addresses are free again, named ones stay reserved for the project.
    """
    if not lock_machine(machine):
        return
    release(machine.addresses.all())
    machine.delete()


def lock_machine(machine: Machine) -> bool:
    """Lock the machine against others who free or change it; False if it was freed meanwhile."""
    return bool(lock_keys(Machine, [machine.pk]))
