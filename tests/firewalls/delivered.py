"""A firewall as metal-stack delivers it: the units that its installer writes.

One VLAN-aware bridge for all VRFs, whose VLANs are counted from 1000, and whose routing tables have
the same numbers.
"""

from collections.abc import Mapping, Sequence

FOLDER = "/etc/systemd/network"
FIRST_VLAN = 1000


def units(
    router_id: str,
    uplinks: Sequence[str],
    addresses: Mapping[int, Sequence[str]],
    folder: str = FOLDER,
) -> dict[str, str]:
    """The units by path; `addresses` are the firewall's own in each VRF, as CIDRs."""
    vlans = {vrf: FIRST_VLAN + 2 * place for place, vrf in enumerate(addresses)}
    files = {
        "00-lo.network": f"[Match]\nName=lo\n\n[Address]\nAddress={router_id}/32\n",
        "20-bridge.netdev": "[NetDev]\nName=bridge\nKind=bridge\nMTUBytes=9000\n\n"
        "[Bridge]\nDefaultPVID=none\nVLANFiltering=yes\n",
        "20-bridge.network": "[Match]\nName=bridge\n\n[Network]\n"
        + "".join(f"VLAN=vlan{vrf}\n" for vrf in vlans)
        + "".join(f"\n[BridgeVLAN]\nVLAN={vlan}\n" for vlan in vlans.values()),
    }
    tunnels = "".join(f"VXLAN=vni{vrf}\n" for vrf in vlans)
    for place, uplink in enumerate(uplinks):
        files[f"1{place}-{uplink}.network"] = (
            f"[Match]\nName={uplink}\n\n[Network]\nIPv6AcceptRA=no\n{tunnels}"
        )
    for place, vrf in enumerate(vlans):
        files |= _of_network(30 + place, vrf, vlans[vrf], addresses[vrf], router_id)
    return {f"{folder}/{name}": text for name, text in files.items()}


def _of_network(
    number: int, vrf: int, vlan: int, addresses: Sequence[str], router_id: str
) -> dict[str, str]:
    given = "".join(f"Address={address}\n" for address in addresses)
    return {
        f"{number}-svi-{vrf}.netdev": f"[NetDev]\nName=vlan{vrf}\nKind=vlan\n\n[VLAN]\nId={vlan}\n",
        f"{number}-svi-{vrf}.network": f"[Match]\nName=vlan{vrf}\n\n[Link]\nMTUBytes=9000\n\n"
        f"[Network]\nVRF=vrf{vrf}\n{given}",
        f"{number}-vrf-{vrf}.netdev": f"[NetDev]\nName=vrf{vrf}\nKind=vrf\n\n[VRF]\nTable={vlan}\n",
        f"{number}-vrf-{vrf}.network": f"[Match]\nName=vrf{vrf}\n",
        f"{number}-vxlan-{vrf}.netdev": f"[NetDev]\nName=vni{vrf}\nKind=vxlan\n\n[VXLAN]\n"
        f"VNI={vrf}\nLocal={router_id}\nUDPChecksum=true\nMacLearning=false\n"
        "DestinationPort=4789\n",
        f"{number}-vxlan-{vrf}.network": f"[Match]\nName=vni{vrf}\n\n[Link]\nMTUBytes=9000\n\n"
        f"[Network]\nBridge=bridge\n\n[BridgeVLAN]\nPVID={vlan}\nEgressUntagged={vlan}\n",
    }
