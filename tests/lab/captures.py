"""What a run leaves for reading: packets as tcpdump wrote them, and the configurations that ran."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.lab.guest_machine import PROCESSORS
from tests.lab.running import Lab
from tests.lab.topology import FIREWALLS, SWITCHES

# By file: what prints it. One script per node, for starting programs costs an emulated processor.
FRR_COMMANDS = (
    "show running-config",
    "show bgp summary",
    "show bgp l2vpn evpn",
    "show evpn vni",
)
NETWORK = "ip route show table all; ip -6 route show table all; ip -d address"
NFTABLES = "nft list ruleset"
SEPARATOR = "--- next file ---"


@contextmanager
def captured(lab: Lab) -> Iterator[None]:
    """Capture on every firewall while the block runs, then keep packets and configurations."""
    dumps = [
        f"nsenter --net=/run/netns/{firewall.name}"
        f" tcpdump -q -i any -s 160 -U -w /run/lab/{firewall.name}.pcap >/dev/null 2>&1 &"
        for firewall in FIREWALLS
    ]
    lab.guest.run("\n".join(dumps))
    try:
        yield
    finally:
        keep(lab)


def keep(lab: Lab) -> None:
    """End the captures, and keep them and what runs now in a folder for each node."""
    lab.guest.run("killall -q -w tcpdump || pkill -x tcpdump || true")
    with ThreadPoolExecutor(PROCESSORS) as pool:
        switches = pool.map(lambda switch: _keep_switch(lab, switch.name), SWITCHES)
        firewalls = pool.map(lambda firewall: _keep_firewall(lab, firewall.name), FIREWALLS)
        list(switches)
        list(firewalls)


def _keep_switch(lab: Lab, name: str) -> None:
    scripts = {"frr.txt": _vtysh(f"-N {name}"), "network.txt": NETWORK}
    output = lab.guest.run(_joined(scripts), node=name, check=False)
    _write(lab, name, scripts, output)


def _keep_firewall(lab: Lab, name: str) -> None:
    scripts = {"frr.txt": _vtysh(), "network.txt": NETWORK, "nftables.txt": NFTABLES}
    output = lab.guest.run(_joined(scripts), firewall=name, check=False)
    _write(lab, name, scripts, output)
    (lab.folder / name / "packets.pcap").write_bytes(lab.guest.read(f"/run/lab/{name}.pcap"))


def _vtysh(pathspace: str = "") -> str:
    return " ".join(["vtysh", pathspace, *(f"-c '{command}'" for command in FRR_COMMANDS)])


def _joined(scripts: dict[str, str]) -> str:
    return f"; echo '{SEPARATOR}'; ".join(scripts.values())


def _write(lab: Lab, name: str, scripts: dict[str, str], output: str) -> None:
    folder = lab.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in zip(scripts, output.split(f"{SEPARATOR}\n"), strict=True):
        (folder / file).write_text(text)
