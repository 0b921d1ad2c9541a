"""Where a machine lives and what it may ask for, as pure functions (R2, R4, R5, R7 to R11)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from networks.common.addressing import IP, Cidr, home_of, versions
from networks.common.violations import Violation, counted, named
from networks.rules import EXTERNAL, FAMILIES, PRIVATE, SUPER, UNDERLAY, Net


class Wanted(NamedTuple):
    """One network of an allocation: the network, its prefixes, and whether its addresses are picked."""

    net: Net
    prefixes: Sequence[Cidr]
    auto: bool = True
    primary: bool = False


def home(net: Net, project: str, partition: str, field: str = "primary") -> Iterator[Violation]:
    """R4, R5, R7: the primary network is private, of the same project and partition."""
    if net.kind != PRIVATE:
        yield Violation(
            field,
            "primary_not_private",
            f"{net.id} is {_a(net.kind)} network; the primary network is private (R5).",
        )
        return
    yield from in_partition(net, partition, field)
    if net.project_id != project:
        yield Violation(
            field,
            "other_project",
            f"{net.id} belongs to project {net.project_id}; the primary network is of the own project (R7).",
        )


def keeps_home(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Violation]:
    """R4: a machine stays where it was allocated. Both map partition, project and primary to ids."""
    for field, value in after.items():
        if before[field] != value:
            yield Violation(
                field, "identity", f"The {field} of a machine is fixed when it is allocated (R4)."
            )


def in_partition(net: Net, partition: str, field: str) -> Iterator[Violation]:
    """R2: networks of a partition are used by its own machines and firewalls only."""
    if net.partition_id not in (None, partition):
        yield Violation(
            field,
            "other_partition",
            f"{net.id} is in partition {net.partition_id} and is used only there, not in {partition} (R2).",
        )


def not_explicit(net: Net, field: str) -> Iterator[Violation]:
    """R8: the pool and the fabric are never asked for."""
    if net.kind in (SUPER, UNDERLAY):
        yield Violation(
            field,
            "not_explicit",
            f"{net.id} is {_a(net.kind)} network, which is never given explicitly (R8).",
        )


def request(wanted: Sequence[Wanted], field: str = "networks") -> Iterator[Violation]:
    """R8, R9: the networks of one request are distinct, none is a pool or fabric, and one is private."""
    yield from distinct(wanted, field)
    for want in wanted:
        yield from not_explicit(want.net, field)
    yield from one_private(wanted, field)


def distinct(wanted: Sequence[Wanted], field: str) -> Iterator[Violation]:
    """R9: each network is named once."""
    ids = [want.net.id for want in wanted]
    if doubled := {id for id in ids if ids.count(id) > 1}:
        yield Violation(
            field,
            "not_distinct",
            f"{named(doubled)} is given more than once; name each network once (R9).",
        )


def one_private(wanted: Sequence[Wanted], field: str) -> Iterator[Violation]:
    """R9: what is allocated needs a network to live in."""
    if not any(want.net.kind == PRIVATE for want in wanted):
        yield Violation(
            field,
            "no_private",
            "One of the networks is private; add the network it shall live in (R9).",
        )


def one_home(wanted: Sequence[Wanted]) -> Iterator[Violation]:
    """R4: a machine lives in exactly one network."""
    if len(wanted) > 1:
        also = named(want.net.id for want in wanted)
        yield Violation(
            "networks",
            "several_networks",
            f"A machine lives in exactly one network, not in {also} (R4).",
        )


def brought(addresses: Collection[IP], wanted: Sequence[Wanted], given: str) -> Iterator[Violation]:
    """R11: a brought address lies in a prefix of one of the given networks."""
    for address in addresses:
        if not any(home_of(address, want.prefixes) for want in wanted):
            yield Violation(
                "addresses",
                "outside_networks",
                f"{address} lies in no prefix of the given networks ({given}) (R11).",
            )


def may_bring(address: IP, owner: str, project: str, machine: str | None) -> Iterator[Violation]:
    """R11, R12: a brought address belongs to the project, and is on no machine yet."""
    if owner != project:
        yield Violation(
            "addresses",
            "other_project",
            f"{address} belongs to project {owner}, not to {project} (R11).",
        )
    elif machine is not None:
        yield Violation("addresses", "taken", f"{address} is already taken, by {machine} (R12).")


def each_family(want: Wanted, addresses: Collection[IP]) -> Iterator[Violation]:
    """R10: at least one address per family; what is not picked must be brought."""
    here = {address.version for address in addresses if home_of(address, want.prefixes)}
    families = versions(want.prefixes)
    if not families:
        yield Violation(
            "networks",
            "no_prefix",
            f"{want.net.id} has no prefix, so there is no address in it (R10).",
        )
    if want.auto and not here:
        return
    for family in families:
        if family not in here:
            yield Violation(
                "addresses",
                "no_address",
                f"No {FAMILIES[family]} address of {want.net.id} is given, so it would have none: bring one, or let it be picked (R10).",
            )


def has_each_family(
    net: str, prefixes: Collection[Cidr], addresses: Collection[IP], machine: str
) -> Iterator[Violation]:
    """R10: a machine has an address per family of each network that it is in."""
    have = {address.version for address in addresses}
    for family in versions(prefixes):
        if family not in have:
            yield Violation(
                "addresses",
                "no_address",
                f"{machine} has no {FAMILIES[family]} address in {net} (R10).",
            )


def in_fabric(firewall: str, kinds: Collection[str]) -> Iterator[Violation]:
    """R8: a firewall is in the underlay of its partition; `kinds` are those of the networks it joined."""
    if UNDERLAY not in kinds:
        yield Violation(
            "network",
            "no_underlay",
            f"{firewall} is in no underlay network, so it has no loopback address (R8).",
        )


def primary_of(wanted: Sequence[Wanted], project: str) -> tuple[Net | None, list[Violation]]:
    """R5: the unshared private network; among shared ones only, the one marked primary, or else the only own one."""
    private = [want for want in wanted if want.net.kind == PRIVATE]
    unshared = [want.net for want in private if not want.net.shared]
    if len(unshared) > 1:
        both = named(net.id for net in unshared)
        reason = f"{both} are private and not shared; a firewall has one of these at most (R5)."
        return None, [Violation("networks", "second_unshared", reason)]
    marked = [want.net for want in private if want.primary]
    own = [want.net for want in private if want.net.project_id == project]
    candidates = unshared or marked or own
    if len(candidates) == 1:
        return candidates[0], []
    if not candidates:
        reason = f"None of the networks is a private one of project {project}; its primary network must be (R7)."
        return None, [Violation("networks", "no_primary", reason)]
    several = named(net.id for net in candidates)
    reason = f"{several} could each be the primary network; mark one with primary: true (R5)."
    return None, [Violation("networks", "ambiguous_primary", reason)]


def further(
    net: Net, primary: str, project: str, partition: str, field: str = "network"
) -> Iterator[Violation]:
    """R2, R5 to R8: what a firewall may join beside its primary network."""
    yield from [*unshared_once(net, field)] or not_its_primary(net, primary, field)
    yield from in_partition(net, partition, field)
    yield from external_serves(net, project, field)


def unshared_once(net: Net, field: str) -> Iterator[Violation]:
    """R5: beside its primary network, a firewall has shared and external ones only."""
    if net.kind == PRIVATE and not net.shared:
        reason = f"{net.id} is private and not shared; a firewall joins shared or external networks only (R5)."
        yield Violation(field, "second_unshared", reason)


def not_its_primary(net: Net, primary: str, field: str) -> Iterator[Violation]:
    """R6: it is in its primary network already."""
    if net.id == primary:
        yield Violation(field, "own_primary", f"{net.id} is the primary network already (R6).")


def external_serves(net: Net, project: str, field: str) -> Iterator[Violation]:
    """R7: an external network that has a project serves that project alone."""
    if net.kind == EXTERNAL and net.project_id not in (None, project):
        yield Violation(
            field, "other_project", f"{net.id} serves project {net.project_id} alone (R7)."
        )


def may_leave(net: Net, firewall: str, primary: str) -> Iterator[Violation]:
    """R5, R8: what a firewall never leaves."""
    if net.id == primary:
        yield Violation(
            "network",
            "primary",
            f"{net.id} is the primary network of {firewall}; it leaves when the firewall is freed (R5).",
        )
    if net.kind == UNDERLAY:
        yield Violation(
            "network", "underlay", f"{net.id} carries the firewall's own traffic and stays (R8)."
        )


def keeps_attachment(changed: bool) -> Iterator[Violation]:
    """R6: joining and leaving are what changes the networks of a firewall."""
    if changed:
        yield Violation(
            "network",
            "identity",
            "What a firewall joined is left, and another one joined; it is not changed (R6).",
        )


def attachment_unused(firewall: str, network: str, addresses: int) -> Iterator[Violation]:
    """R15: addresses that the firewall still has in a network it joined."""
    if addresses:
        still = counted(addresses, "address")
        yield Violation(
            "network",
            "in_use",
            f"{firewall} still has {still} in {network}; it leaves the network with them (R15).",
        )


def _a(kind: str) -> str:
    return ("an " if kind[0] in "aeiou" else "a ") + kind
