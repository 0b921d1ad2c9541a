"""Whether the real parsers accept a configuration, before it is sent, and what they overlook.

Nothing is loaded: nft checks in a network namespace of its own, FRR's tools only read. Where a tool
is missing, the finding says so; the check that the firewall itself makes in a push then decides.
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

FRR = "/etc/frr/frr.conf"
NFT = "/etc/nftables.conf"
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/lib/frr"
TIMEOUT_SECONDS = 60
BATCH = 50  # configurations read in one go
_ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
# vtysh exits with 0 if it knows the last line. Of an unknown line it prints the number (FRR 8.4.4).
_VTYSH_ERROR = re.compile(r"^line \d+: %", re.M)
# bgpd reads other daemons' lines too, and knows none of them; its exit status says nothing.
_BGPD_ERROR = re.compile(r"^% .*|processing configuration change: error.*", re.M)
_NFT_TOO_LONG = "Message too long"


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    MISSING = "missing"  # the tool, or what it takes to run it
    TOO_LARGE = "too large"  # for the tool as it is run here


@dataclass(frozen=True, slots=True)
class Finding:
    """What one tool says of a configuration."""

    tool: str
    state: State
    output: str = ""


Tool = Callable[[Path], Finding]


def check(files: Mapping[str, str], tools: Iterable[Tool] = ()) -> tuple[Finding, ...]:
    """What these tools, or else all there are, say of the files; a missing file counts as empty."""
    with tempfile.TemporaryDirectory(prefix="sn-check-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # bgpd becomes FRR's own user before it reads
        for path in (FRR, NFT):
            (folder / Path(path).name).write_text(files.get(path, ""))
        findings = tuple(tool(folder) for tool in tools)
        return findings or (_nft(folder), _vtysh(folder), _bgpd(folder), _references(files))


def complaints(files: Mapping[str, str]) -> list[str]:
    """One sentence per tool that refuses these files; none if nothing is known against them."""
    return [
        f"{finding.tool} refuses the configuration: {finding.output}"
        for finding in check(files)
        if finding.state == State.BAD
    ]


def complaints_of_each(configurations: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """The complaints about each of these configurations, in their order.

    nft and vtysh read many in one go: nearly always, there is nothing to complain of.
    """
    every: list[list[str]] = []
    for start in range(0, len(configurations), BATCH):
        every += _of_batch(configurations[start : start + BATCH])
    return every


def _of_batch(batch: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """One bad configuration among fifty is found in a dozen steps, not in fifty."""
    suspects = _refused(_nft, batch) | _refused(_vtysh, batch)
    return [
        complaints(files) if place in suspects else list(unresolved(files))
        for place, files in enumerate(batch)
    ]


def _refused(tool: Tool, batch: Sequence[Mapping[str, str]]) -> set[int]:
    """The places of those that the tool refuses; none where it is missing, and so refuses none."""
    (finding,) = check(_joined(batch), (tool,))
    if finding.state in (State.GOOD, State.MISSING):
        return set()
    if len(batch) == 1:
        return {0} if finding.state == State.BAD else set()
    half = len(batch) // 2
    return _refused(tool, batch[:half]) | {half + place for place in _refused(tool, batch[half:])}


def _joined(batch: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """All configurations as one: each rule set replaces the one before, and routing adds up."""
    routing = "".join(files.get(FRR, "").removesuffix("end\n") for files in batch)
    rules = "".join(files.get(NFT, "") for files in batch)
    return {FRR: f"{routing}end\n", NFT: rules}


def _nft(folder: Path) -> Finding:
    if not _installed("nft"):
        return _not_installed("nft", "nftables")
    if (namespace := _namespace()) is None:
        reason = "No network namespace can be made here, so the rule set was not checked."
        return Finding("nft", State.MISSING, reason)
    done = _run([*namespace, "nft", "-c", "-f", str(folder / "nftables.conf")])
    if _NFT_TOO_LONG in done.stderr:
        reason = "The rule set is larger than the kernel checks without privileges"
        return Finding("nft", State.TOO_LARGE, f"{reason}; the firewall's own check decides.")
    if done.returncode != 0:
        return Finding("nft", State.BAD, _output(done, folder))
    return Finding("nft", State.GOOD)


def _vtysh(folder: Path) -> Finding:
    if not _installed("vtysh"):
        return _not_installed("vtysh", "frr")
    done = _run(["vtysh", "-C", "-f", str(folder / "frr.conf")])
    if done.returncode != 0 or _VTYSH_ERROR.search(done.stdout + done.stderr):
        return Finding("vtysh", State.BAD, _output(done, folder))
    return Finding("vtysh", State.GOOD)


def _bgpd(folder: Path) -> Finding:
    if not _installed("bgpd"):
        return _not_installed("bgpd", "frr")
    done = _run(["bgpd", "-C", "-f", str(folder / "frr.conf")])
    if "privs_init" in done.stderr:
        reason = "bgpd is run by root or FRR's own user only, so it was not asked"
        return Finding("bgpd", State.MISSING, f"{reason}; the firewall's check decides.")
    if done.returncode != 0:  # its own is always 0
        return Finding("bgpd", State.MISSING, f"{done.stderr} The firewall's check decides.")
    return _judged("bgpd", _BGPD_ERROR.findall(done.stderr))


def _references(files: Mapping[str, str]) -> Finding:
    return _judged("references", list(unresolved(files)))


def _judged(tool: str, errors: list[str]) -> Finding:
    return Finding(tool, State.BAD if errors else State.GOOD, "\n".join(errors))


def _not_installed(tool: str, package: str) -> Finding:
    reason = f"{tool} is not installed here (package {package})"
    return Finding(tool, State.MISSING, f"{reason}; the firewall's own check decides.")


def _installed(tool: str) -> bool:
    return shutil.which(tool, path=PATH) is not None


@cache
def _namespace() -> tuple[str, ...] | None:
    """The command that runs another in a network namespace of its own; None if that is refused."""
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
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=_ENVIRONMENT,
        )
    except subprocess.TimeoutExpired:
        error = f"{command[0]} did not end within {TIMEOUT_SECONDS} seconds."
        return subprocess.CompletedProcess(command, 1, "", error)


def _output(done: "subprocess.CompletedProcess[str]", folder: Path) -> str:
    """What the tool printed, without the folder that nobody knows."""
    return (done.stdout + done.stderr).replace(f"{folder}/", "").strip()
