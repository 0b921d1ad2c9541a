"""Machines, allocated as anybody else's, with the ids, AS numbers and addresses they have."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from config.importer.findings import Remark
from config.importer.kinds import MachineDoc
from config.importer.writing import firewalls
from config.importer.writing.allocated import (
    UsedNetwork,
    ephemeral_unless_reserved,
    used_networks,
)
from config.importer.writing.context import Context
from config.importer.writing.known import Known
from config.importer.writing.picking import picked_remarks
from config.importer.writing.refusing import refusal
from config.importer.writing.rows import Saved, save_differing
from firewalls.allocation import NewFirewall, create_firewall
from machines import rules
from machines.allocation import Order, assign_address, create_machine
from machines.models import Machine
from networks.allocation import allocate, underlay
from networks.common.addressing import IP
from networks.common.validation import enforce
from networks.common.violations import named
from networks.models import Address
from networks.rules import EXTERNAL, PRIVATE, UNDERLAY, Net


def write_machine(doc: MachineDoc, context: Context) -> Saved:
    """Allocate the machine or firewall, or bring the row up to the document.

    Nothing is taken away from a machine that is there already.
    """
    networks = used_networks(doc, context.known)
    outside = [] if doc.is_firewall else _only_outside(networks)
    networks = [network for network in networks if network not in outside]
    row = context.known.machine(doc.id)
    if row is None:
        context.before_writing()
        row = _create(doc, context.given.completed(networks), context)
        saved = Saved(created=True)
    else:
        saved = _update(row, doc, networks, context)
    present = [address.address for address in _addresses_of(row, saved)]
    saved.remarks += [*picked_remarks(networks, present), *_left_out(doc, outside, context)]
    return saved


def write_free(doc: MachineDoc, context: Context) -> Saved:
    """Hardware that nobody has by the files. Nothing is freed here: somebody may rely on it."""
    row = context.known.machine(doc.id)
    if row is None:
        return Saved(passed_over="not allocated, kept out")
    addresses = named(str(address) for address in row.addresses.all())
    reason = f"It is not allocated in the files; here it still is, to {row.project_id} as"
    remedy = f"{row.name} with {addresses}. Free it here as well if it was given back."
    return Saved(remarks=[Remark("allocation", f"{reason} {remedy}")])


def _only_outside(networks: Sequence[UsedNetwork]) -> list[UsedNetwork]:
    """Of a machine that lives in one private network, the external ones that it is in as well."""
    private = [network for network in networks if network.row.kind == PRIVATE]
    outside = [network for network in networks if network.row.kind == EXTERNAL]
    return outside if len(private) == 1 else []


def _left_out(doc: MachineDoc, outside: Sequence[UsedNetwork], context: Context) -> list[Remark]:
    """That it is not in these networks here; its addresses there go to nobody else."""
    remarks = []
    for network in outside:
        reserved = [str(ip) for ip in network.ips if _is_reserved(doc, network, ip, context)]
        what = f"{network.row.pk} is left out: a machine lives in exactly one network (R4)."
        kept = f" {named(reserved)} stays reserved for {doc.owner}." if reserved else ""
        remarks.append(Remark(f"{network.path}.networkid", f"{what}{kept}"))
    return remarks


def _is_reserved(doc: MachineDoc, network: UsedNetwork, ip: IP, context: Context) -> bool:
    """Reserve it for the project, unless it is somebody's already."""
    if (row := context.known.address(ip)) is not None:
        return row.project_id == doc.owner
    context.before_writing()
    context.known.forget(("address", str(ip)))
    try:
        with transaction.atomic():
            allocate(network.row, project=context.known.project(doc.owner), ip=ip)
    except ValidationError:
        return False
    return True


def _create(doc: MachineDoc, networks: Sequence[UsedNetwork], context: Context) -> Machine:
    ips = [ip for network in networks for ip in network.addresses]
    if not doc.is_firewall:
        with ephemeral_unless_reserved(ips):
            return create_machine(Order(**common(doc, networks, context.known)))
    fabric, others = _fabric(doc, networks, context)
    loopbacks = [ip for network in fabric for ip in network.addresses]
    firewall_rules = firewalls.rule_values(doc.rules or [])
    with ephemeral_unless_reserved([*ips, *loopbacks]):
        order = common(doc, others, context.known)
        new = NewFirewall(**order, rules=firewall_rules, loopbacks=loopbacks)
        return create_firewall(new, by=context.by).machine


