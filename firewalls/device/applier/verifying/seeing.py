"""What the files want of a firewall, and what it has: asked for once, and only if somebody looks.

Each question to FRR costs a slow box half a second, however little is asked; so FRR is asked once
for all that is looked at, and `ip` once for each kind of thing.
"""

from __future__ import annotations

from .. import box, files, frr, rules, tools
from . import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VNIS = "show evpn vni detail json"
ROUTES = ("show ip route vrf all json", "show ipv6 route vrf all json")
QUESTIONS = ("show daemons", frr.CONFIGURATION, VNIS, *ROUTES)


class Wanted:
    """What the managed files in a folder want.

    `exactly` is what FRR was seen to run when they were applied, and `rules` what the kernel listed
    then or would list; empty where that is not known. `others` are the chains of others that were
    told then.
    """

    def __init__(
        self, folder: str, *, exactly: str = "", rules: str = "", others: str = ""
    ) -> None:
        contents = {
            name: content.decode(errors="surrogateescape")
            for name, content in files.contents(folder).items()
        }
        self.routing = contents.get(box.FRR, "")
        self.rule_set = contents.get(box.RULES, "")
        self.settings = contents.get(box.SYSCTL, "")
        self.devices = units.devices(
            {name: text for name, text in contents.items() if name.startswith(f"{box.UNITS}/")}
        )
        self.exactly = exactly
        self.rules = rules
        self.others = others

    def vnis(self) -> dict[str, str]:
        """The VRF of each L3VNI that FRR is given, by number."""
        vrfs = {}
        for setting in frr.settings(self.routing):
            vrf, _, number = setting.partition(" / vni ")
            if number and vrf.startswith("vrf "):
                vrfs[number] = vrf[len("vrf ") :]
        return vrfs

    def svis(self, vrf: str) -> list[str]:
        """The devices that the units make a part of a VRF."""
        return [device.name for device in self.devices.values() if device.master() == vrf]


def applied() -> Wanted:
    """What the files in their places want, beside what ran when they were applied."""
    names = ("frr", "nftables", "others")
    exactly, rules, others = (files.text(f"{box.APPLIED}/{name}") for name in names)
    return Wanted(box.ROOT, exactly=exactly, rules=rules, others=others)


class Seen:
    """What the box has at this moment."""

    def __init__(self) -> None:
        self._answers: dict[str, Any] = {}

    def _once(self, name: str, question: Callable[[], Any]) -> Any:
        if name not in self._answers:
            self._answers[name] = question()
        return self._answers[name]

    def links(self) -> dict[str, dict[str, Any]]:
        """The devices of the kernel, with their settings and addresses, by name."""
        every = self._once("links", lambda: _ip("-d", "address", "show"))
        return {link["ifname"]: link for link in every if "ifname" in link}

    def kernel_routes(self) -> list[dict[str, Any]]:
        """The routes of the kernel, of both families and all tables."""
        return list(self._once("routes", lambda: _ip("route", "show", "table", "all")))

    def neighbours(self) -> list[dict[str, Any]]:
        return list(self._once("neighbours", lambda: _ip("neigh", "show", "nud", "all")))

    def rules(self) -> dict[str, str]:
        """The rules in the kernel, everybody's, by table."""
        return dict(self._once("rules", rules.listed))

    def _frr(self) -> Answer:
        answer: Answer = self._once("frr", lambda: Answer(*QUESTIONS))
        return answer

    def daemons(self) -> list[str]:
        return self._frr().daemons

    def running(self) -> str:
        """The configuration that FRR runs."""
        return self._frr().running

    def vnis(self) -> dict[str, dict[str, Any]]:
        """What FRR tells of each VNI, by number."""
        return self._frr().vnis

    def routes(self) -> list[dict[str, Any]]:
        """What FRR tells of routes, of both families and all VRFs."""
        return self._frr().routes


class Answer:
    """FRR's answers to all that is looked at, told apart. Without BGP some of them are missing."""

    def __init__(self, *questions: str) -> None:
        import json

        text = frr.ask(*questions)
        daemons, _, rest = text.partition("\n")
        self.daemons = daemons.split()
        self.running, rest = frr.configuration(rest)
        self.vnis: dict[str, dict[str, Any]] = {}
        self.routes: list[dict[str, Any]] = []
        decoder = json.JSONDecoder()
        while rest.lstrip()[:1] in ("[", "{"):
            rest = rest.lstrip()
            found, end = decoder.raw_decode(rest)
            rest = rest[end:]
            self._sort(found)

    def _sort(self, found: Any) -> None:
        """FRR 8.4 tells each VRF's routes by themselves, and each by its prefix."""
        entries = found if isinstance(found, list) else found.values()
        for entry in entries:
            if isinstance(entry, list) or "vni" not in entry:
                self._add_routes(entry)
            else:
                # FRR 10 has another word for the VRF of one.
                self.vnis[str(entry["vni"])] = {"vrf": entry.get("tenantVrf", "unknown"), **entry}

    def _add_routes(self, found: Any) -> None:
        if isinstance(found, dict):
            for entry in found.values():
                self._add_routes(entry)
        else:
            self.routes += [entry for entry in found if isinstance(entry, dict)]


def _ip(*words: str) -> list[dict[str, Any]]:
    """What the kernel has; nothing where it cannot say, or says nothing. Numbers stay numbers."""
    import json

    answer: list[dict[str, Any]] = json.loads(
        tools.run(["ip", "-N", "-j", *words], quiet=True).text.strip() or "[]"
    )
    return answer
