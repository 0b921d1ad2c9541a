"""In which order the firewalls of one network are pushed to: who joins first, who leaves last.

All others stay where they are in the rollout. What a firewall has is read off the configuration
that was applied last, what it gets off the rows, or off the revision that is brought back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField

from firewalls.configuration.carried import carries
from firewalls.configuration.sequence import Rank, rank
from firewalls.models import Attachment, Firewall, Member, Observation, Revision, Rollout
from firewalls.models.turns import FAILED, UNANSWERED, UNFINISHED
from machines.models import Machine

Vrfs = dict[UUID, set[int]]


class Placed(NamedTuple):
    """A firewall, and when its turn is among those of its network."""

    firewall: Firewall
    rank: Rank


def in_order(firewalls: Iterable[Firewall], revisions: Mapping[UUID, Revision]) -> list[Placed]:
    """Those of one network among themselves, in the places that they have; the rest as they are.

    A constant number of queries. They came with their machines.
    """
    given = list(firewalls)
    of_network: dict[str, list[Firewall]] = defaultdict(list)
    for firewall in given:
        of_network[firewall.machine.primary_id].append(firewall)
    several = {name: these for name, these in of_network.items() if len(these) > 1}
    ranks = _ranks(several, revisions) if several else {}
    usual = Rank.BETWEEN
    turns: dict[str, Iterator[Firewall]] = {
        name: iter(sorted(these, key=lambda one: ranks.get(one.pk, usual)))
        for name, these in several.items()
    }
    ordered = [next(turns.get(one.machine.primary_id, iter([one]))) for one in given]
    return [Placed(one, ranks.get(one.pk, usual)) for one in ordered]


def _ranks(
    several: Mapping[str, Collection[Firewall]], revisions: Mapping[UUID, Revision]
) -> dict[UUID, Rank]:
    """The rank of each of these, by the networks that they are of."""
    siblings = Firewall.objects.filter(machine__primary__in=several)
    applied, wanted = _applied(siblings), _wanted(siblings)
    for pk, revision in revisions.items():
        wanted[pk] = set(carries(revision.files).vrfs)
    ranks: dict[UUID, Rank] = {}
    in_network = defaultdict(set)
    for pk, network in siblings.values_list("pk", "machine__primary"):
        in_network[network].add(frozenset(wanted[pk]))
    for network, these in several.items():
        all_same = len(in_network[network]) == 1
        for one in these:
            ranks[one.pk] = rank(applied.get(one.pk), wanted[one.pk], all_same=all_same)
    return ranks


def _applied(firewalls: "QuerySet[Firewall]") -> Vrfs:
    """The VRF ids in what was applied last, by the names of the files that have them."""
    rows = Observation.objects.filter(firewall__in=firewalls, applied__isnull=False)
    names = Func(F("applied__files"), function="jsonb_object_keys", output_field=TextField())
    found: Vrfs = defaultdict(set)
    for pk, name in rows.values_list("firewall", names).order_by().iterator():
        found[pk] |= carries({name: ""}).vrfs
    return found


def _wanted(firewalls: "QuerySet[Firewall]") -> Vrfs:
    """Those of the networks that it has joined, and of its primary one."""
    found: Vrfs = defaultdict(set)
    primaries = Machine.objects.filter(pk__in=firewalls.values("pk"))
    joined = Attachment.objects.filter(firewall__in=firewalls)
    for pk, vrf in (
        *primaries.values_list("pk", "primary__vrf").order_by(),
        *joined.values_list("firewall", "network__vrf").order_by(),
    ):
        if vrf is not None:  # as the underlay has none
            found[pk].add(vrf)
    return found


_BEFORE = Member.objects.filter(
    rollout=OuterRef("rollout"),
    rank__lt=OuterRef("rank"),
    firewall__machine__primary=OuterRef("firewall__machine__primary"),
)
# Of a member: that the push of a sibling comes first and has not ended; or has failed, so that its
# own would lose flows. One that does not answer has not been tried, and is not waited for.
WAITS_FOR_A_SIBLING = Exists(_BEFORE.filter(UNFINISHED))
AFTER_A_FAILURE = Exists(_BEFORE.filter(FAILED & ~UNANSWERED))


def has_order(rollout: Rollout) -> bool:
    """Whether any of its firewalls comes before others: rarely, and then alone siblings count."""
    return len(rollout.members.order_by().values_list("rank").distinct()[:2]) > 1


def failed_before(member: Member) -> str:
    """The sibling whose push came first and failed; empty where there is none."""
    primary = Q(firewall__machine__primary=member.firewall and member.firewall.machine.primary_id)
    before = Member.objects.filter(primary, rollout=member.rollout_id, rank__lt=member.rank)
    failed = before.filter(FAILED & ~UNANSWERED).order_by("position").first()
    return failed.name if failed else ""
