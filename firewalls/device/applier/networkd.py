"""What systemd-networkd must leave alone: the routes and the next hops of FRR.

Version 256 and later remove, whenever they set up a new interface, routes of others that have two
next hops, and FRR puts them back a moment later. Older ones take no such setting well, and do not
do that.
"""

from __future__ import annotations

import os

from . import box, files, packages, tools
from .refusing import Refused

UNIT = "systemd-networkd.service"
DROP_IN = "etc/systemd/networkd.conf.d/shared-networks.conf"
# networkd.conf(5)
TEXT = """[Network]
ManageForeignRoutes=no
ManageForeignNextHops=no
"""
FIRST = [256]  # the first version of systemd that takes it


def leave_routes_alone() -> None:
    """Write it for networkd, which reads it when it starts. Raises Refused."""
    if not lacking():
        return
    try:
        os.makedirs(os.path.dirname(f"{box.ROOT}/{DROP_IN}"), exist_ok=True)
        files.put(DROP_IN, TEXT.encode(), 0o644, (0, 0))
    except OSError as error:
        raise Refused(f"/{DROP_IN} could not be written: {error.strerror}") from error


def start() -> None:
    """Have it run, with what was written; a firewall in use is not disturbed. Raises Refused.

    When networkd starts it removes neighbours of FRR, so nothing would pass until the next push.
    """
    in_use = os.path.isdir(box.APPLIED)
    verb = "restart" if has_not_read() and not in_use else "start"
    if not tools.run(["systemctl", verb, UNIT]).ok:
        raise Refused("systemd-networkd could not be started.")


def lacking() -> bool:
    """Whether the file is not as `install` writes it, where it must be there."""
    if packages.numbers(packages.version(["systemctl", "--version"])) < FIRST:
        return False
    return files.text(f"{box.ROOT}/{DROP_IN}") != TEXT


def has_not_read() -> bool:
    """Whether networkd has been running since before the file was written."""
    path = f"{box.ROOT}/{DROP_IN}"
    if not os.path.isfile(path):
        return False
    words = ["systemctl", "show", UNIT, "-p", "ActiveEnterTimestamp", "--timestamp=unix"]
    since = tools.run(words, quiet=True).text.strip().rpartition("@")[2]
    return since.isdigit() and int(since) < int(os.stat(path).st_mtime)
