"""Ways to the internet as values, and which of them machines take."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from firewalls.configuration.values import FAMILIES
from firewalls.reachability.answers import Remedy, Verdict
from firewalls.reachability.values import Machine
from networks.common.addressing import IP, Cidr


class Access(StrEnum):
    """How machines get to the internet."""

    OWN_FIREWALL = "own-firewall"
    HTTP_PROXY = "http-proxy"
    NONE = "none"


def access_of(
    versions: Collection[int], outward: Collection[int], proxied: Collection[int]
) -> Access:
    """Which it is, for machines with addresses of these families.

    `outward`: those in which a firewall of their own leads outside; `proxied`: those in which a
    proxy is in their reach.
    """
    if set(versions) & set(outward):
        return Access.OWN_FIREWALL
    return Access.HTTP_PROXY if set(versions) & set(proxied) else Access.NONE


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: an endpoint of a firewall in a shared network, or what an operator has named.

    Of an endpoint the machine is the one that it leads to.
    """

    host: str
    port: int
    network: str = ""
    firewall: str = ""
    name: str = ""
    machine: Machine | None = None

    @property
    def address(self) -> IP | None:
        """None where the host is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def versions(self) -> tuple[int, ...]:
        """The families that it is reached by; any, where a name says nothing of that."""
        return FAMILIES if self.address is None else (self.address.version,)

    @property
    def url(self) -> str:
        """As programs take it (RFC 3986)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WayOut:
    """A firewall of the network, and an external network by which it leads outside.

    `addresses`: what machines show themselves as there; `passes`: what the rules let out, in words.
    """

    firewall: str
    name: str
    network: str
    versions: tuple[int, ...]
    addresses: tuple[IP, ...]
    passes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProxyInReach:
    """A proxy, whether it answers as far as is known here, and what is in the way."""

    proxy: Proxy
    verdict: Verdict
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InternetAccess:
    """The answer. Of several proxies the first is the one to use.

    `direct`: what is reached without a proxy.
    """

    access: Access
    ways: tuple[WayOut, ...] = ()
    proxies: tuple[ProxyInReach, ...] = ()
    warnings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    direct: tuple[Cidr, ...] = ()

    @property
    def proxy(self) -> Proxy | None:
        """The one to use, where one is."""
        return self.proxies[0].proxy if self.proxies else None
