"""The configurations wanted of firewalls, kept as numbered revisions."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from firewalls.configuration.diffs import Files
from firewalls.configuration.plan import plan
from firewalls.configuration.render import digest, render
from firewalls.intent.facts import stream_facts
from firewalls.models import Drift, Firewall, Revision, Survey

BOX = "box"  # what lies on the firewall, where people may name that or a revision
MOST_DIGITS = 9
MOST_CAUSE = 400

# By hand, so that it is one statement: Django's delete() reads the rows first and then sets to null
# whatever refers to them, so a firewall that came to want one meanwhile would want nothing.
_PRUNE = """
DELETE FROM firewalls_revision revision
USING (
    SELECT id, row_number() OVER (PARTITION BY firewall_id ORDER BY number DESC) AS place
    FROM firewalls_revision
) ranked
WHERE ranked.id = revision.id AND ranked.place > %s AND revision.number > 0
AND revision.created_at < now() - make_interval(days => %s)
AND NOT EXISTS (
    SELECT FROM firewalls_firewall firewall WHERE revision.id = firewall.wanted_id)
AND NOT EXISTS (
    SELECT FROM firewalls_observation observation WHERE revision.id = observation.applied_id)
AND NOT EXISTS (
    SELECT FROM firewalls_push push WHERE revision.id IN (push.revision_id, push.instead_of_id))
AND NOT EXISTS (
    SELECT FROM firewalls_member member
    WHERE revision.id IN (member.revision_id, member.before_id))
"""


def revision_named(firewall: Firewall, name: str) -> Revision | None:
    """The revision of this name: `wanted` or `applied`, None where there is none yet, or a number.

    Raises ValueError where that is no name, Revision.DoesNotExist where there is no such number.
    """
    if name == "wanted":
        return firewall.wanted
    if name == "applied":
        return firewall.observation.applied
    if not name.isdecimal():
        raise ValueError(f"{name!r} is no revision; give a number, applied or wanted.")
    if len(name) > MOST_DIGITS:
        raise Revision.DoesNotExist
    return firewall.revisions.get(number=int(name))


def rendered(firewalls: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    """The files each of these firewalls should have, as the database stands now."""
    return dict(stream_rendered(firewalls))


def stream_rendered(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, dict[str, str]]]:
    """The same, one firewall after the other: nothing of the one before is kept."""
    for pk, facts in stream_facts(firewalls):
        yield pk, render(plan(facts))


def refresh(firewalls: Iterable[UUID], cause: str, by: str = "") -> list[UUID]:
    """Note what is wanted of these firewalls now. Returns those of which something else is.

    Only a firewall that seems to have changed is locked, and rendered again under its lock: so
    the last writer is right.
    """
    seeming = _different(sorted(firewalls))
    return [pk for pk in seeming if _renew(pk, cause, by)]


def _different(firewalls: list[UUID]) -> dict[UUID, dict[str, str]]:
    """The files of those whose rendered configuration is not the one noted as wanted."""
    noted = dict(Firewall.objects.filter(pk__in=firewalls).values_list("pk", "wanted__digest"))
    return {
        pk: files
        for pk, files in stream_rendered(firewalls)
        if pk in noted and noted[pk] != digest(files)
    }


@transaction.atomic
def _renew(pk: UUID, cause: str, by: str) -> bool:
    """Note what is wanted of the firewall; False if that is noted already, or it is gone."""
    firewall = Firewall.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if firewall is None:
        return False
    files = _different([pk]).get(pk)
    if files is None:
        return False
    Firewall.objects.filter(pk=pk).update(wanted=_revision(firewall, files, cause, by))
    return True


def _revision(firewall: Firewall, files: Mapping[str, str], cause: str, by: str) -> Revision:
    """The revision with this content: the one there is, or a new one with the next number."""
    last: int = firewall.revisions.aggregate(last=Max("number"))["last"] or 0
    revision, _ = Revision.objects.get_or_create(
        firewall=firewall,
        digest=digest(files),
        defaults={
            "number": last + 1,
            "files": dict(files),
            "cause": cause[:MOST_CAUSE],
            "created_by": by,
        },
    )
    return revision


def files_on_firewall(firewall: Firewall) -> Files:
    """The files that were there when it was last inspected: what was applied, but for its drift.

    Where nothing was applied, what it has of somebody else's.
    """
    applied = firewall.observation.applied
    if applied is None and (survey := Survey.objects.filter(firewall=firewall).first()):
        return {**survey.units, **survey.files}
    files = dict(applied.files) if applied else {}
    drift = Drift.objects.filter(firewall=firewall).first()
    for name, (_, there) in (drift.found if drift else {}).items():
        if name.startswith("/"):  # a file, and not something that runs
            files[name] = there
    return {path: text for path, text in files.items() if text}


def prune() -> int:
    """Delete the revisions that were never pushed and are long out of use. Returns how many.

    The newest of each firewall stay, what it had before the first push, and all that is wanted, was
    applied, or is named by a push or a rollout.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, [settings.REVISIONS_KEPT, settings.REVISIONS_KEPT_DAYS])
        return int(cursor.rowcount)
