"""The configuration that FRR runs: every line that was sent, and none that came later."""

from __future__ import annotations

from .. import frr
from . import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .differences import Difference
    from .seeing import Seen, Wanted

NAME = "running configuration of FRR"
OWN = "frr version "  # FRR tells its own


def _is_implied(line: str) -> bool:
    """Whether FRR has a line of its own, or none where it stands above nothing."""
    return line.startswith(OWN) or line.rpartition(" / ")[2].startswith("address-family ")


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    have = set(frr.settings(seen.running()))
    exactly = set(frr.settings(wanted.exactly))
    sent = {line for line in frr.settings(wanted.routing) if not _is_implied(line)}
    gone = sorted((sent | exactly) - have)
    come = sorted(have - exactly) if exactly else []
    return [
        *(differences.missing(line, f"FRR has not taken this: {line}") for line in gone),
        *(differences.surplus(line, f"FRR also runs this: {line}") for line in come),
    ]
