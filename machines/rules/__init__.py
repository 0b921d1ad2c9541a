"""Where machines and firewalls live and what they may ask for, as pure functions (R2, R4 to R11).

Callers look a rule up here, by `rules.may_join`.
"""

from machines.rules.addresses import (
    address_per_family,
    has_address_per_family,
    inside_networks,
    may_use_address,
)
from machines.rules.joining import (
    attachment_unused,
    external_serves,
    in_underlay,
    keeps_attachment,
    may_join,
    may_leave,
    not_its_primary,
    unshared_once,
)
from machines.rules.primary import in_partition, keeps_identity, primary_is_own, primary_of
from machines.rules.requests import (
    Wanted,
    distinct,
    not_explicit,
    one_network,
    one_private,
    valid_request,
)

__all__ = [
    "Wanted",
    "address_per_family",
    "attachment_unused",
    "distinct",
    "external_serves",
    "has_address_per_family",
    "in_partition",
    "in_underlay",
    "inside_networks",
    "keeps_attachment",
    "keeps_identity",
    "may_join",
    "may_leave",
    "may_use_address",
    "not_explicit",
    "not_its_primary",
    "one_network",
    "one_private",
    "primary_is_own",
    "primary_of",
    "unshared_once",
    "valid_request",
]
