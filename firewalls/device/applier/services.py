"""What a firewall must start by itself: the packet filter, the interfaces, and FRR with BGP.

On Debian nftables and systemd-networkd are not enabled, and FRR comes without BGP. A firewall that
lacks them works until it is started again, and lets everything through then.
"""

from __future__ import annotations

import os
import stat

from . import box, files, networkd, tools
from .refusing import Refused

UNITS = ("nftables.service", networkd.UNIT, "frr.service")
ENABLED = ("enabled", "enabled-runtime", "static", "alias")
DAEMONS = "etc/frr/daemons"
WANTED = ("bgpd", "mgmtd")  # FRR 10 takes no VRF without mgmtd; older ones have none


def start_by_themselves() -> None:
    """See to it, now and when the box starts again. Raises Refused where that is not possible."""
    changed = _daemons()
    networkd.leave_routes_alone()
    for unit in UNITS:
        tools.run(["systemctl", "--quiet", "--no-reload", "enable", unit])
    lacking = not_enabled()
    if lacking:
        raise Refused(f"{lacking[0]} here, and could not be enabled.")
    if not box.has_systemd():
        return
    tools.run(["systemctl", "daemon-reload"])  # once: it is what takes time
    networkd.start()
    if changed and not tools.run(["systemctl", "restart", "frr.service"]).ok:
        raise Refused("FRR could not be restarted with bgpd.")


def not_enabled() -> list[str]:
    """The units that do not start at boot, and what they are instead."""
    states = {unit: _state("is-enabled", unit) for unit in UNITS}
    return [f"{unit} is {state}" for unit, state in states.items() if state not in ENABLED]


def active(names: tuple[str, ...]) -> list[str]:
    """Those of some units that run now."""
    return [name for name in names if _state("is-active", name) == "active"]


def not_active() -> list[str]:
    """What must run and does not. The packet filter need not: a push loads its rules by itself."""
    running = active(UNITS)
    return [unit for unit in UNITS[1:] if unit not in running]


def _state(question: str, unit: str) -> str:
    return tools.run(["systemctl", question, unit], quiet=True).text.strip() or "unknown"


def not_started() -> list[str]:
    """The daemons that FRR is not told to start."""
    lines = files.text(f"{box.ROOT}/{DAEMONS}").splitlines()
    return [] if "bgpd=yes" in lines else ["bgpd"]


def _daemons() -> bool:
    """Whether FRR had to be told to start more. Raises Refused."""
    content = files.read(box.ROOT, DAEMONS)
    if content is None:
        raise Refused(f"/{DAEMONS} is missing here; it comes with the package frr.")
    before = content.decode(errors="surrogateescape")
    lines = [_wanted(line) for line in before.splitlines()]
    if "bgpd=yes" not in lines:
        lines.append("bgpd=yes")
    after = "".join(f"{line}\n" for line in lines)
    if after == before:
        return False
    status = os.lstat(f"{box.ROOT}/{DAEMONS}")
    mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
    try:
        files.put(DAEMONS, after.encode(errors="surrogateescape"), mode, owner)
    except OSError as error:
        raise Refused(f"/{DAEMONS} could not be written: {error.strerror}") from error
    return True


def _wanted(line: str) -> str:
    name, equals, value = line.partition("=")
    return f"{name}=yes" if equals and name in WANTED and value.strip() == "no" else line
