"""DNS and time: whether the servers that the partition names can have any effect here."""

from __future__ import annotations

import os

from . import box, files, tools

# The service of systemd, its setting, and what it names. Debian has each in a package of its own.
SERVICES = (
    ("resolved", "DNS", "name servers"),
    ("timesyncd", "NTP", "time servers"),
)
LIBRARY = "lib/systemd"


def not_installed() -> list[str]:
    """A sentence for each service whose settings a push would bring in vain."""
    return [
        f"systemd-{service} is not installed, so the {kind} that a partition names do nothing "
        f"here. If it names some: apt-get install systemd-{service}"
        for service, _, kind in SERVICES
        if not os.path.exists(f"{box.ROOT}/{LIBRARY}/systemd-{service}")
    ]


def lacking() -> list[str]:
    """A sentence for each that has none, with what to do about it."""
    sentences = []
    for service, key, kind in SERVICES:
        text = files.text(f"{box.ROOT}/etc/systemd/{service}.conf.d/shared-networks.conf")
        lines = [line for line in text.splitlines() if line.startswith(f"{key}=")]
        servers = [line.partition("=")[2] for line in lines]
        unit = f"systemd-{service}"
        if servers and not tools.run(["systemctl", "--quiet", "is-active", unit], quiet=True).ok:
            sentences.append(
                f"The partition's {kind} have no effect: {unit} does not run here. "
                f"Install the package {unit}, or take the {kind} out of the partition."
            )
        elif unreached := [server for server in servers if not _is_reached(server)]:
            sentences.append(
                f"The {kind} {', '.join(unreached)} cannot be reached: the firewall asks them from "
                "its own routing table, that of fabric and management, and not from a network's."
            )
    return sentences


def _is_reached(server: str) -> bool:
    """Whether there is a route to an address. A name is not looked up: that may take long."""
    is_address = ":" in server or not server.strip("0123456789.")
    return not is_address or tools.run(["ip", "route", "get", server], quiet=True).ok
