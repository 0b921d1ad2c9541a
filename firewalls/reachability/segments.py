"""What rules tell apart: the services that packets stand for, so that few of them stand for all."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from firewalls.configuration.filters import Ports
from firewalls.reachability.filtering import BGP
from firewalls.reachability.values import ICMP, TCP, Guard

PROTOCOLS = (TCP, "udp", ICMP)
FIRST, LAST = 1, 65535
ALL = Ports(FIRST, LAST)


class Segment(NamedTuple):
    """Ports of a protocol that all rules treat alike; ICMP has none."""

    protocol: str
    ports: Ports

    @property
    def port(self) -> int | None:
        """One of them; None where no rule names any."""
        return None if self.ports == ALL else self.ports.first


def segments(guards: Iterable[Guard]) -> list[Segment]:
    """Those of each protocol. BGP's port is left out: it never passes, whatever the rules say."""
    spans: dict[str, set[Ports]] = {protocol: set() for protocol in PROTOCOLS}
    for guard in guards:
        for path in guard.paths:
            for passage in path.passages:
                for protocol in [passage.flow.protocol] if passage.flow.protocol else PROTOCOLS:
                    spans[protocol] |= set(passage.flow.ports)
    return [
        Segment(protocol, ports)
        for protocol in PROTOCOLS
        for ports in _cut(spans[protocol], protocol)
    ]


def _cut(spans: set[Ports], protocol: str) -> Iterator[Ports]:
    if not spans:
        yield ALL
        return
    cuts = {FIRST, LAST + 1}
    for span in spans:
        cuts |= {span.first, span.last + 1}
    if protocol == TCP:
        cuts |= {BGP, BGP + 1}
    for begins, ends in pairwise(sorted(cuts)):
        if protocol != TCP or begins != BGP:
            yield Ports(begins, ends - 1)


def merged(protocol: str, spans: Iterable[Ports]) -> tuple[Ports, ...]:
    """The same ports as few spans; nothing where they are all."""
    whole: list[Ports] = []
    for span in sorted(spans, key=lambda one: one.first):
        if whole and _follows(protocol, whole[-1], span):
            whole[-1] = Ports(whole[-1].first, span.last)
        else:
            whole.append(span)
    return () if whole == [ALL] else tuple(whole)


def _follows(protocol: str, before: Ports, span: Ports) -> bool:
    gap = range(before.last + 1, span.first)
    return not gap or (protocol == TCP and list(gap) == [BGP])
