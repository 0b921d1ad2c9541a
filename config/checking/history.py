"""What the trail remembers and the rows do not say: what was shared once (R3), what a network was made as, what was let go of (R16)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from config.checking.findings import Finding, of
from config.checking.rows import Stored
from networks import rules
from networks.models import Activity, Address, Network

SHARING = ("shared", "shared_at", "shared_by", "shared_reason")
IDENTITY = {"kind": "kind", "partition": "partition_id", "parent": "parent_id", "vrf": "vrf"}
CREATED, CHANGED, REMOVED = Activity.Verb.CREATED, Activity.Verb.CHANGED, Activity.Verb.REMOVED


def contradicted(stored: Stored) -> Iterator[Finding]:
    """Rows that are no longer what they were made as, and had to stay."""
    once = _once()
    for network in stored.of(Network):
        if network.pk in once:
            was = _as_made(network, once[network.pk])
            yield from of(network, rules.stays_shared(was, network))
            yield from of(network, rules.sharing_is_kept(was, network))
            yield from of(network, rules.keeps_identity(was, network))
    let_go = _let_go()
    for address in stored.of(Address):
        if let_go and str(address.address) in let_go:
            yield from of(
                address,
                rules.released_with_machine(
                    address.address, address.kind, on_machine=address.machine_id is not None
                ),
            )


def _once() -> dict[str, dict[str, Any]]:
    """Of every network, by id, the values it was made with, and those it was first shared with."""
    known: dict[str, dict[str, Any]] = {}
    for key, verb, values in (
        Activity.objects.filter(kind="network").order_by("id").values_list("key", "verb", "after")
    ):
        after: dict[str, Any] = values or {}
        if verb == CREATED:
            known[key] = {"partition": None, "parent": None, "vrf": None, **after}
        elif verb == REMOVED:
            known.pop(key, None)
        elif after.get("shared") and not known.setdefault(key, {}).get("shared"):
            known[key] |= {name: after[name] for name in SHARING if name in after}
    return known


def _as_made(network: Network, values: dict[str, Any]) -> Network:
    made = {column: values.get(name, getattr(network, column)) for name, column in IDENTITY.items()}
    sharing = {name: values.get(name, getattr(network, name)) for name in SHARING}
    if isinstance(sharing["shared_at"], str):
        sharing["shared_at"] = parse_datetime(sharing["shared_at"])
    return Network(id=network.pk, **made, **sharing)


def _let_go() -> set[str]:
    """Addresses that were taken off a machine, and were neither put on one nor given back since."""
    off = Q(verb=CHANGED, before__has_key="machine")
    events = Activity.objects.filter(Q(verb__in=[CREATED, REMOVED]) | off, kind="address").order_by(
        "id"
    )
    loose: set[str] = set()
    for key, verb, machine in events.values_list("key", "verb", "after__machine"):
        if verb == CHANGED and machine is None:
            loose.add(key)
        else:
            loose.discard(key)
    return loose
