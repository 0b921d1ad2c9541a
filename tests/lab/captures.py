"""What a run leaves for reading: packets as tcpdump wrote them, and the configurations that ran."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.lab.guest_machine import PROCESSORS
from tests.lab.running import Lab
from tests.lab.topology import FIREWALLS, SWITCHES

# By file; starting programs is what costs an emulated processor.
SHOWN = {
    "frr.txt": "vtysh {pathspace} -c 'show running-config' -c 'show bgp summary' -c 'show bgp l2vpn evpn' -c 'show evpn vni'",
    "network.txt": "ip route show table all; ip -6 route show table all; ip -d address",
    "nftables.txt": "nft list ruleset",
}
NEXT = "--- next file ---"


@contextmanager
def captured(lab: Lab) -> Iterator[None]:
    """Capture on every firewall as long as the block runs, then keep packets and running configurations."""
    names = [firewall.name for firewall in FIREWALLS]
    dumps = [
        f"nsenter --net=/run/netns/{name} tcpdump -q -i any -s 160 -U -w /run/lab/{name}.pcap >/dev/null 2>&1 &"
        for name in names
    ]
    lab.guest.run("\n".join(dumps))
    try:
        yield
    finally:
        keep(lab)


def keep(lab: Lab) -> None:
    """The captures so far and what runs now, a folder each."""
    names = [firewall.name for firewall in FIREWALLS]
    lab.guest.run("killall -q -w tcpdump || pkill -x tcpdump || true")
    with ThreadPoolExecutor(PROCESSORS) as pool:
        list(
            pool.map(
                lambda name: _keep(lab, name, box=name in names),
                [*(switch.name for switch in SWITCHES), *names],
            )
        )


def _keep(lab: Lab, name: str, *, box: bool) -> None:
    folder = lab.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    files = [file for file in SHOWN if box or file != "nftables.txt"]
    script = f"; echo '{NEXT}'; ".join(
        SHOWN[file].format(pathspace="" if box else f"-N {name}") for file in files
    )
    said = lab.guest.run(script, box=name if box else "", node="" if box else name, check=False)
    for file, text in zip(files, said.split(f"{NEXT}\n"), strict=True):
        (folder / file).write_text(text)
    if box:
        (folder / "packets.pcap").write_bytes(lab.guest.read(f"/run/lab/{name}.pcap"))
