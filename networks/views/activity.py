"""The trail: all of it with filters, or the history of one object."""

from datetime import datetime, time
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_date

from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, spreadsheet
from networks.events import events
from networks.models import Activity

WINDOW = 200  # changes that one page looks at
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


def _day(text: str, end: bool) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return (
        timezone.make_aware(datetime.combine(day, time.max if end else time.min)) if day else None
    )


def _since(rows: Any, text: str) -> Any:
    day = _day(text, end=False)
    return rows.filter(at__gte=day) if day else rows


def _until(rows: Any, text: str) -> Any:
    day = _day(text, end=True)
    return rows.filter(at__lte=day) if day else rows


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


def _found(request: HttpRequest) -> QuerySet[Activity]:
    rows: Any = Activity.objects.visible_to(request.user)
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    return rows.order_by("-id")


def activity(request: HttpRequest) -> HttpResponseBase:
    """Who did what, newest first. The next page goes on below the last change seen, without the story told already."""
    rows = _found(request)
    if request.GET.get("format") == "csv":
        return spreadsheet("activity", COLUMNS, (_cells(row) for row in rows.iterator()))
    if (before := request.GET.get("before", "")).isdecimal() and int(before) <= MAX_ID:
        rows = rows.filter(id__lt=int(before))
    if told := request.GET.get("told", "").replace("\0", ""):
        rows = rows.exclude(request=told)
    window = list(rows[: WINDOW + 1])
    context = {
        "events": events(window[:WINDOW]),
        "filtered": bool(given_filters(request, FILTERS)),
        "last": window[WINDOW - 1] if len(window) > WINDOW else None,
        "ways": Activity.WAYS,
        "verbs": Activity.Verb.values,
        "kinds": Activity.KINDS,
    }
    return page(request, "activity/list.html", context)


def _cells(row: Activity) -> tuple[object, ...]:
    what = (row.at.isoformat(), row.who, row.via, row.verb, row.kind, row.label, row.key)
    return (*what, row.operation, row.reason, row.request, row.before, row.after)


def history(request: HttpRequest, kind: str, key: str) -> HttpResponseBase:
    """What happened to one object, as a part of its page."""
    about = f"{kind}:{key}"
    rows = Activity.objects.visible_to(request.user).filter(about__contains=[about]).order_by("-id")
    window = list(rows[: LATEST + 1])
    context = {
        "about": about,
        "kind": kind,
        "key": key,
        "events": events(window[:LATEST]),
        "more": len(window) > LATEST,
    }
    return page(request, "activity/history.html", context, parts={"history"})
