"""Whether rows contradict the audit trail: sharing (R3), identity (R14) and release (R16)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from config.checking.findings import Finding, rule_findings
from config.checking.loading import Stored
from networks import rules
from networks.models import Activity, Address, Network

SHARING = ("shared", "shared_at", "shared_by", "shared_reason")
# Columns by their names in the audit trail.
IDENTITY = {"kind": "kind", "partition": "partition_id", "parent": "parent_id", "vrf": "vrf"}
CREATED = Activity.Verb.CREATED
CHANGED = Activity.Verb.CHANGED
REMOVED = Activity.Verb.REMOVED


def violations(stored: Stored) -> Iterator[Finding]:
    """Rows that are no longer what they were made as, and had to stay."""
    yield from _changed_networks(stored)
    yield from _released_addresses(stored)


def _changed_networks(stored: Stored) -> Iterator[Finding]:
    recorded = _recorded_values()
    for network in stored.rows(Network):
        if network.pk not in recorded:
            continue
        before = _as_recorded(network, recorded[network.pk])
        yield from rule_findings(network, rules.stays_shared(before, network))
        yield from rule_findings(network, rules.sharing_is_kept(before, network))
        yield from rule_findings(network, rules.keeps_identity(before, network))


def _recorded_values() -> dict[str, dict[str, Any]]:
    """Of every network, by id, the values it was made with, and those it was first shared with."""
    recorded: dict[str, dict[str, Any]] = {}
    events = Activity.objects.filter(kind="network").order_by("id")
    for key, verb, values in events.values_list("key", "verb", "after"):
        after: dict[str, Any] = values or {}
        if verb == CREATED:
            recorded[key] = {"partition": None, "parent": None, "vrf": None, **after}
        elif verb == REMOVED:
            recorded.pop(key, None)
        elif after.get("shared"):
            network = recorded.setdefault(key, {})
            if not network.get("shared"):
                network |= {name: after[name] for name in SHARING if name in after}
    return recorded


def _as_recorded(network: Network, recorded: dict[str, Any]) -> Network:
    """The network with its recorded values; what was not recorded is as it is now."""
    values: dict[str, Any] = {}
    for name, column in IDENTITY.items():
        values[column] = recorded.get(name, getattr(network, column))
    for name in SHARING:
        values[name] = recorded.get(name, getattr(network, name))
    if isinstance(values["shared_at"], str):
        values["shared_at"] = parse_datetime(values["shared_at"])
    return Network(id=network.pk, **values)


def _released_addresses(stored: Stored) -> Iterator[Finding]:
    """Addresses that should have been released together with their machine (R16)."""
    off_machine = _taken_off_machines()
    if not off_machine:
        return
    for address in stored.rows(Address):
        if str(address.address) in off_machine:
            on_machine = address.machine_id is not None
            broken = rules.released_with_machine(address.address, address.kind, on_machine)
            yield from rule_findings(address, broken)


def _taken_off_machines() -> set[str]:
    """Addresses that were taken off a machine, and neither put on one nor released since."""
    machine_changed = Q(verb=CHANGED, before__has_key="machine")
    relevant = Q(verb__in=[CREATED, REMOVED]) | machine_changed
    events = Activity.objects.filter(relevant, kind="address").order_by("id")
    off_machine: set[str] = set()
    for key, verb, machine in events.values_list("key", "verb", "after__machine"):
        if verb == CHANGED and machine is None:
            off_machine.add(key)
        else:
            off_machine.discard(key)
    return off_machine
