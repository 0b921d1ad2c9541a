"""Allocating firewalls, joining networks and leaving them. An error leaves no address behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef

from firewalls.allocation.ruling import add_rule, replace_rules
from firewalls.intent import revisions
from firewalls.models import (
    Attachment,
    Endpoint,
    Firewall,
    JumpObservation,
    Observation,
    Push,
    Retired,
    SshAccess,
    lock_firewall,
    lock_firewalls,
)
from firewalls.models.firewall import DEFAULT_PORT, DEFAULT_USER, default_uplinks
from firewalls.rules import endpoints_unused
from machines import rules
from machines.allocation import (
    Order,
    Request,
    address_violations,
    assign_addresses,
    few_enough,
    free_machine,
    new_machine,
    wanted_networks,
)
from machines.rules import Wanted
from networks.allocation import lock_networks, release, super_network, underlay
from networks.common.addressing import IP
from networks.common.audit import audited_as
from networks.common.locking import lock_keys
from networks.common.validation import InUse, enforce, reported_on
from networks.common.violations import Violation
from networks.models import Address, Carried, Network

__all__ = [
    "NewFirewall",
    "add_rule",
    "attach",
    "create_firewall",
    "free_firewall",
    "further",
    "home_of",
    "join",
    "leave",
    "replace_rules",
]


@dataclass(frozen=True, kw_only=True)
class NewFirewall(Order):
    """What a firewall is allocated from.

    `id`, `asn` and `loopbacks`, its addresses in the underlay, are those of a firewall that exists
    already and is only written down; without them it gets new ones.
    """

    rules: Sequence[Mapping[str, Any]] = ()
    uplinks: Sequence[str] = field(default_factory=default_uplinks)
    host: str = ""
    port: int = DEFAULT_PORT
    user: str = DEFAULT_USER
    host_key: str = ""
    practice: bool = False
    loopbacks: Sequence[IP] = ()


@audited_as(lambda arguments: f"{arguments['new'].name} was allocated")
@transaction.atomic
def create_firewall(new: NewFirewall, *, by: str = "") -> Firewall:
    """Allocate a firewall with its addresses, the one in the underlay by itself (R8).

    Raises ValidationError (R2, R5 to R11).
    """
    enforce(few_enough(new))
    super_network(new.partition)
    fabric = underlay(new.partition)
    lock_networks([*(request.network for request in new.networks), fabric])
    wanted = wanted_networks(new.networks)
    in_underlay = wanted_networks([Request(fabric)])
    primary = home_of(new, wanted, in_underlay)
    firewall = _saved(new, primary)
    for network in [*further(new, primary), fabric]:
        Attachment(firewall=firewall, network=network).save()
    addresses = [*new.addresses, *new.loopbacks]
    assign_addresses(firewall.machine, [*wanted, *in_underlay], addresses)
    replace_rules(firewall, new.rules)
    revisions.refresh([firewall.pk], cause=f"{new.name} was allocated", by=by)
    return firewall


def home_of(new: NewFirewall, wanted: Sequence[Wanted], in_underlay: Sequence[Wanted]) -> Network:
    """The network that it will live in. Raises ValidationError if the order breaks a rule."""
    enforce(rules.valid_request(wanted))
    net, violations = rules.primary_of(wanted, new.project.pk)
    enforce(violations)
    primary = cast(Network, net)
    enforce(rules.primary_is_own(primary, new.project.pk, new.partition.pk, "networks"))
    for network in further(new, primary):
        place = (primary.pk, new.project.pk, new.partition.pk)
        enforce(rules.may_join(network, *place, "networks"))
    enforce(address_violations(wanted, new.addresses))
    enforce(address_violations(in_underlay, new.loopbacks))
    return primary


def further(new: NewFirewall, primary: Network) -> list[Network]:
    """What it joins beside its home."""
    return [request.network for request in new.networks if request.network != primary]


def _saved(new: NewFirewall, primary: Network) -> Firewall:
    machine = new_machine(new, primary)
    firewall = Firewall(
        machine=machine,
        uplinks=list(new.uplinks),
        host=new.host,
        port=new.port,
        user=new.user,
        host_key=new.host_key,
        practice=new.practice,
    )
    firewall.save(force_insert=True)
    return firewall


@audited_as(lambda arguments: f"{arguments['firewall']} joined {arguments['network']}")
@transaction.atomic
def join(
    firewall: Firewall,
    network: Network,
    *,
    auto: bool = True,
    addresses: Sequence[IP] = (),
    by: str = "",
) -> Attachment:
    """Join a shared or external network, with an address per family.

    One that it has left and may still have is picked again. Raises ValidationError (R2, R5 to R8,
    R10, R11).
    """
    lock_firewall(firewall)
    attachment = attach(firewall, network, auto=auto, addresses=addresses)
    revisions.refresh([firewall.pk], cause=f"{firewall.name} joined {network.pk}", by=by)
    return attachment


def attach(
    firewall: Firewall, network: Network, *, auto: bool = True, addresses: Sequence[IP] = ()
) -> Attachment:
    """Have a locked firewall join; nothing is rendered yet. Raises ValidationError as joining."""
    with reported_on(networks="network"):
        lock_networks([network])
        enforce(rules.not_explicit(network, "network"))
        attachment = Attachment(firewall=firewall, network=network)
        attachment.save()
        wanted = wanted_networks([Request(network, auto and not addresses)])
        enforce(address_violations(wanted, addresses))
        picked = _picked_before(firewall, network)
        assign_addresses(firewall.machine, wanted, addresses, picked=picked)
    return attachment


def _picked_before(firewall: Firewall, network: Network) -> list[IP]:
    """What is kept back of this network because this firewall may still have it: it is its own."""
    reserved = Address.objects.filter(address=OuterRef("address"))  # brought, and left
    kept = Carried.objects.left().filter(box=firewall.pk, machine=firewall.pk, network=network.pk)
    return [row.address for row in kept.exclude(Exists(reserved)) if row.address is not None]


@audited_as(lambda arguments: f"{arguments['firewall']} left {arguments['network']}")
@transaction.atomic
def leave(firewall: Firewall, network: Network, *, by: str = "") -> None:
    """Leave a joined network: picked addresses are free again, brought ones stay reserved (R16).

    What the firewall may still have is kept back until a push without it is confirmed.

    Raises InUse for the primary network, or while endpoints are published there (R15).
    """
    lock_firewall(firewall)
    _enforce_unused(rules.may_leave(network, firewall.name, firewall.machine.primary_id))
    attachment = _attachment(firewall, network)
    endpoints = Endpoint.objects.of(firewall).with_relations()
    published = [str(one) for one in endpoints.filter(address__prefix__network=network)]
    _enforce_unused(endpoints_unused(network.pk, firewall.name, published))
    release(firewall.machine.addresses.filter(prefix__network=network))
    attachment.delete()
    revisions.refresh([firewall.pk], cause=f"{firewall.name} left {network.pk}", by=by)


def _attachment(firewall: Firewall, network: Network) -> Attachment:
    """The attachment of the firewall, which is locked, to the network. Raises ValidationError."""
    row = firewall.attachments.filter(network=network).first()
    if row is None:
        reason = f"{firewall.name} has not joined {network.pk}."
        raise ValidationError({"network": ValidationError(reason, code="not_joined")})
    return row


def _enforce_unused(violations: Iterable[Violation]) -> None:
    if in_the_way := list(violations):
        raise InUse(in_the_way)


@audited_as(lambda arguments: f"{arguments['firewall']} was freed")
@transaction.atomic
def free_firewall(firewall: Firewall, *, by: str = "") -> Retired | None:
    """Give the firewall back, with what it had published; see machines.allocation.free_machine.

    Where it was pushed to, it is retired: what it may still have is kept back (R16). Returns it
    then.
    """
    if not lock_firewalls([firewall.pk]):
        return None
    Firewall.objects.filter(pk=firewall.pk).refuse_if_held()
    for endpoint in Endpoint.objects.of(firewall):
        endpoint.delete()
    # Before its networks, and workers know them.
    lock_keys(Push, [firewall.pk], by="firewall")
    lock_keys(Observation, [firewall.pk])
    lock_keys(JumpObservation, lock_keys(SshAccess, [firewall.pk], by="firewall"))
    retired = Retired.objects.retire(firewall, by)
    free_machine(firewall.machine)
    return retired
