"""What people type to publish an endpoint, or to change one; the rules are kept elsewhere."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from firewalls.models import Endpoint, Firewall
from machines.models import Machine
from networks.common.fields import as_address
from networks.common.forms import WholeRowForm
from networks.models import Address

MOST_SUGGESTED = 50
AFTER = ("port", "protocol", "machine", "target_port", "purpose")
LABELS = {
    "port": "Port there",
    "protocol": "Protocol",
    "target_port": "Port of the machine",
    "purpose": "Purpose",
}


class AddressField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of a firewall's own addresses in the shared networks that it has joined."""

    def label_from_instance(self, obj: Address) -> str:
        return f"{obj.address} of {obj.machine} in {obj.network}"


class MachineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A machine by its name, address or id; of several with the name, the one behind is meant."""

    widget = forms.TextInput

    def prepare_value(self, value: Any) -> Any:
        """Its name, where that is enough to find it again."""
        if not isinstance(value, UUID):
            return value
        row = Machine.objects.filter(pk=value).first()
        return row.name if row and self._found(row.name) == [row] else str(value)

    def to_python(self, value: Any) -> Machine | None:
        text = str(value or "").strip()
        if not text:
            return None
        found = self._found(text)
        if len(found) == 1:
            return found[0]
        reason = f"No machine is called {text}, or has this address or id."
        if found:
            reason = f"Several machines are called {text}; give an address or an id instead."
        raise ValidationError(reason, code="invalid_choice")

    def _found(self, text: str) -> Sequence[Machine]:
        """Two at most, of those behind the firewall, or else of all: the rules say what is wrong.

        Nothing is left for others to refuse where somebody names one that lives elsewhere.
        """
        meant = Q(name=text)
        if ip := as_address(text):
            meant |= Q(addresses__address=ip)
        with suppress(ValueError):
            meant |= Q(pk=UUID(text))
        behind: QuerySet[Machine] = self.queryset  # type: ignore[assignment]
        for rows in (behind, Machine.objects.all()):
            if found := list(rows.filter(meant).order_by("pk").distinct()[:2]):
                return found
        return []


class EndpointForm(WholeRowForm):
    """An endpoint of a firewall, or one that is changed: it may move to a sibling's address."""

    address = AddressField(queryset=Address.objects.none(), label="At", empty_label=None)
    machine = MachineField(queryset=Machine.objects.none(), label="Leads to")

    class Meta:
        model = Endpoint
        fields = ["address", *AFTER]
        labels = LABELS

    def __init__(self, firewall: Firewall, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        home = firewall.machine.primary_id
        behind = Machine.objects.plain().filter(primary=home)
        self.fields["machine"].queryset = behind  # type: ignore[attr-defined]
        self.fields["address"].queryset = self._addresses(firewall)  # type: ignore[attr-defined]
        sentence = f"{firewall.name} has no such address in a shared network that it joined (R6)."
        self.fields["address"].error_messages["invalid_choice"] = sentence
        self.suggested = behind.order_by("name", "pk").values_list("name", flat=True)

    def _addresses(self, firewall: Firewall) -> "QuerySet[Address]":
        """Its own; where one is changed, also those of other firewalls of its network."""
        rows = Address.objects.filter(prefix__network__shared=True)
        rows = rows.exclude(prefix__network=firewall.machine.primary_id)
        rows = rows.select_related("prefix__network", "machine__firewall__machine")
        if self.instance._state.adding:
            return rows.filter(machine=firewall.pk).order_by("prefix__network", "address")
        siblings = rows.filter(machine__primary=firewall.machine.primary_id)
        siblings = siblings.exclude(machine__firewall=None)
        return siblings.order_by("machine__name", "prefix__network", "address")

    @property
    def suggestions(self) -> list[str]:
        """Names of machines behind the firewall, a few."""
        return sorted({*self.suggested[:MOST_SUGGESTED]})

    @property
    def remembered(self) -> list[tuple[str, Any]]:
        """What the page shows of the row before anybody types, to tell what was changed since."""
        return [
            (bound.html_initial_name, bound.field.prepare_value(bound.initial)) for bound in self
        ]

    @property
    def wish(self) -> dict[str, Any]:
        """As it is published or changed."""
        address = self.cleaned_data["address"]
        place = {
            "firewall": address.machine.firewall,
            "network": address.network,
            "address": address.address,
        }
        return {**place, **{name: self.cleaned_data[name] for name in AFTER}}

    @property
    def words(self) -> str:
        """All that was typed, to tell whether it is what was shown."""
        wish = self.wish
        parts = [wish["firewall"].pk, wish["address"], *(wish[name] for name in AFTER[:2])]
        return " ".join(map(str, [*parts, wish["machine"].pk, *(wish[n] for n in AFTER[3:])]))
