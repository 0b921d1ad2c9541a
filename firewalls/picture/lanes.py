"""What passes between a firewall's primary network and each network that it has joined, in words.

Read off the plan that its configuration is rendered from, so a picture of it claims nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from firewalls.configuration.filters import Flow, PortForward, Translation
from firewalls.configuration.plan import Plan
from firewalls.configuration.routes import Leak, Vrf
from firewalls.configuration.values import FAMILIES
from firewalls.picture.texts import shortened

MOST_LETTERS = 26  # of the services that a row names


class Kind(StrEnum):
    """What a row of a lane tells of."""

    TRAFFIC = "traffic"
    PORT = "port"
    ROUTES = "routes"
    NOTHING = "nothing"


class Row(NamedTuple):
    """One thing that passes; `outward`: from the primary network to the joined one.

    The text is short, the hint a sentence.
    """

    kind: Kind
    outward: bool
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A network that the firewall has joined, and what passes between it and the primary.

    `beyond`: what is reached through it: everything, by a default route, or these prefixes.
    """

    vrf: Vrf
    rows: tuple[Row, ...]
    beyond: tuple[str, ...]

    @property
    def leads_outside(self) -> bool:
        """Whether everything that has no other route leads there."""
        return any(prefix.endswith("/0") for prefix in self.beyond)


def home_of(plan: Plan) -> Vrf:
    """The routing table of the network that the firewall lives in."""
    return next(vrf for vrf in plan.vrfs if vrf.role == "primary")


def lanes(plan: Plan) -> tuple[Lane, ...]:
    """Shared networks first, then external ones, each by number."""
    home = home_of(plan)
    others = sorted((vrf for vrf in plan.vrfs if vrf is not home), key=_order)
    return tuple(Lane(vrf, tuple(_rows(plan, home, vrf)), _beyond(home, vrf)) for vrf in others)


def _order(vrf: Vrf) -> tuple[bool, int]:
    return vrf.role == "external", vrf.number


def _rows(plan: Plan, home: Vrf, other: Vrf) -> Iterator[Row]:
    learned = [leak for leak in home.leaks if leak.source == other.number]
    versions = [version for version in FAMILIES if any(leak.version == version for leak in learned)]
    if not versions:
        hint = f"{home.network} and {other.network} have no address family in common"
        yield Row(Kind.NOTHING, True, "no address family in common", hint)
    for version in versions:
        yield _outward(plan, home, other, version)
    for version in versions:
        yield from _inward(plan, home, other, version)
    yield from (_port(forward, other) for forward in _forwards(plan, other))
    for leak in learned:
        yield _routes(home, other, leak, outward=False)
    for leak in other.leaks:
        yield _routes(other, home, leak, outward=True)


def _outward(plan: Plan, home: Vrf, other: Vrf, version: int) -> Row:
    """What may be opened from behind the firewall, and as whom it is seen there."""
    found = _flows(plan, home, other, version)
    family = f"IPv{version}"
    if not found:
        why = _why_nothing(home, other, version)
        hint = f"{home.network} to {other.network}, {family}: {why}"
        return Row(Kind.NOTHING, True, f"{family}: {why}", hint)
    hidden = _hidden(plan, other, version)
    seen = f"as {hidden.address}" if hidden else "as they are"
    hint = f"{home.network} to {other.network}, {family}: {_in_full(found)}; {_seen(hidden)}"
    return Row(Kind.TRAFFIC, True, f"{_services(found)} · {seen}", hint)


def _why_nothing(home: Vrf, other: Vrf, version: int) -> str:
    if not _has_address(home, version) and other.role != "external":
        return "nobody behind it has an address"
    if not _has_address(other, version):
        return "no address to hide behind"
    return "no rule lets anything out" if other.role == "external" else "no rule lets anything by"


def _has_address(vrf: Vrf, version: int) -> bool:
    return any(address.version == version for address in vrf.addresses)


def _seen(hidden: Translation | None) -> str:
    if hidden is None:
        return "not translated"
    sources = ", ".join(map(str, hidden.sources))
    return f"{sources} are seen as {hidden.address}"


