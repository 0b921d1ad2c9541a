"""Allocating networks, prefixes and addresses, and releasing addresses.

Nothing is half done: an error leaves nothing behind.
"""

from networks.allocation.addresses import (
    AddressRequest,
    allocate,
    allocate_from,
    allocate_in_transaction,
    release,
)
from networks.allocation.locks import lock_networks, lock_prefixes
from networks.allocation.networks import (
    create_network,
    create_network_in_transaction,
    create_private_network,
    free_id,
    super_network,
    underlay,
)
from networks.allocation.prefixes import carve, grow

__all__ = [
    "AddressRequest",
    "allocate",
    "allocate_from",
    "allocate_in_transaction",
    "carve",
    "create_network",
    "create_network_in_transaction",
    "create_private_network",
    "free_id",
    "grow",
    "lock_networks",
    "lock_prefixes",
    "release",
    "super_network",
    "underlay",
]
