"""Firewalls: the list, and all of one."""

from collections.abc import Callable
from operator import attrgetter
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from firewalls.configuration.plan import plan
from firewalls.intent.facts import facts
from firewalls.intent.siblings import siblings
from firewalls.models import (
    Attachment,
    Firewall,
    FirewallQuerySet,
    Push,
    PushQuerySet,
    Retired,
)
from firewalls.models.states import HELD
from firewalls.picture.choices import tenant_of
from firewalls.pushing import appliers, causes, cautions
from firewalls.pushing.jobs import REACHED_BY, access_of, target_of
from firewalls.pushing.takeover import is_in_the_way
from firewalls.views.drawn import download, inside_of
from machines.models import Machine
from networks.common.htmx import page
from networks.common.lists import (
    Filter,
    Listing,
    given_filters,
    listing,
    options,
    spreadsheet,
    tidy,
)
from networks.common.statements import Fixed
from networks.models import Address, Carried, ImportNote, Network, Partition, Project

SORTS = {
    "name": "machine__name",
    "state": "state",
    "partition": "machine__partition",
    "project": "machine__project",
    "network": "machine__primary",
}
FILTERS: dict[str, Filter] = {
    "state": lambda rows, value: rows.found_in(value),
    "partition": lambda rows, value: rows.filter(machine__partition=value),
    "project": lambda rows, value: rows.filter(machine__project__in=Project.objects.named(value)),
    "network": lambda rows, value: rows.filter(machine__primary=value),
    "attachments": lambda rows, value: rows.in_network(value),
    "joined": lambda rows, value: rows.filter(attachments__network=value),
    "tenant": lambda rows, value: rows.filter(machine__project__tenant=tenant_of(value)),
    "held": lambda rows, value: rows.filter(HELD) if value == "yes" else rows.exclude(HELD),
    "applier": lambda rows, value: rows.filter(appliers.condition(value)),
    "cautions": lambda rows, value: rows.filter(cautions.condition(value)),
    "failed_at": causes.failed_at,
    "cause": causes.caused_by,
    "key": causes.key_is,
    "q": lambda rows, value: rows.matching(value),
}
SPREADSHEET: dict[str, Callable[[Firewall], object]] = {
    "name": attrgetter("name"),
    "id": attrgetter("pk"),
    "state": attrgetter("state"),
    "partition": attrgetter("machine.partition_id"),
    "project": attrgetter("machine.project_id"),
    "primary network": attrgetter("machine.primary_id"),
    "AS number": attrgetter("machine.asn"),
    "host": attrgetter("host"),
    "port": attrgetter("port"),
    "applier": appliers.state_of,
    "held": lambda firewall: firewall.held.reason if firewall.held else "",
}
RECENT = 8
STATES = Fixed(Firewall.objects.by_state)


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@tidy
def firewall_list(request: HttpRequest) -> HttpResponseBase:
    rows: QuerySet[Firewall] = Firewall.objects.with_state().select_related("machine", "hold")
    rows = rows.prefetch_related(Prefetch("attachments", _joined()))
    if request.GET.get("format") == "csv":
        return _spreadsheet(request, rows)
    counts = dict(STATES.rows())
    shown = listing(request, rows, FILTERS, SORTS)
    context = {
        "listing": shown,
        **_choice(request, shown),
        "states": [(state, counts.get(state.value, 0)) for state in Firewall.State],
        **options(request, partition=Partition.objects.all()),
        "retired": Retired.objects.count(),
        "appliers": appliers.State.choices,
        "cautions": cautions.Code.choices,
    }
    return page(request, "firewalls/list.html", context)


def _joined() -> QuerySet[Attachment]:
    """Attachments with what their role depends on."""
    return Attachment.objects.select_related("network").only("firewall", "network__kind")


def _choice(request: HttpRequest, shown: Listing) -> dict[str, list[UUID]]:
    """Which are marked, for a rollout: on this page, and on others."""
    marked = {UUID(value) for value in request.GET.getlist("firewall") if is_uuid(value)}
    here = {firewall.pk for firewall in shown.page}
    chosen = here if "choose" in request.GET else marked & here
    return {"chosen": sorted(chosen), "chosen_elsewhere": sorted(marked - here)}


