"""The pages about firewalls, pushes and rollouts, and what sharing and joining would change."""
