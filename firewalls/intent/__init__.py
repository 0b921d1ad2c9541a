"""What is wanted of each firewall, and what a change would do to it."""
