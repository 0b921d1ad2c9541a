"""The database, with one word more: what a change may break is judged before it is committed."""

from typing import Any

from django.db import connection
from django.dispatch import Signal

# Somebody is to judge what was noted, and to raise ValidationError where it must not be.
judging = Signal()


def judge_now() -> None:
    """Have what was changed so far judged already, by whoever can still explain a refusal.

    Raises ValidationError. At the latest it is judged at the commit.
    """
    wrapper: Any = connection
    wrapper.judge()
