"""Which firewalls a change concerns, so that reconcile renders those alone."""

import logging
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from jinja2 import TemplateError

from firewalls.intent import revisions
from firewalls.models import Firewall, Touched
from firewalls.models.touched import EVERYTHING, object_ids

log = logging.getLogger(__name__)

# What a configuration that cannot be rendered raises: an error of ours, unlike those of a database that is away.
OURS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    TemplateError,
)
CAUSE = "the networks around it changed"


@transaction.atomic
def catch_up() -> None:
    """Note what is wanted of the firewalls that something has changed for since the last time."""
    if rows := Touched.objects.claim_all():
        refresh(concerned(rows), CAUSE)


def refresh(firewalls: Collection[UUID], cause: str, by: str = "") -> dict[UUID, str]:
    """Note what is wanted of these now, all at once; if one cannot be rendered, each by itself. Returns why those cannot."""
    try:
        with transaction.atomic():
            revisions.refresh(firewalls, cause=cause, by=by)
    except OURS:
        log.exception("Rendering %s firewalls at once failed; now one by one.", len(firewalls))
        return dict(filter(None, (_refresh_one(pk, cause, by) for pk in firewalls)))
    return {}


def _refresh_one(pk: UUID, cause: str, by: str) -> tuple[UUID, str] | None:
    try:
        with transaction.atomic():
            revisions.refresh([pk], cause=cause, by=by)
    except OURS as error:
        log.exception("The configuration of firewall %s cannot be rendered.", pk)
        return (
            pk,
            f"Its configuration cannot be rendered ({type(error).__name__}: {error}); what it runs is left alone.",
        )
    return None


def concerned(rows: list[Touched]) -> list[UUID]:
    """The firewalls whose configuration may depend on these rows."""
    firewalls = Firewall.objects.order_by()
    if any(row.kind == EVERYTHING for row in rows):
        return list(firewalls.values_list("pk", flat=True))
    machines = {UUID(pk) for kind in ("firewall", "machine") for pk in object_ids(rows, kind)}
    networks, partitions = object_ids(rows, "network"), object_ids(rows, "partition")
    there = (
        Q(machine__primary__in=networks)
        | Q(attachments__network__in=networks)
        | Q(machine__partition__in=partitions)
    )
    return list(
        firewalls.filter(Q(pk__in=machines) | there).values_list("pk", flat=True).distinct()
    )
