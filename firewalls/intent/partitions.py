"""A partition, or the part of it that a question is about, as the values of reachability.

A constant number of queries for any number of firewalls, networks and machines; what is computed
from the values then asks for nothing more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from firewalls.configuration.plan import Facts, plan
from firewalls.intent.facts import facts
from firewalls.intent.runs import Run, runs_at, runs_now
from firewalls.intent.values import (
    ROUTED,
    Row,
    machine_values,
    network,
    network_rows,
    network_values,
)
from firewalls.models import Endpoint, Firewall, Push
from firewalls.reachability import Guard, Network, Partition
from firewalls.reachability.values import IN_SYNC
from machines.models import Machine as MachineRow
from networks.common.addressing import IP
from networks.models import Address, Prefix
from networks.models import Network as NetworkRow

GUARD = ("pk", "machine__name", "machine__primary_id", "state")
PENDING = "pending"
PLANNED = 1024  # firewalls: two large partitions, some 20 MiB


class Basis(StrEnum):
    """What an answer is computed from: what is wanted now, or what was applied last."""

    WANTED = "wanted"
    APPLIED = "applied"


@dataclass(frozen=True)
class Around:
    """What a question is about: networks, addresses, and machines, by their ids.

    `outside`: it begins outside, so the firewalls that have joined these networks matter as well.
    """

    networks: Collection[str] = ()
    addresses: Collection[IP] = ()
    machines: Collection[UUID] = ()
    outside: bool = False


@dataclass(frozen=True)
class Loaded:
    """The same networks and machines with what firewalls are to do, do, or did."""

    wanted: Partition

    @cached_property
    def applied(self) -> Partition:
        """With what the last push has brought to each firewall."""
        return self.running(runs_now(self._ids))

    def on(self, basis: Basis) -> Partition:
        return self.wanted if basis is Basis.WANTED else self.applied

    def at(self, moment: datetime) -> Partition:
        """With what was applied then; networks and machines are those of now."""
        return self.running(runs_at(self._ids, moment))

    def running(self, runs: Mapping[str, Run], *, complete: bool = True) -> Partition:
        """With these configurations; where they are not all, firewalls without one are unknown."""
        guards = [_running(guard, runs.get(guard.id), complete) for guard in self.wanted.guards]
        networks = _with_those_of(guards, self.wanted.networks)
        known = (_in(networks, guard) for guard in guards)
        return replace(self.wanted, networks=networks, guards=tuple(known))

    def knowing(self, runs: Iterable[Run]) -> "Loaded":
        """With the networks of all these configurations as well, also those that were left since.

        One query, if there is any.
        """
        own = {guard.id: guard for guard in self.wanted.guards}
        ran = [_running(own[run.firewall], run, True) for run in runs]
        networks = _with_those_of(ran, self.wanted.networks)
        return replace(self, wanted=replace(self.wanted, networks=networks))

    @cached_property
    def _ids(self) -> list[str]:
        return [guard.id for guard in self.wanted.guards]


def _with_those_of(guards: Iterable[Guard], known: Mapping[str, Network]) -> Mapping[str, Network]:
    named = {network for guard in guards for network in guard.vrfs}
    lacking = named - known.keys()
    return {**known, **network_values(lacking)} if lacking else known


def _in(networks: Mapping[str, Network], guard: Guard) -> Guard:
    """Not known where it was in a network that is no more."""
    gone = guard.vrfs.keys() - networks.keys()
    return replace(guard, plan=None, facts=None, known=False) if gone else guard


def _running(guard: Guard, run: Run | None, complete: bool) -> Guard:
    """Compared by contents: what is wanted may have changed a moment ago."""
    if run is None:
        return replace(guard, plan=None, facts=None, known=complete)
    if guard.plan is not None and run.digest == guard.digest:
        return guard
    state = IN_SYNC if guard.state == PENDING and run.plan else guard.state
    return replace(guard, plan=run.plan, facts=None, known=run.plan is not None, state=state)


def load_around(around: Around) -> Loaded:
    """What a question depends on: its networks, their firewalls, and those that have its addresses.

    And the siblings of each. Keys are looked up first, so that each query finds its rows by them.
    """
    networks = {*around.networks, *_networks_of(around.addresses)}
    holders = Address.objects.filter(address__in=around.addresses, machine__isnull=False).order_by()
    homes = dict(holders.values_list("machine", "machine__primary"))
    guarded = {*networks, *homes.values()}
    if around.outside:
        joined = Firewall.objects.filter(attachments__network__in=networks).order_by()
        guarded |= set(joined.values_list("machine__primary", flat=True))
    firewalls = Firewall.objects.filter(machine__primary__in=guarded).order_by()
    machines = MachineRow.objects.plain().filter(
        Q(pk__in={*around.machines, *homes}) | Q(pk__in=_behind_endpoints(around.addresses))
    )
    return _loaded(firewalls, networks, machines)


def _behind_endpoints(addresses: Collection[IP]) -> "QuerySet[Any]":
    """The machines that endpoints at these addresses lead to, so that a path ends at a name."""
    published = Endpoint.objects.filter(address__address__in=addresses).order_by()
    return published.values("machine")


def load_users(network: str, *, ran: bool = False) -> Loaded:
    """The network with every firewall that guards it or has joined it, and their siblings.

    `ran`: also those that have left it since a push has brought it to them.
    """
    users = Firewall.objects.in_network(network)
    if ran:
        brought = {"revision__plan__vrfs__contains": [{"network": network}]}
        pushes = Push.objects.filter(state=Push.State.CONFIRMED, **brought).order_by()
        users = Firewall.objects.filter(Q(pk__in=users) | Q(pk__in=pushes.values("firewall")))
    guarded = users.order_by().values("machine__primary")
    firewalls = Firewall.objects.filter(machine__primary__in=guarded).order_by()
    return _loaded(firewalls, {network}, MachineRow.objects.none())


def load_partition(partition: str) -> Loaded:
    """All of a partition's private networks and firewalls, and what is outside; no machines."""
    networks = NetworkRow.objects.filter(partition=partition, kind=NetworkRow.Kind.PRIVATE)
    firewalls = Firewall.objects.filter(machine__partition=partition).order_by()
    ids = set(networks.order_by().values_list("pk", flat=True))
    return _loaded(firewalls, ids, MachineRow.objects.none())


