"""Several firewalls join one network together: all of them, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from firewalls.allocation import attach
from firewalls.intent import revisions
from firewalls.models import Firewall, lock_firewalls
from firewalls.picture.texts import several
from networks.common.addressing import IP
from networks.common.audit import audited_as
from networks.common.limits import MOST_JOINING, at_most
from networks.common.validation import enforce, refuse
from networks.common.violations import Violation
from networks.models import Address, Network
from networks.usage import Usage, usage


@dataclass(frozen=True, slots=True)
class Joins:
    """What came of it: the addresses that each got there, and of the others why they may not."""

    addresses: dict[Firewall, list[IP]]
    refused: dict[Firewall, str]
    left: Usage  # of the network, once they have joined


@transaction.atomic
def attempt(firewalls: Sequence[Firewall], network: Network) -> Joins:
    """Have each of them join that may; nothing is rendered yet."""
    there = lock_firewalls([firewall.pk for firewall in firewalls])
    refused: dict[Firewall, str] = {}
    for firewall in firewalls:
        try:
            with transaction.atomic():
                _join(firewall, network, there)
        except ValidationError as error:
            refused[firewall] = " ".join(error.messages)
    joined = [firewall for firewall in firewalls if firewall not in refused]
    return Joins(_addresses(joined, network), refused, usage([network])[network.pk])


def _join(firewall: Firewall, network: Network, there: Sequence[UUID]) -> None:
    if firewall.pk not in there:
        refuse(Violation("firewall", "gone", f"{firewall.name} was freed meanwhile."))
    attach(firewall, network)


def _addresses(firewalls: Sequence[Firewall], network: Network) -> dict[Firewall, list[IP]]:
    own: dict[UUID, list[IP]] = {firewall.pk: [] for firewall in firewalls}
    rows = Address.objects.filter(machine__in=own, prefix__network=network).order_by("address")
    for pk, address in rows.values_list("machine", "address"):
        own[pk].append(address)
    return {firewall: own[firewall.pk] for firewall in firewalls}


def _sentence(arguments: Mapping[str, Any]) -> str:
    return f"{several(len(arguments['firewalls']), 'firewall')} joined {arguments['network']}"


@audited_as(_sentence)
@transaction.atomic
def join_several(firewalls: Sequence[Firewall], network: Network, *, by: str = "") -> None:
    """Have them join, each with an address per family.

    Raises ValidationError on `firewalls` with a sentence for each that may not; then none does.
    """
    enforce(at_most("firewalls", firewalls, MOST_JOINING))
    refused = attempt(firewalls, network).refused
    enforce(
        Violation("firewalls", "refused", f"{firewall.name}: {reason}")
        for firewall, reason in refused.items()
    )
    cause = _sentence({"firewalls": firewalls, "network": network})
    revisions.refresh([firewall.pk for firewall in firewalls], cause=cause, by=by)
