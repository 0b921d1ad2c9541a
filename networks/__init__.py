"""Partitions, projects, networks, prefixes and addresses, and the ground that every app stands on."""
