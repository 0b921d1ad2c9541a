"""The files of a firewall, and what differs between two revisions of them."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.dateformat import format as date

from firewalls.configuration.diffs import Files, made_anew, unified
from firewalls.intent import revisions
from firewalls.models import Firewall, Revision
from networks.common.htmx import page

SIDES = {"applied": "applied", "wanted": "wanted", revisions.BOX: "on the firewall"}


def files(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    texts = revision.files if revision else {}
    paths = sorted(texts)
    chosen = request.GET.get("file", "")
    if chosen not in texts:
        chosen = paths[0] if paths else ""
    text = texts.get(chosen, "")
    context = {
        "firewall": firewall,
        "revision": revision,
        "paths": paths,
        "chosen": chosen,
        "text": text,
        "lines": text.splitlines(),
        "revisions": firewall.revisions.defer("files", "plan"),
    }
    return page(request, "firewalls/config.html", context)


def download(request: HttpRequest, pk: UUID) -> HttpResponse:
    firewall = get_object_or_404(Firewall.objects.with_relations(), pk=pk)
    revision = _revision(firewall, request.GET.get("revision", "wanted"))
    path = request.GET.get("file", "")
    if revision is None or path not in revision.files:
        raise Http404
    name = f"{firewall.name}-{revision.number}-{path.rsplit('/', 1)[-1]}"
    return HttpResponse(
        revision.files[path],
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def diff(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What differs between two of: what is wanted, applied, on the firewall, and the revisions."""
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    old = request.GET.get("from", "applied")
    new = request.GET.get("to", "wanted")
    before, old_files = _side(firewall, old)
    after, new_files = _side(firewall, new)
    context = {
        "firewall": firewall,
        "sides": {"from": old, "to": new},
        "before": before,
        "after": after,
        "choices": _choices(firewall),
        "anew": made_anew(old_files, new_files),
        "diffs": unified(old_files, new_files, SIDES.get(old, old), SIDES.get(new, new)),
    }
    return page(request, "firewalls/diff.html", context)


def _choices(firewall: Firewall) -> dict[str, str]:
    """What may be compared: in an address, and in words."""
    numbers = firewall.revisions.values_list("number", flat=True)
    return SIDES | {str(number): f"revision {number}" for number in numbers}


def _side(firewall: Firewall, name: str) -> tuple[str, Files]:
    """One side of a comparison, in words and as files. Raises Http404."""
    if name == revisions.BOX:
        return _on_firewall(firewall), revisions.files_on_firewall(firewall)
    revision = _revision(firewall, name)
    if revision is not None:
        return f"revision {revision.number} ({revision.cause})", revision.files
    lacking = "was applied" if name == "applied" else "is wanted"
    return f"nothing, for nothing {lacking} yet", {}


def _on_firewall(firewall: Firewall) -> str:
    if firewall.observation.applied is None:
        return "nothing that is known of the firewall, for nothing was applied yet"
    if firewall.observation.checked_at is None:
        return (
            f"what was applied (revision {firewall.observation.applied.number}),"
            " for the firewall was not looked at since"
        )
    return f"what was on the firewall {date(firewall.observation.checked_at, 'j F Y, H:i')} UTC"


def numbered(firewall: Firewall, number: str) -> Revision:
    """The revision of this number. Raises Http404."""
    revision = _revision(firewall, number) if number.isdecimal() else None
    if revision is None:
        raise Http404
    return revision


def _revision(firewall: Firewall, name: str) -> Revision | None:
    """The revision of this name; None where there is none yet. Raises Http404."""
    try:
        return revisions.revision_named(firewall, name)
    except (ValueError, Revision.DoesNotExist) as error:
        raise Http404 from error
