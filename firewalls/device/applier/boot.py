"""What happens at boot: a push never confirmed is put back, and nothing is forwarded before that.

A table that forwards nothing is loaded before any interface is up, if a push has brought one; the
rules of that push take it away with their last line. So it stays where nftables is disabled, or its
file is broken or cut short. Where nft itself does not run, the kernel is told not to forward.
"""

from __future__ import annotations

import os

from . import box, files, tools
from .refusing import Refused

SYSTEM = "etc/systemd/system"
RECOVER = "shared-networks-recover.service"
CLOSE = "shared-networks-closed.service"
FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
OFF = " ".join(f"{key}=0" for key in FORWARDING)
_RECOVER = """[Unit]
Description=Put back a firewall configuration that was never confirmed
DefaultDependencies=no
RequiresMountsFor=/var/lib/shared-networks
ConditionPathExists=/var/lib/shared-networks/pending
After=local-fs.target
Before=network-pre.target nftables.service systemd-networkd.service frr.service

[Service]
Type=oneshot
Environment=APPLIER_INSIDE=1
ExecStart={program} recover

[Install]
WantedBy=sysinit.target
"""
_CLOSE = f"""[Unit]
Description=Forward nothing until the rules of Shared Networks are loaded
DefaultDependencies=no
ConditionPathExists=/{box.CLOSED}
Wants=network-pre.target
After=local-fs.target systemd-sysctl.service {RECOVER}
Before=network-pre.target nftables.service systemd-networkd.service frr.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f /{box.CLOSED}
ExecStopPost=sh -c '[ "$SERVICE_RESULT" = success ] || exec sysctl -q -w {OFF}'

[Install]
WantedBy=sysinit.target
"""
# Debian's flushes all, so a restart would let everything through for a moment.
_STOP = f"""[Service]
ExecStop=
ExecStop=sh -c 'nft -f /{box.CLOSED} || nft flush ruleset'
"""


def units(program: str) -> dict[str, str]:
    """The units by path, as `install` writes them."""
    return {
        f"{SYSTEM}/{RECOVER}": _RECOVER.format(program=program),
        f"{SYSTEM}/{CLOSE}": _CLOSE,
        f"{SYSTEM}/nftables.service.d/shared-networks.conf": _STOP,
    }


def prepare(program: str) -> None:
    """Write them and have them start, once systemd has read them again. Raises Refused."""
    for path, text in units(program).items():
        try:
            os.makedirs(os.path.dirname(f"{box.ROOT}/{path}"), exist_ok=True)
            files.put(path, text.encode(), 0o644, (0, 0))
        except OSError as error:
            raise Refused(f"/{path} could not be written: {error.strerror}") from error
    if not tools.run(["systemctl", "--quiet", "--no-reload", "enable", RECOVER, CLOSE]).ok:
        raise Refused(f"{RECOVER} and {CLOSE} could not be enabled.")


def lacking(program: str) -> list[str]:
    """The units that are not as `install` writes them."""
    return [
        path.rpartition("/")[2]
        for path, text in units(program).items()
        if files.text(f"{box.ROOT}/{path}") != text
    ]
