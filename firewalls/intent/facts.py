"""What the database knows of firewalls, as the values that planning takes: three queries for any number of them.

They come one after the other, so that the memory this takes does not grow with their number.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from firewalls.configuration import plan
from firewalls.models import Attachment, Endpoint, Firewall, Rule
from networks.common.addressing import IP, Cidr
from networks.models import Address, Network, Partition, Prefix

TOGETHER = 500  # rows that the database sends at once
Row = Mapping[str, Any]
RULE = ("direction", "protocol", "ports", "sources", "destinations", "comment")

# Thousands of firewalls name the same few hundred prefixes.
_cidr = lru_cache(50_000)(ip_network)
_ip = lru_cache(50_000)(ip_address)


def facts(firewalls: Iterable[UUID]) -> dict[UUID, plan.Facts]:
    """The facts of these firewalls by id. One without an underlay address is left out: it has no router id yet (R8)."""
    return dict(stream_facts(firewalls))


def stream_facts(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, plan.Facts]]:
    """The facts of each of these firewalls, as they come. Many are one cursor, which lives in one transaction: write nothing meanwhile."""
    ids = list(firewalls)
    joined = {
        row["id"]: row
        for row in _nets(Network.objects.filter(attachments__firewall__in=ids).distinct())
    }
    partitions = {row.pk: row for row in Partition.objects.all()}
    for row in _streamed(_rows(ids)) if len(ids) > TOGETHER else _rows(ids):
        found = _facts(row, joined, partitions[row["machine__partition_id"]])
        if found is not None:
            yield row["pk"], found


def _streamed(rows: "QuerySet[Firewall, dict[str, Any]]") -> Iterator[dict[str, Any]]:
    """In one transaction, for a pool may give the next one another connection."""
    with transaction.atomic():
        yield from rows.iterator(TOGETHER)


def _nets(networks: "QuerySet[Network]") -> "QuerySet[Network, dict[str, Any]]":
    """Networks with their prefixes, a row each."""
    prefixes = Prefix.objects.filter(network=OuterRef("pk")).order_by("cidr").values("cidr")
    shown = ("id", "name", "kind", "vrf", "nat", "destination_prefixes")
    return networks.order_by("pk").annotate(cidrs=ArraySubquery(prefixes)).values(*shown, "cidrs")


def _rows(firewalls: list[UUID]) -> "QuerySet[Firewall, dict[str, Any]]":
    """All that there is to know of each firewall and its primary network, a row each."""
    mine = OuterRef("pk")
    addresses = Address.objects.filter(machine=mine).order_by("address")
    joined = Attachment.objects.filter(firewall=mine).order_by("network_id")
    rules = Rule.objects.filter(firewall=mine).order_by("direction", "position")
    prefixes = Prefix.objects.filter(network=OuterRef("machine__primary")).order_by("cidr")
    primary = {
        name: f"machine__primary__{name}"
        for name in ("id", "name", "vrf", "nat", "destination_prefixes")
    }
    return (
        Firewall.objects.filter(pk__in=firewalls)
        .order_by("pk")
        .annotate(
            addresses=ArraySubquery(
                addresses.values(json=JSONObject(network="prefix__network_id", ip="address"))
            ),
            joined=ArraySubquery(joined.values("network_id")),
            given=ArraySubquery(rules.values(json=JSONObject(**{name: name for name in RULE}))),
            cidrs=ArraySubquery(prefixes.values("cidr")),
            published=ArraySubquery(_endpoints(mine)),
        )
        .values(
            "pk",
            "uplinks",
            "machine__name",
            "machine__asn",
            "machine__partition_id",
            *primary.values(),
            "addresses",
            "joined",
            "given",
            "cidrs",
            "published",
        )
    )


def _endpoints(firewall: OuterRef) -> "QuerySet[Endpoint, Any]":
    """A firewall's endpoints, each with the lowest address of that family that its machine has at home."""
    own = Address.objects.filter(
        machine=OuterRef("machine"), prefix__network=OuterRef("machine__primary")
    )
    lowest = (
        own.filter(address__family=OuterRef("address__address__family"))
        .order_by()
        .values("machine")
        .annotate(lowest=Min("address"))
    )
    return (
        Endpoint.objects.filter(address__machine=firewall)
        .order_by("pk")
        .values(
            json=JSONObject(
                vrf="address__prefix__network__vrf",
                address="address__address",
                port="port",
                protocol="protocol",
                machine="machine__name",
                target=Subquery(lowest.values("lowest")),
                target_port="target_port",
            )
        )
    )


def _facts(row: Row, networks: Mapping[str, Row], partition: Partition) -> plan.Facts | None:
    own: dict[str, list[IP]] = {}
    for address in row["addresses"]:
        own.setdefault(address["network"], []).append(_ip(address["ip"]))
    joined = [
        networks[id] for id in row["joined"] if id in networks
    ]  # one that was joined since then is another round's
    fabric = next((network for network in joined if network["kind"] == Network.Kind.UNDERLAY), None)
    router_id = (
        next((ip for ip in own.get(fabric["id"], []) if isinstance(ip, IPv4Address)), None)
        if fabric
        else None
    )
    if fabric is None or router_id is None:
        return None
    primary = {
        name: row[f"machine__primary__{name}"]
        for name in ("id", "name", "vrf", "nat", "destination_prefixes")
    }
    return plan.Facts(
        hostname=row["machine__name"],
        asn=row["machine__asn"],
        router_id=router_id,
        underlay_prefixes=_cidrs(fabric["cidrs"]),
        uplinks=tuple(row["uplinks"]),
        primary=_net({**primary, "cidrs": row["cidrs"]}, own),
        shared=tuple(
            _net(network, own) for network in joined if network["kind"] == Network.Kind.PRIVATE
        ),
        externals=tuple(
            _net(network, own) for network in joined if network["kind"] == Network.Kind.EXTERNAL
        ),
        management_prefixes=tuple(partition.management_prefixes),
        rules=tuple(map(_rule, row["given"])),
        endpoints=tuple(_endpoint(one) for one in row["published"] if one["target"] is not None),
        dns_servers=tuple(partition.dns_servers),
        ntp_servers=tuple(partition.ntp_servers),
    )


def _net(network: Row, own: Mapping[str, list[IP]]) -> plan.Net:
    return plan.Net(
        id=network["id"],
        name=network["name"],
        vrf=network["vrf"],
        nat=network["nat"],
        prefixes=_cidrs(network["cidrs"]),
        addresses=tuple(own.get(network["id"], ())),
        destination_prefixes=tuple(network["destination_prefixes"]),
    )


def _rule(given: Row) -> plan.Rule:
    return plan.Rule(
        direction=given["direction"],
        protocol=given["protocol"],
        ports=tuple(given["ports"]),
        comment=given["comment"],
        sources=_cidrs(given["sources"]),
        destinations=_cidrs(given["destinations"]),
    )


def _endpoint(given: Row) -> plan.Endpoint:
    return plan.Endpoint(
        **{**given, "address": _ip(given["address"]), "target": _ip(given["target"])}
    )


def _cidrs(texts: Iterable[object]) -> tuple[Cidr, ...]:
    return tuple(_cidr(str(text)) for text in texts)
