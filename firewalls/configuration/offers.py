"""What each firewall of a network passes on for it, and in which families they differ.

Machines know their firewalls only as routes of equal rank, over which flows are spread. So where
firewalls of one network are unlike, each must draw only what it passes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from firewalls.configuration.values import FAMILIES, Net


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """What a firewall passes on for its primary network.

    `shared` are the shared networks that it leads to, each as family and id; `outside` the families
    in which it leads to everything else, through an external network with a default route.
    """

    shared: tuple[tuple[int, str], ...] = ()
    outside: tuple[int, ...] = ()

    def of_family(self, version: int) -> tuple[frozenset[str], bool]:
        """The shared networks of that family, and whether it leads outside."""
        joined = frozenset(network for family, network in self.shared if family == version)
        return joined, version in self.outside


def offer(primary: Net, shared: Iterable[Net], externals: Iterable[Net]) -> Offer:
    """What a firewall passes on that has joined these, in the families of its primary network."""
    joined, further = list(shared), list(externals)
    versions = [version for version in FAMILIES if primary.prefixes_of(version)]
    return Offer(
        shared=tuple(
            sorted(
                (version, net.id)
                for version in versions
                for net in joined
                if net.prefixes_of(version)
            )
        ),
        outside=tuple(
            version
            for version in versions
            if any(net.has_default_route(version) for net in further)
        ),
    )


def unlike(offers: Iterable[Offer]) -> tuple[int, ...]:
    """The families in which the firewalls with these offers do not all pass on the same."""
    every = list(offers)
    return tuple(
        version for version in FAMILIES if len({one.of_family(version) for one in every}) > 1
    )
