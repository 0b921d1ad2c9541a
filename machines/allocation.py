"""Allocating machines and freeing them. An error leaves no address behind."""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from django.db import transaction

from machines import rules
from machines.models import Machine
from machines.rules import Wanted
from networks.allocation import allocate_from, lock_networks, lock_prefixes, release
from networks.common.addressing import IP, Cidr, home_of, versions
from networks.common.audit import audited_as
from networks.common.validation import enforce, reported_on
from networks.common.violations import Violation, named
from networks.models import Address, Network, Partition, Prefix, Project
from networks.pools import ASN_BASE, POOL, next_number


class Request(NamedTuple):
    """One network asked for; auto: its addresses are picked."""

    network: Network
    auto: bool = True
    primary: bool = False


@audited_as(lambda given: f"{given['name']} was allocated")
@transaction.atomic
def create_machine(
    *,
    name: str,
    partition: Partition,
    project: Project,
    networks: Sequence[Request],
    addresses: Sequence[IP] = (),
    labels: Mapping[str, str] | None = None,
    id: uuid.UUID | None = None,
    asn: int | None = None,
) -> Machine:
    """Allocate a machine with its addresses. Raises ValidationError (R2, R4, R7 to R11)."""
    lock_networks(request.network for request in networks)
    wanted = wanted_networks(networks)
    enforce([*rules.request(wanted), *rules.one_home(wanted)])
    primary = networks[0].network
    enforce(rules.home(primary, project.pk, partition.pk, "networks"))
    enforce(address_violations(wanted, addresses))
    machine = new_machine(
        name=name,
        partition=partition,
        project=project,
        primary=primary,
        labels=labels,
        id=id,
        asn=asn,
    )
    assign_addresses(machine, wanted, addresses)
    return machine


def wanted_networks(networks: Sequence[Request]) -> list[Wanted]:
    """The request as values for the rules, with the prefixes that its networks have now."""
    prefixes: dict[str, list[Cidr]] = {}
    for network, cidr in Prefix.objects.filter(
        network__in=[one.network for one in networks]
    ).values_list("network", "cidr"):
        prefixes.setdefault(network, []).append(cidr)
    return [
        Wanted(one.network, prefixes.get(one.network.pk, []), one.auto, one.primary)
        for one in networks
    ]


def address_violations(wanted: Sequence[Wanted], addresses: Sequence[IP]) -> list[Violation]:
    """Whether each network gets an address per family, and each brought address has a network (R10, R11)."""
    given = named(want.net.id for want in wanted)
    strange = [*rules.brought(addresses, wanted, given)]
    return strange or [found for want in wanted for found in rules.each_family(want, addresses)]


def new_machine(
    *,
    name: str,
    partition: Partition,
    project: Project,
    primary: Network,
    labels: Mapping[str, str] | None,
    id: uuid.UUID | None,
    asn: int | None,
) -> Machine:
    """Save the machine's row, with an AS number of its own (RFC 6996: private, four bytes)."""
    number = asn or next_number(Machine, "asn", ASN_BASE + POOL[0], ASN_BASE + POOL[-1])
    if number is None:
        first, last = ASN_BASE + POOL[0], ASN_BASE + POOL[-1]
        enforce(
            [
                Violation(
                    "asn",
                    "exhausted",
                    f"No AS number is free any more: all of {first} to {last} are taken.",
                )
            ]
        )
        raise AssertionError  # unreachable: enforce() raised
    machine = Machine(
        id=id or uuid.uuid4(),
        name=name,
        partition=partition,
        project=project,
        primary=primary,
        asn=number,
        labels={} if labels is None else labels,
    )
    with reported_on(primary="networks"):  # if it was given away meanwhile
        machine.save(force_insert=True)
    return machine


def assign_addresses(machine: Machine, wanted: Sequence[Wanted], addresses: Sequence[IP]) -> None:
    """Put the brought addresses on the machine, and pick one per family where none was brought (R10, R11)."""
    locked = lock_prefixes([want.net.id for want in wanted])
    for want in wanted:
        network = cast(Network, want.net)
        prefixes = [prefix for prefix in locked if prefix.network_id == network.pk]
        own = [address for address in addresses if home_of(address, want.prefixes)]
        for address in own:
            assign_brought(machine, network, address)
        for family in versions(want.prefixes) if not own else ():
            with reported_on(network="networks"):
                allocate_from(
                    network, prefixes, project=machine.project, version=family, machine=machine
                )


def assign_brought(machine: Machine, network: Network, ip: IP) -> Address:
    """Put a brought address on the machine: a free one of its project, or one nobody has yet. Raises on `addresses` (R11)."""
    prefixes = lock_prefixes([network.pk])
    row = Address.objects.select_for_update(no_key=True).filter(address=ip).first()
    if row is None:
        with reported_on(address="addresses", project="addresses"):
            return allocate_from(network, prefixes, project=machine.project, ip=ip, machine=machine)
    enforce(
        rules.may_bring(
            ip, row.project_id, machine.project_id, row.machine.name if row.machine else None
        )
    )
    row.machine, row.kind = machine, Address.Kind.STATIC
    row.save()
    return row


@audited_as(lambda given: f"{given['machine']} was freed")
@transaction.atomic
def free_machine(machine: Machine) -> None:
    """Give the machine back: picked addresses are free again, brought ones stay reserved for the project (R16)."""
    if not lock_machine(machine):
        return
    release(machine.addresses.all())
    machine.delete()


def lock_machine(machine: Machine) -> bool:
    """Lock the machine against being freed or changed by somebody else; False if it was freed meanwhile."""
    return Machine.objects.select_for_update(no_key=True).filter(pk=machine.pk).first() is not None
