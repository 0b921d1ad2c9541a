"""Names, kernel settings and interfaces: /etc/hosts, sysctl and systemd-networkd."""

from __future__ import annotations

from . import box, files, servers, tools
from .remarks import Failed, Skipped, remark
from .waiting import Settling

HOSTS = "etc/hosts"
MARK = "# Shared Networks: sudo and others look up the name of this box"
SERVICES = ("resolved", "timesyncd")
UNKNOWN_SYSCTLS = "-e"  # are passed over


def load(before: str) -> None:
    """Set up what is in place otherwise than in a folder that has what was there before.

    Interfaces whose units are gone go too. Raises Failed.
    """
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    changed = [name for name in files.differences(box.ROOT, before) if name not in box.REQUIRED]
    if not changed:
        raise Skipped("Names, kernel settings and interfaces stay as they are.")
    if files.read(box.ROOT, box.HOSTNAME) is not None:
        tools.must(["hostname", "-F", f"{box.ROOT}/{box.HOSTNAME}"])
        know_own_name()
    _take_settings(changed)
    for device in sorted(_devices(before) - _devices(box.ROOT)):
        tools.run(["ip", "link", "delete", device])
    if not _is_active("systemd-networkd"):
        raise Skipped("systemd-networkd is not running here, so interfaces stay as they are.")
    tools.must(["networkctl", "reload"])
    _interfaces_settle()
    _restart_services(changed)
    for sentence in servers.lacking():
        remark(sentence)


def _take_settings(changed: list[str]) -> None:
    """Some are those of modules, which a boot loads before it reads them."""
    if box.MODULES in changed:
        _load_modules()
    if files.read(box.ROOT, box.SYSCTL) is not None:
        tools.must(["sysctl", "-q", "-p", f"{box.ROOT}/{box.SYSCTL}"])


def _load_modules() -> None:
    lines = files.text(f"{box.ROOT}/{box.MODULES}").splitlines()
    tools.run(["modprobe", "-qa", *(line for line in lines if not line.startswith("#"))])


def _devices(folder: str) -> set[str]:
    """The names of the devices that the units in a folder describe."""
    names: set[str] = set()
    for unit, content in files.contents(folder).items():
        if unit.endswith(".netdev"):
            lines = content.decode(errors="replace").splitlines()
            names.update(line[len("Name=") :] for line in lines if line.startswith("Name="))
    return names


def _interfaces_settle() -> None:
    """Wait for networkd, which answers before it acts. Raises Failed.

    Where it sets an interface up for the first time it clears away the neighbours there, also those
    by which FRR reaches the other end of a VXLAN. FRR would not notice, so it comes after.
    """
    wanted = sorted(_devices(box.ROOT))

    def unsettled() -> list[str]:
        listed = tools.run(["networkctl", "--no-legend", "--no-pager", "list"]).text
        rows = [line.split() for line in listed.splitlines()]
        ready = {row[1] for row in rows if row[4:5] == ["configured"]}
        return [device for device in wanted if device not in ready]

    settling = Settling(box.SETTLE, unsettled)
    if settling.lacking:
        raise Failed(
            f"systemd-networkd has not set these up after {settling.waited} seconds: "
            + " ".join(settling.lacking)
        )


def _restart_services(changed: list[str]) -> None:
    for service in SERVICES:
        if not any(name.startswith(f"etc/systemd/{service}.conf.d/") for name in changed):
            continue
        # A firewall may well have neither; `try-restart` fails where a unit is not even known.
        if _is_active(f"systemd-{service}"):
            tools.must(["systemctl", "restart", f"systemd-{service}"])


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
    keys = []
    for line in text.splitlines():
        key, equals, _ = line.partition("=")
        if equals and not key.strip().startswith(("#", ";")):
            keys.append(key.strip().lstrip("-"))
    if not keys:
        return ""
    return tools.run(["sysctl", UNKNOWN_SYSCTLS, *keys], quiet=True).text


def put_settings_back(path: str) -> None:
    """Give the kernel what it had. Raises Failed."""
    if files.text(path):
        tools.must(["sysctl", UNKNOWN_SYSCTLS, "-q", "-p", path])
