"""The audit trail: all of it with filters, one story, or the history of one object."""

from datetime import datetime, time
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_date

from networks.common.htmx import page
from networks.common.lists import Filter, given_filters, spreadsheet, tidy
from networks.common.triggers import recorded_kinds
from networks.models import Activity, ActivityQuerySet
from networks.stories import changes, of_rows, stories

PER_PAGE = 100  # changes on the page of one story
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
    "who": lambda rows, value: rows.by(value),
    "via": lambda rows, value: rows.filter(via=value),
    "kind": lambda rows, value: rows.filter(kind=value),
    "verb": lambda rows, value: rows.filter(verb=value),
    "object": lambda rows, value: rows.of(value),
    "about": lambda rows, value: rows.filter(about__contains=[value]),
    "request": lambda rows, value: rows.filter(request=value),
    "since": _since,
    "until": _until,
}


def _filtered(request: HttpRequest) -> ActivityQuerySet:
    rows: Any = Activity.objects.visible_to(request.user)
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    return rows.order_by("-id")


def _number(request: HttpRequest, name: str) -> int | None:
    """The id of a change that the address names, if it is one."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and text.isascii() and int(text) <= MAX_ID else None


@tidy
def activity(request: HttpRequest) -> HttpResponseBase:
    """Who did what, newest first."""
    rows = _filtered(request)
    if request.GET.get("format") == "csv":
        return spreadsheet("activity", COLUMNS, (_cells(row) for row in rows.iterator()))
    found, more = stories(rows, _number(request, "before"))
    context = {
        "stories": found,
        "filtered": bool(given_filters(request, FILTERS)),
        "last": found[-1].opening if more else None,
        "ways": Activity.WAYS,
        "verbs": Activity.Verb.values,
        "kinds": recorded_kinds(),
    }
    return page(request, "activity/list.html", context)


def story(request: HttpRequest, key: str) -> HttpResponse:
    """One story with all of its changes, the oldest first."""
    rows = Activity.objects.visible_to(request.user).filter(story=key)
    found, _ = stories(rows)
    if not found:
        raise Http404("No story of this name is in the audit trail.")
    after = _number(request, "after") or 0
    window = list(rows.filter(pk__gt=after).order_by("pk")[: PER_PAGE + 1])
    context = {
        "story": found[0],
        "changes": changes(window[:PER_PAGE]),
        "last": window[PER_PAGE - 1] if len(window) > PER_PAGE else None,
        "after": after,
    }
    return page(request, "activity/story.html", context)


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
        "stories": of_rows(window[:LATEST]),
        "more": len(window) > LATEST,
    }
    return page(request, "activity/history.html", context, parts={"history"})
