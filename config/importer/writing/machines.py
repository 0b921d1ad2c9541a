"""Machines, allocated as anybody else's, with the ids, AS numbers and addresses they have."""

from collections.abc import Sequence
from typing import Any

from config.importer.kinds import MachineDoc
from config.importer.writing import firewalls
from config.importer.writing.allocated import (
    UsedNetwork,
    ephemeral_unless_reserved,
    used_networks,
)
from config.importer.writing.rows import Saved, existing, refusal, save_differing
from firewalls.allocation import NewFirewall, create_firewall
from machines import rules
from machines.allocation import Order, assign_address, create_machine, wanted_networks
from machines.models import Machine
from networks.common.validation import enforce
from networks.models import Partition, Project
from networks.rules import UNDERLAY


def write_machine(doc: MachineDoc, by: str) -> Saved:
    """Allocate the machine or firewall, or bring the row up to the document.

    Nothing is taken away from a machine that is there already.
    """
    networks = used_networks(doc)
    firewall_rules = None if doc.rules is None else firewalls.rule_values(doc.rules)
    row = Machine.objects.filter(pk=doc.id).select_related("firewall").first()
    if row is not None:
        return _update(row, doc, networks, firewall_rules, by)
    if doc.is_firewall:
        _create_firewall(doc, networks, firewall_rules or [], by)
    else:
        _create_machine(doc, networks)
    return Saved(created=True)


def _create_machine(doc: MachineDoc, networks: Sequence[UsedNetwork]) -> None:
    with ephemeral_unless_reserved(doc.ips):
        create_machine(Order(**_common(doc, networks)))


def _create_firewall(
    doc: MachineDoc, networks: Sequence[UsedNetwork], firewall_rules: firewalls.Rules, by: str
) -> None:
    """The underlay is not asked for (R8): of it only the addresses are named."""
    fabric = [network for network in networks if network.row.kind == UNDERLAY]
    others = [network for network in networks if network.row.kind != UNDERLAY]
    loopbacks = [ip for network in fabric for ip in network.ips]
    with ephemeral_unless_reserved(doc.ips):
        common = _common(doc, others)
        create_firewall(NewFirewall(**common, rules=firewall_rules, loopbacks=loopbacks), by=by)


def _common(doc: MachineDoc, networks: Sequence[UsedNetwork]) -> dict[str, Any]:
    """What allocating a machine and a firewall takes alike."""
    return {
        "id": doc.id,
        "name": doc.name,
        "partition": existing(Partition, doc.partition_id, "partition"),
        "project": existing(Project, doc.owner, "project"),
        "networks": [network.request for network in networks],
        "addresses": [ip for network in networks for ip in network.ips],
        "labels": doc.labels,
        "asn": doc.asn,
    }


def _update(
    row: Machine,
    doc: MachineDoc,
    networks: Sequence[UsedNetwork],
    firewall_rules: firewalls.Rules | None,
    by: str,
) -> Saved:
    _refuse_another_role(row, doc)
    saved = Saved(changes=save_differing(row, _values(doc, networks)))
    if doc.is_firewall:
        firewalls.join_missing(row.firewall, networks, saved, by)
    _add_addresses(row, networks, saved)
    if doc.is_firewall:
        firewalls.replace_differing_rules(row.firewall, firewall_rules, saved)
        firewalls.refresh_changed(row.firewall, saved, by)
    return saved


def _refuse_another_role(row: Machine, doc: MachineDoc) -> None:
    is_firewall = hasattr(row, "firewall")
    if doc.is_firewall and not is_firewall:
        reason = f"{row.name} is a machine; free it before it becomes a firewall."
        raise refusal("role", "identity", reason)
    if is_firewall and not doc.is_firewall:
        reason = f"{row.name} is a firewall; free it before it becomes a machine."
        raise refusal("role", "identity", reason)


def _values(doc: MachineDoc, networks: Sequence[UsedNetwork]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": doc.name,
        "labels": doc.labels,
        "partition_id": existing(Partition, doc.partition_id, "partition").pk,
        "project_id": existing(Project, doc.owner, "project").pk,
        "primary_id": _primary(doc, networks),
    }
    if doc.asn:
        values["asn"] = doc.asn
    return values


def _primary(doc: MachineDoc, networks: Sequence[UsedNetwork]) -> str:
    """The id of the network that the machine lives in. Raises ValidationError (R4, R5, R8, R9)."""
    if doc.is_firewall:
        networks = [network for network in networks if network.row.kind != UNDERLAY]
    wanted = wanted_networks([network.request for network in networks])
    refused = [*rules.valid_request(wanted)]
    if not doc.is_firewall:
        refused += rules.one_network(wanted)
    enforce(refused)
    primary, violations = rules.primary_of(wanted, doc.owner)
    enforce(violations)
    assert primary is not None  # or there was a violation
    return primary.id


def _add_addresses(row: Machine, networks: Sequence[UsedNetwork], saved: Saved) -> None:
    """Addresses that the document does not list stay."""
    present = {address.address for address in row.addresses.all()}
    for network in networks:
        for ip in network.ips:
            if ip in present:
                continue
            with ephemeral_unless_reserved([ip]):
                assign_address(row, network.row, ip)
            saved.changes.append(f"addresses: {ip} added")
    listed = {ip for network in networks for ip in network.ips}
    networks_listing = {network.row.pk for network in networks if network.ips}
    for address in row.addresses.select_related("prefix"):
        if address.address not in listed and address.prefix.network_id in networks_listing:
            saved.notes.append(f"address {address} is not in the file; it stays")
