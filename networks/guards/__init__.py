"""Rules that the database itself holds: bulk updates, fixtures and hand-written SQL meet them too.

A guard says in terms of rows what the rule of the same number says in `networks.rules`; the
constraints of the models do the rest.

Free space is kept here too: `networks_free` (see its migration) has, for every prefix, the fewest
blocks that make up what is free in it. Whoever inserts an address or a child prefix takes its block
out, and whoever deletes one gives it back. So nothing can be taken twice, and the lowest free
address is found at once however many are taken (`networks.pools` has the figures). `numbers` does
the same for VRF ids and AS numbers.
"""

from networks.guards.addresses import ADDRESS
from networks.guards.carried import CARRIED
from networks.guards.networks import NETWORK
from networks.guards.numbers import numbered
from networks.guards.prefixes import PREFIX

__all__ = ["ADDRESS", "CARRIED", "NETWORK", "PREFIX", "numbered"]
