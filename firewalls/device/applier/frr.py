"""FRR: asking it, checking and loading its configuration, and comparing what it runs.

To ask FRR takes long on a slow box, however little is asked; so what is asked at one time is asked
at once, and told apart here. What FRR tells as JSON is read as that; its configuration is lines.
"""

from __future__ import annotations

from . import box, files, tools
from .remarks import Failed, Skipped, remark

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
    tools.must(["frr-reload.py", "--test", "--stdout", path], 120)


def load() -> None:
    """Have FRR run the file in its place."""
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    reload(f"{box.ROOT}/{box.FRR}", files.text(f"{box.NEW}/{box.FRR}"))


def reload(path: str, text: str) -> None:
    """Have FRR run a file, which says this, in two rounds where it takes two. Raises Failed.

    The first leaves the BGP instance of a VRF whose importers it has only just taken away, and
    fails where it adds once more what it has just added, for FRR refuses a `vni` that is there.
    The second does what is left.
    """
    words = ["frr-reload.py", "--reload", "--stdout", path]
    first = tools.run(words, 120)
    remark(first.text)
    if first.ok and not _left_over(text):
        return
    second = tools.run(words, 120)
    remark(second.text)
    if not first.ok and not second.ok:
        raise Failed("")


def _left_over(text: str) -> list[str]:
    """The settings of BGP that FRR has beyond those in a configuration."""
    wanted = set(settings(text))
    return [
        line
        for line in settings(running())
        if line.startswith("router bgp ") and line not in wanted
    ]


def verify() -> str:
    """Every import that was sent is there; gives what FRR runs. Raises Failed."""
    daemons, _, configuration_now = ask("show daemons", CONFIGURATION).partition("\n")
    must_run(daemons)
    have = _imports(configuration_now)
    for line in sorted(_imports(files.text(f"{box.NEW}/{box.FRR}"))):
        if line not in have:
            raise Failed(f"FRR has not taken this: {line}")
    return configuration_now


def _imports(text: str) -> set[str]:
    """Which routing table imports what."""
    imports = set()
    for setting in settings(text):
        *blocks, line = setting.split(" / ")
        if line.startswith("import vrf "):
            router, family = [*blocks, "", ""][:2]
            where = f"{router.partition(' ')[2]}, {family.partition(' ')[2]}"
            imports.add(f"{where}: {line}")
    return imports
