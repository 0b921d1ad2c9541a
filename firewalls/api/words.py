"""The words of states that REST has promised, where the product knows finer ones by now.

`failed` is a push that was refused or not seen to its end, and `unreachable` a firewall that
answers and cannot be looked at. The finer word stands beside it, in a field of its own.
"""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Case, CharField, F, QuerySet, Value, When
from rest_framework import serializers

from firewalls.models import Firewall, Push

FAILED = "failed"
PUSH = {Push.State.REFUSED.value: FAILED, Push.State.UNSEEN.value: FAILED}
FIREWALL = {Firewall.State.REFUSED.value: Firewall.State.UNREACHABLE.value}
FIREWALL_STATES = [one for one in Firewall.State.choices if one[0] not in FIREWALL]
OUTCOMES = [(state, state.label) for state in (Push.State.CONFIRMED, *Push.BROKEN)]
PUSH_STATES = [one for one in Push.State.choices if one[0] not in PUSH] + [(FAILED, FAILED)]


class PromisedState(serializers.ChoiceField):
    """A state, in the word that was promised for it."""

    def __init__(self, words: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words

    def to_representation(self, value: Any) -> str:
        return self.words.get(str(value), str(value))


class StateFilter(django_filters.ChoiceFilter):
    """Rows by the word that was promised: all that it stands for."""

    def __init__(self, words: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words

    def filter(self, qs: "QuerySet[Any]", value: str) -> "QuerySet[Any]":
        if not value:
            return qs
        finer = [word for word, promised in self.words.items() if promised == value]
        return qs.filter(state__in=[value, *finer])


def promised(words: Mapping[str, str]) -> Case:
    """SQL for the promised word, to sort by."""
    cases = [When(state=word, then=Value(promised)) for word, promised in words.items()]
    return Case(*cases, default=F("state"), output_field=CharField())
