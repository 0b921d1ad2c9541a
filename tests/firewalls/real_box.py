"""A real firewall in namespaces of its own: FRR's daemons, the kernel's nftables, sshd, and the applier with nothing left out.

    unshare --net --mount python -m tests.firewalls.real_box FOLDER

Tells what happened as JSON. Nothing of the machine it runs on is touched.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firewalls import practice
from firewalls.transport import Target, Timeouts
from tests.firewalls.boxes import contents, gate, last, pushed, pushing, settled, sshd

DAEMONS = ("zebra", "bgpd", "staticd")
ROUTES = """frr version 8.4.4
frr defaults datacenter
!
router bgp 4210000001
 bgp router-id 10.0.0.{number}
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
OPEN = "tcp dport != 1 counter accept\n        tcp sport != 1 counter accept"
HASTY = Timeouts(connect=1, keepalive=1, after_rollback=10, again=0.2)


def shell(*commands: str) -> str:
    done = [subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True) for command in commands]
    return "".join(result.stdout for result in done)


@contextmanager
def firewall() -> Iterator[None]:
    """FRR's daemons with folders of their own."""
    shell("mount --make-rprivate /", "ip link set lo up")
    for folder in ("/run/frr", "/var/log/frr", "/etc/frr"):
        shell(f"mkdir -p {folder} && mount -t tmpfs none {folder} && chown frr:frr {folder}")
    shell("echo 'service integrated-vtysh-config' >/etc/frr/vtysh.conf; touch /etc/frr/frr.conf; chown -R frr:frr /etc/frr")
    try:
        for daemon in DAEMONS:
            shell(f"/usr/lib/frr/{daemon} -d -A 127.0.0.1 -i /run/frr/{daemon}.pid >/dev/null 2>&1")
        yield
    finally:
        shell("for pid in /run/frr/*.pid; do kill $(cat $pid); done")


def files(number: int, accept: str = OPEN) -> dict[str, str]:
    return {"/etc/frr/frr.conf": ROUTES.format(number=number), "/etc/nftables.conf": RULES.format(accept=accept)}


def running() -> dict[str, object]:
    """What the kernel and FRR have now."""
    rules = shell("nft -s list ruleset")
    router = [line.split()[-1] for line in shell("vtysh -c 'show running-config no-header'").splitlines() if "router-id" in line]
    return {"router": router, "policy": "drop" if "policy drop" in rules else "", "open": "accept" in rules}


def tell(folder: Path) -> dict[str, object]:
    """The pushes of one firewall's life, and how it was after each."""
    root = practice.ensure_root(folder, "real")
    told: dict[str, object] = {}
    command = f"APPLIER_ROOT={root} APPLIER_TIMEOUT=2 sh {practice.APPLIER}"
    with firewall(), sshd(folder / "ssh", command) as (target, key):
        outcome, steps = pushed(target, files(1), key)
        told["first"] = {"outcome": outcome.state, "steps": {name: step.state for name, step in last(steps).items()}, "now": running()}
        told["again"] = {"outcome": pushed(target, files(1), key)[1][-1].output, "now": running()}
        shell("nft flush ruleset")
        told["flushed by hand"] = {"outcome": pushed(target, files(1), key)[0].state, "now": running()}
        shell("nft add table inet other")  # somebody else's: neither a push nor its rollback may take it away
        outcome, _ = pushed(target, files(2, accept=""), key, HASTY)
        told["locked out"] = {"outcome": outcome.state, "error": outcome.error, "now": running(), "files": contents(root) == files(1)}
        told["others"] = "table inet other" in shell("nft list ruleset")
        told["unconfirmed"] = {"outcome": unconfirmed(target, key), "settled": settled(root, files(1)), "now": running()}
        outcome, steps = pushed(target, files(4) | {"/etc/frr/frr.conf": "routr bgp\n"}, key)
        told["bad"] = {"outcome": outcome.state, "error": outcome.error, "now": running()}
        shell("kill $(cat /run/frr/bgpd.pid)")
        time.sleep(0.2)
        outcome, steps = pushed(target, files(5), key)
        told["bgpd is dead"] = {"outcome": outcome.state, "error": outcome.error, "files": contents(root) == files(1)}
        shell("rm /run/frr/bgpd.pid")
    return told


def unconfirmed(target: Target, key: Path) -> str:
    """Push through a gate that lets nobody confirm."""

    async def run() -> str:
        async with gate(target, lambda number: number == 1) as (_, seen):
            return (await pushing(seen, files(3), key, Timeouts(connect=1, after_rollback=0)))[0].state

    return asyncio.run(run())


if __name__ == "__main__":
    print(json.dumps(tell(Path(sys.argv[1]))))
