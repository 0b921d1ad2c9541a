"""The firewalls of a network by which its machines get outside."""

from collections.abc import Collection, Iterator, Sequence

from firewalls.configuration.values import FAMILIES
from firewalls.reachability.answering import Trace, answer, trace
from firewalls.reachability.answers import Verdict, together
from firewalls.reachability.assuming import along, is_stale, not_in_sync
from firewalls.reachability.hops import words
from firewalls.reachability.internet.values import Access, InternetAccess, WayOut
from firewalls.reachability.questions import Question
from firewalls.reachability.values import Guard, Partition
from firewalls.reachability.wording import blocker


def ways_out(partition: Partition, network: str, versions: Collection[int]) -> Iterator[WayOut]:
    """What has a default route in these families: by firewall and external network, sorted."""
    for guard in sorted(partition.guards_of.get(network, ()), key=lambda one: (one.name, one.id)):
        for external in sorted(guard.vrfs):
            there = partition.networks[external]
            leading = [version for version in sorted(versions) if there.leads_outside(version)]
            if leading:
                yield _way(partition, guard, external, leading)


def _way(partition: Partition, guard: Guard, external: str, versions: Collection[int]) -> WayOut:
    numbers = guard.vrfs[guard.network].number, guard.vrfs[external].number
    passing = [
        words(passage.flow)
        for path in guard.paths
        if (path.source, path.target) == numbers and path.version in versions
        for passage in path.passages
    ]
    addresses = [ip for ip in guard.vrfs[external].addresses if ip.version in versions]
    return WayOut(
        firewall=guard.id,
        name=guard.name,
        network=external,
        versions=tuple(versions),
        addresses=tuple(addresses) if partition.networks[external].nat else (),
        passes=tuple(dict.fromkeys(passing)),
    )


def by_firewall(
    partition: Partition, ways: tuple[WayOut, ...], question: Question
) -> InternetAccess:
    """All traffic to outside takes these; a warning where some of it does not, or takes another."""
    guards = {guard.id: guard for guard in partition.guards}
    leading = [guards[id] for id in dict.fromkeys(way.firewall for way in ways)]
    traces = [one for version in FAMILIES for one in trace(partition, question, version)]
    blocking = [*_in_the_way(traces), *_other_ways(partition, leading[0].network)]
    stale = [not_in_sync(guard) for guard in leading if is_stale(guard)]
    crossings = [one for found in traces for course in found.courses for one in course.crossings]
    return InternetAccess(
        Access.OWN_FIREWALL,
        ways=ways,
        warnings=tuple(dict.fromkeys([*blocking, *stale])),
        assumptions=tuple(along(partition, crossings)),
        remedies=answer(partition, question).remedies if blocking else (),
    )


def _in_the_way(traces: Sequence[Trace]) -> Iterator[str]:
    """What is in the way now; but rules that let out a part of it are meant so."""
    for version in FAMILIES:
        found = [one for one in traces if one.probe.packet.version == version]
        nothing_passes = together(one.verdict for one in found) is Verdict.UNREACHABLE
        for course in (course for one in found for course in one.courses):
            for one in course.obstacles:
                if nothing_passes or one.code != "no_egress_rule":
                    yield blocker(one).message


def _other_ways(partition: Partition, network: str) -> Iterator[str]:
    """Whoever only uses the network is to lead nothing out of it."""
    for guard in partition.joined.get(network, ()):
        vrf = guard.vrfs[network]
        beyond = [
            leak
            for leak in vrf.leaks
            if guard.networks[leak.source] != guard.network and not leak.no_export
        ]
        if guard.network != network and (vrf.floats or beyond):
            yield (
                f"{guard.name} draws what {network} sends outside as well, though it guards"
                f" {guard.network}."
            )
