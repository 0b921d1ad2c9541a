"""What a query asks: from where, to where, as what, and on which basis."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from firewalls.intent.partitions import Basis
from firewalls.intent.questions import NOT_WANTED, NOT_YET, Asked, is_unrouted, unrouted
from firewalls.models import Endpoint
from firewalls.reachability.values import ICMP, TCP
from machines.models import Machine
from networks.common.api.fields import InetText, RelatedId, UtcTime
from networks.models import Network

MAX_PORT = 65535
SOURCES = ("machine", "network", "source")
DESTINATIONS = ("to_machine", "to_network", "address", "endpoint", "internet")
PROTOCOLS = (TCP, "udp", ICMP)


def one_of(names: tuple[str, ...], query: Mapping[str, Any], what: str) -> str:
    """The one of these that the query names. Raises ValidationError where it is none, or more."""
    named = [name for name in names if query.get(name) not in (None, False)]
    if len(named) == 1:
        return named[0]
    choice = ", ".join(names)
    reason = f"Name a {what}: one of {choice}." if not named else f"Name one {what} alone."
    field = named[1] if named else names[0]
    raise serializers.ValidationError({field: reason}, code="one_of")


class ServiceSerializer(serializers.Serializer[Any]):
    """As what, and on which basis."""

    port = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_PORT, help_text="Without: any of the protocol."
    )
    protocol = serializers.ChoiceField(choices=PROTOCOLS, default=TCP)
    basis = serializers.ChoiceField(
        choices=[str(one) for one in Basis],
        default=str(Basis.WANTED),
        help_text="What is wanted now, or what was applied last.",
    )
    at = UtcTime(required=False, help_text="As it was applied then; without: now.")

    def validate(self, query: dict[str, Any]) -> dict[str, Any]:
        for field, reason, code in self._about_another_time(query):
            raise serializers.ValidationError({field: reason}, code=code)
        if query["protocol"] == ICMP and "port" in query:
            raise serializers.ValidationError({"port": "ICMP has no ports."}, code="no_ports")
        return query

    def _about_another_time(self, query: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        """What was wanted is not kept by time, and what is to come is not known."""
        if "at" not in query:
            return
        if "basis" in self.initial_data and query["basis"] == Basis.WANTED:
            yield "basis", NOT_WANTED, "not_kept"
        if query["at"] > timezone.now():
            yield "at", NOT_YET, "not_yet"
        query["basis"] = str(Basis.APPLIED)


class QuestionSerializer(ServiceSerializer):
    """From where, and to where: one of each."""

    machine = RelatedId(
        queryset=Machine.objects.plain().prefetch_related("addresses__prefix"),
        required=False,
        help_text="Source: a machine that is no firewall.",
    )
    network = RelatedId(
        queryset=Network.objects.all(), required=False, help_text="Source: any of a network."
    )
    to_machine = RelatedId(
        queryset=Machine.objects.prefetch_related("addresses__prefix"),
        required=False,
        help_text="Destination: a machine, or a firewall itself.",
    )
    to_network = RelatedId(
        queryset=Network.objects.all(), required=False, help_text="Destination: all of a network."
    )
    address = InetText(required=False, help_text="Destination: an address.")
    endpoint = RelatedId(
        queryset=Endpoint.objects.with_relations(),
        required=False,
        help_text="Destination: an endpoint, at its own port.",
    )
    internet = serializers.BooleanField(required=False, help_text="Destination: the internet.")

    def get_fields(self) -> dict[str, Any]:
        """With `source`, a name that the class itself keeps for something else."""
        address = InetText(required=False, help_text="Source: an address.")
        return {**super().get_fields(), "source": address}

    def validate(self, query: dict[str, Any]) -> dict[str, Any]:
        query = super().validate(query)
        source = one_of(SOURCES, query, "source")
        destination = one_of(DESTINATIONS, query, "destination")
        for name in ("network", "to_network"):
            refuse_unrouted(name, query.get(name))
        for name in ("port", "protocol") if destination == "endpoint" else ():
            self._same_as_endpoint(name, query)
        return {**query, "from": source, "to": destination}

    def _same_as_endpoint(self, name: str, query: Mapping[str, Any]) -> None:
        """An endpoint has a port and a protocol of its own. Raises ValidationError."""
        own = getattr(query["endpoint"], name)
        if name in self.initial_data and query[name] != own:
            reason = f"The endpoint is at {name} {own}; leave this out."
            raise serializers.ValidationError({name: reason}, code="other_than_endpoint")

    @property
    def asked(self) -> Asked:
        query = self.validated_data
        internet = query["to"] == "internet"
        return Asked(
            source=query[query["from"]],
            destination=None if internet else query[query["to"]],
            port=query.get("port"),
            protocol=query["protocol"],
        )


def refuse_unrouted(field: str, network: Network | None) -> None:
    """Super networks and underlays carry no machine's traffic. Raises ValidationError."""
    if network is not None and is_unrouted(network):
        raise serializers.ValidationError({field: unrouted(network)}, code="not_explicit")
