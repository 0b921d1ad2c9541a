"""Names, kernel settings and interfaces: /etc/hosts, sysctl and systemd-networkd."""

from __future__ import annotations

from . import aside, box, files, servers, sysctls, tools
from .remarks import Failed, Skipped, remark
from .waiting import Settling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .verifying.seeing import Wanted

HOSTS = "etc/hosts"
MARK = "# Shared Networks: sudo and others look up the name of this box"
SERVICES = ("resolved", "timesyncd")
ROUNDS = 2  # of making devices anew: what was a part of one may have to follow
UNKNOWN_SYSCTLS = "-e"  # are passed over


def check(folder: str) -> None:
    """Whether systemd-networkd is there to set up the interfaces that were sent. Raises Failed."""
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    if not _units(folder):
        raise Skipped("Nothing was sent that systemd-networkd would have to set up.")
    if not _is_active("systemd-networkd"):
        raise Failed(
            "systemd-networkd is not running here, so nobody would set up the interfaces. Start "
            "it: systemctl enable --now systemd-networkd"
        )


def load(before: str) -> None:
    """Set up what is in place otherwise than in a folder that has what was there before.

    What the kernel has otherwise than the files say is set up again, however that came.
    Interfaces whose units are gone stay until `take_down`. Raises Failed.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    from .verifying.seeing import Wanted

    changed = [name for name in files.differences(box.ROOT, before) if name not in box.REQUIRED]
    wanted = Wanted(box.ROOT)
    acted = [_take_name(changed), _take_settings(wanted), _restart_services(changed)]
    for sentence in servers.lacking():
        remark(sentence)
    if _set_up(before, changed, wanted) or any(acted):
        return
    raise Skipped("Names, kernel settings and interfaces stay as they are.")


def _take_name(changed: list[str]) -> bool:
    if box.HOSTNAME not in changed or files.read(box.ROOT, box.HOSTNAME) is None:
        return False
    tools.must(["hostname", "-F", f"{box.ROOT}/{box.HOSTNAME}"])
    know_own_name()
    return True


def _take_settings(wanted: Wanted) -> bool:
    from .verifying import settings
    from .verifying.seeing import Seen

    if not settings.lacking(wanted, Seen()):
        return False
    _load_modules()
    tools.must(["sysctl", "-q", "-p", f"{box.ROOT}/{box.SYSCTL}"])
    return True


def _load_modules() -> None:
    """Some settings are those of modules, which a boot loads before it reads them."""
    lines = files.text(f"{box.ROOT}/{box.MODULES}").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    if names:
        tools.run(["modprobe", "-qa", *names])


def _set_up(before: str, changed: list[str], wanted: Wanted) -> bool:
    """Have networkd set up what has changed or is otherwise; whether anything was."""
    from . import renewing

    units = [name for name in changed if name.startswith(f"{box.UNITS}/")]
    if not units and not aside.has_changed() and not renewing.wrong(wanted):
        return False
    _make_way(_units(before), _units(box.ROOT))
    if not _is_active("systemd-networkd"):
        raise Skipped("systemd-networkd is not running here, so interfaces stay as they are.")
    if units or aside.has_changed():
        aside.have_units_read()
        _settling()
    for _ in range(ROUNDS):
        if not renewing.renew(wanted):
            break
    _interfaces_settle()
    return True


def _units(folder: str) -> dict[str, list[str]]:
    """The units in a folder that make a device, by its name, as lines."""
    units: dict[str, list[str]] = {}
    for unit, content in files.contents(folder).items():
        if unit.endswith(".netdev"):
            lines = content.decode(errors="replace").splitlines()
            units.update((name, lines) for name in _values("Name", lines))
    return units


def _values(key: str, lines: list[str]) -> list[str]:
    return [line[len(key) + 1 :] for line in lines if line.startswith(f"{key}=")]


def _make_way(before: dict[str, list[str]], now: dict[str, list[str]]) -> None:
    """Remove the devices that are to be made anew: networkd never changes how one was made."""
    for device, unit in sorted(before.items()):
        if device in now and now[device] != unit:
            _remove(device, unit)


def take_down(before: str) -> None:
    """Remove the devices whose units are gone: systemd-networkd removes none.

    FRR comes first: it says to its neighbours that a network is gone while that is still there, and
    zebra 10.3 dies of a VNI that it is to forget after its VXLAN and its VRF are gone.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    from . import frr

    now = _units(box.ROOT)
    gone = {device: unit for device, unit in _units(before).items() if device not in now}
    for device, unit in sorted(gone.items()):
        _remove(device, unit)
    frr.forget_vrfs([device for device, unit in gone.items() if "Kind=vrf" in unit])


def _remove(device: str, unit: list[str]) -> None:
    tools.run(["ip", "link", "delete", device])
    # Routes of a VRF that lead to no device outlive it.
    for table in _values("Table", unit):
        for family in ("-4", "-6"):
            tools.run(["ip", family, "route", "flush", "table", table], quiet=True)


def _settling() -> Settling:
    """Wait for networkd, which answers before it acts.

    Where it sets an interface up for the first time it clears away the neighbours there, also those
    by which FRR reaches the other end of a VXLAN. FRR would not notice, so it comes after.
    """
    from . import renewing

    wanted = sorted(_units(box.ROOT))

    def unsettled() -> list[str]:
        states = renewing.states()
        return [device for device in wanted if states.get(device) != "configured"]

    return Settling(box.SETTLE, unsettled)


def _interfaces_settle() -> None:
    """Raises Failed where networkd does not come to an end."""
    settling = _settling()
    if settling.lacking:
        raise Failed(
            f"systemd-networkd has not set these up after {settling.waited} seconds: "
            + " ".join(settling.lacking)
        )


def _restart_services(changed: list[str]) -> bool:
    restarted = False
    for service in SERVICES:
        if not any(name.startswith(f"etc/systemd/{service}.conf.d/") for name in changed):
            continue
        # A firewall may well have neither; `try-restart` fails where a unit is not even known.
        if _is_active(f"systemd-{service}"):
            tools.must(["systemctl", "restart", f"systemd-{service}"])
            restarted = True
    return restarted


def _is_active(service: str) -> bool:
    return tools.run(["systemctl", "--quiet", "is-active", service], quiet=True).ok


def know_own_name() -> None:
    """Give the box's name an address in /etc/hosts, as Debian does.

    sudo looks it up, and where name servers are dead that took 20 seconds for each command.
    """
    name = files.text(f"{box.ROOT}/{box.HOSTNAME}").strip()
    before = files.text(f"{box.ROOT}/{HOSTS}")
    lines = [line for line in before.splitlines() if not line.endswith(MARK)]
    if not any(name in line.partition("#")[0].split()[1:] for line in lines):
        lines.append(f"127.0.1.1\t{name}\t{MARK}")
    after = "".join(f"{line}\n" for line in lines)
    if not name or after == before:
        return
    try:
        files.put(HOSTS, after.encode(errors="surrogateescape"), 0o644)
    except OSError as error:
        remark(f"/etc/hosts could not be given this box's name: {error.strerror}")


def settings_now(text: str) -> str:
    """What the kernel has now of the settings in a file for sysctl, as such a file."""
    keys = [key for key, _ in sysctls.listed(text)]
    if not keys:
        return ""
    return tools.run(["sysctl", UNKNOWN_SYSCTLS, *keys], quiet=True).text


def put_settings_back(path: str) -> None:
    """Give the kernel what it had. Raises Failed."""
    if files.text(path):
        tools.must(["sysctl", UNKNOWN_SYSCTLS, "-q", "-p", path])
