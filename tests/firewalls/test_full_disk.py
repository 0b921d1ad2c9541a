"""A disk that fills up while a push runs, or before it is confirmed.

The firewall goes back all the same, and its verdict is true.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD
from tests.firewalls.running import environment, program, verdict

FILL = "dd if=/dev/zero of={root}/fill bs=4k 2>/dev/null"


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "a small disk needs root and mount namespaces: run as root"
        )


def life(root: Path, before: str, after: str = "", **more: str) -> tuple[str, list[str]]:
    """On a small disk push GOOD, do something, push CHANGED, do something else.

    Gives how the push ended, and then the verdict and frr.conf.
    """
    (root.parent / "good.tar").write_bytes(packed(GOOD))
    (root.parent / "changed.tar").write_bytes(packed(CHANGED))
    script = f"""
        mount -t tmpfs -o size=256k,mode=755 none {root} &&
        mkdir -p {root}/etc/frr {root}/etc/shared-networks/probes {root}/var/lib
        applier() {{ {shlex.join(program())} "$@"; }}
        applier confirm $(applier apply <{root.parent}/good.tar | tail -1 | cut -f3) >&2
        {before}
        applier apply <{root.parent}/changed.tar >{root.parent}/said
        token=$(tail -1 {root.parent}/said | cut -f3)
        {after or "true"}
        applier confirm $token
        cat {root}/etc/frr/frr.conf
        [ -s {root}/fill ] || echo 'The disk was not full.' >&2
    """
    command = ["unshare", "-m", "sh", "-c", script]
    done = subprocess.run(
        command,
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
        env=environment(root, **more),
    )
    assert done.stderr == "confirmed\n"
    return verdict((root.parent / "said").read_text())[0], done.stdout.splitlines(keepends=True)


def left(word: str, files: dict[str, str]) -> list[str]:
    return [f"{word}\n", *files["/etc/frr/frr.conf"].splitlines(keepends=True)]


def executable(path: str, body: str) -> str:
    return f"printf '#!/bin/sh\\n%s\\n' '{body}' >{path}; chmod +x {path}"


def test_while_it_is_checked(root: Path, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    before = executable(f"{tmp_path}/tools/nft", f"{FILL.format(root=root)}; exit 1")
    path = f"{tmp_path}/tools:{os.environ['PATH']}"
    assert life(root, before, PATH=path, APPLIER_TIMEOUT="60") == ("failed", left("failed", GOOD))


def test_while_it_is_probed(root: Path) -> None:
    before = executable(
        f"{root}/etc/shared-networks/probes/full", f"{FILL.format(root=root)}; exit 1"
    )
    assert life(root, before, APPLIER_TIMEOUT="60") == ("rolled-back", left("rolled back", GOOD))


def test_before_it_is_confirmed(root: Path) -> None:
    assert life(root, "true", FILL.format(root=root), APPLIER_TIMEOUT="60") == (
        "applied",
        left("confirmed", CHANGED),
    )


def test_before_it_goes_back_because_nobody_confirms(root: Path) -> None:
    waiting = f"[ -d {root}/var/lib/shared-networks/pending ] && [ $n -lt 60 ]"
    after = f"{FILL.format(root=root)}; n=0; while {waiting}; do sleep 1; n=$((n + 1)); done"
    assert life(root, "true", after, APPLIER_TIMEOUT="1") == ("applied", left("rolled back", GOOD))
