"""What people type into pages; the rules are kept elsewhere."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from firewalls.configuration.windows import NAMES, WEEK
from firewalls.models import Choice, Firewall, Rule, SshAccess, Window
from firewalls.models.validators import MAX_PORT, host_key, ssh_host, ssh_user
from firewalls.pushing.asking import Wish
from firewalls.pushing.replacing import replace
from networks.common.addressing import IP
from networks.common.fields import as_address, one_line
from networks.common.forms import WholeRowForm
from networks.models import Network, Partition


class RefusableForm(forms.Form):
    """A form that is right by itself, and whose request the rules may still refuse."""

    def refuse(self, error: ValidationError) -> None:
        """Show above the form what refused."""
        for sentences in error.message_dict.values():
            self.add_error(None, sentences)


class ShareForm(RefusableForm):
    """The name typed to confirm, and why."""

    reason = forms.CharField(label="Why", max_length=400, required=False, validators=[one_line])
    confirm = forms.CharField(max_length=63)

    def __init__(self, network: Network, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.network = network

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.network.pk:
            raise ValidationError(
                f"This is not the network's name. Type {self.network.pk} to share it.",
                code="not_confirmed",
            )
        return typed


class AddressesField(forms.CharField):
    """Addresses separated by commas or spaces; nothing means that they are picked."""

    def to_python(self, value: object) -> list[IP]:  # type: ignore[override]
        texts = [text for text in re.split(r"[,\s]+", str(value or "")) if text]
        addresses = [as_address(text) for text in texts]
        wrong = [text for text, ip in zip(texts, addresses, strict=True) if ip is None]
        if wrong:
            raise ValidationError(
                f"{', '.join(wrong)} is not an address such as 10.128.0.7 or 2001:db8::7.",
                code="invalid_address",
            )
        return [ip for ip in addresses if ip is not None]


class JoinForm(RefusableForm):
    """Which addresses to bring, if any, and whether to push at once."""

    addresses = AddressesField(required=False)
    push = forms.BooleanField(required=False, initial=True)

    def refuse(self, error: ValidationError) -> None:
        """Show at the addresses what is wrong with these, and the rest above the form."""
        for field, sentences in error.message_dict.items():
            self.add_error("addresses" if field == "addresses" else None, sentences)


class ReplaceForm(RefusableForm):
    """How the new box is reached, and whether the old one is gone."""

    host = forms.CharField(label="Management address", max_length=253, validators=[ssh_host])
    port = forms.IntegerField(min_value=1, max_value=MAX_PORT)
    user = forms.CharField(max_length=63, validators=[ssh_user])
    host_key = forms.CharField(
        label="Host key",
        max_length=1000,
        required=False,
        validators=[host_key],
        help_text="Left empty, it is looked at, and confirmed by its fingerprint.",
    )
    gone = forms.BooleanField(
        label="The old box is gone",
        required=False,
        help_text="It runs with none of the firewall's addresses any more.",
    )

    def replaces(self, firewall: Firewall) -> bool:
        """Replace the hardware of this firewall, or show above the form why not."""
        if not self.is_valid():
            return False
        try:
            replace(firewall, **self.cleaned_data)
        except ValidationError as error:
            self.refuse(error)
            return False
        return True


OF_ONE = (
    "It is reached through its SSH; empty: it is reached directly, whatever its partition says."
)


class SshAccessForm(WholeRowForm):
    """Through which host SSH goes, and who certifies host keys."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.partition_id is None:
            self.fields["jump_host"].help_text = OF_ONE

    class Meta:
        model = SshAccess
        fields = ["jump_host", "jump_port", "jump_user", "jump_key", "host_ca"]
        labels = {
            "jump_host": "Jump host",
            "jump_port": "Its port",
            "jump_user": "Its user",
            "jump_key": "Its host key",
            "host_ca": "Key that certifies host keys",
        }


class LeaveForm(forms.Form):
    push = forms.BooleanField(required=False, initial=True)


class FieldwiseForm(RefusableForm):
    """A form that shows at its field what is wrong there, and the rest above."""

    def refuse(self, error: ValidationError) -> None:
        for field, sentences in error.message_dict.items():
            self.add_error(field if field in self.fields else None, sentences)


class PushForm(FieldwiseForm):
    """What is chosen beside the revision."""

    start = forms.ChoiceField(choices=Choice.Start.choices, required=False)
    confirm = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=400, required=False, validators=[one_line])

    def wish(self) -> Wish:
        """The same as a value."""
        chosen = self.cleaned_data
        return Wish(chosen["start"], chosen["confirm"], chosen["reason"])


class HoldForm(FieldwiseForm):
    """Why, and until when."""

    reason = forms.CharField(label="Why", max_length=400, validators=[one_line])
    until = forms.DateTimeField(label="Until", required=False)


class AcknowledgeForm(FieldwiseForm):
    """What is known of a cause, and until when that is enough."""

    note = forms.CharField(label="Note", max_length=400, validators=[one_line])
    until = forms.DateTimeField(label="Until")


class WindowForm(WholeRowForm):
    """A maintenance window of a partition or a firewall."""

    days = forms.TypedMultipleChoiceField(
        choices=[*zip(WEEK, NAMES, strict=True)], coerce=int, initial=WEEK
    )

    class Meta:
        model = Window
        fields = ("days", "begins", "ends", "zone", "only_automatic")


class RuleForm(WholeRowForm):
    """What passes in one direction."""

    class Meta:
        model = Rule
        fields = ("direction", "protocol", "ports", "sources", "destinations", "comment")


class LimitForm(WholeRowForm):
    """How many pushes run at once in a partition, and how those go that start by themselves."""

    class Meta:
        model = Partition
        fields = ("pushes_at_once", "auto_waves", "auto_max_failures")
