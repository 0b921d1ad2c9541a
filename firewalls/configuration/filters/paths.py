"""The ways that flows take through a firewall, and by which marks running ones are told apart.

A connection bears the mark of what let it in. Once that has changed, its next packet is judged
anew, whichever side sends it: so what is taken away ends, and what is still allowed goes on. The
name of a way says how it is translated: where a way is gone, so is what its connections were
translated to, and the applier has the kernel forget them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace

from firewalls.configuration.filters.flows import Flow
from firewalls.configuration.filters.origins import Origin
from firewalls.configuration.filters.translations import PortForward, Translation
from networks.common.addressing import IP

DIGITS = 8  # of a mark of the kernel's: 32 bits
UNMARKED, FIRST = "0x00000000", "0x00000001"


@dataclass(frozen=True, slots=True)
class Passage:
    """A flow, and the mark that its connections bear."""

    mark: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Path:
    """The flows of one family that go from one network to another, translated alike."""

    name: str
    source: int
    target: int
    version: int
    port_forward: PortForward | None
    translation: Translation | None
    origin: Origin | None
    passages: tuple[Passage, ...]


_Way = tuple[int, int, int, PortForward | None]


def paths(
    flows: Iterable[Flow], translations: Iterable[Translation], origins: Iterable[Origin]
) -> tuple[Path, ...]:
    """The ways of these flows, in the order of the first flow of each."""
    hiding = {(one.target, one.version, one.of_port_forwards): one for one in translations}
    lawful = {(one.source, one.target, one.version): one for one in origins}
    ways: dict[_Way, list[Flow]] = {}
    for flow in flows:
        way = (flow.source, flow.target, flow.version, flow.port_forward)
        ways.setdefault(way, []).append(flow)
    return tuple(
        _path(
            way,
            passing,
            hiding.get((way[1], way[2], way[0] == way[1])),
            lawful.get((way[0], way[1], way[2])),
        )
        for way, passing in ways.items()
    )


def _path(
    way: _Way, flows: Iterable[Flow], translation: Translation | None, origin: Origin | None
) -> Path:
    name = _name(way, translation.address if translation else None)
    passages = {_mark(name, flow): flow for flow in flows}
    return Path(
        name,
        *way,
        translation,
        origin,
        tuple(Passage(mark, flow) for mark, flow in passages.items()),
    )


def _name(way: _Way, hidden_behind: IP | None) -> str:
    source, target, version, forward = way
    forwarded = astuple(replace(forward, comment="")) if forward else ()
    digest = _digest(source, target, version, hidden_behind, forwarded)
    return f"vrf{source}-to-vrf{target}-{digest}"


def _mark(path: str, flow: Flow) -> str:
    """As the kernel prints it. What the comment says does not matter."""
    matched = (flow.sources, flow.destinations, flow.protocol, flow.ports)
    mark = f"0x{_digest(path, matched)}"
    return FIRST if mark == UNMARKED else mark


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:DIGITS]
