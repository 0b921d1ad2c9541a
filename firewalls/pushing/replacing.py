"""Replacing the hardware of a firewall: the same firewall on another box.

It keeps its name, loopback, AS number, addresses, rules and endpoints; what was seen on the old box
is forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from firewalls.models import (
    AcceptedDrift,
    Drift,
    Endpoint,
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
from networks.common.validation import enforce
from networks.common.violations import Violation
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


@dataclass(frozen=True, slots=True)
class Preview:
    """What replacing the hardware keeps and forgets, and what is in its way.

    `carried`: what the old box may still have; `applied`: the number of the revision that was seen
    there last. Without `gone`, `violations` refuse it.
    """

    firewall: Firewall
    violations: tuple[Violation, ...]
    addresses: tuple[str, ...]
    endpoints: tuple[str, ...]
    carried: tuple[str, ...]
    applied: int | None

    @property
    def allowed(self) -> bool:
        """Whether it may be done without anybody saying that the old box is gone."""
        return not self.violations


def preview(firewall: Firewall) -> Preview:
    """What it would do now, for those who decide on it."""
    applied = firewall.observation.applied
    own = firewall.machine.addresses.order_by("address")
    return Preview(
        firewall,
        tuple(in_the_way(firewall, gone=False)),
        tuple(map(str, own)),
        tuple(str(one) for one in Endpoint.objects.of(firewall).with_relations()),
        tuple(row.what for row in Carried.objects.filter(box=firewall.pk)),
        applied.number if applied else None,
    )


def in_the_way(firewall: Firewall, *, gone: bool) -> Iterator[Violation]:
    """R16: why the firewall may not be moved to another box now."""
    if Push.objects.filter(firewall=firewall, state=Push.State.RUNNING).exists():
        reason = f"{firewall} is being pushed to; wait for its end."
        yield Violation("management", "pushing", reason)
    if not gone and Carried.objects.filter(box=firewall.pk).exists():
        reason = (
            f"The old box may still run as {firewall}, with the same addresses. Give it back to"
            " what it had, which takes the configuration off, or say that it is gone (R16)."
        )
        yield Violation("gone", "may_still_run", reason)


def _sentence(arguments: Mapping[str, Any]) -> str:
    word = "; the old one was said to be gone" if arguments["gone"] else ""
    return f"the hardware of {arguments['firewall']} was replaced{word}"


@audited_as(_sentence)
@transaction.atomic
def replace(firewall: Firewall, *, gone: bool, **management: Any) -> Firewall:
    """Have the firewall be reached by this `management` from now on, on a box with nothing of ours.

    What the new box had before becomes revision 0 when it is looked at before its first push.
    `gone`: a person says that the old box is. Raises ValidationError unless that is so, or nothing
    of ours is on the old one.
    """
    lock_firewall(firewall)
    enforce(in_the_way(firewall, gone=gone))
    row = _reached_by(firewall, management)
    _forget_what_was_seen(row)
    forget(Carried.objects.filter(box=firewall.pk))
    return row


def _reached_by(firewall: Firewall, management: dict[str, Any]) -> Firewall:
    row = Firewall.objects.get(pk=firewall.pk)
    defaults = {"host_key": "", "key_dismissed_at": None, "replaced_at": timezone.now()}
    new = defaults | management
    for name, value in new.items():
        setattr(row, name, value)
    row.save(update_fields=[*new])
    return row


def _forget_what_was_seen(firewall: Firewall) -> None:
    Observation.objects.filter(pk=firewall.pk).update(**SEEN)
    for model in (AcceptedDrift, Drift, Survey, Takeover, Needs):
        model._default_manager.filter(firewall=firewall).delete()
