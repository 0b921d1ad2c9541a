"""Running the applier by itself, as a test does."""

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from subprocess import PIPE

from firewalls.device import applier_file
from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD

# What the applier runs, and the scripts that play tools, beside those that a test plays.
TOOLS = "sh sleep unshare"
PATIENT = "120"  # seconds for what is to be confirmed, however busy the machine is
HOW: Mapping[str, str] = {}
OLDEST = (3, 9)  # of the interpreters that a firewall may have, Debian 11's
_FOLDERS: list["tempfile.TemporaryDirectory[str]"] = []  # until this process ends


@cache
def interpreters() -> dict[str, str]:
    """This product's own, and the oldest that is found here and that a firewall may have."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 20)]
    found = [sys.executable, *(shutil.which(name) for name in ["/usr/bin/python3", *names])]
    found += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    versions = {path: _version(path) for path in found if path}
    oldest = min((version, path) for path, version in versions.items() if version >= OLDEST)
    return {"this": sys.executable} | (
        {"oldest": oldest[1]} if oldest[0] != sys.version_info[:2] else {}
    )


def _version(path: str) -> tuple[int, ...]:
    """Nothing for what is no interpreter, but only its name."""
    script = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([path, "-ISc", script], capture_output=True, text=True, check=False)
    return tuple(map(int, done.stdout.split()))


@cache
def program(interpreter: str = sys.executable) -> list[str]:
    """The command that runs the applier as it is on a firewall."""
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="applier-"))
    return applier_file.unpacked(Path(_FOLDERS[-1].name), interpreter)


def command(how: Mapping[str, str] = HOW) -> list[str]:
    """As `how` says: by another interpreter, or another program altogether."""
    return (
        how["program"].split()
        if "program" in how
        else program(how.get("interpreter", sys.executable))
    )


def tools(folder: Path, names: str) -> str:
    """A PATH with nothing but these tools."""
    folder.mkdir()
    for name in names.split():
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return str(folder)


def environment(root: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "APPLIER_ROOT": str(root),
        "APPLIER_PRACTICE": "1",
        "APPLIER_TIMEOUT": "1",
        **more,
    }


def _more(how: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in how.items() if key not in ("interpreter", "program")}


def applier(
    root: Path, *words: str, given: bytes = b"", how: Mapping[str, str] = HOW, **more: str
) -> tuple[int, str]:
    """Run it; `how` names an interpreter or another program, and what its environment holds."""
    done = subprocess.run(
        [*command(how), *words],
        input=given,
        capture_output=True,
        env=environment(root, **(_more(how) | more)),
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def verdict(output: str) -> tuple[str, str]:
    word, state, token = output.splitlines()[-1].split("\t")[:3]
    assert word == "done" and output.startswith(f"begin\t{token}\t")
    return state, token


def steps(output: str) -> dict[str, tuple[str, str]]:
    """How each step ended, and what it said."""
    lines = [line.split("\t") for line in output.splitlines() if line.startswith("step\t")]
    return {name: (state, base64.b64decode(said).decode()) for _, name, state, said, *_ in lines}


def applied(root: Path, files: Mapping[str, str] = GOOD, how: Mapping[str, str] = HOW) -> str:
    """Apply the files and confirm them; gives the token."""
    state, token = verdict(
        applier(root, "apply", given=packed(files), how=how, APPLIER_TIMEOUT=PATIENT)[1]
    )
    assert state == "applied" and applier(root, "confirm", token, how=how) == (0, "confirmed\n")
    return token


def killed_at(
    step: str,
    root: Path,
    how: Mapping[str, str],
    first: Callable[[str], None] = lambda token: None,
) -> str:
    """Kill an applier with a changed configuration at a step, after `first`. Gives its token.

    It waits at each step until we have heard of it, by a sleep of ours.
    """
    waits = root.parent / f"{root.name}-waits"
    waits.mkdir()
    os.mkfifo(waits / "go")
    (waits / "sleep").write_text(
        f'#!/bin/sh\n[ "$1" = 2.0 ] || exec {shutil.which("sleep")} "$@"\nread -r _ <{waits}/go\n'
    )
    (waits / "sleep").chmod(0o755)
    env = environment(root, APPLIER_TIMEOUT=PATIENT, APPLIER_SLOW="2.0", **_more(how))
    env["PATH"] = f"{waits}:{env['PATH']}"
    process = subprocess.Popen(
        [*command(how), "apply"], stdin=PIPE, stdout=PIPE, env=env, start_new_session=True
    )
    assert process.stdin and process.stdout
    process.stdin.write(packed(CHANGED))
    process.stdin.close()
    token = process.stdout.readline().decode().split("\t")[1]
    go = os.open(
        waits / "go", os.O_RDWR
    )  # open all the time: one line lets one step go on, and no step meets an end
    for line in process.stdout:
        if line.startswith(f"step\t{step}\trunning".encode()):
            first(token)
            os.killpg(process.pid, signal.SIGKILL)
        elif b"\trunning\t" in line:
            os.write(go, b"\n")
    os.close(go)
    process.wait()
    return token
