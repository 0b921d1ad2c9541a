"""How one firewall is spoken to: over SSH, with its applier. Nothing here knows the database."""
