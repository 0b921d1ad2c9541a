"""A question between rows, what has to be known to answer it, and the answer on both bases."""

from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_network

from firewalls.intent.history import Ended, worked_until
from firewalls.intent.partitions import Around, Basis, Loaded, load_around
from firewalls.intent.values import machine_value
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
NOT_YET = "That is still to come; ask for a moment that has been."
NOT_WANTED = "Of another moment it is kept what was applied then: ask with basis=applied."
SAME_NOW = "What is applied now does the same."
OTHER_NOW = "What is applied now does something else."
OF_NOW = "Networks, machines and their addresses are those of now."
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
    """The answer on the basis that was asked for, and the one on the other basis beside it.

    `at`: as it was applied then; beside it is what is applied now. `ended`: since which push it
    does not work any more.
    """

    basis: Basis
    answer: Answer
    other: Basis
    beside: Answer
    partition: Partition
    at: datetime | None = None
    ended: Ended | None = None

    @property
    def message(self) -> str:
        """What lies between the two, as a sentence."""
        if self.at:
            return _since(self.answer, self.beside, self.ended)
        pair = (self.answer, self.beside)
        wanted, applied = pair if self.basis is Basis.WANTED else pair[::-1]
        return between(wanted, applied, self.ended)


def answered(asked: Asked, basis: Basis, at: datetime | None = None) -> Answered:
    """A constant number of queries for any number of firewalls, networks and machines."""
    loaded, question = load_around(asked.around), asked.question
    if at:
        return _answered_at(loaded, question, at)
    answers = {one: answer(loaded.on(one), question) for one in Basis}
    (other,) = set(Basis) - {basis}
    ended = None
    if not answers[Basis.APPLIED].reachable:
        ended = worked_until(loaded, question)
    return Answered(basis, answers[basis], other, answers[other], loaded.on(basis), None, ended)


def _answered_at(loaded: Loaded, question: Question, at: datetime) -> Answered:
    partition = loaded.at(at)
    then = answer(partition, question)
    then = replace(then, assumptions=(*then.assumptions, OF_NOW))
    now = answer(loaded.applied, question)
    ended = None if now.reachable else worked_until(loaded, question)
    return Answered(Basis.APPLIED, then, Basis.APPLIED, now, partition, at, ended)


def between(wanted: Answer, applied: Answer, ended: Ended | None = None) -> str:
    """What lies between what is wanted and what was applied, as a sentence."""
    worked = f"{ended.sentence} " if ended else ""
    if wanted.verdict is applied.verdict:
        return f"{worked}{SAME}"
    if applied.verdict is Verdict.UNKNOWN:
        return NOT_KNOWN
    if wanted.reachable and applied.verdict is Verdict.UNREACHABLE:
        return f"{worked or _never(applied)}{PUSHED}"
    return STILL if applied.reachable and wanted.verdict is Verdict.UNREACHABLE else OTHER


def _never(applied: Answer) -> str:
    """That nothing was pushed to a firewall on the way yet, where that is so."""
    found = (one.message for one in applied.blockers if one.code == "never_pushed")
    sentence = next(found, "")
    return f"{sentence} " if sentence else ""


def _since(then: Answer, now: Answer, ended: Ended | None) -> str:
    """What has become of it."""
    if then.verdict is now.verdict:
        return SAME_NOW
    return ended.sentence if ended and then.reachable else OTHER_NOW


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
