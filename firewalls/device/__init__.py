"""How one firewall is spoken to: over SSH, with its applier; nothing of the database is known here."""
