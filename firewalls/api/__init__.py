"""`firewalls/` and what belongs to them, and what sharing a network means for them."""
