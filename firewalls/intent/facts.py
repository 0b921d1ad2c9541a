"""What the database knows of firewalls, as the values that planning takes.

Three queries for any number of firewalls. They come one after the other, so that the memory this
takes does not grow with their number.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from firewalls.configuration import plan
from firewalls.configuration.offers import Offer, offer
from firewalls.intent.rows import FIREWALLS, NETWORKS, PRIMARY, firewall_rows
from firewalls.models import Firewall
from networks.common.addressing import IP, Cidr, known_address, known_network
from networks.models import Network, Partition

AT_ONCE = 500  # rows that the database sends at once
Row = Mapping[str, Any]
Addresses = Mapping[str, list[IP]]  # the firewall's own, by network


def facts(firewalls: Iterable[UUID]) -> dict[UUID, plan.Facts]:
    """The facts of these firewalls by id, without those that have no address in the underlay.

    Such a firewall has no router id yet, so there is nothing to plan (R8).
    """
    return dict(stream_facts(firewalls))


def stream_facts(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, plan.Facts]]:
    """The facts of each of these firewalls, as they come.

    Many are one cursor, which lives in one transaction: write nothing meanwhile.
    """
    ids = list(firewalls)
    networks = {row["id"]: row for row in NETWORKS.rows(ids)}
    partitions = {row.pk: row for row in Partition.objects.all()}
    for row in _streamed(firewall_rows(ids)) if len(ids) > AT_ONCE else FIREWALLS.rows(ids):
        partition = partitions[row["machine__partition_id"]]
        if (of_firewall := _facts(row, networks, partition)) is not None:
            yield row["pk"], of_firewall


def _streamed(rows: "QuerySet[Firewall, dict[str, Any]]") -> Iterator[dict[str, Any]]:
    """In one transaction, for a pool may give the next one another connection."""
    with transaction.atomic():
        yield from rows.iterator(AT_ONCE)


def _facts(row: Row, networks: Mapping[str, Row], partition: Partition) -> plan.Facts | None:
    addresses = _addresses_by_network(row)
    joined = list(_joined(row, networks))
    underlay = _underlay(joined)
    primary = _primary(row, addresses)
    router_id = _router_id(underlay, addresses)
    if underlay is None or router_id is None:
        return None
    return plan.Facts(
        hostname=row["machine__name"],
        asn=row["machine__asn"],
        router_id=router_id,
        underlay_prefixes=_cidrs(underlay["cidrs"]),
        uplinks=tuple(row["uplinks"]),
        primary=primary,
        shared=_nets(joined, Network.Kind.PRIVATE, addresses),
        externals=_nets(joined, Network.Kind.EXTERNAL, addresses),
        management_prefixes=tuple(partition.management_prefixes),
        rules=tuple(map(_rule, row["rule_rows"])),
        endpoints=_endpoints(row["endpoint_rows"]),
        dns_servers=tuple(partition.dns_servers),
        ntp_servers=tuple(partition.ntp_servers),
        fabric_mtu=partition.fabric_mtu,
        siblings=_siblings(row["sibling_rows"], primary, networks),
    )


def _siblings(
    rows: Iterable[Row], primary: plan.Net, networks: Mapping[str, Row]
) -> tuple[Offer, ...]:
    """What they pass on, each thing once: how many they are is in no configuration."""
    offers = set()
    for row in rows:
        known = [networks[network] for network in row["joined"] if network in networks]
        joined = [{**network, "place": 0} for network in known]
        shared = _nets(joined, Network.Kind.PRIVATE, {})
        offers.add(offer(primary, shared, _nets(joined, Network.Kind.EXTERNAL, {})))
    return tuple(sorted(offers))


def _joined(row: Row, networks: Mapping[str, Row]) -> Iterator[Row]:
    """Without those joined since the networks were read, which are another round's."""
    for one in row["joined"]:
        if one["network"] in networks:
            yield {**networks[one["network"]], "place": one["place"]}


def _addresses_by_network(row: Row) -> dict[str, list[IP]]:
    addresses: dict[str, list[IP]] = {}
    for address in row["address_rows"]:
        addresses.setdefault(address["network"], []).append(known_address(address["ip"]))
    return addresses


def _underlay(joined: Iterable[Row]) -> Row | None:
    return next((net for net in joined if net["kind"] == Network.Kind.UNDERLAY), None)


def _router_id(underlay: Row | None, addresses: Addresses) -> IPv4Address | None:
    own = addresses.get(underlay["id"], []) if underlay else []
    return next((ip for ip in own if isinstance(ip, IPv4Address)), None)


def _primary(row: Row, addresses: Addresses) -> plan.Net:
    primary = {name: row[path] for name, path in PRIMARY.items()}
    return _net({**primary, "cidrs": row["cidrs"], "place": 0}, addresses)


def _nets(joined: Iterable[Row], kind: str, addresses: Addresses) -> tuple[plan.Net, ...]:
    return tuple(_net(network, addresses) for network in joined if network["kind"] == kind)


def _net(network: Row, addresses: Addresses) -> plan.Net:
    return plan.Net(
        id=network["id"],
        name=network["name"],
        vrf=network["vrf"],
        nat=network["nat"],
        prefixes=_cidrs(network["cidrs"]),
        addresses=tuple(addresses.get(network["id"], ())),
        destination_prefixes=tuple(network["destination_prefixes"]),
        place=network["place"],
    )


def _rule(rule: Row) -> plan.Rule:
    return plan.Rule(
        direction=rule["direction"],
        protocol=rule["protocol"],
        ports=tuple(rule["ports"]),
        comment=rule["comment"],
        sources=_cidrs(rule["sources"]),
        destinations=_cidrs(rule["destinations"]),
    )


def _endpoints(rows: Iterable[Row]) -> tuple[plan.Endpoint, ...]:
    """Those that lead somewhere: their machine has an address of that family."""
    return tuple(_endpoint(row) for row in rows if row["target"] is not None)


def _endpoint(endpoint: Row) -> plan.Endpoint:
    return plan.Endpoint(
        vrf=endpoint["vrf"],
        address=known_address(endpoint["address"]),
        port=endpoint["port"],
        protocol=endpoint["protocol"],
        machine=endpoint["machine"],
        target=known_address(endpoint["target"]),
        target_port=endpoint["target_port"],
    )


def _cidrs(texts: Iterable[object]) -> tuple[Cidr, ...]:
    return tuple(known_network(str(text)) for text in texts)
