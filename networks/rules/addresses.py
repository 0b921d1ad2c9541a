"""Addresses: where they lie, whose they are, and on which machine (R4, R7, R8, R10 to R12, R16)."""

from collections.abc import Collection, Iterator

from networks.common.addressing import IP, Cidr, usable
from networks.common.violations import Violation, named
from networks.rules.values import EPHEMERAL, EXTERNAL, FAMILIES, PRIVATE, SUPER, UNDERLAY, Net


def allocatable(net: Net, for_machine: bool = True) -> Iterator[Violation]:
    """R8: a super network has no addresses; those of the underlay are for firewalls alone."""
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


def has_prefix(net: Net, prefixes: Collection[Cidr], version: int | None) -> Iterator[Violation]:
    """R10: an address is picked from a prefix of the network, of that family if one is named."""
    if not prefixes:  # Also when the network was removed a moment ago.
        yield Violation(
            "network", "no_prefix", f"{net.id} has no prefix, so there is no address in it (R10)."
        )
    elif version is not None and not any(prefix.version == version for prefix in prefixes):
        where = ", ".join(map(str, prefixes))
        yield Violation(
            "network", "no_prefix", f"{net.id} ({where}) has no {FAMILIES[version]} prefix (R10)."
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


def address_fits(net: Net, prefix: Cidr, address: IP) -> Iterator[Violation]:
    """R8, R11, R12: an address lies in its own prefix, and is one that a host may have."""
    yield from allocatable(net)
    if address not in prefix:
        yield Violation("address", "outside_prefix", f"{address} does not lie in {prefix} (R11).")
    elif not usable(prefix, address):
        yield Violation(
            "address",
            "reserved",
            f"{address} is the network, broadcast or anycast address of {prefix} "
            "and is never handed out (R12).",
        )


def keeps_address(before: IP, after: IP, moved: bool) -> Iterator[Violation]:
    """R12: an address is never turned into another one, nor `moved` to another prefix."""
    if moved or before != after:
        yield Violation(
            "address",
            "identity",
            "An address is not changed; take another one and give this one back (R12).",
        )


def same_project(address: IP, project: str, machines_project: str) -> Iterator[Violation]:
    """R11: an address on a machine belongs to the machine's project."""
    if machines_project != project:
        owners = f"project {project}, its machine to {machines_project}"
        yield Violation("machine", "other_project", f"{address} belongs to {owners} (R11).")


def machine_is_in_network(net: Net, machine: str, is_in_it: bool) -> Iterator[Violation]:
    """R4: a machine has addresses in its own networks only."""
    if not is_in_it:
        yield Violation(
            "machine",
            "not_there",
            f"{machine} is not in {net.id}, so it has no address there (R4).",
        )


def released_with_machine(address: IP, kind: str, on_machine: bool) -> Iterator[Violation]:
    """R16: an address that was picked for a machine is free again once the machine let go of it."""
    if kind == EPHEMERAL and not on_machine:
        yield Violation(
            "kind",
            "not_released",
            f"{address} was picked for a machine that let go of it, and is still taken (R16).",
        )


def kept_back(field: str, what: str, firewalls: Collection[str]) -> Iterator[Violation]:
    """R12, R14, R16: what firewalls may still have is handed to nobody else."""
    if firewalls:
        yield Violation(
            field,
            "kept_back",
            f"{what} may still be on {named(firewalls)}: push there without it, "
            "or say that the firewall is gone (R16).",
        )


def exhausted(
    field: str, network: str, family: int, used: int, total: int, *, kept_back: int = 0
) -> Violation:
    """R12: no free address is left; says in which network, and how full it is."""
    others = f", {kept_back} are kept back for firewalls that may still have them" * bool(kept_back)
    return Violation(
        field,
        "exhausted",
        f"{network} has no free {FAMILIES[family]} address left: "
        f"{used} of {total} are taken{others} (R12).",
    )
