"""Host keys: pinned when a person has compared the fingerprint, and never otherwise."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from firewalls.device.pinning import fingerprint
from firewalls.models import Firewall
from firewalls.pushing import claiming
from networks.common.audit import operation
from networks.common.locking import lock_keys


def fingerprint_of(host_key: str) -> str:
    """The fingerprint of a stored key; empty without one, and for text that is no key."""
    try:
        return fingerprint(host_key) if host_key else ""
    except ValueError:
        return ""


def confirm(firewall: Firewall, typed: str) -> None:
    """Pin the key that the firewall has shown; `typed` is the fingerprint that somebody compared.

    Raises ValidationError.
    """
    with operation(f"the host key of {firewall} was confirmed"), transaction.atomic():
        rows = Firewall.objects.select_related("observation")
        row = rows.get(pk__in=lock_keys(Firewall, [firewall.pk]))
        compare(row.unjudged_key, typed, whose="The firewall")
        row.host_key = row.unjudged_key
        row.save(update_fields=["host_key"])
        claiming.inspect_now([row.pk])


def compare(offered: str, typed: str, *, whose: str) -> None:
    """Raise ValidationError unless a key was shown, and what was typed is its fingerprint."""
    if not offered:
        message = f"{whose} has shown no other key than the pinned one; have it looked at first."
        raise _invalid(message, "nothing_shown")
    shown = fingerprint_of(offered)
    if typed.strip() != shown:
        message = f"{whose} has shown {shown}, not this. Nothing was pinned."
        raise _invalid(message, "not_confirmed")


def _invalid(message: str, code: str) -> ValidationError:
    return ValidationError({"fingerprint": ValidationError(message, code=code)})


def dismiss(firewall: Firewall) -> None:
    """The pinned key stays, and the firewall is talked to again.

    If it shows another key again, it is stopped again.
    """
    with operation(f"another host key of {firewall} was dismissed"):
        Firewall.objects.filter(pk=firewall.pk).update(key_dismissed_at=Now())
