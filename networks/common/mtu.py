"""The largest packets, in bytes: of the fabric, and of the networks whose packets it carries."""

FABRIC_MTU = 9216  # what the fabric of a partition takes unless it says otherwise
NETWORK_MTU = 9000  # more is not used, as machines do not
VXLAN = 50  # what is put around a packet (RFC 7348 in IPv4): Ethernet, IPv4, UDP, VXLAN
IPV6 = 1280  # what IPv6 needs at least (RFC 8200)
SMALLEST_FABRIC, LARGEST_FABRIC = IPV6 + VXLAN, 65_535


def network_mtu(fabric: int) -> int:
    """The largest packet of a network over a fabric of this MTU."""
    return min(NETWORK_MTU, fabric - VXLAN)
