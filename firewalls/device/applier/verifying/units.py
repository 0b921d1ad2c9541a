"""What the units of systemd-networkd say of devices, by what the kernel tells of them.

Known are the keys that the product's templates use. Others are passed over, so a test compares the
two. What a unit says of networkd alone, and not of the kernel, is not looked at.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# By section and key of a unit: where `ip -d -j address` tells it, and what people call it.
LOOKED_AT = {
    "NetDev MTUBytes": ("mtu", "MTU"),
    "NetDev MACAddress": ("address", "MAC address"),
    "Link MTUBytes": ("mtu", "MTU"),
    "Link MACAddress": ("address", "MAC address"),
    "Bridge VLANFiltering": ("linkinfo info_data vlan_filtering", "VLAN filtering"),
    "Bridge DefaultPVID": ("linkinfo info_data vlan_default_pvid", "default PVID"),
    "Bridge STP": ("linkinfo info_data stp_state", "spanning tree"),
    "Bridge MulticastSnooping": ("linkinfo info_data mcast_snooping", "multicast snooping"),
    "Bridge Learning": ("linkinfo info_slave_data learning", "learning as a port"),
    "Bridge NeighborSuppression": ("linkinfo info_slave_data neigh_suppress", "suppression"),
    "Bridge Isolated": ("linkinfo info_slave_data isolated", "isolation"),
    "VLAN Id": ("linkinfo info_data id", "VLAN id"),
    "VXLAN VNI": ("linkinfo info_data id", "VNI"),
    "VXLAN Local": ("linkinfo info_data local", "local address"),
    "VXLAN DestinationPort": ("linkinfo info_data port", "port"),
    "VXLAN MacLearning": ("linkinfo info_data learning", "learning of MAC addresses"),
    "VXLAN UDPChecksum": ("linkinfo info_data udp_csum", "UDP checksum"),
    "VRF Table": ("linkinfo info_data table", "table"),
    "Network VRF": ("master", "master"),
    "Network Bridge": ("master", "master"),
}
WORDS = {"true": "yes", "on": "yes", "1": "yes", "false": "no", "off": "no", "0": "no"}
NUMBERS = ("VNI", "VLAN id", "table", "MTU", "port")


class Device:
    """A device as the units want it: its kind where a unit makes it, settings, addresses, routes.

    `settings` are by where the kernel tells them. `routes` are (table, destination, what it is or
    the device that it leads over, metric).
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = ""
        self.settings: dict[str, tuple[str, str]] = {}
        self.addresses: list[str] = []
        self.routes: list[tuple[str, str, str, str]] = []
        self.is_set_up = False  # by a .network
        self.units: list[str] = []  # their paths

    def master(self) -> str:
        """The bridge or VRF that it is a part of."""
        return self.settings.get("master", ("", ""))[1]


def devices(texts: dict[str, str]) -> dict[str, Device]:
    """Those that some units describe, by name; the texts are by path."""
    described: dict[str, Device] = {}
    for path, text in sorted(texts.items()):
        sections = list(_sections(text))
        name = next((fields["Name"] for _, fields in sections if "Name" in fields), "")
        device = described.setdefault(name, Device(name))
        device.is_set_up = device.is_set_up or path.endswith(".network")
        device.units.append(path)
        for section, fields in sections:
            _describe(device, section, fields)
            for lower in fields.get("VLAN", "").split() if section == "Network" else ():
                upper = described.setdefault(lower, Device(lower))
                upper.settings["link"] = ("lower device", name)
    return described


def _sections(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The sections of a unit. A key that is there more than once has its values in one line."""
    section, fields = "", dict[str, str]()
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if line.startswith("["):
            yield section, fields
            section, fields = line.strip("[] "), {}
        elif equals and not key.startswith(("#", ";")):
            fields[key] = f"{fields[key]} {value}" if key in fields else value
    yield section, fields


def _describe(device: Device, section: str, fields: dict[str, str]) -> None:
    device.kind = fields.get("Kind", device.kind) if section == "NetDev" else device.kind
    for key, value in fields.items():
        where, what = LOOKED_AT.get(f"{section} {key}", ("", ""))
        if where:
            device.settings[where] = (what, plain(value, what))
    if section in ("Network", "Address"):
        device.addresses += fields.get("Address", "").split()
    if section == "Route" and "Type" in fields:
        keys = ("Table", "Destination", "Type", "Metric")
        table, destination, kind, metric = (fields.get(key, "") for key in keys)
        leads = f"dev {device.name}" if kind == "unicast" else kind
        device.routes.append((table, destination, leads, metric))


def plain(value: object, what: str) -> str:
    """A value as units and kernel have it in common: truth has many words, `none` is no number."""
    text = str(value).lower()
    if what in NUMBERS:
        return text
    if what == "default PVID":
        return "none" if text == "0" else text
    return WORDS.get(text, text)
