"""What a run leaves for reading: packets as tcpdump wrote them, and the configurations that ran."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.running import Lab
from tests.lab.topology import FIREWALLS, SWITCHES

SHOWN = {
    "frr.conf": "vtysh {pathspace} -c 'show running-config'",
    "bgp.txt": "vtysh {pathspace} -c 'show bgp summary' -c 'show bgp l2vpn evpn' -c 'show evpn vni'",
    "routes.txt": "ip route show table all; ip -6 route show table all",
    "interfaces.txt": "ip -d address",
    "nftables.txt": "nft list ruleset",
}


@contextmanager
def captured(lab: Lab) -> Iterator[None]:
    """Capture on every firewall as long as the block runs, then keep packets and running configurations."""
    names = [firewall.name for firewall in FIREWALLS]
    dumps = [f"nsenter --net=/run/netns/{name} tcpdump -q -i any -s 160 -U -w /run/lab/{name}.pcap >/dev/null 2>&1 &" for name in names]
    lab.guest.run("\n".join(dumps))
    try:
        yield
    finally:
        keep(lab)


def keep(lab: Lab) -> None:
    """The captures so far and what runs now, a folder each."""
    names = [firewall.name for firewall in FIREWALLS]
    lab.guest.run("killall -q -w tcpdump || pkill -x tcpdump || true")
    for name in [*(switch.name for switch in SWITCHES), *names]:
        folder = lab.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        box, pathspace = (name, "") if name in names else ("", f"-N {name}")
        for file, command in SHOWN.items():
            if not (file == "nftables.txt" and not box):
                said = lab.guest.run(command.format(pathspace=pathspace), box=box, node="" if box else name, check=False)
                (folder / file).write_text(said)
    for name in names:
        (lab.folder / name / "packets.pcap").write_bytes(lab.guest.read(f"/run/lab/{name}.pcap"))
