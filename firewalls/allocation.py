"""Allocating firewalls, joining networks and leaving them. An error leaves no address behind."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from firewalls.intent import revisions
from firewalls.models import Attachment, Endpoint, Firewall, Rule
from firewalls.rules import endpoints_unused
from machines import rules
from machines.allocation import (
    Order,
    Request,
    address_violations,
    assign_addresses,
    free_machine,
    lock_machine,
    new_machine,
    wanted_networks,
)
from networks.allocation import lock_networks, release, super_network, underlay
from networks.common.addressing import IP
from networks.common.audit import audited_as
from networks.common.validation import InUse, enforce, reported_about, reported_on
from networks.common.violations import Violation
from networks.models import Network, Partition, Project


@audited_as(lambda given: f"{given['name']} was allocated")
@transaction.atomic
def create_firewall(
    *,
    name: str,
    partition: Partition,
    project: Project,
    networks: Sequence[Request],
    addresses: Sequence[IP] = (),
    labels: Mapping[str, str] | None = None,
    id: uuid.UUID | None = None,
    asn: int | None = None,
    loopbacks: Sequence[IP] = (),
    rules_given: Sequence[Mapping[str, Any]] = (),
    by: str = "",
    **fields: Any,
) -> Firewall:
    """Allocate a firewall with its addresses, its underlay address by itself (R8). Raises ValidationError (R2, R5 to R11).

    `loopbacks` are the underlay addresses of a firewall that exists already and is only written down.
    """
    super_network(partition)
    fabric = underlay(partition)
    lock_networks([*(request.network for request in networks), fabric])
    wanted = wanted_networks(networks)
    enforce(rules.valid_request(wanted))
    primary, found = rules.primary_of(wanted, project.pk)
    enforce(found)
    assert isinstance(primary, Network)
    enforce(rules.primary_is_own(primary, project.pk, partition.pk, "networks"))
    others = [request.network for request in networks if request.network != primary]
    enforce(
        v
        for net in others
        for v in rules.may_join(net, primary.pk, project.pk, partition.pk, "networks")
    )
    enforce(address_violations(wanted, addresses))
    below = wanted_networks([Request(fabric)])
    enforce(rules.inside_networks(loopbacks, below))
    order = Order(
        name=name,
        partition=partition,
        project=project,
        networks=networks,
        addresses=addresses,
        labels=labels,
        id=id,
        asn=asn,
    )
    machine = new_machine(order, primary)
    firewall = Firewall(machine=machine, **fields)
    firewall.save(force_insert=True)
    for network in [*others, fabric]:
        Attachment(firewall=firewall, network=network).save()
    assign_addresses(machine, [*wanted, *below], [*addresses, *loopbacks])
    replace_rules(firewall, rules_given)
    revisions.refresh([firewall.pk], cause=f"{name} was allocated", by=by)
    return firewall


@audited_as(lambda given: f"{given['firewall']} joined {given['network']}")
@transaction.atomic
def join(
    firewall: Firewall,
    network: Network,
    *,
    auto: bool = True,
    addresses: Sequence[IP] = (),
    by: str = "",
) -> Attachment:
    """Join a shared or external network, with an address per family. Raises ValidationError (R2, R5 to R8, R10, R11)."""
    machine = firewall.machine
    if not lock_machine(machine):
        enforce([Violation("firewall", "gone", f"{firewall.name} was freed meanwhile.")])
    with reported_on(networks="network"):
        lock_networks([network])
    enforce(rules.not_explicit(network, "network"))
    attachment = Attachment(firewall=firewall, network=network)
    attachment.save()
    wanted = wanted_networks([Request(network, auto and not addresses)])
    with reported_on(networks="network"):
        enforce(address_violations(wanted, addresses))
        assign_addresses(machine, wanted, addresses)
    revisions.refresh([firewall.pk], cause=f"{firewall.name} joined {network.pk}", by=by)
    return attachment


@audited_as(lambda given: f"{given['firewall']} left {given['network']}")
@transaction.atomic
def leave(firewall: Firewall, network: Network, *, by: str = "") -> None:
    """Leave a joined network: picked addresses are free again, brought ones stay reserved (R16). Raises InUse for the primary."""
    if found := list(rules.may_leave(network, firewall.name, firewall.machine.primary_id)):
        raise InUse(found)
    if not lock_machine(firewall.machine):
        enforce([Violation("firewall", "gone", f"{firewall.name} was freed meanwhile.")])
    attachment = firewall.attachments.select_for_update(no_key=True).filter(network=network).first()
    if attachment is None:
        enforce(
            [Violation("network", "not_joined", f"{firewall.name} has not joined {network.pk}.")]
        )
        raise AssertionError  # unreachable: enforce() raised
    published = map(
        str, Endpoint.objects.of(firewall).with_relations().filter(address__prefix__network=network)
    )
    if found := list(endpoints_unused(network.pk, firewall.name, list(published))):
        raise InUse(found)
    release(firewall.machine.addresses.filter(prefix__network=network))
    attachment.delete()
    revisions.refresh([firewall.pk], cause=f"{firewall.name} left {network.pk}", by=by)


@audited_as(lambda given: f"{given['firewall']} was freed")
@transaction.atomic
def free_firewall(firewall: Firewall) -> None:
    """Give the firewall back, with what it had published; see machines.allocation.free."""
    if lock_machine(firewall.machine):
        for endpoint in Endpoint.objects.of(firewall):
            endpoint.delete()
        free_machine(firewall.machine)


@audited_as(lambda given: f"the rules of {given['firewall']} were replaced")
@transaction.atomic
def replace_rules(firewall: Firewall, given: Sequence[Mapping[str, Any]]) -> None:
    """Give the firewall these rules, in this order, instead of those it has. Each has a direction and a rule's fields."""
    firewall.rules.all().delete()
    count: Counter[str] = Counter()
    for values in given:
        direction = values["direction"]
        count[direction] += 1
        with reported_about(f"{direction.capitalize()} rule {count[direction]}", "rules"):
            Rule(firewall=firewall, position=count[direction], **values).save()
