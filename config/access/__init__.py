"""Who may do what: roles, tokens, who calls, and writes that are done once."""