def load_changed(scope: "QuerySet[Firewall]", since: datetime | None) -> Loaded:
    """Those of the scope that do not run what is wanted, or were pushed to since; and siblings."""
    changed = ~Q(observation__applied=F("wanted")) | Q(observation__applied=None)
    if since:
        ran = Push.objects.filter(firewall=OuterRef("pk"), state=Push.State.CONFIRMED)
        changed |= Q(Exists(ran.filter(finished_at__gt=since)))
    homes = scope.filter(changed).order_by().values("machine__primary")
    firewalls = Firewall.objects.filter(machine__primary__in=homes).order_by()
    return _loaded(firewalls, (), MachineRow.objects.none())


def _networks_of(addresses: Collection[IP]) -> set[str]:
    """The networks that have these addresses in a prefix."""
    if not addresses:
        return set()
    inside = Q()
    for address in addresses:
        inside |= Q(cidr__net_contains_or_equals=ip_network(address))
    rows = Prefix.objects.filter(inside, network__kind__in=ROUTED).order_by()
    return set(rows.values_list("network", flat=True))


def _loaded(
    firewalls: "QuerySet[Firewall]",
    networks: Collection[str],
    machines: "QuerySet[MachineRow]",
) -> Loaded:
    rows = list(firewalls.with_state().values(*GUARD))  # type: ignore[attr-defined]
    ids = [row["pk"] for row in rows]
    known = facts(ids)
    homes = {*networks, *(row["machine__primary_id"] for row in rows)}
    partition = Partition(
        networks={row["id"]: network(row) for row in network_rows(ids, homes)},
        guards=tuple(_guard(row, known.get(row["pk"])) for row in rows),
        machines=tuple(machine_values(machines)),
    )
    return Loaded(partition)


def _guard(row: Row, of_firewall: Facts | None) -> Guard:
    """Without a plan where it has no address in the underlay, and so no configuration (R8)."""
    own = row["machine__name"], row["machine__primary_id"], row["state"]
    return _planned(str(row["pk"]), *own, of_firewall)


@lru_cache(PLANNED)
def _planned(id: str, name: str, network: str, state: str, facts: Facts | None) -> Guard:
    """Kept with all that was computed of it, by everything that this follows from.

    So what is asked again of a partition takes reading it, and planning what has changed.
    """
    return Guard(id, name, network, plan(facts) if facts else None, facts, state)
