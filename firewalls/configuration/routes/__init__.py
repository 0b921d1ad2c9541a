"""Which routes of one VRF are usable in another, as typed values; frr.conf.j2 spells them.

Every number in here follows from what it numbers, not from its place among others: a further
network or prefix adds lines and moves none, for a line that moves is a line that is taken away for
a moment (a moment without no-export, say).
"""

from firewalls.configuration.routes.leaks import Entry, Leak, leaks
from firewalls.configuration.routes.vrfs import Family, Vrf, vrfs

__all__ = ["Entry", "Family", "Leak", "Vrf", "leaks", "vrfs"]
