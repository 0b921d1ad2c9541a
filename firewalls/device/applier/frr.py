"""FRR: asking it, checking and loading its configuration, and comparing what it runs.

To ask FRR takes long on a slow box, however little is asked; so what is asked at one time is asked
at once, and told apart here. What FRR tells as JSON is read as that; its configuration is lines.
"""

from __future__ import annotations

import os

from . import box, files, tools
from .remarks import Failed, Skipped, remark
from .waiting import Settling

CONFIGURATION = "show running-config no-header"
DAEMONS = ("zebra", "bgpd")


def ask(*questions: str) -> str:
    """The answers to some questions, one after the other."""
    words = ["vtysh"]
    for question in questions:
        words += ["-c", question]
    return tools.run(words, quiet=True).text


def configure(*lines: str) -> None:
    """Have FRR take some lines, if it does; what it runs must be asked then."""
    words = ["vtysh", "-c", "configure terminal"]
    for line in lines:
        words += ["-c", line]
    tools.run(words)


def configuration(answer: str) -> tuple[str, str]:
    """The configuration at the beginning of an answer, unless it has no end; and the rest."""
    text, end, rest = f"\n{answer}".partition("\nend\n")
    return (f"{text}\nend\n"[1:], rest) if end else ("", answer)


def running() -> str:
    """The configuration that FRR has now."""
    return ask(CONFIGURATION)


def settings(text: str) -> list[str]:
    """The lines of a configuration, each behind the blocks that it stands in, sorted.

    After a boot FRR lists its VRFs in another order; and the order means nothing, for whatever has
    one is numbered.
    """
    lines = []
    blocks: list[tuple[int, str]] = []
    for line in text.splitlines():
        setting = line.lstrip(" ")
        if not setting or setting == "end" or setting.startswith(("!", "exit")):
            continue
        depth = len(line) - len(setting)
        while blocks and blocks[-1][0] >= depth:
            blocks.pop()
        lines.append(" / ".join([*(block for _, block in blocks), setting]))
        blocks.append((depth, setting))
    return sorted(lines)


def must_run(answer: str) -> None:
    """frr-reload.py ends well even if nobody is there to take the lines. Raises Failed."""
    for daemon in DAEMONS:
        if daemon not in answer.split():
            raise Failed(f"{daemon} is not running here, so FRR would not take its configuration.")


def runs() -> bool:
    """Whether FRR is there to take a configuration: at boot it reads its file by itself, later."""
    answer = ask("show daemons").split()
    return all(daemon in answer for daemon in DAEMONS)


def refusal(path: str) -> str:
    """Why FRR would not take a file; nothing if it would."""
    result = tools.run(["vtysh", "-C", "-f", path])
    # It ends well if only the last line is known.
    if result.ok and ": % " not in result.text:
        return ""
    return result.text or "vtysh gives no reason"


def check(folder: str) -> None:
    """Whether FRR takes the configuration that was sent."""
    path = f"{folder}/{box.FRR}"
    if not tools.installed("vtysh"):
        raise tools.missing("FRR is not installed here, so frr.conf was not checked.")
    reason = refusal(path)
    if reason:
        raise Failed(reason)
    if box.PRACTICE:
        return
    if not tools.installed("frr-reload.py"):
        raise Failed(
            "frr-reload.py is not installed here; it comes with the package frr-pythontools."
        )
    must_run(ask("show daemons"))
    tools.must(_reloading("--test", path), 120)


def load() -> None:
    """Have FRR run what was sent."""
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    reload(files.text(f"{box.NEW}/{box.FRR}"), f"{box.PENDING}/loading")


def _reloading(how: str, path: str) -> list[str]:
    """The command for a file named frr.conf, in a folder that only root can write to.

    /etc/frr is the user frr's, and root must not follow what that user puts there: so what is read
    is not in there, nor what frr-reload.py writes for vtysh, nor does it have FRR write frr.conf,
    which it does for every file that is not in its `--confdir`.
    """
    folder = path.rpartition("/")[0]
    if not os.path.exists(f"{folder}/vtysh.conf"):
        files.write(f"{folder}/vtysh.conf", b"service integrated-vtysh-config\n")
    places = ["--confdir", folder, "--rundir", folder]
    return ["frr-reload.py", how, "--stdout", *places, path]


def reload(text: str, folder: str) -> None:
    """Have FRR run a configuration, in two rounds where it takes two. Raises Failed.

    `folder` is made, and only root can write to it. The first round leaves the BGP instance of a
    VRF whose importers it has only just taken away, and fails where it adds once more what it has
    just added, for FRR refuses a `vni` that is there. The second does what is left.
    """
    os.makedirs(folder, exist_ok=True)
    files.replace(f"{folder}/frr.conf", _emptied(text) + text)
    words = _reloading("--reload", f"{folder}/frr.conf")
    first = tools.run(words, 120)
    remark(first.text)
    if first.ok and not _left_over(text):
        return
    second = tools.run(words, 120)
    remark(second.text)
    if not first.ok and not second.ok:
        raise Failed("")


def _emptied(text: str) -> str:
    """A section without lines for each interface that FRR has settings for and a text has not.

    frr-reload.py of FRR 10 takes away a section that is missing as a whole, which FRR refuses as
    long as the interface is there.
    """
    wanted = settings(text)
    return "".join(
        f"{line}\nexit\n"
        for line in settings(running())
        if line.startswith("interface ") and " / " not in line and line not in wanted
    )


def forget_vrfs(names: list[str]) -> None:
    """Take away FRR's sections of VRFs whose devices were removed.

    It refuses that as long as the device is there, and FRR 10 keeps an empty section when it goes,
    which no frr.conf would give it again.
    """
    if not names:
        return
    sections = {f"vrf {name}" for name in names}

    def kept() -> list[str]:
        return sorted(sections & set(settings(running())))

    def left() -> list[str]:
        refused = kept()
        for section in refused:
            configure(f"no {section}")
        return kept() if refused else []

    # zebra hears a moment later that a device is gone.
    Settling(box.SETTLE, left)


def _left_over(text: str) -> list[str]:
    """The settings of BGP that FRR has beyond those in a configuration."""
    wanted = set(settings(text))
    return [
        line
        for line in settings(running())
        if line.startswith("router bgp ") and line not in wanted
    ]
