"""What laws are judged by: of a partition only those networks that something has changed for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q

from firewalls.configuration.plan import Facts, plan
from firewalls.intent.changes import concerned
from firewalls.intent.facts import facts
from firewalls.intent.values import Row, network, network_rows
from firewalls.models import Attachment, Breach, Endpoint, Firewall, Law, Touched, Unjudged
from firewalls.models.touched import SIBLINGS, object_ids
from firewalls.reachability import Guard, Partition
from networks.common.addressing import IP, Cidr
from networks.models import Address, Network, Prefix

ABOUT_NETWORKS = ("network", "prefix", "machine")
GUARD = ("pk", "machine__name", "machine__primary_id")


@dataclass(frozen=True)
class Changed:
    """The networks whose machines may reach otherwise than before, and laws that are new."""

    networks: frozenset[str]
    laws: frozenset[int]


def changed(rows: Iterable[Unjudged]) -> Changed:
    """What these notes come to, as the database stands now."""
    notes = [Touched(kind=row.kind, about=row.about) for row in rows]
    named = object_ids((row for row in notes if row.kind in ABOUT_NETWORKS), "network")
    named |= object_ids(notes, SIBLINGS)
    changes = [row for row in notes if row.kind not in ("law", "machine")]
    firewalls = concerned(changes) if changes else []
    homes = Firewall.objects.filter(pk__in=firewalls).order_by().values("machine__primary")
    named |= set(homes.values_list("machine__primary", flat=True)) if firewalls else set()
    return Changed(frozenset(named), frozenset(map(int, object_ids(notes, "law"))))


def targets_of(laws: Iterable[Law]) -> set[str]:
    """The networks that laws are about reaching."""
    known = list(laws)
    projects = {law.to_project_id for law in known if law.to_project_id}
    named = {law.to_network_id for law in known if law.to_network_id}
    rows = Network.objects.filter(project__in=projects, kind=Network.Kind.PRIVATE).order_by()
    return named | set(rows.values_list("pk", flat=True)) if projects else named


def sources_into(target: str) -> set[str]:
    """Who may reach a network otherwise than before once it has changed itself.

    Whoever did as it was judged last, and whoever reaches one of its endpoints.
    """
    known = Breach.objects.filter(target=target, outside=False).order_by()
    published = Endpoint.objects.filter(machine__primary=target).order_by()
    networks = set(published.values_list("address__prefix__network", flat=True))
    joined = Attachment.objects.filter(network__in=networks).order_by()
    users = joined.values_list("firewall__machine__primary", flat=True) if networks else ()
    return {*known.values_list("source", flat=True), *networks, *users}


def everywhere() -> set[str]:
    """All private networks."""
    rows = Network.objects.filter(kind=Network.Kind.PRIVATE).order_by()
    return set(rows.values_list("pk", flat=True))


def load(sources: Collection[str], targets: Collection[str]) -> Partition:
    """These networks, with the firewalls of the sources and those by which they reach a target.

    A constant number of queries.
    """
    firewalls = Firewall.objects.filter(
        Q(machine__primary__in={*sources, *_publishing(sources, targets)})
    ).order_by()
    rows = list(firewalls.values(*GUARD))
    ids = [row["pk"] for row in rows]
    known = facts(ids) if ids else {}
    homes = {*sources, *targets, *(row["machine__primary_id"] for row in rows)}
    return Partition(
        networks={row["id"]: network(row) for row in network_rows(ids, homes)},
        guards=tuple(_guard(row, known.get(row["pk"])) for row in rows),
        inner=_inner(),
        held=_held(homes) if any(map(_names_parts, known.values())) else frozenset(),
    )


def _inner() -> tuple[Cidr, ...]:
    """What private networks are carved of: so no other one has to be at hand."""
    rows = Prefix.objects.filter(network__kind=Network.Kind.SUPER).order_by("cidr")
    return tuple(rows.values_list("cidr", flat=True))


def _names_parts(of_firewall: Facts) -> bool:
    """Whether its rules tell some addresses from others."""
    return any(
        cidr.prefixlen for rule in of_firewall.rules for cidr in (*rule.sources, *rule.destinations)
    )


def _held(networks: Collection[str]) -> frozenset[IP]:
    """The addresses of firewalls in these, also of firewalls that are not at hand."""
    rows = Address.objects.filter(prefix__network__in=networks, machine__firewall__isnull=False)
    return frozenset(rows.order_by().values_list("address", flat=True))


def _publishing(sources: Collection[str], targets: Collection[str]) -> set[str]:
    """The targets with an endpoint in a source, or where a source's firewall has joined."""
    if not targets:
        return set()
    own = Attachment.objects.filter(firewall__machine__primary__in=sources).order_by()
    networks = {*sources, *own.values_list("network", flat=True)}
    published = Endpoint.objects.filter(
        machine__primary__in=targets, address__prefix__network__in=networks
    )
    return set(published.order_by().values_list("machine__primary", flat=True))


def _guard(row: Row, of_firewall: Facts | None) -> Guard:
    planned = plan(of_firewall) if of_firewall else None
    home = row["machine__primary_id"]
    return Guard(str(row["pk"]), row["machine__name"], home, planned, of_firewall)
