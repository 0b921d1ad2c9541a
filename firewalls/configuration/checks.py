"""What the real parsers say of a configuration before it leaves the house, and what they do not see.

Nothing is loaded: nft checks in a network namespace of its own, FRR's tools only read. Where a tool is missing the finding
says so, and the check that the firewall itself makes when it is pushed to decides.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from firewalls.configuration.references import unresolved

FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/lib/frr"
SECONDS, TOGETHER = 60, 50
# vtysh ends well if only its last line is known; what it does not know it says, with the line's number (FRR 8.4.4).
_VTYSH = re.compile(r"^line \d+: %", re.M)
# bgpd reads the lines of other daemons too, and knows none of them; its exit status says nothing.
_BGPD = re.compile(r"^% .*|processing configuration change: error.*", re.M)

_TOO_LONG = "Message too long"


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one tool says of a configuration."""

    tool: str
    state: State
    output: str = ""


def check(
    files: Mapping[str, str], tools: Iterable[Callable[[Path], Finding]] = ()
) -> tuple[Finding, ...]:
    """What these tools, or else all at hand, say of the files, by path; a missing file counts as an empty one."""
    with tempfile.TemporaryDirectory(prefix="sn-check-") as folder:
        path = Path(folder)
        path.chmod(0o711)  # bgpd becomes FRR's own user before it reads
        for name in (FRR, NFT):
            (path / Path(name).name).write_text(files.get(name, ""))
        return tuple(tool(path) for tool in tools) or (
            _nft(path),
            _vtysh(path),
            _bgpd(path),
            _own(files),
        )


def complaints(files: Mapping[str, str]) -> list[str]:
    """One sentence per tool that refuses these files; none means that nothing is known against them."""
    bad = (finding for finding in check(files) if finding.state == State.BAD)
    return [f"{finding.tool} refuses the configuration: {finding.output}" for finding in bad]


def refused(many: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """The complaints about each of these. nft and vtysh read many in one go: nearly always, there is nothing to find."""
    return [
        found
        for start in range(0, len(many), TOGETHER)
        for found in _refused(many[start : start + TOGETHER])
    ]


def _refused(many: Sequence[Mapping[str, str]]) -> list[list[str]]:
    if len(many) > 1:
        routes = "".join(files.get(FRR, "").removesuffix("end\n") for files in many)
        findings = check(
            {FRR: f"{routes}end\n", NFT: "".join(files.get(NFT, "") for files in many)},
            (_nft, _vtysh),
        )
        if all(finding.state == State.GOOD for finding in findings):
            return [list(unresolved(files)) for files in many]
        half = len(many) // 2  # one bad one among fifty is found in a dozen looks, not in fifty
        return _refused(many[:half]) + _refused(many[half:])
    return [complaints(files) for files in many]


def _nft(folder: Path) -> Finding:
    if not _installed("nft"):
        return _missing("nft", "nftables")
    if (inside := _namespace()) is None:
        return Finding(
            "nft",
            State.MISSING,
            "No network namespace can be made here, so the rule set was not checked.",
        )
    done = _run([*inside, "nft", "-c", "-f", str(folder / "nftables.conf")])
    if _TOO_LONG in done.stderr:
        return Finding(
            "nft",
            State.MISSING,
            "The rule set is larger than the kernel checks without privileges; the firewall's own check decides.",
        )
    bad = done.returncode != 0
    return Finding("nft", State.BAD if bad else State.GOOD, _told(done, folder) if bad else "")


def _vtysh(folder: Path) -> Finding:
    if not _installed("vtysh"):
        return _missing("vtysh", "frr")
    done = _run(["vtysh", "-C", "-f", str(folder / "frr.conf")])
    bad = done.returncode != 0 or _VTYSH.search(done.stdout + done.stderr) is not None
    return Finding("vtysh", State.BAD if bad else State.GOOD, _told(done, folder) if bad else "")


def _bgpd(folder: Path) -> Finding:
    if not _installed("bgpd"):
        return _missing("bgpd", "frr")
    done = _run(["bgpd", "-C", "-f", str(folder / "frr.conf")])
    if "privs_init" in done.stderr:
        return Finding(
            "bgpd",
            State.MISSING,
            "bgpd is run by root or FRR's own user only, so it was not asked; the firewall's check decides.",
        )
    found = _BGPD.findall(done.stderr)
    return Finding("bgpd", State.BAD if found else State.GOOD, "\n".join(found))


def _own(files: Mapping[str, str]) -> Finding:
    found = list(unresolved(files))
    return Finding("references", State.BAD if found else State.GOOD, "\n".join(found))


def _missing(tool: str, package: str) -> Finding:
    return Finding(
        tool,
        State.MISSING,
        f"{tool} is not installed here (package {package}); the firewall's own check decides.",
    )


def _installed(tool: str) -> bool:
    return shutil.which(tool, path=PATH) is not None


@cache
def _namespace() -> tuple[str, ...] | None:
    """How to run something in a network namespace of its own, with our privileges or without any."""
    for flags in ("-n", "-Urn"):
        if _installed("unshare") and _run(["unshare", flags, "true"]).returncode == 0:
            return ("unshare", flags)
    return None


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            env=_ENVIRONMENT,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(
            command, 1, "", f"{command[0]} did not end within {SECONDS} seconds."
        )


_ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}


def _told(done: "subprocess.CompletedProcess[str]", folder: Path) -> str:
    return (done.stdout + done.stderr).replace(f"{folder}/", "").strip()
