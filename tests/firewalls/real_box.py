"""A real firewall in namespaces of its own, with nothing left out.

FRR's daemons, the kernel's nftables, sshd, and the applier.

    unshare --net --mount --uts python -m tests.firewalls.real_box FOLDER LIFE

Prints what happened as JSON. Nothing of the machine it runs on is touched.
"""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from firewalls.configuration.empty import empty
from firewalls.device import practice, transport
from firewalls.device.transport import Target, Timeouts
from tests.firewalls.boxes import contents, gate, last, pushed, pushing, settled, sshd, wait_until
from tests.firewalls.running import PATIENT, program

Results = dict[str, object]
DAEMONS = ("zebra", "bgpd", "staticd")
ROUTES = """frr version 8.4.4
frr defaults datacenter
!
router bgp 4210000001
 bgp router-id 10.0.0.{number}
 neighbor 10.9.0.2 remote-as {leaf}
 neighbor 10.9.0.2 timers 1 3
 neighbor 10.9.0.2 timers connect 1
 !
 address-family ipv4 unicast
  import vrf shared
 exit-address-family
exit
!
router bgp 4210000001 vrf shared
exit
!
end
"""
RULES = """add table inet metal
delete table inet metal

table inet metal {{
    chain input {{
        type filter hook input priority filter; policy drop;
        {accept}
    }}
}}
"""
# Its neighbour, in a network namespace of its own: the leaf.
LEAF = """router bgp 65001
 bgp router-id 10.9.0.2
 no bgp ebgp-requires-policy
 neighbor 10.9.0.1 remote-as 4210000001
 neighbor 10.9.0.1 timers 1 3
 neighbor 10.9.0.1 timers connect 1
"""
OPEN = "tcp dport != 1 counter accept\n        tcp sport != 1 counter accept"
BGP_ALONE = "tcp dport 179 counter accept\n        tcp sport 179 counter accept"
# How the applier is run: with time for all, with none for sessions that must not come up, and with
# none for a confirmation that must not come.
PATIENTLY = f"APPLIER_SETTLE=15 APPLIER_TIMEOUT={PATIENT}"
HURRIED = f"APPLIER_SETTLE=3 APPLIER_TIMEOUT={PATIENT}"
HASTILY = "APPLIER_SETTLE=15 APPLIER_TIMEOUT=4"
HASTY = Timeouts(connect=5, keepalive=2, after_rollback=60, ask_again=0.2)


def shell(*commands: str) -> str:
    done = [
        subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
        for command in commands
    ]
    return "".join(result.stdout for result in done)


@contextmanager
def firewall() -> Iterator[None]:
    """FRR's daemons with folders of their own."""
    shell("mount --make-rprivate /", "ip link set lo up")
    for folder in ("/run/frr", "/var/log/frr", "/etc/frr"):
        shell(f"mkdir -p {folder} && mount -t tmpfs none {folder} && chown frr:frr {folder}")
    shell(
        "echo 'service integrated-vtysh-config' >/etc/frr/vtysh.conf;"
        " touch /etc/frr/frr.conf; chown -R frr:frr /etc/frr"
    )
    try:
        for daemon in DAEMONS:
            shell(f"/usr/lib/frr/{daemon} -d -A 127.0.0.1 -i /run/frr/{daemon}.pid >/dev/null 2>&1")
        yield
    finally:
        shell("for pid in /run/frr/*.pid; do kill $(cat $pid); done")


@contextmanager
def leaf() -> Iterator[None]:
    """A neighbour that a BGP session comes up with."""
    name, vty = f"sn-leaf-{os.getpid()}", Path("/run/frr/leaf")
    inside, common = f"ip netns exec {name}", f"-d -A 127.0.0.1 -z {vty}/zebra --vty_socket {vty}"
    vty.mkdir()
    (vty / "conf").write_text(LEAF)
    shell(
        f"ip netns add {name}",
        "ip link add up0 type veth peer name down0",
        f"ip link set down0 netns {name}",
        "ip address add 10.9.0.1/30 dev up0 && ip link set up0 up",
        f"{inside} ip address add 10.9.0.2/30 dev down0",
        f"{inside} ip link set down0 up",
        f"{inside} ip link set lo up",
        f"chown -R frr:frr {vty}",
        f"{inside} /usr/lib/frr/zebra {common} -i {vty}/zebra.pid >/dev/null 2>&1",
        f"{inside} /usr/lib/frr/bgpd {common} -i {vty}/bgpd.pid -f {vty}/conf >/dev/null 2>&1",
    )
    try:
        yield
    finally:
        shell(f"kill $(cat {vty}/*.pid); ip netns delete {name}")


