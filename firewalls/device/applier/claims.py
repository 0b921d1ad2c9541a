"""Which units of others stand in the way of ours: pure, from what the units say.

systemd-networkd takes the first .network that matches a device, by the names of the files, and
never changes a device that is there already. So a unit of somebody else that names a device of ours
may win, or leave half of ours without effect, and says nothing. The product judges by the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

KINDS = (".netdev", ".network")
STACKED = ("VLAN", "VXLAN", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP", "Tunnel")
BRIDGING = ("vlan", "bridge")
WILD = "*?["


class Unit:
    """A .netdev or a .network, read as far as it says which devices it is about."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.file = path.rpartition("/")[2]
        self.makes = ""  # the device that a .netdev makes
        self.kind = ""
        self.matches: list[str] = []  # the names that a .network wants, as patterns
        self.conditions: dict[str, list[str]] = {}  # what else it wants of a device
        self.stacks: list[str] = []  # devices that are put on top of its own
        self.vrf = ""  # that its devices become a part of
        self.addresses: list[str] = []
        section = ""
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                section = line.strip("[]")
            key, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                self._read(section, key.strip(), value.strip())

    def _read(self, section: str, key: str, value: str) -> None:
        if section == "NetDev" and key == "Name":
            self.makes = value
        elif section == "NetDev" and key == "Kind":
            self.kind = value
        elif section == "Match" and key == "Name":
            self.matches += value.split()
        elif section == "Match":
            self.conditions.setdefault(key, []).extend(value.lower().split())
        elif section == "Network" and key in STACKED:
            self.stacks.append(value)
        elif section == "Network" and key == "VRF":
            self.vrf = value
        elif section in ("Network", "Address") and key == "Address":
            self.addresses.append(value.lower())

    @property
    def devices(self) -> list[str]:
        """The devices that it names, each in full."""
        if self.makes:
            return [self.makes]
        if self.matches and self.matches[0].startswith("!"):
            return []
        return [name for name in self.matches if not any(sign in name for sign in WILD)]


class Ours:
    """The devices of a configuration, the units that set them up, and the addresses they get."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.set_up_by: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        for unit in units(files):
            for device in unit.devices:
                if unit.makes:
                    self.set_up_by.setdefault(device, "")
                    self.kinds[device] = unit.kind
                else:
                    self.set_up_by[device] = unit.file
                    self.addresses.update(dict.fromkeys(unit.addresses, device))

    def why(self, unit: Unit, macs: Mapping[str, str], bridging: Collection[str]) -> str:
        """Why a unit of others stands in the way; nothing where it does not.

        `bridging`: the devices that units of others make and that may end a VXLAN in a VRF.
        """
        named = [device for device in unit.devices if device in self.set_up_by]
        if named:
            return f"names {', '.join(named)}"
        stacked = [device for device in unit.stacks if device in self.set_up_by]
        if stacked:
            return f"puts {', '.join(stacked)} on a device of its own"
        if unit.vrf in self.set_up_by and any(device in bridging for device in unit.devices):
            return f"ends the VXLAN of {unit.vrf} in a device of its own"
        given = [address for address in unit.addresses if address in self.addresses]
        if given:
            return f"gives {', '.join(given)} to a device of its own"
        caught = [device for device in self.set_up_by if self._catches(unit, device, macs)]
        return f"comes first for {', '.join(caught)}" if caught else ""

    def _catches(self, unit: Unit, device: str, macs: Mapping[str, str]) -> bool:
        """Whether networkd would take it for a device of ours, by a pattern."""
        if unit.makes or unit.file >= self.set_up_by[device]:
            return False
        if not unit.matches and not unit.conditions:
            return False
        if unit.matches and not _fits(device, unit.matches):
            return False
        kind = "loopback" if device == "lo" else self.kinds.get(device, "ether")
        known = {"Type": kind, "MACAddress": macs.get(device, ""), "Kind": self.kinds.get(device)}
        known["PermanentMACAddress"] = known["MACAddress"]
        return all(
            _fits(known[key] or "-", wanted)
            for key, wanted in unit.conditions.items()
            if key in known
        )


def units(files: Mapping[str, str]) -> list[Unit]:
    """The units among these files, by path."""
    return [Unit(path, files[path]) for path in sorted(files) if path.endswith(KINDS)]


def claims(
    ours: Mapping[str, str], others: Mapping[str, str], macs: Mapping[str, str]
) -> dict[str, str]:
    """The units of others that stand in the way of ours, by path, and why.

    `macs`: the MAC address of each device that is there, by its name.
    """
    foreign = units(others)
    if not foreign:
        return {}
    judged = Ours(ours)
    bridging = {unit.makes for unit in foreign if unit.kind in BRIDGING}
    found = {unit.path: why for unit in foreign if (why := judged.why(unit, macs, bridging))}
    while more := _belonging(foreign, found):
        found.update(more)
    return found


def _belonging(foreign: Iterable[Unit], found: Mapping[str, str]) -> dict[str, str]:
    """What sets up or carries only devices of units that were found already."""
    taken = {device for unit in foreign if unit.path in found for device in unit.devices}
    made = {unit.makes for unit in foreign if unit.makes}
    more = {}
    for unit in foreign:
        if unit.path in found:
            continue
        if unit.devices and taken.issuperset(unit.devices):
            more[unit.path] = f"sets up {', '.join(unit.devices)}, which goes too"
        elif unit.stacks and taken.issuperset(unit.stacks) and made.issuperset(unit.devices):
            more[unit.path] = f"carries nothing but {', '.join(unit.stacks)}"
    return more


def _fits(value: str, patterns: list[str]) -> bool:
    """Whether a value is wanted; a `!` before the first pattern turns all of them round."""
    if patterns[0].startswith("!"):
        return not _fits(value, [patterns[0][1:], *patterns[1:]])
    if not any(sign in pattern for pattern in patterns for sign in WILD):
        return value in patterns
    from fnmatch import fnmatchcase  # imports re, 6 ms

    return any(fnmatchcase(value, pattern) for pattern in patterns)
