"""The daemons of FRR that a firewall needs. FRR 10 takes no VRF without mgmtd, and says nothing."""

from __future__ import annotations

from .. import frr
from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "daemons of FRR"
FIRST_WITH_MGMTD = 10


def needed(running: str) -> tuple[str, ...]:
    """Those that the version of FRR needs which runs this configuration."""
    version = running.partition("frr version ")[2].partition(".")[0]
    is_new = version.isdigit() and int(version) >= FIRST_WITH_MGMTD
    return (*frr.DAEMONS, "mgmtd") if is_new else frr.DAEMONS


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    return [
        differences.missing(daemon, f"{daemon} does not run, or FRR's shell cannot ask it")
        for daemon in needed(seen.running())
        if daemon not in seen.daemons()
    ]
