"""What a firewall joins beside its primary network, and leaves again (R5 to R8, R15)."""

from collections.abc import Collection, Iterator

from machines.rules.primary import in_partition
from networks.common.violations import Violation, counted
from networks.rules import EXTERNAL, PRIVATE, UNDERLAY, Net


def may_join(
    net: Net, primary: str, project: str, partition: str, field: str = "network"
) -> Iterator[Violation]:
    """R2, R5 to R8: what a firewall may join beside its primary network."""
    unshared = [*unshared_once(net, field)]
    yield from unshared or not_its_primary(net, primary, field)
    yield from in_partition(net, partition, field)
    yield from external_serves(net, project, field)


def unshared_once(net: Net, field: str) -> Iterator[Violation]:
    """R5: beside its primary network, a firewall has shared and external ones only."""
    if net.kind == PRIVATE and not net.shared:
        yield Violation(
            field,
            "second_unshared",
            f"{net.id} is private and not shared; "
            "a firewall joins shared or external networks only (R5).",
        )


def not_its_primary(net: Net, primary: str, field: str) -> Iterator[Violation]:
    """R6: a firewall is in its primary network already."""
    if net.id == primary:
        yield Violation(field, "own_primary", f"{net.id} is the primary network already (R6).")


def external_serves(net: Net, project: str, field: str) -> Iterator[Violation]:
    """R7: an external network that has a project serves that project alone."""
    if net.kind == EXTERNAL and net.project_id not in (None, project):
        yield Violation(
            field, "other_project", f"{net.id} serves project {net.project_id} alone (R7)."
        )


def in_underlay(firewall: str, kinds: Collection[str]) -> Iterator[Violation]:
    """R8: a firewall is in the underlay of its partition; `kinds`: of the networks it joined."""
    if UNDERLAY not in kinds:
        yield Violation(
            "network",
            "no_underlay",
            f"{firewall} is in no underlay network, so it has no loopback address (R8).",
        )


def may_leave(net: Net, firewall: str, primary: str) -> Iterator[Violation]:
    """R5, R8: what a firewall never leaves."""
    if net.id == primary:
        yield Violation(
            "network",
            "primary",
            f"{net.id} is the primary network of {firewall}; "
            "it leaves when the firewall is freed (R5).",
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
        yield Violation(
            "network",
            "in_use",
            f"{firewall} still has {counted(addresses, 'address')} in {network}; "
            "it leaves the network with them (R15).",
        )
