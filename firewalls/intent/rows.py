"""What the database knows of firewalls and of what they join: a row of each, for any number."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from firewalls.models import Attachment, Endpoint, Firewall, Rule
from machines.models import Machine
from networks.common.statements import Keyed
from networks.models import Address, Network, Prefix

NETWORK = ("id", "name", "vrf", "nat", "destination_prefixes")
PRIMARY = {name: f"machine__primary__{name}" for name in NETWORK}
OWN = ("pk", "uplinks", "machine__name", "machine__asn", "machine__partition_id")
PARTS = ("cidrs", "joined", "address_rows", "rule_rows", "endpoint_rows", "sibling_rows")
RULE = ("direction", "protocol", "ports", "sources", "destinations", "comment")


def network_rows(firewalls: Iterable[UUID]) -> "QuerySet[Network, dict[str, Any]]":
    """The networks that any of these firewalls or of their siblings has joined.

    Each with its prefixes as `cidrs`.
    """
    prefixes = Prefix.objects.filter(network=OuterRef("pk")).order_by("cidr")
    primaries = Machine.objects.filter(firewall__in=firewalls).order_by().values("primary")
    together = Firewall.objects.filter(machine__primary__in=primaries).order_by()
    attachments = Attachment.objects.filter(firewall__in=together).order_by()
    joined = Network.objects.filter(pk__in=attachments.values("network"))
    rows = joined.order_by("pk").annotate(cidrs=ArraySubquery(prefixes.values("cidr")))
    return rows.values(*NETWORK, "kind", "cidrs")


def firewall_rows(firewalls: Iterable[UUID]) -> "QuerySet[Firewall, dict[str, Any]]":
    """The firewalls with their primary network and all that belongs to them, each in one row."""
    firewall = OuterRef("pk")
    joined = Attachment.objects.filter(firewall=firewall).order_by("network_id")
    prefixes = Prefix.objects.filter(network=OuterRef("machine__primary")).order_by("cidr")
    parts = {
        "cidrs": ArraySubquery(prefixes.values("cidr")),
        "joined": ArraySubquery(
            joined.values(json=JSONObject(network="network_id", place="place"))
        ),
        "address_rows": ArraySubquery(_addresses(firewall)),
        "rule_rows": ArraySubquery(_rules(firewall)),
        "endpoint_rows": ArraySubquery(_endpoints(firewall)),
        "sibling_rows": ArraySubquery(_siblings()),
    }
    rows = Firewall.objects.filter(pk__in=firewalls).order_by("pk").annotate(**parts)
    return rows.values(*OWN, *PRIMARY.values(), *parts)


def _siblings() -> "QuerySet[Firewall, Any]":
    """The other firewalls of its primary network, each with what it has joined."""
    primary = OuterRef("machine__primary")
    rows = Firewall.objects.filter(machine__primary=primary).exclude(pk=OuterRef("pk"))
    joined = Attachment.objects.filter(firewall=OuterRef("pk")).order_by("network_id")
    networks = ArraySubquery(joined.values("network_id"))
    return rows.order_by("pk").values(json=JSONObject(joined=networks))


def _addresses(firewall: OuterRef) -> "QuerySet[Address, Any]":
    rows = Address.objects.filter(machine=firewall).order_by("address")
    return rows.values(json=JSONObject(network="prefix__network_id", ip="address"))


def _rules(firewall: OuterRef) -> "QuerySet[Rule, Any]":
    rows = Rule.objects.filter(firewall=firewall).order_by("direction", "position")
    return rows.values(json=JSONObject(**{name: name for name in RULE}))


def _endpoints(firewall: OuterRef) -> "QuerySet[Endpoint, Any]":
    """Each with the lowest address of that family that its machine has at home, if any."""
    at_home = Address.objects.filter(
        machine=OuterRef("machine"),
        prefix__network=OuterRef("machine__primary"),
        address__family=OuterRef("address__address__family"),
    )
    lowest = at_home.order_by().values("machine").annotate(lowest=Min("address"))
    rows = Endpoint.objects.filter(address__machine=firewall).order_by("pk")
    return rows.values(
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


# The same of some firewalls, by a list of their ids.
NETWORKS = Keyed(network_rows, "uuid", *NETWORK, "kind", "cidrs")
FIREWALLS = Keyed(firewall_rows, "uuid", *OWN, *PRIMARY.values(), *PARTS)
