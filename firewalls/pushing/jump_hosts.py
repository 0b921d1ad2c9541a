"""Jump hosts: what workers saw of them is written down, and people judge another key of theirs."""

from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from firewalls.device.target import TransportError
from firewalls.models import Firewall, JumpObservation, Observation, Retired, SshAccess
from firewalls.pushing import claiming
from firewalls.pushing.hostkeys import compare
from firewalls.pushing.jobs import access_of
from networks.common.audit import operation
from networks.common.locking import lock_keys


def record(firewall: Firewall | Retired, error: TransportError | None) -> None:
    """Write down why the jump host of this firewall let nobody through; or that it does now.

    Others that it kept from being looked at are looked at once that is committed.
    """
    access = access_of(firewall)
    if access is None or not access.way:
        return
    rows = JumpObservation.objects.filter(pk=access.pk)
    if error is None:
        if rows.exclude(tried="").update(tried="", failure="", offered_key="", failed_at=None):
            transaction.on_commit(partial(look_again, access), robust=True)
        return
    rows.update(
        tried=access.way,
        failed_at=Now(),
        failure=str(error),
        offered_key=error.offered_key,
    )


def look_again(access: SshAccess) -> None:
    """Have those looked at soon that could not be, and are reached by this."""
    troubled = Q(refused_at__isnull=False) | Q(unreachable_since__isnull=False)
    rows = Observation.objects.filter(troubled, firewall__in=reached_by(access))
    claiming.inspect_now(rows.values_list("pk", flat=True))


def reached_by(access: SshAccess) -> QuerySet[Firewall]:
    """The firewalls that are reached by this access."""
    if access.partition_id is None:
        return Firewall.objects.filter(pk=access.firewall_id)
    return Firewall.objects.filter(machine__partition=access.partition_id, ssh_access=None)


def confirm(access: SshAccess, typed: str) -> None:
    """Pin the key that the jump host has shown; `typed` is the fingerprint that somebody compared.

    Raises ValidationError.
    """
    with operation(f"the host key of the jump host of {_whose(access)} was confirmed"):
        _confirm(access, typed)


@transaction.atomic
def _confirm(access: SshAccess, typed: str) -> None:
    rows = SshAccess.objects.select_related("seen")
    row = rows.get(pk__in=lock_keys(SshAccess, [access.pk]))
    compare(row.offered_key, typed, whose="The jump host")
    row.jump_key = row.offered_key
    row.save(update_fields=["jump_key"])


def _whose(access: SshAccess) -> str:
    return str(access.firewall or access.retired or access.partition)
