"""What `install` and a push need here, looked at without changing anything, in lines.

check<TAB>NAME<TAB>ok|note|failed|skipped<TAB>BASE64 of what was seen, or what is to be done
end
"""

from __future__ import annotations

import os
import sys

from . import (
    boot,
    box,
    files,
    frr,
    login,
    networkd,
    overriding,
    packages,
    servers,
    services,
    system,
    tools,
)
from .account import ACCOUNT, PROGRAM, RULE, SUDO
from .remarks import Failed, Skipped
from .steps import encoded, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[[], str]

MODULES = ("vrf", "vxlan", "bridge", "nf_tables", "nf_conntrack")
OTHERS = ("firewalld", "ufw", "netfilter-persistent", "NetworkManager", "docker")
# What is asked for its version, and the oldest that was tried.
VERSIONS = {
    "FRR": (["zebra", "--version"], "8.4"),
    "nftables": (["nft", "--version"], "1.0"),
    "systemd": (["systemctl", "--version"], "252"),
}


class Note(Exception):
    """Nothing is amiss, but a person may want to know."""


def check() -> None:
    """Say it all, and `end` last."""
    for name, look in CHECKS.items():
        state, text = _seen(name, look)
        say("check", name, state, encoded(text))
    say("end")


def amiss() -> list[str]:
    """A sentence for each thing that is not well, or worth knowing."""
    seen = [_seen(name, look) for name, look in CHECKS.items()]
    return [text for state, text in seen if state in ("failed", "note")]


def _seen(name: str, look: Look) -> tuple[str, str]:
    if box.PRACTICE and name not in EVERYWHERE:
        return "skipped", box.NO_KERNEL
    try:
        return "ok", look()
    except Note as reason:
        return "note", str(reason)
    except Skipped as reason:
        return "skipped", str(reason)
    except (Failed, OSError, ValueError) as reason:
        return "failed", str(reason)


def _programs() -> str:
    lacking = packages.lacking()
    if lacking:
        raise Failed(lacking)
    return "all that a firewall runs is installed"


def _versions() -> str:
    seen = [f"Python {sys.version.split()[0]}", f"Linux {os.uname().release}"]
    for name, (command, oldest) in VERSIONS.items():
        version = packages.version(command)
        if not version or packages.numbers(version) < packages.numbers(oldest):
            raise Failed(f"{name} is {version or 'not there'}; {oldest} is the oldest that does.")
        seen.append(f"{name} {version}")
    return ", ".join(seen)


def _modules() -> str:
    """Loaded, built in, or there to be loaded."""
    lacking = [
        name
        for name in MODULES
        if not os.path.isdir(f"{box.ROOT}/sys/module/{name}")
        and not tools.run(["modprobe", "-nq", name]).ok
    ]
    if lacking:
        raise Failed(
            f"The kernel {os.uname().release} has no module {', '.join(lacking)}; "
            "take one that has, such as Debian's linux-image-amd64."
        )
    return ", ".join(MODULES)


def _room() -> str:
    folder = box.STATE
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize >> 20
    if free < box.ROOM:
        raise Failed(f"{folder} has {free} MiB left, of {box.ROOM} that a push needs; make room.")
    return f"{free} MiB are free in {folder}"


def _account() -> str:
    if not tools.run(["id", ACCOUNT]).ok:
        raise Failed(f"There is no user {ACCOUNT} yet: run `install`.")
    if files.text(box.ROOT + SUDO) != RULE:
        raise Failed(f"{SUDO} is not as `install` writes it: run `install`.")
    return f"{ACCOUNT} runs {PROGRAM} as root, and nothing else"


def _login() -> str:
    reasons = login.hindrances(ACCOUNT)
    if reasons:
        raise Failed("\n".join(reasons))
    return f"sshd lets {ACCOUNT} in by its key"


def _name() -> str:
    name = files.text(f"{box.ROOT}/{box.HOSTNAME}").strip()
    lines = files.text(f"{box.ROOT}/{system.HOSTS}").splitlines()
    if any(name in line.partition("#")[0].split()[1:] for line in lines):
        return "/etc/hosts has this box's name, so sudo asks no name server"
    raise Failed(
        "/etc/hosts lacks this box's name. sudo looks it up, for 20 seconds each time if the name "
        "servers are dead: run `install`."
    )


def _at_boot() -> str:
    lacking = [*services.not_enabled(), *boot.lacking(PROGRAM), *services.not_started()]
    if lacking:
        raise Failed(f"Not started at boot as it must be: {', '.join(lacking)}. Run `install`.")
    return f"{', '.join(services.UNITS)}; nothing is forwarded before the rules are loaded"


def _running() -> str:
    lacking = services.not_active()
    if lacking:
        raise Failed(f"Not running now: {', '.join(lacking)}. See `systemctl status`.")
    frr.must_run(frr.ask("show daemons"))
    return "systemd-networkd, and FRR with BGP"


def _networkd() -> str:
    """That it does not remove routes of FRR; what it does with them hangs on its version."""
    if networkd.lacking():
        raise Failed(
            f"/{networkd.DROP_IN} is not as `install` writes it, so systemd-networkd removes routes"
            " of FRR whenever a network is joined: run `install`."
        )
    if networkd.has_not_read():
        raise Note(
            f"systemd-networkd has not read /{networkd.DROP_IN} yet, so it removes routes of FRR "
            "for a moment whenever a network is joined. At a quiet time, restart it, which stops "
            "packets, and push, which has them pass again: systemctl restart systemd-networkd"
        )
    return "systemd-networkd leaves the routes of FRR alone"


def _settings() -> str:
    sentences = overriding.overridden()
    if sentences:
        raise Failed("\n".join(sentences))
    if not files.text(f"{box.ROOT}/{box.SYSCTL}"):
        raise Skipped("No push has brought settings yet.")
    return f"no file overrides /{box.SYSCTL}"


def _servers() -> str:
    """Those of a partition's DNS and NTP settings that go nowhere."""
    in_vain = servers.not_installed()
    if in_vain:
        raise Note("\n".join(in_vain))
    return "systemd-resolved and systemd-timesyncd are there"


def _others() -> str:
    """Programs that bring rules or interfaces of their own."""
    active = services.active(OTHERS)
    if active:
        raise Note(
            f"{', '.join(active)} runs here too. A packet must be accepted by all rules, and an "
            "interface has one master: see that it keeps away from those of the product."
        )
    return "nothing else that is known for rules of its own runs here"


CHECKS: dict[str, Look] = {
    "programs": _programs,
    "versions": _versions,
    "kernel modules": _modules,
    "room": _room,
    "account": _account,
    "login": _login,
    "own name": _name,
    "at boot": _at_boot,
    "running": _running,
    "routes of FRR": _networkd,
    "kernel settings at boot": _settings,
    "DNS and NTP": _servers,
    "others": _others,
}
EVERYWHERE = ("programs", "room")
