"""Which firewalls a change concerns, so that reconcile renders those alone."""

import logging
from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from jinja2 import TemplateError

from firewalls.intent import revisions
from firewalls.models import Firewall, Touched
from firewalls.models.touched import EVERYTHING, NETWORKS, SIBLINGS, object_ids
from networks.common.locking import repeated_if_deadlocked

log = logging.getLogger(__name__)

# What a configuration that cannot be rendered raises: a mistake of the product, which concerns that
# firewall alone, unlike the errors of a database that is away.
MISTAKES = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    TemplateError,
)
CAUSE = "the networks around it changed"
AT_ONCE = 50  # firewalls that are rendered, and locked meanwhile, in one transaction


def catch_up() -> None:
    """Note what is wanted of the firewalls for which something changed since the last time.

    A few in each transaction, so that nobody waits long for a firewall that is being rendered; and
    several workers share the work.
    """
    repeated_if_deadlocked(_take_up_changes)
    while repeated_if_deadlocked(_take_up_part):
        pass
    repeated_if_deadlocked(_keep_plans)


def _take_up_changes() -> None:
    rows = Touched.objects.claim_changes()
    firewalls = concerned(rows) if rows else []
    if len(firewalls) > AT_ONCE:
        Touched.objects.split(firewalls, AT_ONCE)
    else:
        refresh(firewalls, CAUSE)


def _take_up_part() -> bool:
    """False once no worker has left anything to take up."""
    rows = Touched.objects.claim_part()
    refresh(concerned(rows) if rows else [], CAUSE)
    return bool(rows)


def _keep_plans() -> None:
    """Those of what was noted before plans were kept: a few each time, until none is left."""
    rows = Firewall.objects.filter(wanted__isnull=False, wanted__plan=None).order_by()
    refresh(list(rows.values_list("pk", flat=True)[:AT_ONCE]), CAUSE)


def refresh(firewalls: Collection[UUID], cause: str, by: str = "") -> dict[UUID, str]:
    """Note what is wanted of these now. Returns those that cannot be rendered, and why not.

    Several at once; if one of them cannot be rendered, each by itself.
    """
    keys = sorted(firewalls)
    reasons: dict[UUID, str] = {}
    for start in range(0, len(keys), AT_ONCE):
        reasons |= _refresh_some(keys[start : start + AT_ONCE], cause, by)
    return reasons


def _refresh_some(firewalls: Sequence[UUID], cause: str, by: str) -> dict[UUID, str]:
    try:
        with transaction.atomic():
            revisions.refresh(firewalls, cause=cause, by=by)
    except MISTAKES:
        log.exception("Rendering %s firewalls at once failed; now one by one.", len(firewalls))
        reasons = {pk: _refresh_one(pk, cause, by) for pk in firewalls}
        return {pk: reason for pk, reason in reasons.items() if reason}
    return {}


def _refresh_one(pk: UUID, cause: str, by: str) -> str:
    """Why it cannot be rendered, as a sentence; empty if it can."""
    try:
        with transaction.atomic():
            revisions.refresh([pk], cause=cause, by=by)
    except MISTAKES as error:
        log.exception("The configuration of firewall %s cannot be rendered.", pk)
        return (
            f"Its configuration cannot be rendered ({type(error).__name__}: {error});"
            " what it runs is left alone."
        )
    return ""


def concerned(rows: list[Touched]) -> list[UUID]:
    """The firewalls whose configuration may depend on what these rows are about."""
    firewalls = Firewall.objects.order_by()
    if not any(row.kind == EVERYTHING for row in rows):
        firewalls = firewalls.filter(_depends_on(rows)).distinct()
    return list(firewalls.values_list("pk", flat=True))


def _depends_on(rows: list[Touched]) -> Q:
    """Who has joined a network depends on what it is, not on who else joins or lives there.

    Siblings depend on what each of them has joined, and on what that is.
    """
    firewalls = object_ids(rows, "firewall") | object_ids(rows, "machine")
    changed = object_ids((row for row in rows if row.kind in NETWORKS), "network")
    through = Firewall.objects.filter(attachments__network__in=changed).order_by()
    return (
        Q(pk__in={UUID(pk) for pk in firewalls})
        | Q(machine__primary__in=object_ids(rows, "network") | object_ids(rows, SIBLINGS))
        | Q(machine__primary__in=through.values("machine__primary"))
        | Q(machine__partition__in=object_ids(rows, "partition"))
    )
