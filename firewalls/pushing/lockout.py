"""What would lock us out of a firewall: known before a push is sent, and refused, or asked twice.

What a push has proven is not asked again: where the firewall answers with the same ways in applied,
or another one of its partition does, nothing is known against them.
"""

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from firewalls.configuration.ways_in import Hazard, Reached, WaysIn, hazards, ways_in
from firewalls.models import Firewall, Observation, Revision, Survey
from firewalls.pushing import takeover
from firewalls.pushing.jobs import target_of
from networks.common import validation as rules
from networks.common.addressing import IP
from networks.common.violations import Violation
from networks.models import Carried

CERTAIN, MEANT = "management", "confirm"  # the fields of a refusal: for good, or until confirmed
FILES = ("applied__files",)
PROOFS = 5  # other firewalls of a partition that are looked at for a proof
ASK_AGAIN = "If it is meant so, push it once more and say so, with the reason."


class Order(NamedTuple):
    """What is to be put on which firewall."""

    firewall: Firewall
    revision: Revision


def hazards_of(firewall: Firewall, revision: Revision | None) -> list[Hazard]:
    """What is known against pushing this to it, before it is asked for."""
    if revision is None:
        return []
    return hazards_of_each([Order(firewall, revision)], from_here=False)[0]


def hazards_of_each(orders: Sequence[Order], *, from_here: bool = True) -> list[list[Hazard]]:
    """The same for many, in two queries, and some for those against which something is known.

    `from_here`: this process is the one that pushes, so its address counts.
    """
    judged = [order for order in orders if _is_judged(order)]
    own = _managed_by_our_addresses(judged)
    surveys = _surveys(judged)
    found = {}
    for order in judged:
        survey = surveys.get(order.firewall.pk)
        is_own = order.firewall.pk in own
        reached = _reached(order, survey, is_own=is_own, from_here=from_here)
        found[order.firewall.pk] = list(hazards(ways_in(order.revision.files), reached))
    doubtful = [order for order in judged if found[order.firewall.pk]]
    for firewall in _proven(doubtful):
        found[firewall] = [one for one in found[firewall] if one.code == "address_taken_away"]
    return [found.get(order.firewall.pk, []) for order in orders]


def _is_judged(order: Order) -> bool:
    """A practice firewall has no kernel, and what it had before is not ours to judge."""
    is_ours = order.revision.number != takeover.HAD
    return is_ours and bool(order.firewall.host) and not order.firewall.practice


def _managed_by_our_addresses(orders: Sequence[Order]) -> Collection[UUID]:
    """Those whose management address is one that they may have from us."""
    condition = Q()
    for order in orders:
        if (address := Reached(order.firewall.host, 0).address) is not None:
            condition |= Q(box=order.firewall.pk, address=address)
    return set(Carried.objects.filter(condition).values_list("box", flat=True)) if condition else ()


def _surveys(orders: Sequence[Order]) -> Mapping[UUID, Survey]:
    """What of somebody else is there, where nothing of ours has replaced it yet."""
    new = [order.firewall for order in orders if order.firewall.observation.applied_id is None]
    return {row.firewall_id: row for row in Survey.objects.filter(firewall__in=new)}


def _reached(order: Order, survey: Survey | None, *, is_own: bool, from_here: bool) -> Reached:
    firewall, revision = order
    making_way = takeover.making_way(revision.files, survey) if survey else ()
    return Reached(
        host=firewall.host,
        port=firewall.port,
        sources=tuple(_sources(firewall)) if from_here else (),
        is_own=is_own,
        others=survey.units if survey else {},
        making_way=frozenset(making_way),
    )


def _sources(firewall: Firewall) -> Iterator[IP]:
    """Where this process' packets to the firewall come from; or a jump host's, as we know it."""
    address = Reached(firewall.host, 0).address
    if jump := target_of(firewall).jump:
        if (known := Reached(jump.host, 0).address) is not None:
            yield known
    elif address is not None and not address.is_link_local:
        family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.connect((str(address), firewall.port))  # Sends nothing: it finds the route.
            yield ip_address(probe.getsockname()[0])


def _proven(orders: Sequence[Order]) -> Iterator[UUID]:
    """Those with ways in that let us in now: there, or at others of their partition."""
    firewalls = [order.firewall for order in orders]
    own = dict(_answering().filter(firewall__in=firewalls).values_list("firewall", *FILES))
    partitions = {firewall.machine.partition_id for firewall in firewalls}
    others = {name: list(_some_of(name)) for name in sorted(partitions)}
    for firewall, revision in orders:
        there = [own[firewall.pk]] if firewall.pk in own else []
        new = ways_in(revision.files)
        known = [*there, *others[firewall.machine.partition_id]]
        if any(_alike(new, ways_in(files)) for files in known):
            yield firewall.pk


def _alike(new: WaysIn, applied: WaysIn) -> bool:
    return (applied.accepted, applied.ports) == (new.accepted, new.ports)


def _answering() -> "QuerySet[Observation]":
    """Where something is applied, and we are let in."""
    rows = Observation.objects.filter(applied__isnull=False, checked_at__isnull=False)
    return rows.filter(firewall__practice=False, unreachable_since=None)


def _some_of(partition: str) -> "QuerySet[Observation, dict[str, str]]":
    """What is applied at some firewalls of the partition."""
    rows = _answering().filter(firewall__machine__partition=partition)
    return rows.order_by("-checked_at").values_list(*FILES, flat=True)[:PROOFS]


def refusal(found: Iterable[Hazard], *, is_meant: bool) -> str:
    """Why a push must not be sent, as a sentence; empty if it may.

    `is_meant`: a person has said that what is not certain is meant.
    """
    hazards = list(found)
    if certain := [one for one in hazards if one.is_certain]:
        return f"It was not sent, for it would lock us out. {_together(certain)}"
    if hazards and not is_meant:
        return f"It was not sent, for it may lock us out. {_together(hazards)} {ASK_AGAIN}"
    return ""


def enforce(firewall: Firewall, revision: Revision | None, *, is_meant: bool) -> None:
    """Raise ValidationError where what is asked for would lock us out, or may and is not meant."""
    hazards = hazards_of(firewall, revision)
    certain = [Violation(CERTAIN, one.code, one.sentence) for one in hazards if one.is_certain]
    doubtful = [] if is_meant else [one for one in hazards if not one.is_certain]
    rules.enforce([*certain, *(Violation(MEANT, one.code, one.sentence) for one in doubtful)])


def _together(hazards: Iterable[Hazard]) -> str:
    return " ".join(one.sentence for one in hazards)
