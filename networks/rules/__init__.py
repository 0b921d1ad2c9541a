"""Rules about networks that need more than one row, as pure functions: values in, violations out.

What one row can tell by itself is a constraint of its model. Both name the rule of the sharing
proposal (MEP-5) that is broken, R1 to R16. Callers look a rule up here, by `rules.may_own`.
"""

from networks.rules.addresses import (
    address_fits,
    allocatable,
    exhausted,
    has_prefix,
    in_network,
    keeps_address,
    kept_back,
    machine_is_in_network,
    may_own,
    released_with_machine,
    same_project,
)
from networks.rules.networks import (
    child_lengths,
    child_of,
    keeps_identity,
    keeps_project,
    lengths_fit,
)
from networks.rules.prefixes import inside_super_network, keeps_prefix, no_room
from networks.rules.removal import (
    address_unused,
    network_unused,
    prefix_unused,
    stays_on_machine,
)
from networks.rules.sharing import sharing_is_kept, stays_shared
from networks.rules.values import (
    EPHEMERAL,
    EXTERNAL,
    FAMILIES,
    PRIVATE,
    STATIC,
    SUPER,
    UNDERLAY,
    Net,
)

__all__ = [
    "EPHEMERAL",
    "EXTERNAL",
    "FAMILIES",
    "PRIVATE",
    "STATIC",
    "SUPER",
    "UNDERLAY",
    "Net",
    "address_fits",
    "address_unused",
    "allocatable",
    "child_lengths",
    "child_of",
    "exhausted",
    "has_prefix",
    "in_network",
    "inside_super_network",
    "keeps_address",
    "keeps_identity",
    "keeps_prefix",
    "keeps_project",
    "kept_back",
    "lengths_fit",
    "machine_is_in_network",
    "may_own",
    "network_unused",
    "no_room",
    "prefix_unused",
    "released_with_machine",
    "same_project",
    "sharing_is_kept",
    "stays_on_machine",
    "stays_shared",
]
