"""The leak audit of a partition: who reaches whom between projects, by what, and if it may."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from firewalls.intent.partitions import Basis, load_partition
from firewalls.reachability.auditing import audit
from firewalls.reachability.audits import Audit, Connection
from networks.common.htmx import page
from networks.common.lists import PER_PAGE, spreadsheet, tidy
from networks.models import Partition

HEADER = (
    "from project",
    "from network",
    "to project",
    "to network",
    "meeting in",
    "through firewalls",
    "by rules",
    "shown as",
    "family",
    "verdict",
    "leak",
    "why",
)
KNOWN_TOO_WIDELY = "is announced into a network that has no business to know it"


@tidy
def leak_audit(request: HttpRequest, pk: str) -> HttpResponseBase:
    """The whole partition at once; what is chosen of it stands in the URL."""
    partition = get_object_or_404(Partition, pk=pk)
    basis = _basis(request)
    found = audit(load_partition(partition.pk).on(basis))
    chosen = replace(found, connections=tuple(_chosen(request, found.connections)))
    if request.GET.get("format") == "csv":
        return spreadsheet(f"{pk}-leak-audit", HEADER, _rows(chosen))
    pairs = chosen.pairs
    context = {
        "partition": partition,
        "basis": str(basis),
        "audit": found,
        "leaks": len(found.leaks),
        "pairs": Paginator(pairs, PER_PAGE).get_page(request.GET.get("page")),
        "every": len(found.pairs),
        "chosen": {name: request.GET.get(name, "").strip() for name in ("project", "network")},
        "only_leaks": request.GET.get("leaks") == "only",
        **_choosable(found),
    }
    return page(request, "firewalls/leak_audit.html", context)


def _basis(request: HttpRequest) -> Basis:
    return Basis.APPLIED if request.GET.get("basis") == Basis.APPLIED else Basis.WANTED


def _choosable(found: Audit) -> dict[str, Any]:
    ends = [end for one in found.connections for end in (one.source, one.target)]
    return {
        "projects": sorted({end.project for end in ends}),
        "networks": sorted({end.id for end in ends}),
    }


def _chosen(request: HttpRequest, connections: Iterable[Connection]) -> Iterator[Connection]:
    """Those of the project and network that the URL names, at either end."""
    project = request.GET.get("project", "").strip()
    network = request.GET.get("network", "").strip()
    only_leaks = request.GET.get("leaks") == "only"
    for one in connections:
        projects = {one.source.project, one.target.project}
        networks = {one.source.id, one.target.id, one.network}
        named = (not project or project in projects) and (not network or network in networks)
        if named and (one.is_leak or not only_leaks):
            yield one


def _rows(found: Audit) -> Iterator[tuple[object, ...]]:
    """Connections, and then what is announced too widely, as one table."""
    for one in found.connections:
        yield (
            one.source.project,
            one.source.id,
            one.target.project,
            one.target.id,
            one.network,
            " ".join(via.name for via in one.via),
            "; ".join(via.rule for via in one.via),
            " ".join(str(via.shown) for via in one.via if via.shown),
            f"IPv{one.version}",
            one.verdict,
            "yes" if one.is_leak else "no",
            one.meaning,
        )
    for exposure in found.exposures:
        what = f"{exposure.prefix} {KNOWN_TOO_WIDELY}"
        where = exposure.network, exposure.name
        family = f"IPv{exposure.prefix.version}"
        yield ("", exposure.owner, "", *where[:1], *where, "", "", family, "", "yes", what)
