"""What setting up a firewall refuses."""

from __future__ import annotations


class Refused(Exception):
    """What is not set up; the sentence says why."""
