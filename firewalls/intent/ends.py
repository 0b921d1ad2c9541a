"""From where and to where, as people type it: names, ids, addresses, and what they may have meant.

`web`, `web in shop-private`, a machine's id, a network's id, `network web` where a machine is
called alike, an address; as a destination also `internet` and an address with a port.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from firewalls.intent.questions import From, To, is_unrouted, unrouted
from firewalls.models import Endpoint
from firewalls.models.validators import MAX_PORT
from machines.models import Machine
from networks.common.fields import as_address
from networks.models import Network

INTERNET = "internet"
MOST = 8  # of each kind, that are suggested
ROUTED = (Network.Kind.PRIVATE, Network.Kind.EXTERNAL)
_WITH_PORT = re.compile(r"\[?(?P<address>[^\]]+)\]?:(?P<port>[0-9]{1,5})(/(?P<protocol>tcp|udp))?")
_MACHINE_IN = re.compile(r"(?P<name>\S+) in (?P<network>\S+)")
_NETWORK = re.compile(r"network (?P<id>\S+)")


class Suggestion(NamedTuple):
    """What may be meant: as it is typed, and what it is."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class End:
    """What was meant; an endpoint and an address with a port say as what, too."""

    place: To
    port: int | None = None
    protocol: str = ""


class UnclearError(ValueError):
    """The text names nothing, or several things; with what may be meant."""

    def __init__(self, sentence: str, suggestions: list[Suggestion]) -> None:
        super().__init__(sentence)
        self.suggestions = suggestions


def source_named(text: str) -> From:
    """The machine that is no firewall, network or address of this name. Raises UnclearError."""
    if address := as_address(text):
        return address
    return _one_of(text, Machine.objects.plain())


def destination_named(text: str) -> End:
    """The same, or the internet, an endpoint, or a firewall itself. Raises UnclearError."""
    if text.lower() in (INTERNET, f"the {INTERNET}"):
        return End(None)
    if address := as_address(text):
        return End(address)
    if found := _at_a_port(text):
        return found
    return End(_one_of(text, Machine.objects.all()))


def name_of(place: To) -> str:
    """How it is typed so that nothing else is meant."""
    if place is None:
        return INTERNET
    if isinstance(place, Machine):
        return f"{place.name} in {place.primary_id}"
    if isinstance(place, Network):
        return place.pk
    return str(place)


def suggestions(text: str, destination: bool) -> list[Suggestion]:
    """What begins with the text, or contains it: a constant number of queries."""
    found = list(_networks(text))
    machines = Machine.objects.all() if destination else Machine.objects.plain()
    found += [_of_machine(row) for row in _called(machines, text)]
    if destination and text:
        rows = Endpoint.objects.with_relations()
        called = Q(machine__name__icontains=text) | Q(address__machine__name__icontains=text)
        found += [_of_endpoint(row) for row in rows.filter(called)[:MOST]]
    if destination and INTERNET.startswith(text.lower()):
        found.insert(0, Suggestion(INTERNET, "whatever is outside"))
    return found


def _at_a_port(text: str) -> End | None:
    """An endpoint, or an address at a port."""
    match = _WITH_PORT.fullmatch(text)
    address = as_address(match["address"]) if match else None
    if match is None or address is None or not 0 < int(match["port"]) <= MAX_PORT:
        return None
    port, protocol = int(match["port"]), match["protocol"] or ""
    rows = Endpoint.objects.with_relations().filter(address__address=address, port=port)
    published = list(rows.filter(protocol=protocol) if protocol else rows)
    if len(published) == 1:
        return End(published[0], port, published[0].protocol)
    return End(address, port, protocol)


def _one_of(text: str, machines: "QuerySet[Machine]") -> Machine | Network:
    """The one network or machine that the text names."""
    machines = machines.prefetch_related("addresses__prefix")
    networks, named = _meant(text, machines)
    if len(networks) + len(named) == 1:
        if networks and is_unrouted(networks[0]):
            raise UnclearError(unrouted(networks[0]), [])
        return networks[0] if networks else named[0]
    if networks or named:
        both = [Suggestion(f"network {one.pk}", _about(one)) for one in networks]
        both += _apart(named)
        raise UnclearError(f"{text} is more than one thing here. Choose which.", both)
    close = list(_networks(text)) + [_of_machine(row) for row in _called(machines, text)]
    raise UnclearError(f"Nothing here is called {text}.", close)


def _meant(text: str, machines: "QuerySet[Machine]") -> tuple[list[Network], list[Machine]]:
    """The networks and machines of exactly this name."""
    if match := _NETWORK.fullmatch(text):
        return list(Network.objects.filter(pk=match["id"])), []
    if match := _MACHINE_IN.fullmatch(text):
        rows = machines.filter(name=match["name"], primary=match["network"])
        return [], list(rows[: MOST + 1])
    if (id := _as_uuid(text)) is not None:
        return [], list(machines.filter(pk=id))
    return list(Network.objects.filter(pk=text)), list(machines.filter(name=text)[: MOST + 1])


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _networks(text: str) -> Iterator[Suggestion]:
    rows = Network.objects.filter(kind__in=ROUTED, pk__icontains=text).order_by("-shared", "pk")
    for row in rows[:MOST]:
        yield Suggestion(row.pk, _about(row))


def _about(network: Network) -> str:
    kind = "shared network" if network.shared else f"{network.kind} network"
    return f"{kind} of {network.project_id}" if network.project_id else kind


def _called(machines: "QuerySet[Machine]", text: str) -> "QuerySet[Machine]":
    """Those whose names contain the text; none without one, for there are thousands."""
    return machines.filter(name__icontains=text)[:MOST] if text else machines.none()


def _apart(machines: list[Machine]) -> list[Suggestion]:
    """Each by its name and network; where several are called so there, by their ids."""
    names = [name_of(one) for one in machines]
    return [
        _of_machine(one) if names.count(name) == 1 else Suggestion(str(one.pk), name)
        for one, name in zip(machines, names, strict=True)
    ]


def _of_machine(machine: Machine) -> Suggestion:
    return Suggestion(name_of(machine), f"machine of {machine.project_id}")


def _of_endpoint(row: Endpoint) -> Suggestion:
    return Suggestion(str(row), f"endpoint of {row.machine.name}, {row.purpose}")
