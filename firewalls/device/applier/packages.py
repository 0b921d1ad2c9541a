"""What a firewall must have installed, by the packages of Debian that bring it."""

from __future__ import annotations

from . import tools

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


def lacking() -> str:
    """Which programs are not there and what brings them, as one sentence; empty if all are."""
    names = [name for name in BY_TOOL if not tools.installed(name)]
    if not names:
        return ""
    packages = " ".join(sorted({BY_TOOL[name] for name in names}))
    return f"Missing here: {', '.join(names)}. Install what brings it: apt-get install {packages}"


def version(command: list[str]) -> str:
    """The first word of an answer that begins with a digit, as in "nftables v1.0.6 (Lester)"."""
    words = [word.lstrip("v") for word in tools.run(command).text.split()]
    return next((word for word in words if word[:1].isdigit()), "")


def numbers(version: str) -> list[int]:
    """The numbers of a version, to be compared."""
    parts = version.replace("-", ".").replace("~", ".").split(".")
    return [int(part) for part in parts if part.isdigit()]
