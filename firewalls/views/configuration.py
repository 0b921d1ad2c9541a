"""The files of a firewall, and what differs between two revisions of them."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.diffs import unified
from firewalls.models import Firewall, Revision
from networks.htmx import page

MOST_DIGITS = 9


def files(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    texts = revision.files if revision else {}
    chosen = request.GET.get("file") if request.GET.get("file") in texts else next(iter(sorted(texts)), "")
    context = {
        "firewall": firewall, "revision": revision, "paths": sorted(texts), "chosen": chosen,
        "text": texts.get(chosen, ""), "lines": texts.get(chosen, "").splitlines(), "revisions": firewall.revisions.defer("files"),
    }  # fmt: skip
    return page(request, "firewalls/config.html", context)


def download(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    path = request.GET.get("file", "")
    if revision is None or path not in revision.files:
        raise Http404
    name = f"{firewall.name}-{revision.number}-{path.rsplit('/', 1)[-1]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(revision.files[path], content_type="text/plain; charset=utf-8", headers=headers)


def diff(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    old = _revision(firewall, request.GET.get("from", "applied"))
    new = _revision(firewall, request.GET.get("to", "wanted"))
    context = {
        "firewall": firewall, "old": old, "new": new, "revisions": firewall.revisions.defer("files"),
        "diffs": unified(old.files if old else {}, new.files if new else {}, "before", "after"),
    }  # fmt: skip
    return page(request, "firewalls/diff.html", context)


def _revision(firewall: Firewall, name: str) -> Revision | None:
    """`wanted`, `applied`, or a number. None where there is none yet."""
    if name in ("wanted", "applied"):
        revision: Revision | None = getattr(firewall, name)
        return revision
    return found(firewall, name)


def found(firewall: Firewall, number: str) -> Revision:
    """The revision of this number; not found for anything that is none."""
    if not number.isdecimal() or len(number) > MOST_DIGITS:
        raise Http404
    return get_object_or_404(firewall.revisions, number=int(number))
