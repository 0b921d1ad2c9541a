"""Where a request comes from: the client's address, also behind proxies, and not what it claims.

A proxy appends the address it was asked from to `X-Forwarded-For`; whoever asked may have sent any
beginning of it. So it is read from its end, as far as those who wrote it are trusted
(`TRUSTED_PROXIES`), and not at all where the request comes from anybody else.
"""

import re
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

from networks.common.addressing import IP

HEADER = "X-Forwarded-For"
ONE_CLIENT = 64  # bits of IPv6: whoever has one address has all of its network
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


def client_address(request: HttpRequest) -> IP | None:
    """The address that the client has as far as trusted proxies say; None if there is none.

    Where a proxy wrote what is no address, the proxy itself counts as the client.
    """
    nearest = _address(request.META.get("REMOTE_ADDR", ""))
    hops = request.headers.get(HEADER, "").split(",")
    client = nearest
    while _is_trusted(client) and hops:
        before = _address(hops.pop())
        if before is None:
            break
        client = before
    return client


def origin(request: HttpRequest) -> str:
    """What counts as one client: an IPv4 address, an IPv6 network of 64 bits; empty if unknown."""
    address = client_address(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, ONE_CLIENT), strict=False))
    return "" if address is None else str(address)


def is_local(request: HttpRequest) -> bool:
    """Whether it was sent on this machine itself, and not by a proxy for somebody else."""
    nearest = _address(request.META.get("REMOTE_ADDR", ""))
    if nearest is None or HEADER in request.headers or _is_trusted(nearest):
        return False
    return nearest.is_loopback


def _is_trusted(address: IP | None) -> bool:
    """Whether it is a proxy's; a request without an address came over the socket of one."""
    if address is None:
        return bool(settings.TRUSTED_PROXIES)
    proxies = (one for one in settings.TRUSTED_PROXIES if one.version == address.version)
    return any(address in one for one in proxies)


def _address(text: str) -> IP | None:
    """The address that is written there, perhaps with a port; an IPv4 one also where it is mapped.

    None if it is none.
    """
    with_port = _WITH_PORT.fullmatch(text.strip())
    written = (with_port[1] or with_port[2]) if with_port else text.strip()
    with suppress(ValueError):
        address = ip_address(written.partition("%")[0])
        return getattr(address, "ipv4_mapped", None) or address
    return None
