"""What the audit trail knows and the rows do not say.

What was shared once (R3), what a network was made as, and what was taken off a machine (R16).
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from config.checking.findings import Finding, of
from config.checking.loading import Stored
from networks import rules
from networks.models import Activity, Address, Network

SHARING = ("shared", "shared_at", "shared_by", "shared_reason")
IDENTITY = {"kind": "kind", "partition": "partition_id", "parent": "parent_id", "vrf": "vrf"}
CREATED, CHANGED, REMOVED = Activity.Verb.CREATED, Activity.Verb.CHANGED, Activity.Verb.REMOVED


def contradicted(stored: Stored) -> Iterator[Finding]:
    """Rows that are no longer what they were made as, and had to stay."""
    original = _original_values()
    for network in stored.of(Network):
        if network.pk in original:
            before = _as_made(network, original[network.pk])
            yield from of(network, rules.stays_shared(before, network))
            yield from of(network, rules.sharing_is_kept(before, network))
            yield from of(network, rules.keeps_identity(before, network))
    taken_off = _taken_off_machines()
    for address in stored.of(Address):
        ip = address.address
        if str(ip) in taken_off:
            on_machine = address.machine_id is not None
            violations = rules.goes_with_its_machine(ip, address.kind, on_machine=on_machine)
            yield from of(address, violations)


def _original_values() -> dict[str, dict[str, Any]]:
    """Of every network, by id, the values it was made with, and those it was first shared with."""
    original: dict[str, dict[str, Any]] = {}
    events = Activity.objects.filter(kind="network").order_by("id")
    for key, verb, values in events.values_list("key", "verb", "after"):
        after: dict[str, Any] = values or {}
        if verb == CREATED:
            original[key] = {"partition": None, "parent": None, "vrf": None, **after}
        elif verb == REMOVED:
            original.pop(key, None)
        elif after.get("shared") and not original.setdefault(key, {}).get("shared"):
            original[key] |= {name: after[name] for name in SHARING if name in after}
    return original


def _as_made(network: Network, values: dict[str, Any]) -> Network:
    made = {column: values.get(name, getattr(network, column)) for name, column in IDENTITY.items()}
    sharing = {name: values.get(name, getattr(network, name)) for name in SHARING}
    if isinstance(sharing["shared_at"], str):
        sharing["shared_at"] = parse_datetime(sharing["shared_at"])
    return Network(id=network.pk, **made, **sharing)


def _taken_off_machines() -> set[str]:
    """Addresses that were taken off a machine, and were neither put on one nor released since."""
    changes_of_machine = Q(verb=CHANGED, before__has_key="machine")
    made_or_removed = Q(verb__in=[CREATED, REMOVED])
    events = Activity.objects.filter(changes_of_machine | made_or_removed, kind="address")
    addresses: set[str] = set()
    in_order = events.order_by("id")
    for key, verb, machine in in_order.values_list("key", "verb", "after__machine"):
        if verb == CHANGED and machine is None:
            addresses.add(key)
        else:
            addresses.discard(key)
    return addresses
