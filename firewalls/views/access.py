"""How the SSH of firewalls is reached: of a partition, of one firewall, and of one retired."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from firewalls.forms import SshAccessForm
from firewalls.models import Firewall, Retired, SshAccess
from firewalls.pushing import jump_hosts
from firewalls.pushing.hostkeys import fingerprint_of
from networks.common.htmx import page
from networks.models import Partition

Owner = Partition | Firewall | Retired


def of_partition(request: HttpRequest, pk: str) -> HttpResponse:
    """Of all firewalls of a partition that have none of their own."""
    return _access(request, get_object_or_404(Partition, pk=pk))


def of_firewall(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Of one firewall, which then goes by this alone."""
    rows = Firewall.objects.with_relations().with_state()
    return _access(request, get_object_or_404(rows, pk=pk))


def of_retired(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Of one that was freed."""
    return _access(request, get_object_or_404(Retired, pk=pk))


def _access(request: HttpRequest, owner: Owner) -> HttpResponse:
    row = _row(owner)
    form = SshAccessForm(request.POST or None, instance=row or _new(owner))
    if request.method == "POST":
        _may(request, "change" if row else "add")
        if form.is_valid():
            form.save()
            messages.success(request, f"{form.instance} was saved; it is being tried.")
            return redirect(_page_of(owner))
    return _shown(request, owner, form)


def _shown(
    request: HttpRequest, owner: Owner, form: SshAccessForm, errors: list[str] | None = None
) -> HttpResponse:
    row = _row(owner)
    above = None
    if not isinstance(owner, Partition):
        row_of = owner if isinstance(owner, Retired) else owner.machine
        partition = row_of.partition_id
        of_all = SshAccess.objects.exclude(partition=None).select_related("seen")
        above = of_all.filter(partition_id=partition).first()
    context = {
        "owner": owner,
        "firewall": owner if isinstance(owner, Firewall) else None,
        "retired": owner if isinstance(owner, Retired) else None,
        "form": form,
        "access": row,
        "above": above,
        "number": jump_hosts.reached_by(row).count() if row else 0,
        "pinned": fingerprint_of(row.jump_key) if row else "",
        "offered": fingerprint_of(row.offered_key) if row else "",
        "errors": errors or [],
        "typed": request.POST.get("fingerprint", ""),
    }
    status = 422 if form.errors or errors else 200
    return page(request, "firewalls/access.html", context, status=status)


def _row(owner: Owner) -> SshAccess | None:
    rows = SshAccess.objects.select_related("seen", "partition", "retired", "firewall__machine")
    return rows.filter(**_of(owner)).first()


def _new(owner: Owner) -> SshAccess:
    return SshAccess(**_of(owner))


def _of(owner: Owner) -> dict[str, Owner]:
    return {type(owner)._meta.model_name or "": owner}


def _page_of(owner: Owner) -> str:
    names = {"partition": "partition_access", "firewall": "access", "retired": "retired_access"}
    return reverse(f"firewalls:{names[type(owner)._meta.model_name or '']}", args=[owner.pk])


def _owner(access: SshAccess) -> Owner:
    owner = access.firewall or access.retired or access.partition
    assert owner is not None
    return owner


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Have them be reached directly; one firewall again by what its partition says."""
    _may(request, "delete")
    row = get_object_or_404(SshAccess, pk=pk)
    owner, name = _owner(row), str(row)
    row.delete()
    messages.success(request, f"{name} was removed.")
    return redirect(_page_of(owner))


@require_POST
def confirm_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Pin the key that the jump host has shown, by the fingerprint that somebody has compared."""
    _may(request, "change")
    row = get_object_or_404(SshAccess, pk=pk)
    owner = _owner(row)
    try:
        jump_hosts.confirm(row, request.POST.get("fingerprint", ""))
    except ValidationError as error:
        return _shown(request, owner, SshAccessForm(instance=row), error.messages)
    messages.success(request, "The jump host's key is pinned. It is being tried.")
    return redirect(_page_of(owner))


def _may(request: HttpRequest, verb: str) -> None:
    if not request.user.has_perm(f"firewalls.{verb}_sshaccess"):
        raise PermissionDenied("Saying how firewalls are reached takes the role operator.")
