"""What passes a firewall and how it is translated, as typed values; nftables.conf.j2 spells them.

The forward hook sees the VRF device as input and the SVI as output interface. A source is
translated on its way out of the SVI, a destination on its way in: first of the SVI, then of the VRF
device, and the first rule that matches counts.
"""

from firewalls.configuration.filters.access import Access, access
from firewalls.configuration.filters.flows import Flow, Ports, flows
from firewalls.configuration.filters.origins import Origin, origins
from firewalls.configuration.filters.paths import Path, paths
from firewalls.configuration.filters.translations import (
    PortForward,
    Translation,
    port_forwards,
    translations,
)

__all__ = [
    "Access",
    "Flow",
    "Origin",
    "Path",
    "PortForward",
    "Ports",
    "Translation",
    "access",
    "flows",
    "origins",
    "paths",
    "port_forwards",
    "translations",
]
