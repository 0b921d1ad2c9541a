"""The box this runs on: where its files are, and how long things may take here.

APPLIER_ROOT       the folder that holds the box's files ("" for a real firewall)
APPLIER_PRACTICE   1: a practice firewall, a folder without a kernel: nothing is loaded
APPLIER_TIMEOUT    seconds until an unconfirmed configuration is rolled back, counted from the end
                   of applying (60)
APPLIER_LOCK_WAIT  seconds to wait for another run, which may be that of a sender that died (240)
APPLIER_SETTLE     seconds within which BGP sessions must be up again, neighbours known (30)
APPLIER_SLOW       seconds every step takes longer, on a practice firewall (0)
APPLIER_ROOM       MiB that must be free for what a push brings and what was there before (64)
APPLIER_LIMIT      the most seconds that any other program may take, whatever it is given here
"""

from __future__ import annotations

import os

ROOT = os.environ.get("APPLIER_ROOT", "")
if ROOT and not ROOT.startswith("/"):
    ROOT = f"{os.getcwd()}/{ROOT}"
PRACTICE = bool(os.environ.get("APPLIER_PRACTICE"))
TIMEOUT = int(os.environ.get("APPLIER_TIMEOUT") or 60)
LOCK_WAIT = int(os.environ.get("APPLIER_LOCK_WAIT") or 240)
SETTLE = int(os.environ.get("APPLIER_SETTLE") or 30)
SLOW = os.environ.get("APPLIER_SLOW") or "0"
ROOM = int(os.environ.get("APPLIER_ROOM") or 64)
LIMIT = int(os.environ.get("APPLIER_LIMIT") or 3600)
MORE_PATH = ":/usr/sbin:/sbin:/usr/lib/frr"

STATE = f"{ROOT}/var/lib/shared-networks"
PENDING = f"{STATE}/pending"
APPLIED = f"{STATE}/applied"
NEW = f"{STATE}/new.{os.getpid()}"
CANDIDATE = f"{STATE}/candidate.{os.getpid()}"
PROBES = f"{ROOT}/etc/shared-networks/probes"

FRR = "etc/frr/frr.conf"
RULES = "etc/nftables.conf"
CLOSED = "etc/shared-networks/closed.nft"
HOSTNAME = "etc/hostname"
MODULES = "etc/modules-load.d/shared-networks.conf"
SYSCTL = "etc/sysctl.d/90-shared-networks.conf"
REQUIRED = (FRR, RULES)
KNOWN = (
    *REQUIRED,
    CLOSED,
    HOSTNAME,
    MODULES,
    SYSCTL,
    "etc/systemd/resolved.conf.d/shared-networks.conf",
    "etc/systemd/timesyncd.conf.d/shared-networks.conf",
)
UNITS = "etc/systemd/network"
NO_KERNEL = "A practice firewall is a folder without a kernel, so nothing is loaded here."


def has_systemd() -> bool:
    """Whether systemd has started this box, as sd_booted(3) tells."""
    return os.path.isdir(f"{ROOT}/run/systemd/system")
