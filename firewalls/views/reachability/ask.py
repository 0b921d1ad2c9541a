"""One question, its answer, and what may be meant while somebody types."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from firewalls.intent.ends import name_of, suggestions
from firewalls.intent.questions import Asked, answered
from firewalls.models import Endpoint
from firewalls.reachability.values import ICMP
from firewalls.views.reachability.drawn import drawn
from firewalls.views.reachability.form import AskForm
from networks.common.htmx import page

SHARED_ALONG = ("port", "protocol", "basis", "at")
TEMPLATE = "reachability/ask.html"


def ask(request: HttpRequest) -> HttpResponse:
    """Whether a source can open connections to a destination, how, and if not, why not."""
    if not {"from", "to"} & request.GET.keys():
        return page(request, TEMPLATE, {"form": AskForm()})
    form = AskForm(request.GET)
    if not form.is_valid():
        return page(request, TEMPLATE, {"form": form}, status=422)
    asked = form.asked
    if asked is None:
        return redirect(_all_who_reach(request, form))
    context = {"form": form, **_named(form, asked), **_turned(asked)}
    context |= drawn(request, answered(asked, form.basis_chosen, form.at_chosen))
    return page(request, TEMPLATE, context)


def ends(request: HttpRequest) -> HttpResponse:
    """What may be meant by what is typed so far, as the options of its field."""
    field = "to" if "to" in request.GET else "from"
    text = request.GET.get(field, "").replace("\0", "").strip()
    context = {"suggestions": suggestions(text, destination=field == "to")}
    return page(request, "reachability/ends.html", context)


def _all_who_reach(request: HttpRequest, form: AskForm) -> str:
    query = QueryDict(mutable=True)
    query.update({name: request.GET[name] for name in SHARED_ALONG if request.GET.get(name)})
    url = reverse("firewalls:reachable_from", args=[form.target.pk])
    return f"{url}?{query.urlencode()}" if query else url


def _named(form: AskForm, asked: Asked) -> dict[str, Any]:
    """The question in words."""
    return {
        "asked": asked,
        "source": name_of(asked.source),
        "destination": name_of(asked.destination),
        "service": _service(asked),
    }


def _service(asked: Asked) -> str:
    """As what, where the destination does not say so itself."""
    if isinstance(asked.destination, Endpoint):
        return ""
    if asked.protocol == ICMP:
        return "ping"
    return f"{asked.protocol}/{asked.port}" if asked.port else asked.protocol


def _turned(asked: Asked) -> dict[str, str]:
    """The same question the other way round, where there is one."""
    if asked.destination is None or name_of(asked.destination) == name_of(asked.source):
        return {}
    query = QueryDict(mutable=True)
    query.update({"from": name_of(asked.destination), "to": name_of(asked.source)})
    return {"turned": query.urlencode()}
