"""What the database knows of firewalls, as the values that planning takes: a constant number of queries for any number."""

from collections.abc import Iterable
from ipaddress import IPv4Address
from uuid import UUID

from django.db.models import Prefetch

from firewalls import plan
from firewalls.models import Attachment, Firewall
from networks.addressing import IP
from networks.models import Address, Network, Prefix

_UNDERLAY, _EXTERNAL = Network.Kind.UNDERLAY, Network.Kind.EXTERNAL


def facts(firewalls: Iterable[UUID]) -> dict[UUID, plan.Facts]:
    """The facts of these firewalls by id. One without an underlay address is left out: it has no router id yet (R8)."""
    prefixes = Prefetch("prefixes", Prefix.objects.order_by("cidr"))
    addresses = Address.objects.select_related("prefix").order_by("address")
    rows = (
        Firewall.objects.filter(pk__in=list(firewalls))
        .select_related("machine__partition")
        .prefetch_related(
            Prefetch("machine__primary", Network.objects.prefetch_related(prefixes)),
            Prefetch("attachments", Attachment.objects.order_by("network_id")),
            Prefetch("attachments__network", Network.objects.prefetch_related(prefixes)),
            Prefetch("machine__addresses", addresses),
            "rules",
        )
    )
    return {row.pk: found for row in rows if (found := _facts(row)) is not None}


def _facts(firewall: Firewall) -> plan.Facts | None:
    machine = firewall.machine
    own: dict[str, list[IP]] = {}
    for address in machine.addresses.all():
        own.setdefault(address.prefix.network_id, []).append(address.address)
    joined = [attachment.network for attachment in firewall.attachments.all()]
    fabric = next((network for network in joined if network.kind == _UNDERLAY), None)
    router_id = next((ip for ip in own.get(fabric.pk, []) if isinstance(ip, IPv4Address)), None) if fabric else None
    if fabric is None or router_id is None:
        return None
    return plan.Facts(
        hostname=machine.name,
        asn=machine.asn,
        router_id=router_id,
        underlay_prefixes=tuple(prefix.cidr for prefix in fabric.prefixes.all()),
        uplinks=tuple(firewall.uplinks),
        primary=_net(machine.primary, own),
        shared=tuple(_net(network, own) for network in joined if network.kind == Network.Kind.PRIVATE),
        externals=tuple(_net(network, own) for network in joined if network.kind == _EXTERNAL),
        management_prefixes=tuple(machine.partition.management_prefixes),
        dns_servers=tuple(machine.partition.dns_servers),
        ntp_servers=tuple(machine.partition.ntp_servers),
        rules=tuple(
            plan.Rule(
                direction=rule.direction, protocol=rule.protocol, ports=tuple(rule.ports), comment=rule.comment,
                sources=tuple(rule.sources), destinations=tuple(rule.destinations),
            )
            for rule in firewall.rules.all()
        ),
    )  # fmt: skip


def _net(network: Network, own: dict[str, list[IP]]) -> plan.Net:
    assert network.vrf is not None  # a private or external network has one (R14)
    return plan.Net(
        id=network.pk, name=network.name, vrf=network.vrf, nat=network.nat, shared=network.shared,
        prefixes=tuple(prefix.cidr for prefix in network.prefixes.all()),
        addresses=tuple(own.get(network.pk, [])),
        destination_prefixes=tuple(network.destination_prefixes),
    )  # fmt: skip
