"""The files of a firewall, and what differs between two revisions of them."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.dateformat import format as date

from firewalls.configuration.diffs import Files, unified
from firewalls.intent import revisions
from firewalls.models import Firewall, Revision
from networks.common.htmx import page

SIDES = {"applied": "applied", "wanted": "wanted", revisions.BOX: "on the firewall"}


def files(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    texts = revision.files if revision else {}
    chosen = (
        request.GET.get("file")
        if request.GET.get("file") in texts
        else next(iter(sorted(texts)), "")
    )
    context = {
        "firewall": firewall,
        "revision": revision,
        "paths": sorted(texts),
        "chosen": chosen,
        "text": texts.get(chosen, ""),
        "lines": texts.get(chosen, "").splitlines(),
        "revisions": firewall.revisions.defer("files"),
    }
    return page(request, "firewalls/config.html", context)


def download(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    path = request.GET.get("file", "")
    if revision is None or path not in revision.files:
        raise Http404
    name = f"{firewall.name}-{revision.number}-{path.rsplit('/', 1)[-1]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(
        revision.files[path], content_type="text/plain; charset=utf-8", headers=headers
    )


def diff(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What differs between any two of: what is wanted, what was applied, what is on the box, and the revisions."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    old, new = request.GET.get("from", "applied"), request.GET.get("to", "wanted")
    (before, old_files), (after, new_files) = _side(firewall, old), _side(firewall, new)
    context = {
        "firewall": firewall,
        "sides": {"from": old, "to": new},
        "before": before,
        "after": after,
        "choices": {
            **SIDES,
            **{
                str(row.number): f"revision {row.number}"
                for row in firewall.revisions.defer("files")
            },
        },
        "diffs": unified(old_files, new_files, SIDES.get(old, old), SIDES.get(new, new)),
    }
    return page(request, "firewalls/diff.html", context)


def _side(firewall: Firewall, name: str) -> tuple[str, Files]:
    """One side of a comparison, in words and as files. Raises Http404."""
    if name == revisions.BOX:
        return _seen(firewall), revisions.files_on_firewall(firewall)
    revision = _revision(firewall, name)
    if revision is None:
        return f"nothing, for nothing {'was applied' if name == 'applied' else 'is wanted'} yet", {}
    return f"revision {revision.number} ({revision.cause})", revision.files


def _seen(firewall: Firewall) -> str:
    if firewall.applied is None:
        return "nothing that is known of the firewall, for nothing was applied yet"
    if firewall.checked_at is None:
        return f"what was applied (revision {firewall.applied.number}), for the firewall was not looked at since"
    return f"what was on the firewall {date(firewall.checked_at, 'j F Y, H:i')} UTC"


def _revision(firewall: Firewall, name: str) -> Revision | None:
    """The revision of this name. None where there is none yet; raises Http404."""
    try:
        return revisions.revision_named(firewall, name)
    except (ValueError, Revision.DoesNotExist) as error:
        raise Http404 from error


def found(firewall: Firewall, number: str) -> Revision:
    """The revision of this number; not found for anything that is none."""
    revision = _revision(firewall, number) if number.isdecimal() else None
    if revision is None:
        raise Http404
    return revision
