"""The line that asks: from, to, port, protocol, and on which basis."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from firewalls.intent.ends import (
    End,
    Suggestion,
    UnclearError,
    destination_named,
    source_named,
)
from firewalls.intent.partitions import Basis
from firewalls.intent.questions import NOT_YET, Asked, From, is_unrouted, unrouted
from firewalls.models.validators import MAX_PORT
from firewalls.reachability.values import ICMP, TCP
from networks.models import Network

LONGEST = 200
PROTOCOLS = [(TCP, "tcp"), ("udp", "udp"), (ICMP, "ping")]
BASES = [(Basis.WANTED.value, "is wanted"), (Basis.APPLIED.value, "was applied last")]


class ServiceForm(forms.Form):
    """As what, and on which basis."""

    port = forms.IntegerField(required=False, min_value=1, max_value=MAX_PORT)
    protocol = forms.ChoiceField(choices=PROTOCOLS, required=False)
    basis = forms.ChoiceField(choices=BASES, required=False)

    at = forms.DateTimeField(required=False)

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if chosen.get("at") and chosen["at"] > timezone.now():
            self.add_error("at", ValidationError(NOT_YET, code="not_yet"))
        if chosen.get("protocol") == ICMP and chosen.get("port"):
            self.add_error("port", ValidationError("Pings have no ports.", code="no_ports"))
        return chosen

    @property
    def basis_chosen(self) -> Basis:
        """Of another moment it is kept what was applied then."""
        return (
            Basis.APPLIED if self.at_chosen else Basis(self.cleaned_data["basis"] or Basis.WANTED)
        )

    @property
    def at_chosen(self) -> datetime | None:
        """A moment in the past, as it is typed, in UTC."""
        return self.cleaned_data["at"]

    @property
    def protocol_chosen(self) -> str:
        return self.cleaned_data["protocol"] or TCP


class AskForm(ServiceForm):
    """A question; `meant` says by field what else an unclear name may mean."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = forms.CharField(max_length=LONGEST, required=False)
        self.fields["to"] = forms.CharField(max_length=LONGEST)
        self.meant: dict[str, list[Suggestion]] = {}
        self.source: From | None = None
        self.end: End | None = None

    def clean(self) -> dict[str, Any]:
        chosen = super().clean()
        try:
            self.source = source_named(chosen["from"]) if chosen.get("from") else None
        except UnclearError as error:
            self._refuse("from", error)
        try:
            self.end = destination_named(chosen["to"]) if chosen.get("to") else None
        except UnclearError as error:
            self._refuse("to", error)
        self._judge_ports()
        self._judge_source()
        return chosen

    @property
    def asked(self) -> Asked | None:
        """The question; None where it is for all who reach a network."""
        if self.source is None or self.end is None:
            return None
        port = self.end.port or self.cleaned_data["port"]
        protocol = self.end.protocol or self.protocol_chosen
        return Asked(self.source, self.end.place, port, protocol)

    @property
    def target(self) -> Network:
        """The network that somebody may reach, where no source is named."""
        assert self.end and isinstance(self.end.place, Network)
        return self.end.place

    def _refuse(self, field: str, error: UnclearError) -> None:
        self.add_error(field, ValidationError(str(error), code="unclear"))
        self.meant[field] = error.suggestions

    def _judge_ports(self) -> None:
        """What is typed as the destination may name a port as well, but no other one."""
        port, end = self.cleaned_data.get("port"), self.end
        if end and end.port and port and port != end.port:
            reason = f"The destination is at port {end.port}; leave this empty."
            self.add_error("port", ValidationError(reason, code="two_ports"))

    def _judge_source(self) -> None:
        """Without a source it is the list of all, which is one of a network."""
        if self.end and not self.cleaned_data.get("from") and "from" not in self.errors:
            place = self.end.place
            if not isinstance(place, Network):
                reason = "Name who asks, or a network as the destination: then all who reach it."
                self.add_error("from", ValidationError(reason, code="no_source"))
            elif is_unrouted(place):
                self.add_error("to", ValidationError(unrouted(place), code="not_explicit"))
