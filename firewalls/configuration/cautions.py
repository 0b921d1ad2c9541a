"""What a first push would cut off, or would not get along with, because a fact is missing: pure.

Nothing of it is refused here: it is said before, where the push is looked at. What would lock the
product itself out is refused as well, by `ways_in`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

# Tags that whoever makes a firewall for a Kubernetes cluster gives it: Gardener's
# firewall-controller-manager (FirewallControllerManagedByAnnotation), and metal-stack's providers.
MANAGED_BY = "firewall.metal-stack.io/managed-by"
CLUSTER = "cluster.metal-stack.io/id"
LABELS = (MANAGED_BY, CLUSTER)
# The firewall-controller keeps its policies in a table `firewall` of its own, of the family ip in
# older versions; it is beside metal-networker's (pkg/nftables/nftables.tpl in its sources).
TABLE = re.compile(r"(^|\n)table (inet|ip) firewall ")


class Caution(NamedTuple):
    """A code for programs, and a sentence: what is missing, what that does, what to do."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a firewall that nothing was pushed to yet.

    `externals`: the external networks that it has joined. `has_controller_table`: such a table was
    seen in its kernel.
    """

    partition: str
    is_managed_from_somewhere: bool
    externals: tuple[str, ...]
    has_egress_rule: bool
    labels: Mapping[str, str]
    has_controller_table: bool


def cautions(known: Circumstances) -> Iterator[Caution]:
    """All of them, the worst first."""
    if not known.is_managed_from_somewhere:
        yield Caution(
            "no_management",
            f"Partition {known.partition} has no management prefixes, so its rules would accept"
            " SSH from nowhere: neither people nor this product would reach it. Enter there from"
            " where firewalls are managed.",
        )
    if evidence := _evidence(known):
        yield Caution(
            "firewall_controller",
            f"Kubernetes' firewall-controller seems to manage it: {evidence}. It goes on writing"
            " rules of its own beside ours, which drop what only ours accept, and ours drop what"
            " only the cluster's policies accept. Stop the controller before, or leave the"
            " firewall to it.",
        )
    if known.externals and not known.has_egress_rule:
        networks = " and ".join(known.externals)
        yield Caution(
            "no_egress",
            f"It has no egress rule, so machines behind it would open no connection to {networks},"
            " not even for DNS or time. Give it rules first, unless that is meant.",
        )


def _evidence(known: Circumstances) -> str:
    """By what it is recognised; empty if by nothing."""
    if manager := known.labels.get(MANAGED_BY):
        return f"its label {MANAGED_BY} names {manager}"
    if MANAGED_BY in known.labels:
        return f"it has the label {MANAGED_BY}"
    if known.has_controller_table:
        return "its kernel has a table firewall, as the controller makes"
    if CLUSTER in known.labels:
        return f"its label {CLUSTER} says that it was made for a cluster"
    return ""
