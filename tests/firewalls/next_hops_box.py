"""A firewall whose kernel loses the neighbours of next hops, in namespaces of its own.

FRR, the routes and the neighbour entries are real.

    unshare --net --mount python -m tests.firewalls.next_hops_box FOLDER

The other ends of the VXLAN, and the MACs that FRR learns with the VNI, are played: `vtysh` and
`frr-reload.py` are scripts before the real ones. Prints what happened as JSON. Nothing of the
machine it runs on is touched.
"""

import base64
import json
import os
import sys
from pathlib import Path

from firewalls.device import practice
from firewalls.device.applier import frr
from firewalls.device.applier.verifying.seeing import VNIS
from firewalls.device.protocol import packed
from tests.firewalls.real_box import RULES, firewall, shell
from tests.firewalls.running import applier, steps, verdict

ROUTES = """frr version 8.4.4
frr defaults datacenter
!
vrf vrf7
 vni 7
exit-vrf
!
router bgp 4210000001
 bgp router-id 10.0.0.{number}
exit
!
end
"""
NAME = "next hops without a neighbour"
FAR = ("10.0.0.8", "10.0.0.9", "::ffff:10.0.0.9")
LEARN = "; ".join(
    f"ip neigh replace {address} lladdr 02:00:00:00:00:09 dev bridge7 nud noarp extern_learn"
    for address in FAR
)
VNI = [{"vni": 7, "type": "L3", "state": "Up", "vrf": "vrf7"}]
NETWORK = (
    "ip link add bridge7 type veth peer name far7 && ip link set bridge7 up && ip link set far7 up",
    "ip link add lan0 type veth peer name far0 && ip link set lan0 up && ip link set far0 up",
    "ip route add 10.5.0.0/24 via 10.0.0.9 dev bridge7 onlink proto bgp table 7",
    "ip route add 10.6.0.0/24 proto bgp table 7"
    " nexthop via 10.0.0.9 dev bridge7 onlink nexthop via 10.0.0.8 dev bridge7 onlink",
    "ip -6 route add 2001:db8::/64 via ::ffff:10.0.0.9 dev bridge7 onlink proto bgp table 7",
    # The kernel finds these by itself: a next hop in the fabric, and machines in the network.
    "ip route add 10.7.0.0/24 via 10.0.0.1 dev lan0 onlink proto bgp",
    "ip address add 10.8.0.1/24 dev bridge7"
    " && ip route add 10.10.0.0/24 via 10.8.0.2 dev bridge7 proto bgp",
    LEARN,
)
UP = f"/usr/bin/vtysh -c 'show daemons' -c '{frr.CONFIGURATION}'; echo '{json.dumps(VNI)}'; exit"
FORGET = "ip neigh del {} dev bridge7"
FORGET_ALL = " && ".join(FORGET.format(address) for address in FAR)


class Box:
    """The firewall, and what makes it misbehave: a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, practice.ensure_root(folder, "real")
        tools = folder / "tools"
        tools.mkdir()
        learning = (
            f"""{self.if_not("stubborn")} || exit 1; {self.if_not("forgetful")} && {{ {LEARN}; }}"""
        )
        forgetting = f"{self.if_not('losing')} || {FORGET.format(FAR[0])} 2>/dev/null"
        # No kernel of a test has VXLANs, so FRR finds no VNI to be up.
        self.play(
            tools / "vtysh",
            "/usr/bin/vtysh",
            f"*'-c no vni 7'*) ;; *'-c vni 7'*) {learning} ;; *'{VNIS}'*) {UP} ;;",
        )
        self.play(
            tools / "frr-reload.py",
            "/usr/lib/frr/frr-reload.py",
            f"*--reload*pending/loading/frr.conf) {forgetting} ;;",
        )
        self.how = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "APPLIER_PRACTICE": "",
            "APPLIER_SETTLE": "3",
            "APPLIER_TIMEOUT": "300",
        }

    def if_not(self, kind: str) -> str:
        return f"[ ! -e {self.folder}/{kind} ]"

    def play(self, tool: Path, real: str, cases: str) -> None:
        """Put a script before the real tool that first does something else with such words."""
        tool.write_text(f'#!/bin/sh\ncase "$*" in {cases} esac\nexec {real} "$@"\n')
        tool.chmod(0o755)

    def push(self, number: int, *kinds: str) -> dict[str, object]:
        """Push while it misbehaves like this, and keep it: how that ended, and how it is then."""
        for kind in kinds:
            (self.folder / kind).touch()
        files = {
            "/etc/frr/frr.conf": ROUTES.format(number=number),
            "/etc/nftables.conf": RULES.format(accept=""),
        }
        output = applier(self.root, "apply", given=packed(files), how=self.how)[1]
        ended, token = verdict(output)
        if ended == "applied":
            applier(self.root, "confirm", token, how=self.how)
        for kind in kinds:
            (self.folder / kind).unlink()
        return {
            "ended": ended,
            "step": steps(output).get("check-next-hops"),
            "shown": self.shown(),
            "runs": self.running(),
        }

    def shown(self) -> list[str]:
        lines = [
            line.split("\t")
            for line in applier(self.root, "show", how=self.how)[1].splitlines()
            if NAME in line
        ]
        sections = {
            kind: base64.b64decode(content).decode().splitlines() for kind, _, content in lines
        }
        assert sections["applied"] == []
        return sections["running"]

    def running(self) -> list[str]:
        lines = shell("/usr/bin/vtysh -c 'show running-config no-header'").splitlines()
        return [line.strip() for line in lines if " vni " in line or "router-id" in line]


def play(folder: Path) -> dict[str, object]:
    box = Box(folder)
    results: dict[str, object] = {}
    with firewall():
        shell(*NETWORK)
        results["first"], results["again"] = box.push(1), box.push(1)
        shell(FORGET_ALL)
        results["lost"] = box.shown()
        results["the same"] = box.push(1)
        shell(FORGET_ALL)
        results["another"] = box.push(2)
        results["lost by the push"] = box.push(3, "losing")
        results["lost for good"] = box.push(4, "losing", "forgetful")
        results["lost before"] = box.push(5, "forgetful")
        results["VNI refused"] = box.push(6, "stubborn")
        results["at last"] = box.push(7)
    return results


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]))))
