"""Firewalls: what they join, the configurations wanted of them, and the pushes that bring these to them."""

from firewalls.models.firewall import Attachment, Firewall, FirewallQuerySet, Rule
from firewalls.models.push import Push, PushQuerySet, Revision

__all__ = ["Attachment", "Firewall", "FirewallQuerySet", "Push", "PushQuerySet", "Revision", "Rule"]
