"""The REST endpoints for partitions, projects, networks, addresses and the audit trail."""
