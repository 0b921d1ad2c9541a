"""Default routes that the firewall originates into its VRFs.

FRR 8.4 withdraws one together with another 0/0 that goes from there, and does not originate it
again, though its configuration says so.
"""

from __future__ import annotations

from . import box, files, frr
from .next_hops import lost_anew
from .remarks import Failed, Skipped, remark
from .verifying.default_routes import not_originated
from .verifying.seeing import PREFIXES, originated
from .waiting import Settling, pause

# Seconds after which FRR has looked at changed route maps: bgp route-map delay-timer, and one more.
ROUTE_MAPS = 6
PATIENCE = 3  # seconds


def lost(text: str) -> list[str]:
    """Those of a configuration that FRR does not originate now."""
    return not_originated(text, frr.ask(PREFIXES))


class Keeping:
    """Seeing to it that FRR originates the default routes of what it runs, after it ran another."""

    def __init__(self, text: str, before: str) -> None:
        self.wanted = originated(text)
        self.forgotten: list[str] = []  # those that had to be given anew
        self.lacking: list[str] = []  # those of which that was no use
        if self.wanted:
            self._keep(text, before)

    def _keep(self, text: str, before: str) -> None:
        # FRR looks at route maps some seconds after they have changed, and may withdraw the other
        # 0/0 only then.
        if self.wanted != originated(before):
            pause(ROUTE_MAPS)
        self.forgotten = Settling(PATIENCE, lambda: lost(text)).lacking
        if self.forgotten:
            for route in self.forgotten:
                _give_again(text, *route.split())
            self.lacking = Settling(box.SETTLE, lambda: lost(text)).lacking


def _give_again(text: str, vrf: str, family: str) -> None:
    routers = [line for line in text.splitlines() if line.startswith("router bgp ")]
    for router in routers:
        if router.endswith(f" vrf {vrf}"):
            again = f"default-originate {family}"
            frr.configure(router, "address-family l2vpn evpn", f"no {again}", again)


def check() -> None:
    """Every default route is originated, if need be again. Raises Failed.

    What was lost before this push too is no reason to take the push back.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    text = files.text(f"{box.NEW}/{box.FRR}")
    routes = Keeping(text, files.text(f"{box.PENDING}/running.conf"))
    if not routes.wanted:
        raise Skipped("This firewall originates no default route.")
    if not routes.forgotten:
        remark(f"Originated: {', '.join(routes.wanted)}")
    elif not routes.lacking:
        remark(
            "FRR had forgotten these default routes and originates them again: "
            + ", ".join(routes.forgotten)
        )
    else:
        _tell_lost(routes.lacking)


def _tell_lost(lacking: list[str]) -> None:
    new = lost_anew(lacking, "defaults")
    if new:
        raise Failed(
            "FRR does not originate these default routes, so they lead nobody out: "
            + ", ".join(new)
        )
    remark(
        "FRR did not originate these default routes before either; they lead nobody out until it "
        f"is restarted: {', '.join(lacking)}"
    )
