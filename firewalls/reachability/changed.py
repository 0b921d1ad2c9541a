"""A flow that comes or goes, as a value and in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from firewalls.configuration.filters import Flow, PortForward, Ports
from firewalls.configuration.values import of_family
from firewalls.reachability.answers import Verdict
from firewalls.reachability.segments import ALL, PROTOCOLS, merged
from firewalls.reachability.values import ICMP, Network
from networks.common.addressing import Cidr

EVERYTHING = "everything"


class Service(NamedTuple):
    """Ports of a protocol, at a part of the destination."""

    protocol: str
    ports: Ports
    there: Cidr


@dataclass(frozen=True, slots=True)
class Change:
    """Connections of one network's machines to another's, that come about otherwise than before.

    `parts` and `sources` where only some addresses are meant; `services` in words, as tcp/443.
    """

    source: Network
    target: Network
    versions: tuple[int, ...]
    services: tuple[str, ...]
    before: Verdict
    after: Verdict
    parts: tuple[Cidr, ...] = ()
    sources: tuple[Cidr, ...] = ()
    endpoint: str = ""

    @property
    def gained(self) -> bool:
        return self.before is Verdict.UNREACHABLE

    @property
    def lost(self) -> bool:
        return self.after is Verdict.UNREACHABLE

    @property
    def flows(self) -> int:
        """Pairs of machines; of what is outside, and of endpoints, as many as ask."""
        return self.source.machines * max(1, 0 if self.endpoint else self.target.machines)

    @classmethod
    def of_endpoint(
        cls,
        source: Network,
        target: Network,
        forward: PortForward,
        before: Verdict,
        after: Verdict,
    ) -> Self:
        place = f"{forward.address}, {forward.protocol}/{forward.port}"
        service = f"{forward.protocol}/{forward.port}"
        versions = (forward.address.version,)
        return cls(source, target, versions, (service,), before, after, endpoint=place)

    @classmethod
    def of_flow(cls, source: Network, target: Network, flow: Flow, gone: bool) -> Self:
        """Of what rules let in: whether it arrives is decided elsewhere."""
        verdicts = (Verdict.UNKNOWN, Verdict.UNREACHABLE)
        before, after = verdicts if gone else verdicts[::-1]
        service = spelled(flow.protocol, flow.ports) if flow.protocol else EVERYTHING
        ends = source, target, (flow.version,), (service,)
        return cls(*ends, before, after, flow.destinations, flow.sources)


def collected(
    source: Network,
    target: Network,
    found: Mapping[tuple[Cidr, Verdict, Verdict], Iterable[Service]],
    sources: set[Cidr],
    parts: set[Cidr],
) -> list[Change]:
    """What was found, put together: the same services of all parts are one change."""
    alike: dict[tuple[tuple[str, ...], tuple[Cidr, ...], Verdict, Verdict], list[Cidr]] = {}
    for (cidr, before, after), services in found.items():
        for names, there in _by_services(services, parts):
            alike.setdefault((names, there, before, after), []).append(cidr)
    return [
        Change(
            source,
            target,
            (next(iter(sources)).version,),
            names,
            before,
            after,
            there,
            () if set(cidrs) == sources else tuple(cidrs),
        )
        for (names, there, before, after), cidrs in alike.items()
    ]


def in_all_families(changes: Iterable[Change]) -> list[Change]:
    """The same change in two families as one."""
    alike: dict[Change, list[int]] = {}
    for one in changes:
        alike.setdefault(replace(one, versions=()), []).extend(one.versions)
    return [replace(one, versions=tuple(sorted(found))) for one, found in alike.items()]


def _by_services(
    services: Iterable[Service], parts: set[Cidr]
) -> list[tuple[tuple[str, ...], tuple[Cidr, ...]]]:
    """The parts that have the same services; none where these are all parts."""
    by_part: dict[Cidr, dict[str, list[Ports]]] = {}
    for one in services:
        by_part.setdefault(one.there, {}).setdefault(one.protocol, []).append(one.ports)
    alike: dict[tuple[str, ...], list[Cidr]] = {}
    for part, protocols in by_part.items():
        alike.setdefault(_names(protocols), []).append(part)
    return [
        (names, () if set(cidrs) == parts else of_family(tuple(cidrs), cidrs[0].version))
        for names, cidrs in alike.items()
    ]


def _names(protocols: Mapping[str, Iterable[Ports]]) -> tuple[str, ...]:
    spans = {protocol: merged(protocol, ports) for protocol, ports in protocols.items()}
    if spans == dict.fromkeys(PROTOCOLS, ()):
        return (EVERYTHING,)
    return tuple(spelled(protocol, spans[protocol]) for protocol in PROTOCOLS if protocol in spans)


def spelled(protocol: str, ports: Iterable[Ports]) -> str:
    """As people write it: tcp/443, udp/8000-8010, ping."""
    if protocol == ICMP:
        return "ping"
    texts = [
        f"{one.first}" if one.first == one.last else f"{one.first}-{one.last}"
        for one in ports
        if one != ALL
    ]
    return f"{protocol}/{','.join(texts)}" if texts else protocol
