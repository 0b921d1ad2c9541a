"""What a firewall must have installed, by the packages of Debian that bring it."""

from __future__ import annotations

import os

from . import box, tools

BY_TOOL = {
    "nft": "nftables",
    "vtysh": "frr",
    "frr-reload.py": "frr-pythontools",
    "ip": "iproute2",
    "sysctl": "procps",
    "sudo": "sudo",
    "visudo": "sudo",
    "sshd": "openssh-server",
    "useradd": "passwd",
    "systemctl": "systemd",
}
# By what they serve: systemd's own daemons, which are packages of their own since Debian 12.
DAEMONS = {"resolved": "DNS", "timesyncd": "NTP"}
LIBRARY = "lib/systemd"


def lacking() -> str:
    """Which programs are not there and what brings them, as one sentence; empty if all are."""
    names = [name for name in BY_TOOL if not tools.installed(name)]
    if not names:
        return ""
    packages = " ".join(sorted({BY_TOOL[name] for name in names}))
    return f"Missing here: {', '.join(names)}. Install what brings it: apt-get install {packages}"


def unused_settings() -> list[str]:
    """A sentence for each daemon whose settings a push brings in vain."""
    return [
        f"systemd-{name} is not installed, so {purpose} servers that a partition names do nothing "
        f"here. If it names some: apt-get install systemd-{name}"
        for name, purpose in DAEMONS.items()
        if not os.path.exists(f"{box.ROOT}/{LIBRARY}/systemd-{name}")
    ]