def _spreadsheet(request: HttpRequest, rows: QuerySet[Firewall]) -> HttpResponseBase:
    rows = rows.select_related("applier")
    for name, value in given_filters(request, FILTERS).items():
        rows = FILTERS[name](rows, value)
    lines = ([cell(row) for cell in SPREADSHEET.values()] for row in rows)
    return spreadsheet("firewalls", list(SPREADSHEET), lines)


def firewall_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(_shown_rows(), pk=pk)
    planned = _planned(firewall)
    if request.GET.get("format") == "svg" and planned["inside"]:
        return download(f"{firewall.name}-inside", "firewalls/picture/inside.html", planned)
    context = {
        "firewall": firewall,
        "applier": appliers.state_of(firewall),
        "target": target_of(firewall),
        "way": access_of(firewall),
        "memberships": _memberships(firewall),
        **planned,
        "pushes": _pushes(firewall)[:RECENT],
        "causes": causes.causes(Firewall.objects.filter(pk=pk)),
        "in_the_way": is_in_the_way(firewall),
        "cautions": cautions.of(firewall),
        "differences": siblings(firewall.primary).of(firewall),
        "kept_back": Carried.objects.left().filter(box=pk),
        "import_notes": ImportNote.objects.about("machine", pk),
    }
    return page(request, "firewalls/detail.html", context)


def _shown_rows() -> FirewallQuerySet:
    """Firewalls with all that their page shows of them."""
    addresses = Address.objects.select_related("prefix__network").order_by("address")
    attachments = Attachment.objects.select_related("network")
    rows = Firewall.objects.with_relations().with_state().select_related(*REACHED_BY)
    rows = rows.prefetch_related(
        Prefetch("machine__addresses", addresses), Prefetch("attachments", attachments), "rules"
    )
    return cautions.annotated(rows)


def _pushes(firewall: Firewall) -> PushQuerySet:
    """Without what is long of them."""
    rows: PushQuerySet = Push.objects.filter(firewall=firewall).select_related("revision")
    return rows.defer("revision__files", "revision__plan", "steps")


def _planned(firewall: Firewall) -> dict[str, object]:
    """What its configuration will say, with the names of networks instead of their numbers."""
    of_firewall = facts([firewall.pk]).get(firewall.pk)
    machines = _machines(firewall)
    behind = machines.get(firewall.machine.primary_id, 0)
    if of_firewall is None:
        return {"plan": None, "inside": None, "machines": behind}
    planned = plan(of_firewall)
    names = {vrf.number: vrf.network for vrf in planned.vrfs}
    leaks = [(vrf.network, names[leak.source], leak) for vrf in planned.vrfs for leak in vrf.leaks]
    return {
        "plan": planned,
        "inside": inside_of(planned, machines),
        "machines": behind,
        "leaks": leaks,
        "hidden": [(names[hidden.target], hidden) for hidden in planned.translations],
    }


def _machines(firewall: Firewall) -> dict[str, int]:
    """How many machines live in each of its networks."""
    networks = [
        firewall.machine.primary_id,
        *(row.network_id for row in firewall.attachments.all()),
    ]
    rows = Machine.objects.plain().filter(primary__in=networks).order_by()
    return dict(rows.values_list("primary").annotate(Count("id")))


def _memberships(firewall: Firewall) -> list[dict[str, object]]:
    """Its networks, the primary first, each with its role and the firewall's addresses there."""
    memberships = [_membership(firewall, firewall.primary, "primary")]
    for attachment in firewall.attachments.all():
        memberships.append(_membership(firewall, attachment.network, attachment.role))
    return memberships


def _membership(firewall: Firewall, network: Network, role: str) -> dict[str, object]:
    own = firewall.machine.addresses.all()
    addresses = [address for address in own if address.prefix.network_id == network.pk]
    return {"network": network, "role": role, "addresses": addresses}
