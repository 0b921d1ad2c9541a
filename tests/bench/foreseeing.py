"""How long two answers of the large demo take: who reaches a network, and what sharing one changes.

`reached`: the shared network that most firewalls have joined; `load` is reading them, `core` the
answer. `sharing`: the private network with most machines; `load` is the preview, `core` the flows
that come and go. In milliseconds.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.test.utils import CaptureQueriesContext

from firewalls.intent.flows import flows
from firewalls.intent.partitions import load_users
from firewalls.previews import SharePreview, share_preview
from firewalls.reachability.reaching import Service, reaches
from networks.models import Network, NetworkQuerySet
from tests.bench.asking import large_demo, timed

Row = dict[str, float | str]
NFS = Service("tcp", 2049)


def foresee() -> Iterator[Row]:
    """Yield a row for each of the two."""
    with large_demo():
        private = Network.objects.filter(kind=Network.Kind.PRIVATE)
        pk, joined = _most(private, Count("attachments"))
        yield _row("reached", joined, partial(load_users, pk), partial(_reached, pk))
        living = Count("residents", filter=Q(residents__firewall=None))
        pk, machines = _most(private.filter(shared=False), living)
        largest = Network.objects.select_related("partition", "project").get(pk=pk)
        yield _row("sharing", machines, partial(share_preview, largest), _changed)


def _most(networks: NetworkQuerySet, of: Count) -> tuple[str, int]:
    counted = networks.order_by().values_list("pk").annotate(size=of)
    return max(counted, key=lambda row: (row[1], row[0]))


def _reached(network: str, loaded: Any) -> int:
    return len(list(reaches(loaded.wanted, network, NFS)))


def _changed(preview: SharePreview) -> int:
    return len(preview.effect.diffs()) + len(flows(preview.effect).changes)


def _row(what: str, size: int, load: Callable[[], Any], answer: Callable[[Any], int]) -> Row:
    """`size`: firewalls that have joined, or machines that live there."""
    with CaptureQueriesContext(connection) as counted:
        loaded, loading = timed(load)
        found, core = timed(partial(answer, loaded))
    return {
        "what": what,
        "size": size,
        "whole_ms": round(loading + core, 1),
        "load_ms": round(loading, 1),
        "core_ms": round(core, 1),
        "found": found,
        "queries": len(counted),
    }
