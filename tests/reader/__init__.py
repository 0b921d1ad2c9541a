"""A second opinion on rendered configurations: reads the text as FRR and nftables would.

It shares no code with what wrote it. What it does not understand it refuses, so nothing in a
configuration can go unread.
"""


class Unreadable(ValueError):
    """A line that the reader does not know."""
