"""Starting a rollout: its firewalls are checked and dealt to waves, and the first wave begins."""

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls.models import Firewall, Member, Revision, Rollout
from firewalls.models.rollout import default_waves
from firewalls.pushing.asking import USUAL, Wish
from firewalls.pushing.rollouts.advancing import advance
from firewalls.pushing.rollouts.sequence import in_order
from networks.common import waves
from networks.common.audit import operation
from networks.common.locking import lock_keys
from networks.models import Partition

MOST = 10_000  # firewalls of one rollout
MOST_CAUSE = 400  # characters


def start(
    firewalls: Iterable[Firewall],
    *,
    cause: str,
    by: str = "",
    sizes: Sequence[waves.Wave] | None = None,
    max_failures: int = 0,
    at_once: int | None = None,
    revisions: dict[UUID, Revision] | None = None,
    partition: Partition | None = None,
    wish: Wish = USUAL,
) -> Rollout:
    """Push what is wanted of these firewalls, or these revisions. Raises ValidationError.

    `at_once`: so many of its pushes are under way at a time, and no more than their partition lets;
    without it, whole waves. `partition`: it begins by itself, for what is wanted there. `wish`:
    when its pushes start.
    """
    wish.must_have_a_reason()
    chosen = _checked(firewalls, sizes)
    fields = {"cause": cause[:MOST_CAUSE], "partition": partition, "created_by": by}
    how = {"waves": list(sizes or default_waves()), "max_failures": max_failures}
    how["at_once"] = at_once
    rollout = Rollout(**fields, **how, **wish.of_rollout())
    return _begin(rollout, chosen, revisions or {})


def _begin(rollout: Rollout, chosen: list[Firewall], revisions: dict[UUID, Revision]) -> Rollout:
    rollout.clean_fields()
    sentence = f"rollout: {rollout.cause}"
    with operation(sentence, rollout.start_reason), transaction.atomic():
        rollout.save(force_insert=True)
        _add_members(rollout, chosen, revisions)
        advance(rollout.pk)
    rollout.refresh_from_db()
    return rollout


def _checked(firewalls: Iterable[Firewall], sizes: Sequence[waves.Wave] | None) -> list[Firewall]:
    """Each once. Raises ValidationError."""
    chosen = list(dict.fromkeys(firewalls))
    if sizes is not None and (problem := waves.problem(list(sizes))):
        raise _invalid("waves", "invalid_waves", problem)
    if not chosen:
        raise _invalid("firewalls", "empty", "There is no firewall to bring anything to.")
    if len(chosen) > MOST:
        raise _invalid("firewalls", "too_many", f"A rollout has at most {MOST:,} firewalls.")
    if lacking := [firewall.name for firewall in chosen if not firewall.host]:
        some = ", ".join(lacking[:3])
        verb = "has" if len(lacking) == 1 else "have"
        message = f"{some} {verb} no management address yet; enter it first."
        raise _invalid("firewalls", "no_management", message)
    return chosen


def _invalid(field: str, code: str, message: str) -> ValidationError:
    return ValidationError({field: ValidationError(message, code=code)})


def _add_members(
    rollout: Rollout, firewalls: list[Firewall], revisions: dict[UUID, Revision]
) -> None:
    """Those that were freed meanwhile are left out; of siblings, who joins comes first."""
    members: list[Member] = []
    there = set(lock_keys(Firewall, [firewall.pk for firewall in firewalls]))
    chosen = in_order((one for one in firewalls if one.pk in there), revisions)
    remaining = iter(chosen)
    for wave, size in enumerate(waves.sizes(rollout.waves, len(chosen)), start=1):
        for firewall, rank in islice(remaining, size):
            revision = revisions.get(firewall.pk)
            members.append(
                Member(
                    rollout=rollout,
                    firewall=firewall,
                    name=firewall.name,
                    wave=wave,
                    position=len(members),
                    rank=rank,
                    revision=revision,
                )
            )
    Member.objects.bulk_create(members)