def _fabric(
    doc: MachineDoc, networks: Sequence[UsedNetwork], context: Context
) -> tuple[list[UsedNetwork], list[UsedNetwork]]:
    """The underlay and the others. The underlay is not asked for (R8): some dumps leave it out."""
    fabric = [network for network in networks if network.row.kind == UNDERLAY]
    if not fabric:
        row = underlay(context.known.partition(doc.partition_id))
        cidrs = [prefix.cidr for prefix in row.prefixes.all()]
        loopback = UsedNetwork(row, (), False, cidrs, "allocation.networks")
        fabric = context.given.completed([loopback])
    return fabric, [network for network in networks if network.row.kind != UNDERLAY]


def common(doc: MachineDoc, networks: Sequence[UsedNetwork], known: Known) -> dict[str, Any]:
    """What allocating a machine and a firewall takes alike."""
    return {
        "id": doc.id,
        "name": doc.name,
        "partition": known.partition(doc.partition_id),
        "project": known.project(doc.owner),
        "networks": [network.request for network in networks],
        "addresses": [ip for network in networks for ip in network.addresses],
        "labels": doc.labels,
        "asn": doc.asn,
    }


def _update(
    row: Machine, doc: MachineDoc, networks: Sequence[UsedNetwork], context: Context
) -> Saved:
    primary = _primary(doc, networks).id
    _refuse_other_hands(row, doc, primary)
    saved = Saved(changes=save_differing(row, _values(doc, primary), context))
    if doc.is_firewall:
        firewalls.join_missing(row.firewall, networks, saved, context)
    _add_addresses(row, networks, saved, context)
    if doc.is_firewall:
        firewalls.replace_differing_rules(row.firewall, doc.rules, saved, context)
        if saved.changes:
            context.unrendered.add(row.pk)
    return saved


def _refuse_other_hands(row: Machine, doc: MachineDoc, primary: str) -> None:
    """Hardware is freed and allocated again all the time; here, a person has to free it (R4)."""
    is_firewall = hasattr(row, "firewall")
    if is_firewall != doc.is_firewall:
        now, then = ("firewall", "machine") if is_firewall else ("machine", "firewall")
        reason = f"{row.name} is a {now}; free it before it becomes a {then}."
        raise refusal("role", "identity", reason)
    if (row.project_id, row.primary_id) != (doc.owner, primary):
        field = "project" if row.project_id != doc.owner else "networks"
        here = f"Here it is still {row.name} of {row.project_id} in {row.primary_id}, in the files"
        remedy = f"it is {doc.owner}'s in {primary}. Free it here, then import again (R4)."
        raise refusal(field, "identity", f"{here} {remedy}")


def _values(doc: MachineDoc, primary: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": doc.name,
        "labels": doc.labels,
        "partition_id": doc.partition_id,
        "project_id": doc.owner,
        "primary_id": primary,
    }
    if doc.asn:
        values["asn"] = doc.asn
    return values


def _primary(doc: MachineDoc, networks: Sequence[UsedNetwork]) -> Net:
    """The network that the machine lives in. Raises ValidationError (R2, R4, R5, R7 to R9)."""
    if doc.is_firewall:
        networks = [network for network in networks if network.row.kind != UNDERLAY]
    wanted = [network.wanted for network in networks]
    refused = [*rules.valid_request(wanted)]
    if not doc.is_firewall:
        refused += rules.one_network(wanted)
    enforce(refused)
    primary, violations = rules.primary_of(wanted, doc.owner)
    enforce(violations)
    assert primary is not None  # or there was a violation
    enforce(rules.primary_is_own(primary, doc.owner, doc.partition_id, "networks"))
    return primary


def _add_addresses(
    row: Machine, networks: Sequence[UsedNetwork], saved: Saved, context: Context
) -> None:
    """Addresses that the document does not list stay."""
    present = {address.address for address in _addresses_of(row, saved)}
    for network in networks:
        for ip in network.ips:
            if ip in present:
                continue
            context.before_writing()
            with ephemeral_unless_reserved([ip]):
                assign_address(row, network.row, ip)
            saved.changes.append(f"addresses: {ip} added")
    families = {(network.row.pk, ip.version) for network in networks for ip in network.ips}
    listed = {ip for network in networks for ip in network.ips}
    for address in _addresses_of(row, saved):
        family = (address.prefix.network_id, address.address.version)
        if address.address not in listed and family in families:
            reason = f"The address {address} is not in the files; it stays."
            saved.remarks.append(Remark("allocation.networks", reason))


def _addresses_of(row: Machine, saved: Saved) -> Iterable[Address]:
    """Those that it has now: as it was read, unless something was changed since."""
    if saved.changes or saved.created:
        return Address.objects.filter(machine=row).select_related("prefix")
    return row.addresses.all()
