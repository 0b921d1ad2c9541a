"""What is in use is not removed (R15)."""

from collections.abc import Collection, Iterator

from networks.common.addressing import IP, Cidr
from networks.common.violations import Violation, counted, named, some


def network_unused(
    network: str, addresses: int, examples: Collection[str], children: Collection[str]
) -> Iterator[Violation]:
    """R15: what a network still holds."""
    if addresses:
        yield Violation(
            "network",
            "in_use",
            f"{network} still has {counted(addresses, 'address')} ({some(examples, addresses)}); "
            "free them first (R15).",
        )
    if children:
        yield Violation(
            "network", "in_use", f"{network} still has the networks {named(children)} (R15)."
        )


def prefix_unused(
    cidr: Cidr, addresses: int, examples: Collection[str], children: Collection[str]
) -> Iterator[Violation]:
    """R15: what a prefix still holds."""
    if addresses:
        yield Violation(
            "prefix",
            "in_use",
            f"{cidr} still has {counted(addresses, 'address')} ({some(examples, addresses)}); "
            "free them first (R15).",
        )
    if children:
        yield Violation("prefix", "in_use", f"{cidr} still holds {named(children)} (R15).")


def address_unused(address: IP, machine: str | None) -> Iterator[Violation]:
    """R15: an address on a machine is in use."""
    if machine is not None:
        yield Violation("address", "in_use", f"{address} is on {machine}; free that first (R15).")


def stays_on_machine(address: IP, before: str, after: str | None) -> Iterator[Violation]:
    """R10, R15: a machine keeps its addresses until it is freed, or leaves the network."""
    if after != before:
        yield Violation("machine", "in_use", f"{address} is on {before}; free that first (R15).")
