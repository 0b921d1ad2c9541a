"""Which applier firewalls have: written down with every look and push, and what that means."""

from django.db.models import Q, TextChoices
from django.db.models.functions import Now

from firewalls.device import versions
from firewalls.device.versions import SPOKEN, Version
from firewalls.models import Applier, Firewall


class State(TextChoices):
    CURRENT = "current", "the product's own"
    UNDERSTOOD = "understood", "another one, which is understood"
    FOREIGN = "foreign", "another one, which is not understood"
    UNKNOWN = "unknown", "not seen yet"


def record_version(firewall: Firewall, version: Version | None) -> None:
    """Write down which applier was met; what said nothing leaves what is known as it is."""
    if version is None or not Firewall.objects.filter(pk=firewall.pk).exists():
        return
    seen = {"digest": version.digest, "protocol": version.protocol, "seen_at": Now()}
    Applier.objects.update_or_create(firewall_id=firewall.pk, defaults=seen)


def state_of(firewall: Firewall) -> State:
    """What is known of this firewall's applier; without a query where it came along."""
    applier = getattr(firewall, "applier", None)
    if applier is None:
        return State.UNKNOWN
    version = Version(applier.digest, applier.protocol)
    if version.is_ours:
        return State.CURRENT
    return State.UNDERSTOOD if version.is_spoken else State.FOREIGN


def condition(state: str) -> Q:
    """Of firewalls: that this is known of their applier. No firewall for another word."""
    ours = Q(applier__digest=versions.ours().digest)
    spoken = Q(applier__protocol__in=SPOKEN)
    conditions: dict[str, Q] = {
        State.CURRENT: ours,
        State.UNDERSTOOD: ~ours & spoken,
        State.FOREIGN: Q(applier__isnull=False) & ~ours & ~spoken,
        State.UNKNOWN: Q(applier=None),
    }
    return conditions.get(state, Q(pk__in=[]))


def others() -> dict[State, int]:
    """How many firewalls have another applier than the product's, by what that means."""
    rows = Firewall.objects.order_by()
    states = (State.UNDERSTOOD, State.FOREIGN)
    return {state: number for state in states if (number := rows.filter(condition(state)).count())}
