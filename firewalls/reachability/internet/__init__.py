"""How machines get to the internet: by a firewall of their own network, by an HTTP proxy, or not.

Which of the three follows from what is joined and published; whether that works is asked of the
plans, and what is in the way is a warning.
"""

from firewalls.reachability.internet.access import internet_access
from firewalls.reachability.internet.settings import Setting, proxy_settings
from firewalls.reachability.internet.values import (
    Access,
    InternetAccess,
    Proxy,
    ProxyInReach,
    WayOut,
    access_of,
)

__all__ = [
    "Access",
    "InternetAccess",
    "Proxy",
    "ProxyInReach",
    "Setting",
    "WayOut",
    "access_of",
    "internet_access",
    "proxy_settings",
]
