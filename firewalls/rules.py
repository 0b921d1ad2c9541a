"""What an endpoint of a firewall may be, as pure functions: values in, violations out."""

from collections.abc import Collection, Iterator

from networks.common.addressing import IP
from networks.common.violations import Violation, named
from networks.rules import FAMILIES


def at_own_shared_address(
    address: IP, network: str, firewall: str | None, joined: bool
) -> Iterator[Violation]:
    """R6: an endpoint is at a firewall's own address in a shared network that it has joined."""
    if firewall is None:
        yield Violation(
            "address",
            "not_there",
            f"{address} is on no firewall; an endpoint is at a firewall's own address (R6).",
        )
    elif not joined:
        reason = (
            f"{network} is no shared network that {firewall} has joined,"
            f" so nobody could reach an endpoint there; {firewall} joins it first, or the"
            " endpoint is at its address in another one (R6)."
        )
        yield Violation("address", "not_joined", reason)


def behind(
    machine: str, lives_in: str, guarded: str, firewall: str, guards: bool
) -> Iterator[Violation]:
    """R5: an endpoint leads to a machine behind its firewall, and to no other firewall."""
    if guards:
        yield Violation(
            "machine",
            "firewall",
            f"{machine} is a firewall; an endpoint leads to a machine behind one (R5).",
        )
    elif lives_in != guarded:
        yield Violation(
            "machine",
            "not_behind",
            f"{machine} lives in {lives_in}, not in {guarded} behind {firewall};"
            f" choose a machine of {guarded}, or publish it on a firewall of {lives_in} (R5).",
        )


def same_family(
    machine: str, network: str, address: IP, own: Collection[IP]
) -> Iterator[Violation]:
    """R10: a translation stays within its address family."""
    if not any(ip.version == address.version for ip in own):
        family = FAMILIES[address.version]
        yield Violation(
            "machine",
            "no_address",
            f"{machine} has no {family} address in {network}, so nothing leads there;"
            " choose an address of the other family, or another machine (R10).",
        )


def endpoints_unused(
    network: str, firewall: str, endpoints: Collection[str]
) -> Iterator[Violation]:
    """R15: a shared network is not left while endpoints are reached through it."""
    if endpoints:
        reason = (
            f"{firewall} still has the endpoints {named(endpoints)} in {network};"
            " remove them first (R15)."
        )
        yield Violation("network", "in_use", reason)
