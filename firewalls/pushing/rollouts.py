"""Rollouts: started, led from wave to wave, held, tried again and taken back. Everything is decided on the locked row."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from firewalls.models import Firewall, Member, Push, Revision, Rollout
from firewalls.models.rollout import default_waves
from firewalls.pushing import waves
from networks.common.audit import operation
from networks.common.validation import InUse
from networks.common.violations import Violation

State = Rollout.State
MOST = 10_000


def start(
    firewalls: Iterable[Firewall],
    *,
    cause: str,
    by: str = "",
    sizes: Sequence[waves.Wave] | None = None,
    max_failures: int = 0,
    revisions: dict[UUID, Revision] | None = None,
) -> Rollout:
    """Begin to bring these firewalls, in this order, to what is wanted of them, or to the revisions given. Raises ValidationError."""
    chosen = list(dict.fromkeys(firewalls))
    _check(chosen, sizes)
    with operation(f"rollout: {cause}"), transaction.atomic():
        rollout = Rollout(
            cause=cause[:400],
            waves=list(sizes or default_waves()),
            max_failures=max_failures,
            created_by=by,
        )
        rollout.save(force_insert=True)
        wave_of = [
            number
            for number, size in enumerate(waves.sizes(rollout.waves, len(chosen)), 1)
            for _ in range(size)
        ]
        Member.objects.bulk_create(
            Member(
                rollout=rollout,
                firewall=firewall,
                wave=wave,
                position=place,
                revision=(revisions or {}).get(firewall.pk),
            )
            for place, (firewall, wave) in enumerate(zip(chosen, wave_of, strict=True))
        )
        advance(rollout.pk)
    rollout.refresh_from_db()
    return rollout


def _check(chosen: list[Firewall], sizes: Sequence[waves.Wave] | None) -> None:
    if sizes is not None and (problem := waves.problem(list(sizes))):
        raise ValidationError({"waves": ValidationError(problem, code="invalid_waves")})
    if not chosen:
        raise ValidationError(
            {
                "firewalls": ValidationError(
                    "There is no firewall to bring anything to.", code="empty"
                )
            }
        )
    if len(chosen) > MOST:
        raise ValidationError(
            {
                "firewalls": ValidationError(
                    f"A rollout has at most {MOST:,} firewalls.", code="too_many"
                )
            }
        )
    if lacking := [firewall.name for firewall in chosen if not firewall.host]:
        reason = f"{', '.join(lacking[:3])} {'has' if len(lacking) == 1 else 'have'} no management address yet; enter it first."
        raise ValidationError({"firewalls": ValidationError(reason, code="no_management")})


@transaction.atomic
def advance(pk: UUID) -> None:
    """Start what is next, or note that it has ended or must stop. May be asked by anybody at any time."""
    rollout = (
        Rollout.objects.select_for_update(no_key=True).filter(pk=pk, state=State.RUNNING).first()
    )
    if rollout is None:
        return
    _forget(rollout.members.filter(push__state=Push.State.SUPERSEDED))
    done, failed = (
        Q(push__state__in=[Push.State.CONFIRMED, *Push.BROKEN]),
        Q(push__state__in=Push.BROKEN),
    )
    by_wave = rollout.members.order_by("wave").values_list("wave")
    found: list[Any] = list(
        by_wave.annotate(
            left=Count("pk", filter=~done | Q(push=None)), bad=Count("pk", filter=failed)
        )
    )
    failures, current = (
        sum(bad for _, _, bad in found),
        next((wave for wave, left, _ in found if left), None),
    )
    if current is None:
        _end(rollout, State.FINISHED, "")
    elif failures > rollout.max_failures:
        _end(
            rollout,
            State.STOPPED,
            f"It stopped when {failures} had failed, and {rollout.max_failures or 'none'} may.",
        )
    else:
        _begin(rollout, rollout.members.filter(wave=current, push=None))


def _begin(rollout: Rollout, members: "QuerySet[Member]") -> None:
    """Queue their pushes. A firewall whose push waits already is served by that one."""
    firewalls = list(members.values_list("firewall", flat=True))
    if not firewalls:
        return
    Push.objects.enqueue_all(firewalls, rollout.created_by, rollout)
    queued = Push.objects.filter(firewall=OuterRef("firewall"), state=Push.State.QUEUED)
    applied = Firewall.objects.filter(pk=OuterRef("firewall"))
    for member in members.exclude(revision=None).select_related("firewall"):
        wish = {"revision": member.revision_id, "instead_of": member.firewall.wanted_id}
        Push.objects.filter(firewall=member.firewall_id, state=Push.State.QUEUED).update(**wish)
    members.filter(firewall__in=firewalls).update(
        before=Subquery(applied.values("applied")[:1]), push=Subquery(queued.values("pk")[:1])
    )


def _end(rollout: Rollout, state: str, reason: str) -> None:
    _withdraw(rollout, f"The rollout has stopped: {reason}")
    rollout.state, rollout.reason, rollout.finished_at = state, reason[:400], Now()
    rollout.save(update_fields=["state", "reason", "finished_at"])


def _withdraw(rollout: Rollout, because: str) -> None:
    """Take back the pushes that it has queued and nobody has begun."""
    withdrawn = rollout.pushes.filter(state=Push.State.QUEUED)
    withdrawn.update(state=Push.State.SUPERSEDED, finished_at=Now(), error=because)
    _forget(rollout.members.filter(push__state=Push.State.SUPERSEDED))


def _forget(members: "QuerySet[Member]") -> None:
    members.update(push=None)


@contextmanager
def _held(rollout: Rollout, done: str, *states: str) -> Iterator[Rollout]:
    """The row, locked, if it is in one of these states. Raises ValidationError; what is passed in is brought up to date."""
    with operation(f"rollout {done}: {rollout.cause}"), transaction.atomic():
        row = Rollout.objects.select_for_update(no_key=True).get(pk=rollout.pk)
        if row.state not in states:
            raise _refused(
                f"A rollout that is {row.get_state_display()} cannot be {done}.", "wrong_state"
            )
        yield row
    rollout.refresh_from_db(fields=["state", "reason", "finished_at"])


def _refused(sentence: str, code: str) -> InUse:
    return InUse([Violation("state", code, sentence)])


def pause(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; nothing more begins. Raises ValidationError."""
    with _held(rollout, "paused", State.RUNNING) as row:
        _withdraw(row, "The rollout was paused before it began.")
        row.state, row.reason = State.PAUSED, f"Paused by {by}."
        row.save(update_fields=["state", "reason"])


