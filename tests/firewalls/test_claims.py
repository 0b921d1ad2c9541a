"""Which units of others stand in the way of a configuration, and which stay beside it."""

import pytest

from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from firewalls.device.applier.claims import claims
from tests.firewalls.delivered import units
from tests.firewalls.situations import CONSUMER

OURS = {
    path.lstrip("/"): text
    for path, text in render(plan(CONSUMER)).items()
    if path.startswith("/etc/systemd/network/")
}
NETWORKS = {3981: ["10.128.64.2/32"], 3982: ["10.128.0.100/32"], 104009: ["203.0.113.3/32"]}
DELIVERED = units("10.4.1.3", ["lan0", "lan1"], NETWORKS, "etc/systemd/network")
MACS = {"lan0": "52:54:00:00:00:01", "mgmt0": "52:54:00:00:00:09"}
FOLDER = "etc/systemd/network"


def claimed(name: str, text: str, folder: str = FOLDER) -> str:
    return claims(OURS, {f"{folder}/{name}": text}, MACS).get(f"{folder}/{name}", "")


def test_all_that_metal_stacks_installer_writes_is_in_the_way() -> None:
    assert set(claims(OURS, DELIVERED, MACS)) == set(DELIVERED)


def test_the_reason_names_the_devices() -> None:
    found = claims(OURS, DELIVERED, MACS)
    assert found[f"{FOLDER}/30-vrf-3981.netdev"] == "names vrf3981"
    assert found[f"{FOLDER}/00-lo.network"] == "names lo"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("05-any.network", "Name=*"),
        ("05-uplinks.network", "Name=eth* lan*"),
        ("05-all-but.network", "Name=!mgmt*"),
        ("05-ether.network", "Type=ether"),
        ("05-mac.network", "MACAddress=52:54:00:00:00:01"),
        ("05-netplan.network", "PermanentMACAddress=52:54:00:00:00:01\nName=lan0"),
        ("99-exact.network", "Name=lan0"),
    ],
)
def test_a_unit_that_networkd_would_take_for_a_device_of_ours_is_in_the_way(
    name: str, match: str
) -> None:
    assert "lan0" in claimed(name, f"[Match]\n{match}\n\n[Network]\nDHCP=yes\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("05-management.network", "[Match]\nName=mgmt0\n"),
        ("05-management.network", "[Match]\nMACAddress=52:54:00:00:00:09\n"),
        ("99-any.network", "[Match]\nName=*\n"),  # ours come first
        ("05-all-but.network", "[Match]\nName=!lan* lo vni* vrf* vlan* bridge*\n"),
        ("05-wifi.network", "[Match]\nType=wlan\n"),
        ("05-management-in-vrf.network", "[Match]\nName=mgmt0\n[Network]\nVRF=vrf104009\n"),
        ("05-vpn.netdev", "[NetDev]\nName=wg0\nKind=wireguard\n"),
        ("10-lan0.link", "[Match]\nPermanentMACAddress=52:54:00:00:00:01\n[Link]\nName=lan0\n"),
        ("05-comment.network", "[Match]\n# Name=lan0\nName=mgmt0\n"),
    ],
)
def test_a_unit_for_something_else_stays(name: str, text: str) -> None:
    assert claimed(name, text) == ""


def test_a_device_that_has_an_address_of_ours_goes_with_what_makes_and_carries_it() -> None:
    others = {
        f"{FOLDER}/20-br.netdev": "[NetDev]\nName=br\nKind=bridge\n",
        f"{FOLDER}/20-br.network": "[Match]\nName=br\n[Network]\nVLAN=svi\n",
        f"{FOLDER}/30-svi.netdev": "[NetDev]\nName=svi\nKind=vlan\n[VLAN]\nId=7\n",
        f"{FOLDER}/30-svi.network": "[Match]\nName=svi\n[Network]\nAddress=10.128.64.2/32\n",
    }
    assert set(claims(OURS, others, MACS)) == set(others)


def test_what_ends_a_vxlan_of_ours_in_a_device_of_its_own_goes() -> None:
    others = {
        f"{FOLDER}/30-svi.netdev": "[NetDev]\nName=svi\nKind=vlan\n[VLAN]\nId=7\n",
        f"{FOLDER}/30-svi.network": "[Match]\nName=svi\n[Network]\nVRF=vrf104009\n",
    }
    assert set(claims(OURS, others, MACS)) == set(others)


def test_a_bridge_that_carries_something_else_too_stays() -> None:
    bridge = {
        f"{FOLDER}/20-br.netdev": "[NetDev]\nName=br\nKind=bridge\n",
        f"{FOLDER}/20-br.network": "[Match]\nName=br\n[Network]\nVLAN=svi\nVLAN=other\n",
    }
    svi = {
        f"{FOLDER}/30-svi.netdev": "[NetDev]\nName=svi\nKind=vlan\n[VLAN]\nId=7\n",
        f"{FOLDER}/30-svi.network": "[Match]\nName=svi\n[Network]\nAddress=10.128.64.2/32\n",
    }
    assert set(claims(OURS, bridge | svi, MACS)) == set(svi)


def test_units_of_ours_are_not_in_their_own_way() -> None:
    assert claims(OURS, {}, MACS) == {}
