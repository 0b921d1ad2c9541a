"""FRR's routes that the kernel has lost: FRR is made to give them to the kernel again."""

from __future__ import annotations

from . import box, files, tools
from .remarks import Failed, Skipped, remark
from .verifying import routes
from .verifying.seeing import Seen, Wanted
from .waiting import Settling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PATIENCE = 3  # seconds: FRR may have a route a moment before the kernel has it
PROTOCOLS = {"bgp": "186", "static": "196"}  # as zebra marks them (linux/rtnetlink.h)
METRIC = "20"  # of all that zebra gives to the kernel


class Mending:
    """Looking for lost routes, and having FRR bring them back."""

    def __init__(self) -> None:
        self._wanted = Wanted(box.ROOT)
        self._seen = Seen()
        self.lost = Settling(PATIENCE, self._lacking).lacking
        self.lacking: list[str] = []  # those that have not come back
        if self.lost:
            self._mend()
            self.lacking = Settling(box.SETTLE, self._lacking).lacking

    def _lacking(self) -> list[str]:
        self._seen = Seen()
        return [one.sentence for one in routes.lacking(self._wanted, self._seen)]

    def _mend(self) -> None:
        """Remove them before FRR's eyes, and it puts them back. No other route is touched."""
        there = routes.in_kernel(self._seen)
        protocols = routes.protocols(self._seen)
        lines: list[str] = []
        for key, hops in routes.of_frr(self._seen).items():
            entries = there.get(key, [])
            if hops not in [routes.hops_of(entry) for entry in entries]:
                lines += _removing(key, PROTOCOLS.get(protocols[key], ""), entries)
        path = f"{box.STATE}/new.routes.{box.NEW.rpartition('.')[2]}"
        files.replace(path, "".join(f"{line}\n" for line in lines))
        # What fails is seen by what is still lacking.
        tools.run(["ip", "-force", "-batch", path])
        files.remove(path)


def _removing(key: routes.Key, protocol: str, entries: list[dict[str, Any]]) -> Iterator[str]:
    """What `ip` has to do. One that is not there is made first, as a dead end, to be removed."""
    if not protocol:
        return
    table, prefix = key
    route = " ".join((prefix, "proto", protocol, "metric", METRIC, "table", table))
    marks = [(str(entry.get("protocol")), str(entry.get("metric", ""))) for entry in entries]
    if (protocol, METRIC) in marks:
        yield f"route del {route}"
    else:
        yield f"route add unreachable {route}"
        yield f"route del unreachable {route}"


def check() -> None:
    """Every route that FRR has selected is the kernel's, if need be again. Raises Failed."""
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    mending = Mending()
    if not mending.lost:
        remark("The kernel has every route of FRR with all its next hops.")
    elif not mending.lacking:
        remark("The kernel had lost these and has them again:")
        remark("\n".join(mending.lost))
    else:
        raise Failed(
            "The kernel lacks routes that FRR has selected, so packets go astray: "
            + "; ".join(mending.lacking)
        )
