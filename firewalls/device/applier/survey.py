"""What is on this box beside what is ours, told in lines and bounded in size.

For a person who is to decide whether the product may take the box over, and to be kept as its
revision 0 there.
"""

from __future__ import annotations

import binascii
import os

from . import box, files, frr, kept, masking, others, system, tools
from .steps import say

MOST_OF_ONE = 200_000  # bytes of one text that are told
MOST = 4_000_000  # of all together
SYSCTLS = "etc/sysctl.d"
MORE = ("etc/sysctl.conf", "etc/frr/daemons")
ALLOWS = ("allowusers", "allowgroups", "denyusers", "denygroups", "permitrootlogin")
ACCOUNTS = "accounts that SSH allows"
ROUTING = "running configuration of FRR"
RULES = "rules in the kernel"
SETTINGS = "settings of the kernel"
MACS = "MAC addresses of the devices"


def survey() -> None:
    """Tell it all, and `end` last."""
    told = _Told()
    for name, text in others.units().items():
        told.tell("unit", f"/{name}", text)
    for name in _files():
        content = files.read(box.ROOT, name)
        if content is not None:
            told.tell("file", f"/{name}", content.decode(errors="surrogateescape"))
    for name, text in _running().items():
        told.tell("now", name, text)
    if os.path.exists(kept.TAKEN_OVER):
        say("taken-over")
    say("end")


class _Told:
    """What was told, until it is enough."""

    def __init__(self) -> None:
        self.room = MOST

    def tell(self, kind: str, name: str, text: str) -> None:
        """A text without its secrets, and whether it is whole.

        One that was cut must not be taken for what is there.
        """
        content = masking.masked(text).encode(errors="surrogateescape")
        part = content[: min(MOST_OF_ONE, self.room)]
        self.room -= len(part)
        whole = "whole" if len(part) == len(content) else "cut"
        say(kind, name, binascii.b2a_base64(part, newline=False).decode(), whole)


def _files() -> list[str]:
    """Managed ones, and those whose settings ours meet."""
    folder = f"{box.ROOT}/{SYSCTLS}"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    settings = [f"{SYSCTLS}/{name}" for name in names if name.endswith(".conf")]
    return list(dict.fromkeys([*files.contents(box.ROOT), *settings, *MORE]))


def _running() -> dict[str, str]:
    macs = "".join(f"{name} {mac}\n" for name, mac in others.macs().items())
    if box.PRACTICE:
        return {MACS: macs}
    # How it counts is no part of what it does.
    ruleset = tools.run(["nft", "-s", "list", "ruleset"], quiet=True)
    ssh = tools.run(["sshd", "-T"], quiet=True).text.splitlines()
    return {
        MACS: macs,
        ROUTING: frr.configuration(frr.running())[0],
        RULES: ruleset.text if ruleset.ok else "",
        SETTINGS: _settings(),
        ACCOUNTS: "".join(f"{line}\n" for line in ssh if line.split(" ")[0] in ALLOWS),
    }


def _settings() -> str:
    """What the kernel has of all that is set in files here."""
    texts = [files.text(f"{box.ROOT}/{name}") for name in _files() if "sysctl" in name]
    return system.settings_now("\n".join(texts))