def _inward(plan: Plan, home: Vrf, other: Vrf, version: int) -> Iterator[Row]:
    """What may be opened from there, by rules."""
    if found := _flows(plan, other, home, version):
        hint = f"{other.network} to {home.network}, IPv{version}: {_in_full(found)}"
        yield Row(Kind.TRAFFIC, False, _services(found), hint)


def _flows(plan: Plan, source: Vrf, target: Vrf, version: int) -> list[Flow]:
    """Without those that a port is published for."""
    way = (source.number, target.number, version)
    return [
        flow
        for flow in plan.flows
        if (flow.source, flow.target, flow.version) == way and flow.port_forward is None
    ]


def _hidden(plan: Plan, other: Vrf, version: int) -> Translation | None:
    to_there = (
        one
        for one in plan.translations
        if (one.target, one.version) == (other.number, version) and not one.of_port_forwards
    )
    return next(to_there, None)


def _services(found: Sequence[Flow]) -> str:
    """What these flows let through: `tcp 443, udp 53`."""
    if any(not flow.protocol for flow in found):
        return "everything"
    names = list(dict.fromkeys(map(_service, found)))
    shown = [shortened(names[0], MOST_LETTERS, 1)]
    for name in names[1:]:
        if len(", ".join([*shown, name])) > MOST_LETTERS:
            break
        shown.append(name)
    more = f" +{len(names) - len(shown)}" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


def _service(flow: Flow) -> str:
    ports = (
        str(one.first) if one.first == one.last else f"{one.first}-{one.last}" for one in flow.ports
    )
    return " ".join([flow.protocol, ",".join(ports)]).strip() or "everything"


def _in_full(found: Iterable[Flow]) -> str:
    """Each of them, with where from, where to, and why."""
    return "; ".join(
        f"{_service(flow)} from {_all(flow.sources)} to {_all(flow.destinations)} ({flow.comment})"
        for flow in found
    )


def _all(prefixes: Iterable[object]) -> str:
    return ", ".join(map(str, prefixes)) or "anywhere"


def _forwards(plan: Plan, other: Vrf) -> list[PortForward]:
    return [forward for forward in plan.port_forwards if forward.source == other.number]


def _port(forward: PortForward, other: Vrf) -> Row:
    """An endpoint: a port of the firewall's address there."""
    at = f"{forward.address}:{forward.port}"
    to = f"{forward.target}:{forward.target_port}"
    hint = f"{forward.protocol} to {at} in {other.network} leads to {to} ({forward.comment})"
    machine = forward.comment.removeprefix("to ")
    return Row(
        Kind.PORT, False, f"{forward.protocol} {at} to {machine}:{forward.target_port}", hint
    )


def _routes(learner: Vrf, source: Vrf, leak: Leak, *, outward: bool) -> Row:
    """Routes that one routing table learns from another one: the arrow points at who learns."""
    prefixes = [str(entry.prefix) for entry in leak.entries if entry.permitted]
    but = [str(entry.prefix) for entry in leak.entries if not entry.permitted]
    further = "tells nobody" if leak.no_export else "tells its switches"
    hint = f"{learner.network} learns from {source.network}: {', '.join(prefixes)}"
    hint += f", but not {', '.join(but)}" if but else ""
    more = f" +{len(prefixes) - 1}" if len(prefixes) > 1 else ""
    told = "" if leak.no_export else ", told on"
    text = f"routes to {_first(prefixes)}{more}{told}"
    return Row(Kind.ROUTES, outward, text, f"{hint}; it {further}")


def _first(prefixes: Sequence[str]) -> str:
    """A default route, or the first by address."""
    return next((one for one in prefixes if one.endswith("/0")), min(prefixes))


def _beyond(home: Vrf, other: Vrf) -> tuple[str, ...]:
    """What an external network leads to, as the primary learns it."""
    if other.role != "external":
        return ()
    learned = (leak for leak in home.leaks if leak.source == other.number)
    prefixes = {str(one.prefix) for leak in learned for one in leak.entries if one.permitted}
    defaults = {prefix for prefix in prefixes if prefix.endswith("/0")}
    return tuple(sorted(defaults or prefixes))