def resume(rollout: Rollout, by: str) -> None:
    """Go on where it was paused. Raises ValidationError."""
    with _held(rollout, "resumed", State.PAUSED) as row:
        _go_on(row)


def stop(rollout: Rollout, by: str) -> None:
    """What runs goes to its end; the rest is left as it is. Raises ValidationError."""
    with _held(rollout, "stopped", State.RUNNING, State.PAUSED) as row:
        _end(row, State.STOPPED, f"Stopped by {by}.")


def retry(rollout: Rollout, by: str) -> None:
    """Try those again that failed, and go on with what waits. Raises ValidationError."""
    with _held(rollout, "retried", *State) as row:
        again = row.members.filter(Q(push__state__in=Push.BROKEN) | Q(push=None))
        if not again.exists():
            raise _refused(
                "None of it failed, and none waits: there is nothing to try again.",
                "nothing_to_retry",
            )
        _forget(again.filter(push__state__in=Push.BROKEN))
        _go_on(row)


def roll_back(rollout: Rollout, by: str) -> Rollout:
    """Stop it, and bring the firewalls that it has changed back to what they had before. Raises ValidationError."""
    with operation(f"roll back: {rollout.cause}"), transaction.atomic():
        if Rollout.objects.select_for_update(no_key=True).get(pk=rollout.pk).is_open:
            stop(rollout, by)
        changed = (
            rollout.members.filter(push__state=Push.State.CONFIRMED)
            .exclude(before=None)
            .exclude(before=F("firewall__applied"))
        )
        members = list(changed.select_related("firewall__machine", "before").order_by("position"))
        if not members:
            raise _refused(
                "It has changed no firewall that had another configuration before.",
                "nothing_to_roll_back",
            )
        revisions = {member.firewall_id: member.before for member in members if member.before}
        return start(
            [member.firewall for member in members],
            cause=f"roll back: {rollout.cause}",
            by=by,
            sizes=rollout.waves,
            max_failures=rollout.max_failures,
            revisions=revisions,
        )


def _go_on(rollout: Rollout) -> None:
    rollout.state, rollout.reason, rollout.finished_at = State.RUNNING, "", None
    rollout.save(update_fields=["state", "reason", "finished_at"])
    advance(rollout.pk)
