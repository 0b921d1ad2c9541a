"""Running the applier by itself, as a test does."""

import base64
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import PIPE

from firewalls.device import protocol
from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD

TOOLS = (
    "sha256sum sort sed sh cat mkdir rm mv cp cmp tar grep head od tr base64 sleep chmod sync wc "
    "find touch ln cksum flock setsid timeout"
)
PATIENT = "120"  # seconds for what is to be confirmed, however busy the machine is
HOW: Mapping[str, str] = {}
SHELLS = ["dash", "bash", "busybox"]


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


def applier(
    root: Path, *words: str, given: bytes = b"", how: Mapping[str, str] = HOW, **more: str
) -> tuple[int, str]:
    """Run it; `how` names a shell or another script, and what else its environment holds."""
    more = {key: value for key, value in how.items() if key not in ("shell", "script")} | more
    command = [*how.get("shell", "sh").split(), how.get("script", str(protocol.APPLIER)), *words]
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        env=environment(root, **more),
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
    more: Mapping[str, str],
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
    told = {key: value for key, value in more.items() if key != "shell"}
    env = environment(root, APPLIER_TIMEOUT=PATIENT, APPLIER_SLOW="2.0", **told)
    env["PATH"] = f"{waits}:{env['PATH']}"
    command = [*more.get("shell", "sh").split(), str(protocol.APPLIER), "apply"]
    process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, env=env, start_new_session=True)
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
