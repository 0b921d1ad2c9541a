"""Networks, addresses, partitions, projects and the audit trail over REST."""
