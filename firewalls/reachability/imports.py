"""What a firewall's VRFs import from each other, as rows that a destination is looked up in."""

from collections.abc import Mapping
from typing import NamedTuple

from firewalls.configuration.routes import Vrf
from networks.common.addressing import span


class Import(NamedTuple):
    """A route that a VRF has of another one's network: from its first address to before its end."""

    begins: int
    ends: int
    length: int
    network: str


def imported(
    vrfs: Mapping[str, Vrf], networks: Mapping[int, str]
) -> dict[tuple[str, int], list[Import]]:
    """What each network's VRF imports, by network and family; `networks` are those of VRF ids."""
    found: dict[tuple[str, int], list[Import]] = {}
    for network, vrf in vrfs.items():
        for leak in vrf.leaks:
            permitted = (entry.prefix for entry in leak.entries if entry.permitted)
            source = networks[leak.source]
            rows = found.setdefault((network, leak.version), [])
            rows += [Import(*span(cidr), cidr.prefixlen, source) for cidr in permitted]
    return found
