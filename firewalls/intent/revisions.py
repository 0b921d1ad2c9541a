"""The configurations wanted of firewalls, kept as numbered revisions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q

from firewalls.configuration.diffs import Files
from firewalls.configuration.kept import as_json
from firewalls.configuration.plan import Plan, plan
from firewalls.configuration.render import digest, render
from firewalls.intent.facts import stream_facts
from firewalls.models import Drift, Firewall, Revision, Survey, lock_firewalls

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


class Made(NamedTuple):
    """A configuration: the plan, and the files that are rendered from it."""

    plan: Plan
    files: dict[str, str]


def rendered(firewalls: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    """The files each of these firewalls should have, as the database stands now."""
    return dict(stream_rendered(firewalls))


def stream_rendered(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, dict[str, str]]]:
    """The same, one firewall after the other: nothing of the one before is kept."""
    for pk, made in _made(firewalls):
        yield pk, made.files


def _made(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, Made]]:
    for pk, facts in stream_facts(firewalls):
        planned = plan(facts)
        yield pk, Made(planned, render(planned))


def refresh(firewalls: Iterable[UUID], cause: str, by: str = "") -> list[UUID]:
    """Note what is wanted of these firewalls now. Returns those of which something else is.

    Only those that seem to have changed are locked, and rendered again under their locks: so the
    last writer is right. A constant number of queries for any number of firewalls.
    """
    seeming = [pk for pk, _ in _different(firewalls)]
    return _renew(seeming, cause, by) if seeming else []


def _different(firewalls: Iterable[UUID]) -> Iterator[tuple[UUID, Made]]:
    """Those whose configuration is not the one noted as wanted, or is that without its plan."""
    keys = sorted(firewalls)
    rows = Firewall.objects.filter(pk__in=keys).annotate(kept=Q(wanted__plan__isnull=False))
    noted = {
        pk: (known, kept) for pk, known, kept in rows.values_list("pk", "wanted__digest", "kept")
    }
    for pk, made in _made(keys):
        if pk in noted and noted[pk] != (digest(made.files), True):
            yield pk, made


@transaction.atomic
def _renew(firewalls: list[UUID], cause: str, by: str) -> list[UUID]:
    """Note what is wanted of those of which something else is noted; those that are gone are not.

    A configuration that was wanted before is that revision again; another one gets a new number.
    """
    different = dict(_different(lock_firewalls(firewalls)))
    kept = _kept(different)
    numbers = _last_numbers(different)
    new = [
        Revision(
            firewall_id=pk,
            number=numbers.get(pk, 0) + 1,
            digest=digest(made.files),
            files=made.files,
            plan=as_json(made.plan),
            cause=cause[:MOST_CAUSE],
            created_by=by,
        )
        for pk, made in different.items()
        if pk not in kept
    ]
    wanted = kept | {row.firewall_id: row.pk for row in Revision.objects.bulk_create(new)}
    rows = [Firewall(machine_id=pk, wanted_id=revision) for pk, revision in wanted.items()]
    Firewall.objects.bulk_update(rows, ["wanted"])
    return list(different)


def _kept(different: Mapping[UUID, Made]) -> dict[UUID, int]:
    """The revisions that have these contents already; with their plans, if they had none yet."""
    digests = {pk: digest(made.files) for pk, made in different.items()}
    revisions = Revision.objects.filter(firewall__in=digests, digest__in=digests.values())
    rows = list(revisions.values_list("firewall", "digest", "pk", "plan"))
    same = [row for row in rows if digests[row[0]] == row[1]]
    lacking = [
        Revision(pk=revision, plan=as_json(different[pk].plan))
        for pk, _, revision, known in same
        if known is None
    ]
    Revision.objects.bulk_update(lacking, ["plan"])
    return {pk: revision for pk, _, revision, _ in same}


def _last_numbers(firewalls: Iterable[UUID]) -> dict[UUID, int]:
    rows = Revision.objects.filter(firewall__in=list(firewalls)).order_by()
    return dict(rows.values_list("firewall").annotate(Max("number")))


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
