"""Endpoints: what the machines of a shared network may reach behind a consumer's firewall."""

import uuid
from collections.abc import Iterator
from ipaddress import IPv4Address

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from firewalls import guards, rules
from firewalls.models.firewall import Firewall
from firewalls.models.locking import lock_firewalls
from firewalls.models.validators import MAX_PORT
from machines.models import Machine
from networks.common.fields import as_address
from networks.common.triggers import MACHINE, Recorded
from networks.common.validation import Check, ChoiceCheck, Unique, ValidatedModel
from networks.common.violations import Violation
from networks.models import Address, Network

# What the audit trail shows of an endpoint lies behind its address.
_OF_ADDRESS = (
    "(SELECT {what} FROM networks_address address"
    " JOIN networks_prefix prefix ON prefix.id = address.prefix_id"
    " LEFT JOIN machines_machine holder ON holder.id = address.machine_id"
    " WHERE address.id = {row}.address_id)"
)


def _of_address(what: str, row: str = "this") -> str:
    return _OF_ADDRESS.format(what=what, row=row)


_LABEL = (
    f"{_of_address('holder.name')} || ' ' || {_of_address('host(address.address)')}"
    " || ':' || this.port || '/' || this.protocol"
)


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def of(self, firewall: Firewall) -> "EndpointQuerySet":
        return self.filter(address__machine=firewall.machine_id)

    def matching(self, text: str) -> "EndpointQuerySet":
        """Those whose firewall, machine, network or address is meant by what somebody typed."""
        condition = Q(address__machine__name__icontains=text) | Q(machine__name__icontains=text)
        condition |= Q(address__prefix__network__id__icontains=text)
        if ip := as_address(text):
            condition |= Q(address__address=ip)
        return self.filter(condition)

    def with_relations(self) -> "EndpointQuerySet":
        return self.select_related("address__machine", "address__prefix__network", "machine")


class Endpoint(ValidatedModel):
    """A port of a firewall's own address in a shared network, forwarded to one machine behind it.

    The address says which firewall and which network, so the three cannot disagree.
    """

    class Protocol(models.TextChoices):
        TCP = "tcp"
        UDP = "udp"

    class Purpose(models.TextChoices):
        SERVICE = "service", "service"
        HTTP_PROXY = "http-proxy", "HTTP proxy"

    _limits = [MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    address = models.ForeignKey(
        Address,
        models.PROTECT,
        related_name="endpoints",
        help_text="The firewall's own, in a shared network that it has joined.",
    )
    port = models.PositiveIntegerField(validators=_limits)
    protocol = models.CharField(max_length=3, choices=Protocol.choices, default=Protocol.TCP)
    machine = models.ForeignKey(
        Machine, models.PROTECT, related_name="endpoints", help_text="Behind the firewall."
    )
    target_port = models.PositiveIntegerField(validators=_limits)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.SERVICE)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["address", "port", "protocol"]
        constraints = [
            Unique(
                field="port",
                name="endpoint_is_published_once",
                fields=["address", "port", "protocol"],
                violation_error_code="port_taken",
                violation_error_message=(
                    "Another endpoint is at this address, port and protocol already."
                ),
            ),
            Check(
                field="protocol",
                name="http_proxy_speaks_tcp",
                condition=Q(protocol="tcp") | ~Q(purpose="http-proxy"),
                violation_error_code="proxy_is_tcp",
                violation_error_message="An HTTP proxy is reached by tcp.",
            ),
            ChoiceCheck(
                name="endpoint_protocol_is_known", condition=Q(protocol__in=["tcp", "udp"])
            ),
            ChoiceCheck(
                name="endpoint_purpose_is_known", condition=Q(purpose__in=["service", "http-proxy"])
            ),
            ChoiceCheck(
                name="endpoint_ports_are_ports",
                condition=Q(port__range=(1, MAX_PORT), target_port__range=(1, MAX_PORT)),
            ),
        ]
        triggers = [
            *guards.ENDPOINT,
            Recorded(
                label=_LABEL,
                shown_as={
                    "address": _of_address("host(address.address)", "{row}"),
                    "firewall": _of_address("holder.name", "{row}"),
                    "network": _of_address("prefix.network_id", "{row}"),
                    "machine": MACHINE,
                },
                about=[
                    f"'firewall:' || {_of_address('address.machine_id')}",
                    f"'network:' || {_of_address('prefix.network_id')}",
                    "'machine:' || this.machine_id",
                ],
            ),
        ]

    def __str__(self) -> str:
        ip = self.address.address
        host = str(ip) if isinstance(ip, IPv4Address) else f"[{ip}]"
        return f"{host}:{self.port}/{self.protocol}"

    @property
    def firewall(self) -> Firewall:
        """The firewall that has the address; it has one, as the rules have it."""
        assert self.address.machine is not None
        firewall: Firewall = self.address.machine.firewall
        return firewall

    @property
    def network(self) -> Network:
        return self.address.network

    def standing_violations(self) -> Iterator[Violation]:
        holder = self.address.machine
        if holder is None or not holder.is_firewall():
            yield from rules.at_own_shared_address(
                self.address.address, self.network.pk, firewall=None, joined=False
            )
            return
        yield from rules.at_own_shared_address(
            self.address.address, self.network.pk, holder.name, self._is_joined_by(holder)
        )
        yield from list(self._not_behind(holder)) or self._not_of_family(holder)

    def in_the_way(self, constraint: str) -> str:
        """What to do; and of a port that is taken, by which endpoint, and which one is free."""
        if constraint == "http_proxy_speaks_tcp":
            return "An HTTP proxy is reached by tcp; choose tcp, or another purpose."
        return self._taken_by() if constraint == "endpoint_is_published_once" else ""

    def _taken_by(self) -> str:
        """Empty where the other one has gone meanwhile."""
        there = Endpoint.objects.filter(address=self.address_id, protocol=self.protocol)
        other = there.filter(port=self.port).exclude(pk=self.pk).with_relations().first()
        if other is None:
            return ""
        taken = set(there.filter(port__gt=self.port).values_list("port", flat=True))
        above = range(self.port + 1, MAX_PORT + 1)
        free = next((port for port in above if port not in taken), None)
        instead = f"; port {free} is free" if free else ""
        return (
            f"{other} already leads to {other.machine.name}{instead}, or change or remove that one."
        )

    def _is_joined_by(self, holder: Machine) -> bool:
        network = self.network
        further = network.shared and holder.primary_id != network.pk
        return further and holder.lives_in(network.pk)

    def _not_behind(self, holder: Machine) -> Iterator[Violation]:
        machine = self.machine
        return rules.behind(
            machine.name,
            machine.primary_id,
            holder.primary_id,
            holder.name,
            machine.is_firewall(),
        )

    def _not_of_family(self, holder: Machine) -> Iterator[Violation]:
        # All addresses of a machine are in its one network (R4).
        addresses = [row.address for row in self.machine.addresses.all()]
        return rules.same_family(
            self.machine.name, holder.primary_id, self.address.address, addresses
        )

    def lock(self) -> None:
        """Publishing on a firewall and taking it out of a network wait for each other."""
        addresses = Address.objects.filter(Q(pk=self.address_id) | Q(endpoints=self.pk))
        holders = addresses.exclude(machine=None).distinct()
        lock_firewalls(holders.order_by().values_list("machine", flat=True))