def session_is_up(seconds: float = 60) -> bool:
    """Whether the session with the leaf comes up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if "Established" in shell("vtysh -c 'show bgp neighbors 10.9.0.2'"):
            return True
        time.sleep(0.2)
    return False


def files(number: int, accept: str = OPEN, leaf: int = 65001) -> dict[str, str]:
    return {
        "/etc/frr/frr.conf": ROUTES.format(number=number, leaf=leaf),
        "/etc/nftables.conf": RULES.format(accept=accept),
    }


def running_configuration() -> list[str]:
    return shell("vtysh -c 'show running-config no-header'").splitlines()


def running() -> Results:
    """What the kernel and FRR have now."""
    rules = shell("nft -s list ruleset")
    router = [line.split()[-1] for line in running_configuration() if "router-id" in line]
    return {
        "router": router,
        "policy": "drop" if "policy drop" in rules else "",
        "open": "accept" in rules,
    }


@dataclass(frozen=True)
class Life:
    """One firewall's: its files, and how it is reached."""

    root: Path
    target: Target
    key: Path


def as_asked(life: Life) -> Results:
    """Pushes that are confirmed, or refused before anything is changed."""
    outcome, steps = pushed(life.target, files(1), life.key)
    results: Results = {
        "first": {
            "outcome": outcome.state,
            "steps": {name: step.state for name, step in last(steps).items()},
            "now": running(),
        }
    }
    results["again"] = {
        "outcome": pushed(life.target, files(1), life.key)[1][-1].output,
        "now": running(),
    }
    results["without drift"] = drift(life)
    results["by hand"] = by_hand(life)
    results["shared no more"] = shared_no_more(life)
    shell("nft flush ruleset")
    results["flushed by hand"] = {
        "outcome": pushed(life.target, files(1), life.key)[0].state,
        "now": running(),
    }
    results["bad"] = bad(life)
    results["left empty"] = left_empty(life)
    results["bgpd is dead"] = without_bgpd(life)
    return results


def taken_back(life: Life) -> Results:
    """Pushes that the firewall takes back."""
    first = pushed(life.target, files(1), life.key)[0].state
    results: Results = {"session": first == "confirmed" and session_is_up()}
    shell(
        "nft add table inet other"
    )  # somebody else's: neither a push nor its rollback may take it away
    with reached(life.root, life.root.parent / "hurried", HURRIED) as hurried:
        lost = pushed(hurried.target, files(6, leaf=65002), hurried.key)
        results["session lost"] = refused_at("check-bgp", lost) | {
            "again": session_is_up(),
            "now": running(),
        }
    results["probe"] = with_probe(life) | {
        "now": running(),
        "others": "chain late" in shell("nft list table inet other"),
    }
    with reached(life.root, life.root.parent / "hasty", HASTILY) as hasty:
        return results | cut_off(hasty)


@contextmanager
def reached(root: Path, folder: Path, environment: str) -> Iterator[Life]:
    """The firewall over an sshd whose applier has this in its environment."""
    where, then = f"APPLIER_ROOT={root}", shlex.join(program())
    with sshd(folder, f"{where} {environment} {then}") as (target, key):
        yield Life(root, target, key)


LIVES: Mapping[str, Callable[[Life], Results]] = {"asked": as_asked, "taken": taken_back}


def play(folder: Path, name: str) -> Results:
    """The pushes of one firewall's life, and how it was after each."""
    root = practice.ensure_root(folder, "real")
    with firewall(), leaf(), reached(root, folder / "ssh", PATIENTLY) as life:
        return LIVES[name](life)


def cut_off(life: Life) -> Results:
    """A rule set that cuts SSH, and a push that nobody confirms."""
    outcome, _ = pushed(life.target, files(2, accept=BGP_ALONE), life.key, HASTY)
    locked_out = {
        "outcome": outcome.state,
        "error": outcome.error,
        "now": running(),
        "files": contents(life.root) == files(1),
    }
    others = "table inet other" in shell("nft list ruleset")
    nobody = {
        "outcome": unconfirmed(life),
        "settled": settled(life.root, files(1), seconds=60),
        "now": running(),
    }
    return {"locked out": locked_out, "others": others, "unconfirmed": nobody}


def bad(life: Life) -> Results:
    """A configuration that FRR refuses."""
    outcome, _ = pushed(life.target, files(4) | {"/etc/frr/frr.conf": "routr bgp\n"}, life.key)
    return {"outcome": outcome.state, "error": outcome.error, "now": running()}


