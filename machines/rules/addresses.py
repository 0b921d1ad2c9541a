"""The addresses of an allocation: picked by the product, or named by whoever asks (R10 to R12)."""

from collections.abc import Collection, Iterator, Sequence

from machines.rules.requests import Wanted
from networks.common.addressing import IP, Cidr, prefix_of, versions
from networks.common.violations import Violation, named
from networks.rules import FAMILIES


def inside_networks(addresses: Collection[IP], wanted: Sequence[Wanted]) -> Iterator[Violation]:
    """R11: a named address lies in a prefix of one of the named networks."""
    networks = named(want.net.id for want in wanted)
    for address in addresses:
        if not any(prefix_of(address, want.prefixes) for want in wanted):
            yield Violation(
                "addresses",
                "outside_networks",
                f"{address} lies in no prefix of the given networks ({networks}) (R11).",
            )


def may_use_address(
    address: IP, owner: str, project: str, machine: str | None
) -> Iterator[Violation]:
    """R11, R12: a reserved address belongs to the project, and is on no machine yet."""
    if owner != project:
        yield Violation(
            "addresses",
            "other_project",
            f"{address} belongs to project {owner}, not to {project} (R11).",
        )
    elif machine is not None:
        yield Violation("addresses", "taken", f"{address} is already taken, by {machine} (R12).")


def address_per_family(want: Wanted, addresses: Collection[IP]) -> Iterator[Violation]:
    """R10: at least one address per family of a network; what is not picked must be named."""
    named_families = {ip.version for ip in addresses if prefix_of(ip, want.prefixes)}
    families = versions(want.prefixes)
    if not families:
        yield Violation(
            "networks",
            "no_prefix",
            f"{want.net.id} has no prefix, so there is no address in it (R10).",
        )
    if want.auto and not named_families:
        return
    for family in families:
        if family not in named_families:
            yield Violation(
                "addresses",
                "no_address",
                f"No {FAMILIES[family]} address of {want.net.id} is given, "
                "so it would have none: name one, or let it be picked (R10).",
            )


def has_address_per_family(
    net: str, prefixes: Collection[Cidr], addresses: Collection[IP], machine: str
) -> Iterator[Violation]:
    """R10: a machine has an address per family of each network that it is in."""
    own_families = {address.version for address in addresses}
    for family in versions(prefixes):
        if family not in own_families:
            yield Violation(
                "addresses",
                "no_address",
                f"{machine} has no {FAMILIES[family]} address in {net} (R10).",
            )
