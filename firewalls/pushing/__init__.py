"""How what is wanted gets to the firewalls: pushes, rollouts, drift, host keys."""
