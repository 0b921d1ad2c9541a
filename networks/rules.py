"""The sharing rules that need more than one row, as pure functions: values in, violations out.

What one row can tell by itself is a constraint of its model; both say which rule of the proposal (MEP-5) is broken.
"""

from collections.abc import Collection, Iterator
from typing import Protocol

from networks.common.addressing import IP, Cidr, contains, usable
from networks.common.violations import Violation, counted, named

PRIVATE, SUPER, EXTERNAL, UNDERLAY = "private", "super", "external", "underlay"
EPHEMERAL, STATIC = "ephemeral", "static"
POOLED = frozenset({PRIVATE, EXTERNAL})  # kinds that have a VRF
FAMILIES = {4: "IPv4", 6: "IPv6"}


class Net(Protocol):
    """What the rules need to know of a network."""

    id: str
    kind: str
    shared: bool
    vrf: int | None

    @property
    def partition_id(self) -> str | None: ...
    @property
    def project_id(self) -> str | None: ...
    @property
    def parent_id(self) -> str | None: ...


def stays_shared(before: Net, after: Net) -> Iterator[Violation]:
    """R3: there is no way back."""
    if before.shared and not after.shared:
        yield Violation("shared", "cannot_unshare", "A shared network stays shared (R3).")


def sharing_is_kept(before: Net, after: Net) -> Iterator[Violation]:
    """R3: who shared it, when and why is kept."""
    for field in ("shared_at", "shared_by", "shared_reason"):
        if before.shared and getattr(before, field) != getattr(after, field):
            yield Violation(field, "kept", "Who shared a network, when and why is kept (R3).")


def keeps_identity(before: Net, after: Net) -> Iterator[Violation]:
    """What firewalls and addresses already rely on is fixed when the network is made."""
    fixed = (
        ("kind", "kind", "R1"),
        ("partition_id", "partition", "R2"),
        ("parent_id", "parent", "R1"),
        ("vrf", "vrf", "R14"),
    )
    for field, word, rule in fixed:
        if getattr(before, field) != getattr(after, field):
            yield Violation(
                word, "identity", f"The {word} of a network is fixed when it is made ({rule})."
            )


def keeps_project(before: Net, after: Net, addresses: int) -> Iterator[Violation]:
    """R7: whoever has addresses in the network relies on its project."""
    if before.project_id != after.project_id and addresses:
        yield Violation(
            "project",
            "project_in_use",
            f"The project of {after.id} cannot change while {counted(addresses, 'address')} of it are in use (R7).",
        )


def child_of(net: Net, parent: Net | None) -> Iterator[Violation]:
    """R1, R2: a private network is carved from the super network of its partition."""
    if net.kind != PRIVATE or parent is None:
        return
    if parent.kind != SUPER:
        yield Violation(
            "parent",
            "parent_not_super",
            f"{parent.id} is no super network; a private network is carved from one (R1).",
        )
    elif parent.partition_id != net.partition_id:
        yield Violation(
            "parent",
            "other_partition",
            f"{parent.id} is the super network of another partition (R2).",
        )


def prefix_has_home(
    kind: str, cidr: Cidr, parent_prefixes: Collection[Cidr]
) -> Iterator[Violation]:
    """R13: the prefixes of a private network lie inside those of its super network."""
    if kind == PRIVATE and not any(contains(outer, cidr) for outer in parent_prefixes):
        pools = ", ".join(map(str, parent_prefixes)) or "none"
        yield Violation(
            "cidr",
            "outside_super",
            f"{cidr} lies outside the super network's prefixes ({pools}) (R13).",
        )


def keeps_prefix(before: Cidr, after: Cidr, moved: bool) -> Iterator[Violation]:
    """R13: what lies in a prefix relies on it."""
    if moved or before != after:
        yield Violation(
            "cidr",
            "identity",
            "A prefix is not changed; add another one and remove this one (R13).",
        )


def in_network(net: Net, prefixes: Collection[Cidr], address: IP) -> Iterator[Violation]:
    """R11: an address lies in a prefix of its network."""
    if not any(address in prefix for prefix in prefixes):
        where = ", ".join(map(str, prefixes)) or "it has no prefix"
        yield Violation(
            "address",
            "outside_network",
            f"{address} lies in no prefix of {net.id} ({where}) (R11).",
        )


def no_prefix(net: Net, prefixes: Collection[Cidr], version: int | None) -> Iterator[Violation]:
    """R10: an address is picked from a prefix of the network."""
    if not prefixes:  # Also when the network was removed a moment ago.
        yield Violation(
            "network", "no_prefix", f"{net.id} has no prefix, so there is no address in it (R10)."
        )
    elif version is not None and not any(prefix.version == version for prefix in prefixes):
        where = ", ".join(map(str, prefixes))
        yield Violation(
            "network", "no_prefix", f"{net.id} ({where}) has no {FAMILIES[version]} prefix (R10)."
        )


def address_fits(net: Net, prefix: Cidr, address: IP) -> Iterator[Violation]:
    """R8, R12: an address lies in its own prefix, and is one that a host may have."""
    yield from not_given(net)
    if address not in prefix:
        yield Violation("address", "outside_prefix", f"{address} does not lie in {prefix} (R11).")
    elif not usable(prefix, address):
        yield Violation(
            "address",
            "reserved",
            f"{address} is the network, broadcast or anycast address of {prefix} and is never handed out (R12).",
        )


