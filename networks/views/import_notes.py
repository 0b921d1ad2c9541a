"""What imports have left out, assumed or kept out: the page that lists it."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from networks.common.htmx import page
from networks.common.lists import Filter, listing
from networks.models import ImportNote

SORTS = {"object": "key", "kind": "kind", "verdict": "verdict", "since": "at"}
FILTERS: dict[str, Filter] = {
    "verdict": lambda rows, value: rows.filter(verdict=value),
    "kind": lambda rows, value: rows.filter(kind=value),
    "q": lambda rows, value: rows.filter(
        Q(key__icontains=value) | Q(label__icontains=value) | Q(message__icontains=value)
    ),
}
KINDS = ("partition", "project", "network", "address", "machine", "rules", "object")


def import_notes(request: HttpRequest) -> HttpResponse:
    context = {
        "listing": listing(request, ImportNote.objects.all(), FILTERS, SORTS),
        "verdicts": ImportNote.Verdict.choices,
        "kinds": KINDS,
    }
    return page(request, "networks/import_notes.html", context)
