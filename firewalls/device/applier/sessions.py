"""The BGP sessions: those that were up before a push must be up again after it."""

from __future__ import annotations

from . import box, files, frr
from .remarks import Failed, Skipped, remark
from .waiting import Settling

NEIGHBOURS = "show bgp vrf all neighbors json"


def parsed(answer: str) -> dict[str, bool]:
    """Whether the session with each neighbour is up."""
    import json

    start = answer.find("{")
    if start < 0:
        return {}
    vrfs, _ = json.JSONDecoder().raw_decode(answer, start)
    up = {}
    for vrf in vrfs.values():
        for name, neighbour in vrf.items():
            if isinstance(neighbour, dict) and "bgpState" in neighbour:
                up[name] = neighbour["bgpState"] == "Established"
    return up


def lines(sessions: dict[str, bool]) -> str:
    """As they are saved."""
    return "".join(f"{name} {'up' if up else 'down'}\n" for name, up in sorted(sessions.items()))


class Check:
    """The sessions before this push, and as they come up after it."""

    def __init__(self) -> None:
        saved = [line.split() for line in files.text(f"{box.PENDING}/sessions").splitlines()]
        self.before = {name: state == "up" for name, state in saved}
        self.now: dict[str, bool] = {}

    def check(self) -> None:
        """Every session that was up is up, unless its neighbour is gone from the configuration.

        New ones are waited for, too, but may come later; some session must be up. Raises Failed.
        """
        if box.PRACTICE:
            raise Skipped(box.NO_KERNEL)
        settling = Settling(box.SETTLE, self._missing)
        lost = [name for name in settling.lacking if self.before.get(name)]
        if lost:
            raise Failed(
                f"BGP sessions that were up before are not, after {settling.waited} seconds: "
                + " ".join(lost)
            )
        if self.now and not any(self.now.values()):
            raise Failed(
                f"No BGP session is up after {settling.waited} seconds, so this firewall reaches "
                f"nobody: {' '.join(sorted(self.now))}. Look at the cables, at what the leaves "
                "have for this firewall, and at: vtysh -c 'show bgp summary'"
            )
        remark(f"{sum(self.before.values())} sessions as before.{self._late(settling.lacking)}")

    def _late(self, names: list[str]) -> str:
        return f" New and not up yet: {' '.join(names)}" if names else ""

    def _missing(self) -> list[str]:
        self.now = parsed(frr.ask(NEIGHBOURS))
        down = [name for name, up in self.now.items() if not up]
        if len(down) == len(self.now):
            return down
        return [name for name in down if self.before.get(name, True)]

    def come_up(self) -> list[str]:
        """Those that were not up before."""
        return [name for name, up in self.now.items() if up and not self.before.get(name)]
