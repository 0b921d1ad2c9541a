"""Partitions, projects, networks, prefixes and addresses, and the ground of every app."""
