"""What people type to start a rollout."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from firewalls.forms import RefusableForm
from firewalls.models import Choice
from firewalls.models.rollout import MOST_AT_ONCE
from firewalls.pushing.asking import Wish
from networks.common import waves
from networks.common.fields import one_line

MOST_NAMED = 10  # of the firewalls that have changed


class WavesField(forms.CharField):
    """Sizes of waves as people write them: `1, 10%, rest`."""

    def to_python(self, value: object) -> list[waves.Wave]:  # type: ignore[override]
        sizes = waves.read(str(value or ""))
        if problem := waves.problem(sizes):
            raise ValidationError(problem, code="invalid_waves")
        return sizes


class RolloutForm(RefusableForm):
    """How many at a time, how many may fail, and why.

    `changes`: what is otherwise with the firewalls since they were shown, in words.
    """

    cause = forms.CharField(label="What for", max_length=400, validators=[one_line])
    sizes = WavesField(label="Waves", initial="1, 10%, rest")
    max_failures = forms.IntegerField(label="May fail", min_value=0, max_value=2**31 - 1, initial=0)
    at_once = forms.IntegerField(
        label="At once", min_value=1, max_value=MOST_AT_ONCE, required=False
    )
    start = forms.ChoiceField(choices=Choice.Start.choices, required=False)
    reason = forms.CharField(max_length=400, required=False, validators=[one_line])

    def __init__(self, *args: Any, changes: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes = changes

    def clean(self) -> None:
        if self.changes:
            named = "; ".join(self.changes[:MOST_NAMED])
            more = len(self.changes) - MOST_NAMED
            rest = f"; and {more} more" if more > 0 else ""
            raise ValidationError(
                f"Since they were shown, some have changed: {named}{rest}."
                " Below they are as they are now; roll out again if that is what you mean.",
                code="changed",
            )

    def wishes(self) -> dict[str, Any]:
        """What is asked for, as a rollout is started with it."""
        wishes = dict(self.cleaned_data)
        return wishes | {"wish": Wish(start=wishes.pop("start"), reason=wishes.pop("reason"))}

    def preview(self, total: int) -> list[int]:
        """How many firewalls each wave will have, as far as the sizes are known to be right."""
        valid = self.cleaned_data.get("sizes") if self.is_bound else None
        sizes = valid or waves.DEFAULT
        return waves.sizes(sizes, total)