def without_bgpd(life: Life) -> Results:
    before = contents(life.root)
    shell("kill $(cat /run/frr/bgpd.pid)")
    wait_until(lambda: "bgpd" not in shell("vtysh -c 'show daemons'"))
    outcome, _ = pushed(life.target, files(5), life.key)
    shell("rm /run/frr/bgpd.pid")
    return {
        "outcome": outcome.state,
        "error": outcome.error,
        "files": contents(life.root) == before,
    }


def left_empty(life: Life) -> Results:
    """What is left on a firewall that was freed and kept nothing of before."""
    wanted = empty("real", [ip_network("127.0.0.0/8")])
    wanted["/etc/nftables.conf"] = wanted["/etc/nftables.conf"].replace(
        "tcp dport 22", f"tcp dport {life.target.port}"
    )
    outcome, _ = pushed(life.target, wanted, life.key)
    rules, routing = shell("nft -s list ruleset"), running_configuration()
    return {
        "outcome": outcome.state,
        "error": outcome.error,
        "tables": [line for line in rules.splitlines() if line.startswith("table")],
        "policies": sorted(
            line.split("policy ")[1] for line in rules.splitlines() if "policy" in line
        ),
        "routing": [line for line in routing if "bgp" in line or "vrf" in line],
        "drift": {name: lines for name, lines in drift(life).items() if lines},
    }


def drift(life: Life) -> dict[str, list[str]]:
    """What has changed on the box since it was pushed to: added and removed lines, by name."""
    inspection = asyncio.run(transport.inspect(life.target, key_path=life.key))
    changes = {}
    for name, (applied, now) in inspection.running.items():
        before, after = set(applied.splitlines()), set(now.splitlines())
        changes[name] = [f"+{line.strip()}" for line in after - before] + [
            f"-{line.strip()}" for line in before - after
        ]
    return changes


def by_hand(life: Life) -> Results:
    """Somebody changes the rules and the routing by hand; a push of the same puts both right."""
    shell(
        "nft insert rule inet metal input tcp dport 4444 accept",
        "vtysh -c 'configure terminal' -c 'ip route 192.0.2.0/24 blackhole'",
    )
    drifted = drift(life)
    outcome, steps = pushed(life.target, files(1), life.key)
    return {
        "found": drifted,
        "outcome": outcome.state,
        "loaded": "load-frr" in last(steps),
        "left": drift(life),
    }


def shared_no_more(life: Life) -> Results:
    """A VRF goes, and with it the import of its only importer."""
    head, _, rest = ROUTES.partition("  import vrf shared\n")
    fewer = (head + rest).replace("router bgp 4210000001 vrf shared\nexit\n!\n", "")
    routing = {"/etc/frr/frr.conf": fewer.format(number=1, leaf=65001)}
    outcome, _ = pushed(life.target, files(1) | routing, life.key)
    left = [line.strip() for line in running_configuration() if "shared" in line]
    back, _ = pushed(life.target, files(1), life.key)
    return {
        "outcome": outcome.state,
        "left": left,
        "back": back.state,
        "error": outcome.error + back.error,
    }


def refused_at(step: str, result: tuple[transport.Outcome, list[transport.Step]]) -> Results:
    outcome, steps = result
    return {
        "outcome": outcome.state,
        "error": outcome.error,
        "step": last(steps)[step].state if step in last(steps) else "",
    }


def with_probe(life: Life) -> Results:
    """The box's owner wants something to be true that the new configuration makes untrue.

    Meanwhile somebody else changes a table of theirs, which is not taken back with the push.
    """
    probe = life.root / "etc/shared-networks/probes/storage"
    probe.parent.mkdir(parents=True)
    probe.write_text(
        "#!/bin/sh\necho storage is away\nnft add chain inet other late\n"
        "! vtysh -c 'show running-config' | grep -q 10.0.0.7\n"
    )
    probe.chmod(0o755)
    results = refused_at("probe", pushed(life.target, files(7), life.key))
    probe.unlink()
    return results


def unconfirmed(life: Life) -> str:
    """Push through a gate that lets nobody confirm."""

    async def run() -> str:
        async with gate(life.target, lambda number: number == 1) as (_, behind):
            at_once = Timeouts(connect=5, after_rollback=0)
            return (await pushing(behind, files(3), life.key, at_once))[0].state

    return asyncio.run(run())


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]), sys.argv[2])))
