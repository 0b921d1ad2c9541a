"""Lists of rows with filters, order and pages, all in the URL."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

PER_PAGE = 50
Filter = Callable[[Any, str], Any]  # rows and the value in the URL -> fewer rows


@dataclass(frozen=True)
class Listing:
    """One page of the rows that match the filters."""

    page: Page[Any]
    total: int
    sort: str
    filtered: bool

    @property
    def column(self) -> str:
        return self.sort.lstrip("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")


def listing(
    request: HttpRequest,
    rows: QuerySet[Any],
    filters: Mapping[str, Filter],
    sorts: Mapping[str, str],
) -> Listing:
    """Apply the filters and the order that the URL names; unknown ones are ignored.

    The first of the sorts is the default.
    """
    active = given_filters(request, filters)
    for name, value in active.items():
        rows = filters[name](rows, value)
    sort = request.GET.get("sort", "")
    if sort.lstrip("-") not in sorts:
        sort = next(iter(sorts))
    mark = "-" if sort.startswith("-") else ""
    ordered = rows.order_by(mark + sorts[sort.lstrip("-")], "pk")
    paginator = Paginator(ordered, PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    return Listing(page, paginator.count, sort, filtered=bool(active))


def given_filters(request: HttpRequest, filters: Mapping[str, Filter]) -> dict[str, str]:
    """The filters that the URL sets, without NULs: PostgreSQL takes none in a text."""
    values = {name: request.GET.get(name, "").replace("\0", "").strip() for name in filters}
    return {name: value for name, value in values.items() if value}


class _Echo:
    """A file that returns what is written to it: csv.writer then returns each line."""

    def write(self, line: str) -> str:
        return line


def spreadsheet(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """The rows as CSV (RFC 4180), sent as they are read."""
    writer = csv.writer(_Echo())
    cells = ([_cell(value) for value in row] for row in rows)
    lines = (writer.writerow(row) for row in chain([header], cells))
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> str:
    """The value as text, also where a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
