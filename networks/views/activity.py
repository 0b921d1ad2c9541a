"""The audit trail: all of it with filters, or the history of one object."""

from datetime import datetime, time
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_date

from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, spreadsheet
from networks.events import events
from networks.models import Activity, recorded_kinds

WINDOW = 200  # changes that one page reads
LATEST = 60  # and the history of one object
COLUMNS = (
    "at",
    "who",
    "via",
    "what",
    "kind",
    "name",
    "id",
    "operation",
    "reason",
    "request",
    "before",
    "after",
)
MAX_ID = 2**63 - 1


def _day(text: str, of_day: time) -> datetime | None:
    """This moment of the day that somebody typed; None if that is no day."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, of_day)) if day else None


def _since(rows: Any, text: str) -> Any:
    first = _day(text, time.min)
    return rows.filter(at__gte=first) if first else rows


def _until(rows: Any, text: str) -> Any:
    last = _day(text, time.max)
    return rows.filter(at__lte=last) if last else rows


FILTERS: dict[str, Filter] = {
    "who": lambda rows, value: rows.filter(who=value),
    "via": lambda rows, value: rows.filter(via=value),
    "kind": lambda rows, value: rows.filter(kind=value),
    "verb": lambda rows, value: rows.filter(verb=value),
    "object": lambda rows, value: rows.of(value),
    "about": lambda rows, value: rows.filter(about__contains=[value]),
    "request": lambda rows, value: rows.filter(request=value),
    "since": _since,
    "until": _until,
}


def _filtered(request: HttpRequest) -> QuerySet[Activity]:
    rows: Any = Activity.objects.visible_to(request.user)
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    return rows.order_by("-id")


def _below(request: HttpRequest, rows: QuerySet[Activity]) -> QuerySet[Activity]:
    """What an older page starts with: `before` a change, `without` a request that was shown."""
    before = request.GET.get("before", "")
    if before.isdecimal() and int(before) <= MAX_ID:
        rows = rows.filter(id__lt=int(before))
    without = request.GET.get("without", "").replace("\0", "")
    return rows.exclude(request=without) if without else rows


def activity(request: HttpRequest) -> HttpResponseBase:
    """Who did what, newest first; an event that goes on below the end of a page is shown once."""
    rows = _filtered(request)
    if request.GET.get("format") == "csv":
        return spreadsheet("activity", COLUMNS, (_cells(row) for row in rows.iterator()))
    window = list(_below(request, rows)[: WINDOW + 1])
    context = {
        "events": events(window[:WINDOW]),
        "filtered": bool(given_filters(request, FILTERS)),
        "last": window[WINDOW - 1] if len(window) > WINDOW else None,
        "ways": Activity.WAYS,
        "verbs": Activity.Verb.values,
        "kinds": recorded_kinds(),
    }
    return page(request, "activity/list.html", context)


def _cells(row: Activity) -> tuple[object, ...]:
    return (
        row.at.isoformat(),
        row.who,
        row.via,
        row.verb,
        row.kind,
        row.label,
        row.key,
        row.operation,
        row.reason,
        row.request,
        row.before,
        row.after,
    )


def history(request: HttpRequest, kind: str, key: str) -> HttpResponseBase:
    """What happened to one object, as a part of its page."""
    about = f"{kind}:{key}"
    rows = Activity.objects.visible_to(request.user).filter(about__contains=[about])
    window = list(rows.order_by("-id")[: LATEST + 1])
    context = {
        "about": about,
        "kind": kind,
        "key": key,
        "events": events(window[:LATEST]),
        "more": len(window) > LATEST,
    }
    return page(request, "activity/history.html", context, parts={"history"})
