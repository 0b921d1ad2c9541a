"""Firewalls: what they join, the configuration that follows from it, and how it gets to them."""
