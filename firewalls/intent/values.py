"""Networks and machines as the values of reachability."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from firewalls.models import Attachment
from firewalls.reachability import Machine, Network
from machines.models import Machine as MachineRow
from networks.models import Network as NetworkRow
from networks.models import Prefix

ROUTED = (NetworkRow.Kind.PRIVATE, NetworkRow.Kind.EXTERNAL)
NETWORK = ("id", "kind", "vrf", "project_id", "shared", "destination_prefixes", "nat")
Row = Mapping[str, Any]


def network_values(networks: Collection[str]) -> dict[str, Network]:
    """These networks, and all that are outside, as reachability takes them; one query."""
    return {row["id"]: network(row) for row in network_rows([], networks)}


def network_rows(
    firewalls: Iterable[UUID], networks: Collection[str]
) -> "QuerySet[NetworkRow, dict[str, Any]]":
    """The networks asked for, those of the firewalls, and all that are outside."""
    prefixes = Prefix.objects.filter(network=OuterRef("pk")).order_by("cidr")
    joined = Attachment.objects.filter(firewall__in=firewalls).order_by().values("network")
    rows = NetworkRow.objects.filter(
        Q(pk__in=networks) | Q(kind=NetworkRow.Kind.EXTERNAL) | Q(pk__in=joined),
        kind__in=ROUTED,
    )
    living = MachineRow.objects.plain().filter(primary=OuterRef("pk")).order_by()
    counted = living.values("primary").annotate(count=Count("pk")).values("count")
    return (
        rows.order_by("pk")
        .annotate(cidrs=ArraySubquery(prefixes.values("cidr")), at=F("partition_id"))
        .annotate(machines=Coalesce(Subquery(counted), 0))
        .values(*NETWORK, "cidrs", "machines", "at")
    )


def network(row: Row) -> Network:
    return Network(
        id=row["id"],
        kind=row["kind"],
        vrf=row["vrf"] or 0,
        prefixes=tuple(row["cidrs"]),
        project=row["project_id"] or "",
        shared=row["shared"],
        destination_prefixes=tuple(row["destination_prefixes"]),
        nat=row["nat"],
        machines=row["machines"],
        partition=row["at"] or "",
    )


def machine_values(rows: "QuerySet[MachineRow]") -> Iterator[Machine]:
    for row in rows.prefetch_related("addresses__prefix"):
        yield machine_value(row)


def machine_value(row: MachineRow) -> Machine:
    """A machine with its addresses at home, as reachability takes it."""
    rows = row.addresses.all()
    addresses = tuple(one.address for one in rows if one.prefix.network_id == row.primary_id)
    return Machine(str(row.pk), row.name, row.primary_id, row.project_id, addresses)
