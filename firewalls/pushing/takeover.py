"""Taking over: what a firewall had is shown and kept, and a person decides before the first push.

The firewall itself refuses a push while units of others set up devices of ours, unless a person has
adopted them as they are. What it had is revision 0; to push that is to give the firewall back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from firewalls.configuration.diffs import unified
from firewalls.configuration.render import digest
from firewalls.device.applier import claims, others
from firewalls.device.applier.survey import MACS, RULES
from firewalls.device.transport import Survey as Seen
from firewalls.models import Firewall, Observation, Push, Revision, Survey, Takeover
from firewalls.pushing import beside
from networks.common.audit import operation
from networks.common.locking import lock_keys

CAUSE = "what the firewall had"
HAD = 0  # the number of the revision that keeps it


@dataclass(frozen=True, slots=True)
class Prospect:
    """What taking a firewall over means, by what was seen there and what is wanted.

    `claims`: the units of others that make way, by path, and why. `beside`: what of others stays,
    and what that means. `diffs`: what ours replace, as unified diffs by path.
    """

    survey: Survey
    claims: dict[str, str]
    beside: dict[str, str]
    diffs: dict[str, str]
    adopted: bool
    seen: str  # by which what was shown is known again


def record_survey(firewall: Firewall, seen: Seen) -> None:
    """Write down what was seen; as revision 0 too, until a push was confirmed there."""
    fields = {
        "units": seen.units,
        "files": seen.files,
        "now": seen.now,
        "cut": seen.cut,
        "surveyed_at": Now(),
    }
    with transaction.atomic():
        rows = Firewall.objects.select_related("observation")
        row = rows.filter(pk__in=lock_keys(Firewall, [firewall.pk])).first()
        if row is None:
            return
        survey, _ = Survey.objects.update_or_create(firewall=row, defaults=fields)
        if row.observation.applied_id is None and not seen.taken_over:
            texts = survey.texts
            kept = {"files": texts, "digest": digest(texts), "cause": CAUSE}
            Revision.objects.update_or_create(firewall=row, number=HAD, defaults=kept)


def prospect(firewall: Firewall) -> Prospect | None:
    """What taking it over means; None while it was not looked at, or nothing is wanted of it."""
    survey = Survey.objects.filter(firewall=firewall).first()
    if survey is None or firewall.wanted is None:
        return None
    wanted = firewall.wanted.files
    claimed = making_way(wanted, survey)
    there = {path: survey.files.get(path, "") for path in wanted} | {
        path: survey.units[path] for path in claimed
    }
    return Prospect(
        survey,
        claimed,
        dict.fromkeys((path for path in survey.units if path not in claimed), "")
        | beside.settings(survey.files, wanted)
        | beside.tables(survey.now.get(RULES, ""), wanted),
        unified(there, wanted, "on the firewall", "wanted"),
        _are_adopted(firewall, survey, claimed),
        digest(survey.texts | wanted),
    )


def is_in_the_way(firewall: Firewall) -> bool:
    """Whether somebody else has set up devices of ours, and nobody has taken the firewall over."""
    survey = Survey.objects.filter(firewall=firewall).first()
    if survey is None or firewall.wanted is None:
        return False
    return not _are_adopted(firewall, survey, making_way(firewall.wanted.files, survey))


def _are_adopted(firewall: Firewall, survey: Survey, claimed: Collection[str]) -> bool:
    return set(_digests(survey, claimed).items()) <= set(adopted(firewall).items())


def making_way(wanted: Mapping[str, str], survey: Survey) -> dict[str, str]:
    """Which units of somebody else make way for these files, by path, and why."""
    macs = dict(line.split(" ", 1) for line in survey.now.get(MACS, "").splitlines() if " " in line)
    return claims.claims(wanted, survey.units, macs)


def _digests(survey: Survey, paths: Collection[str]) -> dict[str, str]:
    return {path: others.digest(path.lstrip("/"), survey.units[path]) for path in paths}


def adopted(firewall: Firewall) -> dict[str, str]:
    """The digests of the units of others that a person has adopted, by path."""
    row = Takeover.objects.filter(firewall=firewall, given_back_at=None).first()
    return dict(row.units) if row else {}


def take_over(firewall: Firewall, by: str, seen: str) -> Push:
    """Adopt the units that stand in the way, and push.

    `seen`: the prospect that the person was shown. Raises ValidationError.
    """
    with operation(f"{firewall} was taken over"), transaction.atomic():
        row = Firewall.objects.get(pk__in=lock_keys(Firewall, [firewall.pk]))
        found = prospect(row)
        if found is None:
            raise ValidationError(
                "It was not looked at yet, so nobody knows what would be replaced.", code="unseen"
            )
        if seen != found.seen:
            raise ValidationError(
                "What it has, or what is wanted of it, has changed since; look at it again.",
                code="changed",
            )
        units = adopted(row) | _digests(found.survey, found.claims)
        decision = {"units": units, "taken_at": Now(), "taken_by": by}
        decision |= {"given_back_at": None, "given_back_by": ""}
        Takeover.objects.update_or_create(firewall=row, defaults=decision)
        return Push.objects.enqueue(row, by=by)


def give_back(firewall: Firewall, by: str, confirm: str) -> Push:
    """Push what it had before it was taken over; `confirm` is its name, typed by a person.

    Raises ValidationError.
    """
    row = Firewall.objects.get(pk=firewall.pk)
    if confirm != row.name:
        message = f"Type {row.name} to give it back. Nothing was done."
        raise ValidationError(message, code="not_confirmed")
    had = row.revisions.filter(number=HAD).first()
    if row.observation.applied_id is None or had is None:
        raise ValidationError(not_to_be_given_back(row, had), code="nothing_kept")
    return Push.objects.enqueue(row, by=by, revision=had)


def not_to_be_given_back(firewall: Firewall, had: Revision | None) -> str:
    """Why it cannot be given back, as a sentence; empty if it can."""
    if had is None:
        return f"What {firewall} had before it was pushed to is not known, so it stays."
    if firewall.observation.applied_id is None:
        return f"{firewall} has nothing of ours, so there is nothing to give back."
    return ""


def given_back(firewall: Firewall) -> str:
    """Why nothing is pushed to it by now, as a sentence; empty if it was not given back."""
    try:
        takeover = firewall.takeover
    except ObjectDoesNotExist:
        return ""
    if takeover.given_back_at is None:
        return ""
    return (
        f"{firewall} was given back to what it had before, on"
        f" {takeover.given_back_at:%d %B %Y}. Take it over first."
    )


def record_given_back(push: Push) -> None:
    """Write down that the firewall has what it had: from now on nothing of ours is there."""
    seen = Observation.objects.filter(pk=push.firewall_id)
    seen.update(applied=None, drifted_at=None, drift="")
    decision = {"units": {}, "given_back_at": Now(), "given_back_by": push.requested_by}
    with operation(f"{push.firewall} was given back"):
        Takeover.objects.update_or_create(firewall_id=push.firewall_id, defaults=decision)
