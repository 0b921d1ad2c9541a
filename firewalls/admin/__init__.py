"""Firewalls and what they publish, for support staff."""

from firewalls.admin.endpoints import EndpointAdmin
from firewalls.admin.firewalls import FirewallAddForm

__all__ = ["EndpointAdmin", "FirewallAddForm"]
