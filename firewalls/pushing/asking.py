"""Asking for a push: what a person may choose with it is kept with it, and its reason."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls.models import Choice, Firewall, Push, Revision
from firewalls.pushing import lockout
from networks.common.audit import LONGEST_REASON, operation
from networks.common.fields import one_line
from networks.common.locking import lock_keys
from networks.common.validation import InUse, refuse
from networks.common.violations import Violation

Start = Choice.Start


@dataclass(frozen=True, slots=True)
class Wish:
    """What is chosen beside the revision.

    `start`: of Choice.Start. `may_lock_out`: sent although nobody knows that its SSH can be reached
    then. Both, but to wait for a window, take a reason.
    """

    start: str = Start.USUAL
    may_lock_out: bool = False
    reason: str = ""

    @property
    def is_usual(self) -> bool:
        return self.start == Start.USUAL and not self.may_lock_out

    @property
    def lacks_a_reason(self) -> bool:
        knowing = self.start == Start.NOW or self.may_lock_out
        return knowing and not self.reason.strip()

    def of_rollout(self) -> dict[str, str]:
        """As a rollout has it, for all of its pushes."""
        return {"start": self.start, "start_reason": self.reason.strip()[:LONGEST_REASON]}

    def must_have_a_reason(self) -> None:
        """Raises ValidationError where it lacks one, or where that is not a line."""
        try:
            one_line(self.reason)
        except ValidationError as error:
            raise ValidationError({"reason": error}) from error
        if self.lacks_a_reason:
            refuse(Violation("reason", "required", "Say why: it is kept in the audit trail."))


USUAL = Wish()


def ask(
    firewall: Firewall, *, by: str, revision: Revision | None = None, wish: Wish = USUAL
) -> Push:
    """Queue a push of this revision, or of the latest.

    Raises ValidationError: where the firewall is held, where a reason is lacking, or where it would
    lock us out (on `management`), or may and is not meant (on `confirm`).
    """
    wish.must_have_a_reason()
    try:
        lockout.enforce(firewall, revision or firewall.wanted, is_meant=wish.may_lock_out)
    except Revision.DoesNotExist:  # what it says is read only now
        refuse(Violation("firewall", "gone", f"{firewall} was freed meanwhile."))
    with operation(f"a push of {firewall} was asked for", wish.reason), transaction.atomic():
        lock_keys(Firewall, [firewall.pk])
        waiting = Push.objects.filter(firewall=firewall, state=Push.State.QUEUED)
        before = waiting.values_list("pk", "revision").first()
        push = Push.objects.enqueue(firewall, by=by, revision=revision)
        is_the_same = before == (push.pk, push.revision_id)
        if not (wish.is_usual and is_the_same):
            _choose(push, wish, by)
    return push


def start_now(push: Push, *, by: str, reason: str) -> None:
    """Have a push that waits for a window start all the same. Raises ValidationError."""
    wish = Wish(start=Start.NOW, reason=reason)
    wish.must_have_a_reason()
    sentence = f"the push of {push.firewall} starts now all the same"
    with operation(sentence, reason), transaction.atomic():
        lock_keys(Firewall, [push.firewall_id])
        waiting = Push.objects.filter(pk__in=lock_keys(Push, [push.pk]), state=Push.State.QUEUED)
        row = waiting.first()
        if row is None:
            raise InUse([Violation("state", "wrong_state", "This push does not wait any more.")])
        before = Choice.objects.filter(push=row).first()
        may_lock_out = before is not None and before.may_lock_out
        _choose(row, Wish(Start.NOW, may_lock_out, reason), by)


def _choose(push: Push, wish: Wish, by: str) -> None:
    """Keep what was chosen with the push, instead of what somebody chose before."""
    if wish.is_usual:
        Choice.objects.filter(push=push).delete()
        return
    chosen = {
        "start": wish.start,
        "may_lock_out": wish.may_lock_out,
        "reason": wish.reason.strip()[:LONGEST_REASON],
        "chosen_by": by,
    }
    Choice.objects.update_or_create(push=push, defaults=chosen)
