"""The devices, their settings and addresses in the kernel, as the units say."""

from __future__ import annotations

from . import differences, routes, units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .differences import Difference
    from .seeing import Seen, Wanted
    from .units import Device

NAME = "interfaces in the kernel"
ABSENT = "interfaces that the firewall does not have"
OWN_SCOPES = ("253", "254", "link", "host")  # of addresses that the kernel gives by itself
KINDS = {"6": "blackhole", "7": "unreachable", "8": "prohibit"}  # rtnetlink(7)
CHANGEABLE = ("state", "MTU", "master", "learning as a port", "suppression", "isolation")
ANYWHERE = {"0.0.0.0/0": ("default", 4), "::/0": ("default", 6)}


def lacking(wanted: Wanted, seen: Seen) -> list[Difference]:
    found: list[Difference] = []
    links = seen.links()
    for name, device in sorted(wanted.devices.items()):
        if name in links:
            found += _otherwise(device, links[name])
            found += _addresses(device, links[name])
        elif device.kind:
            found.append(differences.missing(f"{name} as {device.kind}", f"{name} is missing"))
    return [*found, *_routes(wanted, seen)]


def absent(wanted: Wanted, seen: Seen) -> list[Difference]:
    """Devices that no unit makes, uplinks mostly: a push neither makes nor needs each of them."""
    return [
        differences.missing(name, f"{name} is not there, though the configuration counts on it")
        for name, device in sorted(wanted.devices.items())
        if not device.kind and name not in seen.links()
    ]


def wrong(wanted: Wanted, seen: Seen) -> dict[str, bool]:
    """The devices that are not as their units say, and whether one must be made anew for that.

    networkd gives a device its kind and its own settings when it makes it, and never later. An MTU
    can be given later: that of a bridge follows its ports', and the bridge itself is well then.
    """
    found: dict[str, bool] = {}
    links = seen.links()
    for name, device in wanted.devices.items():
        link = links.get(name, {})
        if not link and not device.kind:
            continue
        otherwise = list(_otherwise(device, link)) if link else []
        if not link or otherwise or any(_addresses(device, link)):
            fixed = [one for one in otherwise if not one.wanted.startswith(_changeable(name))]
            found[name] = bool(device.kind and fixed)
    missing = {line.sentence for line in _routes(wanted, seen)}
    for name, device in wanted.devices.items():
        if any(_sentence(*route) in missing for route in device.routes):
            found.setdefault(name, False)
    return found


def _changeable(name: str) -> tuple[str, ...]:
    """How differences begin that can be ended while the device stays."""
    return tuple(f"{name} {what} " for what in CHANGEABLE)


def _otherwise(device: Device, link: dict[str, Any]) -> Iterator[Difference]:
    name = device.name
    kind = _told(link, "linkinfo info_kind")
    if device.kind not in ("", kind):
        yield differences.setting(f"{name} kind", device.kind, kind or "another one")
        return
    if device.is_set_up and "UP" not in link.get("flags", ()):
        yield differences.setting(f"{name} state", "up", "down")
    for where, (what, value) in sorted(device.settings.items()):
        actual = units.plain(_told(link, where), what)
        if actual != value:
            yield differences.setting(f"{name} {what}", value, actual or "none")


def _told(link: dict[str, Any], where: str) -> str:
    """What the kernel tells of a device; nothing where it does not."""
    value: Any = link
    for key in where.split():
        value = value.get(key, {})
    return "" if value == {} else str(value)


def _addresses(device: Device, link: dict[str, Any]) -> Iterator[Difference]:
    """Those of the unit, usable. Of a device that a unit makes, none but those."""
    name = device.name
    have = {
        f"{entry['local']}/{entry['prefixlen']}": entry
        for entry in link.get("addr_info", ())
        if "local" in entry
    }
    for address in device.addresses:
        if address not in have or have[address].get("dadfailed"):
            yield differences.missing(f"{name} {address}", f"{name} does not have {address}")
    for address, entry in sorted(have.items()):
        is_own = str(entry["scope"]) in OWN_SCOPES
        if device.kind and address not in device.addresses and not is_own:
            yield differences.surplus(f"{name} {address}", f"{name} also has {address}")


def _routes(wanted: Wanted, seen: Seen) -> Iterator[Difference]:
    """Those that units give: what ends the search in a table, and what stands in for FRR's."""
    given = [route for device in wanted.devices.values() for route in device.routes]
    if not given:
        return
    have = {_key(entry) for entry in seen.kernel_routes()}
    for table, destination, leads, metric in sorted(given):
        host = "/128" if ":" in destination else "/32"
        name, version = ANYWHERE.get(destination, (destination, 6 if ":" in destination else 4))
        name = name.removesuffix(host)
        if (table, name, version, leads, metric) not in have:
            sentence = _sentence(table, destination, leads, metric)
            yield differences.missing(f"{leads} {destination} in table {table}", sentence)


def _sentence(table: str, destination: str, leads: str, metric: str) -> str:
    return f"There is no route {leads} {destination} in table {table}"


def _key(entry: dict[str, Any]) -> tuple[str, str, int, str, str]:
    kind = str(entry.get("type", ""))
    leads = KINDS.get(kind, kind)
    if leads in routes.UNICAST:
        leads = f"dev {entry.get('dev', '')}"
    version = 6 if "pref" in entry else 4
    metric = str(entry.get("metric", ""))
    return str(entry.get("table", "254")), entry["dst"], version, leads, metric
