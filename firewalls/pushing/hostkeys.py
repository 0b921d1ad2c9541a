"""Host keys: pinned when a person has compared the fingerprint, and never otherwise."""

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls.device.connection import fingerprint
from firewalls.models import Firewall
from networks.common.audit import operation


def fingerprint_of(host_key: str) -> str:
    """The fingerprint of a stored key; empty without one, or for one that is none."""
    try:
        return fingerprint(host_key) if host_key else ""
    except ValueError:
        return ""


def confirm(firewall: Firewall, typed: str) -> None:
    """Pin the key that the firewall has shown, for somebody has found its fingerprint to be this. Raises ValidationError."""
    with operation(f"the host key of {firewall} was confirmed"), transaction.atomic():
        row = Firewall.objects.select_for_update(no_key=True).get(pk=firewall.pk)
        if not row.offered_key:
            reason = "It has shown no other host key than the pinned one; look at it first."
            raise ValidationError({"fingerprint": ValidationError(reason, code="nothing_shown")})
        if typed.strip() != fingerprint_of(row.offered_key):
            reason = f"The firewall has shown {fingerprint_of(row.offered_key)}, not this. Nothing was pinned."
            raise ValidationError({"fingerprint": ValidationError(reason, code="not_confirmed")})
        row.host_key, row.offered_key, row.offered_for, row.offered_at = (
            row.offered_key,
            "",
            "",
            None,
        )
        row.check_due_at = None
        row.save()


def dismiss(firewall: Firewall) -> None:
    """The pinned key stays; the firewall is talked to again, and if it shows another key again, stopped again."""
    with operation(f"another host key of {firewall} was dismissed"):
        Firewall.objects.filter(pk=firewall.pk).update(
            offered_key="", offered_for="", offered_at=None
        )
