"""The applier by itself, under every shell that a firewall may have."""

import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from firewalls import practice, transport
from tests.firewalls.boxes import GOOD

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
TOOLS = "sh cat mkdir rm mv cp cmp tar grep head od tr base64 sleep dirname chmod sync nohup setsid"
CHANGED = GOOD | {"/etc/frr/frr.conf": GOOD["/etc/frr/frr.conf"].replace("box", "changed")}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    if not shutil.which(SHELLS[request.param][0]):
        line = f"{request.param} missing: apt-get install {request.param}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)
    return SHELLS[request.param]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return practice.ensure_root(tmp_path, "box")


def applier(root: Path, *words: str, given: bytes = b"", shell: list[str] | None = None, **environment: str) -> tuple[int, str]:
    env = {"PATH": os.environ["PATH"], "APPLIER_ROOT": str(root), "APPLIER_PRACTICE": "1", "APPLIER_TIMEOUT": "1", **environment}
    done = subprocess.run(
        [*(shell or ["sh"]), str(practice.APPLIER), *words], input=given, capture_output=True, env=env, timeout=60, check=False
    )
    return done.returncode, done.stdout.decode()


def verdict(output: str) -> tuple[str, str]:
    _, state, token = output.splitlines()[-1].split("\t")[:3]
    return state, token


def files(root: Path) -> dict[str, str]:
    return {path: (root / path.lstrip("/")).read_text() for path in GOOD if (root / path.lstrip("/")).exists()}


def settled(root: Path, wanted: Mapping[str, str]) -> bool:
    deadline = time.monotonic() + 10
    while files(root) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return files(root) == wanted


def test_applies_confirms_repeats_and_rolls_back_alike_in_every_shell(root: Path, shell: list[str]) -> None:
    status, output = applier(root, "apply", given=transport._packed(GOOD), shell=shell)
    state, token = verdict(output)
    assert (status, state) == (0, "applied") and files(root) == GOOD
    assert applier(root, "confirm", token, shell=shell) == (0, "confirmed\n")
    assert verdict(applier(root, "apply", given=transport._packed(GOOD), shell=shell)[1])[0] == "unchanged"
    assert verdict(applier(root, "apply", given=transport._packed(CHANGED), shell=shell)[1])[0] == "applied"
    assert files(root) == CHANGED and settled(root, GOOD)
    assert applier(root, "confirm", token, shell=shell) == (0, "rolled back\n")


def _tar(*members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return packed.getvalue()


def _member(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


HOSTILE = {
    "another path": _tar(_member("etc/passwd", size=1)),
    "a path upwards": _tar(_member("../../etc/frr/frr.conf", size=1)),
    "an absolute path": _tar(_member("/etc/frr/frr.conf", size=1)),
    "a link": _tar(_member("etc/nftables.conf", size=1), _member("etc/frr/frr.conf", type=tarfile.SYMTYPE, linkname="/etc/shadow")),
    "a file too few": _tar(_member("etc/nftables.conf", size=1)),
    "no archive": b"not a tar",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_refuses_what_is_not_the_managed_files(root: Path, kind: str) -> None:
    applier(root, "apply", given=transport._packed(GOOD))
    status, output = applier(root, "apply", given=HOSTILE[kind])
    assert (status, verdict(output)[0]) == (1, "failed")
    assert settled(root, {}) or files(root) == GOOD


def test_a_missing_parser_is_said_and_does_not_stop_it(root: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS.split():
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    script = tmp_path / "applier.sh"
    script.write_text(practice.APPLIER.read_text().replace("PATH=$PATH:/usr/sbin:/sbin:/usr/lib/frr", f"PATH={tools}"))
    env = {"PATH": str(tools), "APPLIER_ROOT": str(root), "APPLIER_PRACTICE": "1", "APPLIER_TIMEOUT": "1"}
    done = subprocess.run(["sh", str(script), "apply"], input=transport._packed(GOOD), capture_output=True, env=env, check=False)
    skipped = [line.split("\t")[1] for line in done.stdout.decode().splitlines() if "\tskipped\t" in line]
    assert skipped[:2] == ["check-nftables", "check-frr"] and verdict(done.stdout.decode())[0] == "applied"


def test_waits_for_a_busy_lock_and_gives_up_with_a_sentence(root: Path) -> None:
    lock = root / "var/lib/shared-networks/lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(str(os.getpid()))
    status, output = applier(root, "apply", given=transport._packed(GOOD), APPLIER_LOCK_WAIT="1")
    assert status == 1 and verdict(output)[0] == "failed" and files(root) == {}
    assert not list((root / "var/lib/shared-networks").glob("candidate.*"))


def test_a_lock_whose_holder_died_is_taken_over(root: Path) -> None:
    lock = root / "var/lib/shared-networks/lock"
    lock.mkdir(parents=True)
    dead = subprocess.Popen(["true"])
    dead.wait()
    (lock / "pid").write_text(str(dead.pid))
    assert verdict(applier(root, "apply", given=transport._packed(GOOD))[1])[0] == "applied"


@pytest.mark.parametrize("step", ["save", "arm-rollback", "write", "verify"])
def test_killed_at_a_step_it_goes_back_to_what_was(root: Path, step: str) -> None:
    _, token = verdict(applier(root, "apply", given=transport._packed(GOOD))[1])
    applier(root, "confirm", token)
    env = {
        "PATH": os.environ["PATH"], "APPLIER_ROOT": str(root), "APPLIER_PRACTICE": "1", "APPLIER_TIMEOUT": "1", "APPLIER_SLOW": "0.2",
    }  # fmt: skip
    process = subprocess.Popen(
        ["sh", str(practice.APPLIER), "apply"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True
    )
    assert process.stdin and process.stdout
    process.stdin.write(transport._packed(CHANGED))
    process.stdin.close()
    for line in process.stdout:
        if line.startswith(f"step\t{step}\trunning".encode()):
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert settled(root, GOOD)
    time.sleep(1.5)
    assert verdict(applier(root, "apply", given=transport._packed(CHANGED))[1])[0] == "applied" and files(root) == CHANGED


def test_a_full_disk_leaves_the_old_files(tmp_path: Path) -> None:
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        line = "a small disk needs root and mount namespaces"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)
    small = tmp_path / "small"
    small.mkdir()
    script = f"""
        mount -t tmpfs -o size=256k none {small} && mkdir -p {small}/etc/frr {small}/var/lib
        export APPLIER_ROOT={small} APPLIER_PRACTICE=1 APPLIER_TIMEOUT=30
        token=$(sh {practice.APPLIER} apply <{tmp_path}/good.tar | tail -1 | cut -f3)
        sh {practice.APPLIER} confirm $token
        dd if=/dev/zero of={small}/fill bs=4k 2>/dev/null
        sh {practice.APPLIER} apply <{tmp_path}/changed.tar
        cat {small}/etc/frr/frr.conf >{tmp_path}/found
    """
    (tmp_path / "good.tar").write_bytes(transport._packed(GOOD))
    (tmp_path / "changed.tar").write_bytes(transport._packed(CHANGED))
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False, text=True)
    assert done.stdout.startswith("confirmed\n") and done.stdout.rstrip().endswith("done\tfailed")
    assert (tmp_path / "found").read_text() == GOOD["/etc/frr/frr.conf"]


def test_shellcheck_finds_nothing() -> None:
    if not shutil.which("shellcheck"):
        line = "shellcheck missing: apt-get install shellcheck"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(line)
    assert subprocess.run(["shellcheck", str(practice.APPLIER)], capture_output=True, check=False).stdout == b""
