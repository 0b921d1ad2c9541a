"""Replacing the hardware of a firewall: the same firewall on another box.

It keeps its name, loopback, AS number, addresses, rules and endpoints; what was seen on the old box
is forgotten.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls.models import (
    AcceptedDrift,
    Drift,
    Firewall,
    Needs,
    Observation,
    Push,
    Survey,
    Takeover,
    lock_firewall,
)
from firewalls.pushing.carrying import forget
from networks.common.audit import audited_as
from networks.models import Carried

# What was seen on the old box.
SEEN: dict[str, Any] = {
    "applied": None,
    "drifted_at": None,
    "drift": "",
    "unreachable_since": None,
    "checked_at": None,
    "check_due_at": None,
    "silences": 0,
    "offered_key": "",
    "offered_for": "",
    "offered_at": None,
    "refused_at": None,
    "refusal": "",
}


@audited_as(lambda arguments: f"the hardware of {arguments['firewall']} was replaced")
@transaction.atomic
def replace(firewall: Firewall, *, gone: bool, **management: Any) -> Firewall:
    """Have the firewall be reached by this `management` from now on, on a box with nothing of ours.

    What the new box had before becomes revision 0 when it is looked at before its first push.
    `gone`: a person says that the old box is. Raises ValidationError unless that is so, or nothing
    of ours is on the old one.
    """
    lock_firewall(firewall)
    carried = Carried.objects.filter(box=firewall.pk)
    if Push.objects.filter(firewall=firewall, state=Push.State.RUNNING).exists():
        _refuse("management", "pushing", f"{firewall} is being pushed to; wait for its end.")
    if not gone and carried.exists():
        reason = (
            f"The old box may still run as {firewall}, with the same addresses. Give it back to"
            " what it had, which takes the configuration off, or say that it is gone (R16)."
        )
        _refuse("gone", "may_still_run", reason)
    row = _reached_by(firewall, management)
    _forget_what_was_seen(row)
    forget(carried)
    return row


def _reached_by(firewall: Firewall, management: dict[str, Any]) -> Firewall:
    row = Firewall.objects.get(pk=firewall.pk)
    new = {"host_key": "", "key_dismissed_at": None, **management}
    for name, value in new.items():
        setattr(row, name, value)
    row.save(update_fields=[*new])
    return row


def _forget_what_was_seen(firewall: Firewall) -> None:
    Observation.objects.filter(pk=firewall.pk).update(**SEEN)
    for model in (AcceptedDrift, Drift, Survey, Takeover, Needs):
        model._default_manager.filter(firewall=firewall).delete()


def _refuse(field: str, code: str, reason: str) -> None:
    raise ValidationError({field: ValidationError(reason, code=code)})
