"""A question between rows, what has to be known to answer it, and the answer on both bases."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from firewalls.intent.partitions import Around, Basis, load_around, machine_value
from firewalls.models import Endpoint
from firewalls.reachability import (
    AnAddress,
    AnEndpoint,
    Answer,
    AnyOf,
    Internet,
    Partition,
    Question,
    TheMachine,
    Verdict,
    answer,
)
from firewalls.reachability.questions import Destination, Source
from firewalls.reachability.values import TCP
from machines.models import Machine
from networks.common.addressing import IP
from networks.models import Network, Prefix

PUSHED = "It comes about once what is wanted is pushed."
STILL = "It still works, and ends once what is wanted is pushed."
SAME = "What was applied last does the same."
OTHER = "What was applied last does something else."
NOT_KNOWN = "What was applied last is not what is wanted, and is not known here."
From = Machine | Network | IP
To = Machine | Network | IP | Endpoint | None  # None: the internet


@dataclass(frozen=True)
class Asked:
    """Whether the source can open connections to the destination. No port: any of the protocol.

    Machines come with their addresses, and each of these with its prefix.
    """

    source: From
    destination: To
    port: int | None = None
    protocol: str = TCP

    @property
    def question(self) -> Question:
        return Question(
            _source(self.source), _destination(self.destination), self.port, self.protocol
        )

    @property
    def around(self) -> Around:
        """What has to be known to answer."""
        places = (self.source, self.destination)
        published = [one for one in places if isinstance(one, Endpoint)]
        networks = [one for one in places if isinstance(one, Network)]
        machines = [one for one in places if isinstance(one, Machine)]
        addresses = [row for one in machines for row in one.addresses.all()]
        addresses += [one.address for one in published]
        named = {one for one in places if isinstance(one, IPv4Address | IPv6Address)}
        return Around(
            networks={*(one.pk for one in networks), *(one.primary_id for one in machines)},
            addresses={*named, *(row.address for row in addresses)},
            machines={*(one.pk for one in machines), *(one.machine_id for one in published)},
            outside=_is_outside(self.source),
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer on the basis that was asked for, and the one on the other basis beside it."""

    basis: Basis
    answer: Answer
    other: Basis
    beside: Answer
    partition: Partition

    @property
    def message(self) -> str:
        """What lies between what is wanted and what was applied, as a sentence."""
        pair = (self.answer, self.beside)
        return between(*(pair if self.basis is Basis.WANTED else pair[::-1]))


def answered(asked: Asked, basis: Basis) -> Answered:
    """A constant number of queries for any number of firewalls, networks and machines."""
    loaded = load_around(asked.around)
    (other,) = set(Basis) - {basis}
    return Answered(
        basis,
        answer(loaded.on(basis), asked.question),
        other,
        answer(loaded.on(other), asked.question),
        loaded.on(basis),
    )


def between(wanted: Answer, applied: Answer) -> str:
    """What lies between what is wanted and what was applied, as a sentence."""
    if wanted.verdict is applied.verdict:
        return SAME
    if applied.verdict is Verdict.UNKNOWN:
        return NOT_KNOWN
    if wanted.reachable and applied.verdict is Verdict.UNREACHABLE:
        return PUSHED
    return STILL if applied.reachable and wanted.verdict is Verdict.UNREACHABLE else OTHER


def is_unrouted(network: Network) -> bool:
    """Super networks and underlays carry no machine's traffic (R8)."""
    return network.kind in (Network.Kind.SUPER, Network.Kind.UNDERLAY)


def unrouted(network: Network) -> str:
    """The same as a sentence."""
    return f"{network.pk} is {network.get_kind_display()}: no machine is in it (R8)."


def _source(place: From) -> Source:
    if isinstance(place, Machine):
        return TheMachine(machine_value(place))
    return AnyOf(place.pk) if isinstance(place, Network) else AnAddress(place)


def _destination(place: To) -> Destination:
    if place is None:
        return Internet()
    if isinstance(place, Endpoint):
        return AnEndpoint(place.address.address, place.port, place.protocol)
    return _source(place)


def _is_outside(source: From) -> bool:
    """Whether it comes from outside: of an external network, or of none at all."""
    if isinstance(source, Network):
        return bool(source.kind == Network.Kind.EXTERNAL)
    if isinstance(source, Machine):
        return False
    inside = Prefix.objects.filter(
        cidr__net_contains_or_equals=ip_network(source), network__kind=Network.Kind.PRIVATE
    )
    return not inside.exists()
