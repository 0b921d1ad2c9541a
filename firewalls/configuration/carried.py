"""What a configuration gives its firewall, and where it leads, read off its files.

Off the files and not off the plan, for they are what is sent, and what old revisions still have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from networks.common.addressing import IP

LOOPBACK = "/etc/systemd/network/00-sn-lo.network"
_DEVICE = re.compile(r"/etc/systemd/network/30-sn-(?:bridge|vlan)(\d+)\.network")
_VRF = re.compile(r"/etc/systemd/network/30-sn-vrf(\d+)\.netdev")
_ADDRESS = re.compile(r"^Address=([0-9a-f.:]+)/(?:32|128)$", re.M)
_ASN = re.compile(r"^router bgp (\d+)(?: vrf \S+)?$", re.M)
_TARGET = re.compile(r"\bdnat (?:ip to ([0-9.]+):|ip6 to \[([0-9a-f:.]+)\]:)")


@dataclass(frozen=True, slots=True)
class Carries:
    """Own addresses, each with its VRF id (0 for the loopback), VRF ids, AS numbers, and targets.

    `targets`: the addresses of machines that endpoints lead to.
    """

    addresses: Mapping[IP, int]
    vrfs: frozenset[int]
    asns: frozenset[int]
    targets: frozenset[IP]


def carries(files: Mapping[str, str]) -> Carries:
    """What these files of ours give a firewall; nothing for those of somebody else."""
    addresses: dict[IP, int] = {}
    vrfs, asns, targets = set(), set(), set()
    for path, text in files.items():
        device = _DEVICE.fullmatch(path)
        if device or path == LOOPBACK:
            vrf = int(device[1]) if device else 0
            addresses |= {ip_address(ip): vrf for ip in _ADDRESS.findall(text)}
        elif netdev := _VRF.fullmatch(path):
            vrfs.add(int(netdev[1]))
        elif path == "/etc/frr/frr.conf":
            asns |= {int(asn) for asn in _ASN.findall(text)}
        elif path == "/etc/nftables.conf":
            targets |= {ip_address(v4 or v6) for v4, v6 in _TARGET.findall(text)}
    return Carries(addresses, frozenset(vrfs), frozenset(asns), frozenset(targets - {*addresses}))