def not_given(net: Net, for_machine: bool = True) -> Iterator[Violation]:
    """R8: nobody takes an address of a super network; one of the underlay comes with a firewall, by itself."""
    if net.kind == SUPER:
        yield Violation(
            "network",
            "super_given",
            f"{net.id} is a super network, which is never used directly (R8).",
        )
    if net.kind == UNDERLAY and not for_machine:
        yield Violation(
            "network",
            "underlay_given",
            f"{net.id} is the underlay; firewalls get their address in it by themselves (R8).",
        )


def may_own(net: Net, project: str) -> Iterator[Violation]:
    """R7: who may have addresses in a network."""
    if net.kind == PRIVATE and not net.shared and net.project_id != project:
        yield Violation(
            "project",
            "other_project",
            f"{net.id} belongs to project {net.project_id} and is not shared (R7).",
        )
    if net.kind == EXTERNAL and net.project_id not in (None, project):
        yield Violation(
            "project", "other_project", f"{net.id} serves project {net.project_id} alone (R7)."
        )


def keeps_address(before: IP, after: IP, moved: bool) -> Iterator[Violation]:
    """R12: an address is taken and given back, never turned into another one."""
    if moved or before != after:
        yield Violation(
            "address",
            "identity",
            "An address is not changed; take another one and give this one back (R12).",
        )


def stays_on_machine(address: IP, before: str, after: str | None) -> Iterator[Violation]:
    """R10, R15: a machine keeps its addresses until it is freed, or leaves the network."""
    if after != before:
        yield Violation("machine", "in_use", f"{address} is on {before}; free that first (R15).")


def owner_of_both(address: IP, project: str, machines_project: str) -> Iterator[Violation]:
    """R11: an address on a machine belongs to the machine's project."""
    if machines_project != project:
        owners = f"project {project}, its machine to {machines_project}"
        yield Violation("machine", "other_project", f"{address} belongs to {owners} (R11).")


def machine_is_there(net: Net, machine: str, there: bool) -> Iterator[Violation]:
    """R4: a machine has addresses in its own networks only."""
    if not there:
        yield Violation(
            "machine",
            "not_there",
            f"{machine} is not in {net.id}, so it has no address there (R4).",
        )


def network_unused(network: str, addresses: int, children: Collection[str]) -> Iterator[Violation]:
    """R15: what a network still holds."""
    if addresses:
        yield Violation(
            "network",
            "in_use",
            f"{network} still has {counted(addresses, 'address')}; free them first (R15).",
        )
    if children:
        yield Violation(
            "network", "in_use", f"{network} still has the networks {named(children)} (R15)."
        )


def prefix_unused(cidr: Cidr, addresses: int, children: Collection[str]) -> Iterator[Violation]:
    """R15: what a prefix still holds."""
    if addresses:
        yield Violation(
            "prefix",
            "in_use",
            f"{cidr} still has {counted(addresses, 'address')}; free them first (R15).",
        )
    if children:
        yield Violation("prefix", "in_use", f"{cidr} still holds {named(children)} (R15).")


def address_unused(address: IP, machine: str | None) -> Iterator[Violation]:
    """R15: an address on a machine is in use."""
    if machine is not None:
        yield Violation("address", "in_use", f"{address} is on {machine}; free that first (R15).")


def child_lengths(lengths: object) -> Iterator[Violation]:
    """A super network's default child prefix lengths: {"4": 22, "6": 64}."""
    limits = {"4": 32, "6": 128}
    good = isinstance(lengths, dict) and all(
        family in limits and type(length) is int and 0 < length <= limits[family]
        for family, length in lengths.items()
    )
    if not good:
        yield Violation(
            "default_child_prefix_length",
            "invalid_lengths",
            'Child prefix lengths are an object such as {"4": 22, "6": 64} (R13).',
        )


def goes_with_its_machine(address: IP, kind: str, on_machine: bool) -> Iterator[Violation]:
    """R16: of an address that was taken off a machine: a picked one is free again."""
    if kind == EPHEMERAL and not on_machine:
        yield Violation(
            "kind",
            "not_released",
            f"{address} was picked for a machine that let go of it, and is still taken (R16).",
        )


def exhausted(field: str, network: str, family: int, used: int, total: int) -> Violation:
    """No free address left: says which network and how full."""
    return Violation(
        field,
        "exhausted",
        f"{network} has no free {FAMILIES[family]} address left: {used} of {total} are taken (R12).",
    )


def no_room(
    pool: str,
    family: int,
    length: int,
    prefixes: Collection[Cidr],
    *,
    taken: int,
    largest: int | None,
) -> Violation:
    """R13: no child prefix of that length is free: says in what, how many are taken, and the shortest length that is still to be had."""
    where = ", ".join(map(str, prefixes)) or f"no {FAMILIES[family]} prefix"
    left = "nothing is free" if largest is None else f"the largest free one is a /{largest}"
    reason = f"{pool} ({where}) has no free /{length} left: {counted(taken, 'child prefix')} taken, {left} (R13)."
    return Violation("prefix_length", "exhausted", reason)
