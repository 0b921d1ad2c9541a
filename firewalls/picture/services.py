"""The shared networks of a picture, each with those that use it."""

from typing import NamedTuple

from firewalls.picture.folding import Bundle, Fold
from firewalls.picture.values import Consumer, Service, Uses, behind


class Used(NamedTuple):
    """A shared network with the firewalls that have joined it."""

    service: Service
    users: Bundle

    @property
    def machines(self) -> int:
        """How many machines behind these may use it, by address family."""
        key = self.service.key
        return behind(
            one
            for one in self.users.consumers
            if any(join.network == key and join.meets for join in one.joins)
        )


def used(uses: Uses) -> list[Used]:
    """Each of them, by name."""
    users: dict[str, list[Consumer]] = {one.key: [] for one in uses.services}
    for firewall in uses.firewalls:
        for network in firewall.joined:
            users[network].append(firewall)
    services = sorted(uses.services, key=lambda one: one.key)
    return [Used(one, Bundle(Fold.SET, one.key, tuple(users[one.key]))) for one in services]
