"""What breaks a law in a partition, or between those of its networks that something changed for."""

from collections.abc import Collection, Iterable, Iterator

from firewalls.reachability.laws.breaking import breaches, reach_by_endpoint
from firewalls.reachability.laws.entering import let_in
from firewalls.reachability.laws.values import Breach, Law, by_key
from firewalls.reachability.values import Network, Partition

Pair = tuple[str, str]  # a source, and a target: both networks, or nothing for the internet


def broken(partition: Partition, law: Law) -> list[Breach]:
    """All that breaks it in the partition."""
    pairs = {pair for source in partition.networks for pair in pairs_from(partition, law, source)}
    targets = [one.id for one in law.targets(partition)]
    return broken_between(partition, law, pairs, targets)


def broken_between(
    partition: Partition, law: Law, pairs: Iterable[Pair], targets: Collection[str]
) -> list[Breach]:
    """What breaks it between these, and what these targets let in from outside, by its ends."""
    found = [one for pair in sorted(pairs) for one in _between(partition, law, *pair)]
    for target in sorted(targets) if law.forbids_outside else ():
        found += let_in(partition, law, partition.networks[target])
    return list(by_key(found).values())


def pairs_from(partition: Partition, law: Law, source: str) -> Iterator[Pair]:
    """What the law is about, of a network's ways to others."""
    here = partition.networks[source]
    if not law.is_about(here):
        return
    if law.is_about_internet:
        yield source, ""
    for target in law.targets(partition):
        if _may_meet(here, target):
            yield source, target.id


def pairs_into(partition: Partition, law: Law, target: str, sources: Iterable[str]) -> set[Pair]:
    """What the law is about, of the ways of these networks into one."""
    there = partition.networks[target]
    if not law.is_target(there):
        return set()
    known = (partition.networks[source] for source in sources if source in partition.networks)
    return {(one.id, target) for one in known if law.is_about(one) and _may_meet(one, there)}


def _may_meet(source: Network, target: Network) -> bool:
    """A network's own machines meet by themselves, and those of two partitions never (R2)."""
    return source.id != target.id and source.partition == target.partition


def _between(partition: Partition, law: Law, source: str, target: str) -> Iterator[Breach]:
    here, there = partition.networks[source], partition.networks[target] if target else None
    yield from breaches(partition, law, here, there)
    if law.forbids and there is not None:
        yield from reach_by_endpoint(partition, law, here, there)
