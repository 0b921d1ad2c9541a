"""Storms of writes: many programs and people change few firewalls at once, at every door."""
