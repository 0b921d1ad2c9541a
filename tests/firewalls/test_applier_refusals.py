"""What the applier refuses, and what it leaves behind when there is no room."""

import io
import os
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD, contents
from tests.firewalls.running import PATIENT, applied, applier, environment, program, steps, verdict


def _tar(*members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return packed.getvalue()


def _member(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(member, key, value)
    return member


RULES, ROUTES = _member("etc/nftables.conf", size=1), _member("etc/frr/frr.conf", size=1)
HOSTILE = {
    "another path": _tar(RULES, ROUTES, _member("etc/passwd", size=1)),
    "a path upwards": _tar(RULES, ROUTES, _member("../../etc/frr/frr.conf", size=1)),
    "an absolute path": _tar(RULES, _member("/etc/frr/frr.conf", size=1)),
    "a symbolic link": _tar(
        RULES, _member("etc/frr/frr.conf", type=tarfile.SYMTYPE, linkname="/etc/shadow")
    ),
    "a hard link": _tar(
        RULES, _member("etc/frr/frr.conf", type=tarfile.LNKTYPE, linkname="/etc/shadow")
    ),
    "a link and then a file through it": _tar(
        RULES, _member("etc/frr/frr.conf", type=tarfile.LNKTYPE, linkname="/etc/shadow"), ROUTES
    ),
    "a folder": _tar(RULES, _member("etc/frr/frr.conf", type=tarfile.DIRTYPE)),
    "a device": _tar(RULES, _member("etc/frr/frr.conf", type=tarfile.CHRTYPE)),
    "two names in one": _tar(_member("etc/nftables.conf\netc/frr/frr.conf", size=1)),
    "a name with a blank": _tar(RULES, ROUTES, _member("etc/frr/frr.conf etc/passwd", size=1)),
    "a name that ends like a size and another": _tar(
        RULES, ROUTES, _member("x 5 etc/hostname", size=1)
    ),
    "the same upwards": _tar(RULES, ROUTES, _member("../x 5 etc/hostname", size=1)),
    "the same besides the other": _tar(
        RULES, ROUTES, _member("etc/hostname", size=1), _member("/etc/x 5 etc/hostname", size=1)
    ),
    "a pattern": _tar(RULES, _member("etc/frr/*", size=1)),
    "a file twice": _tar(RULES, ROUTES, ROUTES),
    "a file too few": _tar(RULES),
    "too much": _tar(RULES, _member("etc/frr/frr.conf", size=4_100_000)),
    "half an archive": packed(GOOD)[:700],
    "an archive without its last lines": packed(GOOD)[:1550],
    "no archive": b"not a tar",
    "nothing": b"",
}


def test_refuses_hostile_archives(root: Path, python: dict[str, str]) -> None:
    applied(root, how=python)
    for kind, archive in HOSTILE.items():
        state, output = applier(root, "apply", given=archive, how=python)
        assert (state, verdict(output)[0]) == (1, "failed"), kind
        assert steps(output)["unpack"][0] == "failed" and "Refused" in steps(output)["unpack"][1], (
            kind
        )
        assert contents(root) == GOOD and not list(
            (root / "var/lib/shared-networks").glob("new.*")
        ), kind


class TestFullDisk:
    @pytest.fixture(autouse=True)
    def _small(self) -> None:
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(
                "a small disk needs root and mount namespaces: run as root"
            )

    def push_on_full(
        self, root: Path, small: Path, size: str
    ) -> tuple[dict[str, tuple[str, str]], str]:
        """Push GOOD, fill the small disk, push something else: how that ended, and the files."""
        big = CHANGED | {"/etc/frr/frr.conf": CHANGED["/etc/frr/frr.conf"] + "!\n" * 5000}
        (root.parent / "good.tar").write_bytes(packed(GOOD))
        (root.parent / "big.tar").write_bytes(packed(big))
        run = shlex.join(program())
        script = f"""
            mount -t tmpfs -o size={size},mode=755 none {small} &&
            mkdir -p {root}/etc/frr {root}/var/lib
            token=$({run} apply <{root.parent}/good.tar | tail -1 | cut -f3)
            {run} confirm $token >&2
            dd if=/dev/zero of={small}/fill bs=4k 2>/dev/null
            {run} apply <{root.parent}/big.tar
            cat {root}/etc/frr/frr.conf >{root.parent}/found
        """
        command = ["unshare", "-m", "sh", "-c", script]
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            text=True,
            env=environment(root, APPLIER_TIMEOUT=PATIENT),
        )
        assert "confirmed" in done.stderr
        return steps(done.stdout) | {"done": (verdict(done.stdout)[0], "")}, (
            root.parent / "found"
        ).read_text()

    def test_where_candidates_are_kept_leaves_the_old_files(self, root: Path) -> None:
        told, found = self.push_on_full(root, root, "256k")
        assert told["done"][0] == "failed" and "is the disk full?" in told["receive"][1]
        assert found == GOOD["/etc/frr/frr.conf"]

    def test_where_the_files_belong_leaves_the_old_files(self, root: Path) -> None:
        told, found = self.push_on_full(root, root / "etc", "64k")
        assert told["done"][0] == "rolled-back" and "No space left" in told["write"][1]
        assert found == GOOD["/etc/frr/frr.conf"]


class TestForcedCommand:
    def run(self, root: Path, asked: str) -> tuple[int, str]:
        return applier(root, SSH_ORIGINAL_COMMAND=asked)

    def test_takes_the_clients_words(self, root: Path) -> None:
        assert self.run(root, "version") == (0, self.run(root, "version")[1]) and self.run(
            root, "confirm x"
        ) == (0, "unknown\n")

    @pytest.mark.parametrize(
        "asked", ["", "id", "sh -c id", "rollback x 0", "recover", "apply; id", "$(id)", "*"]
    )
    def test_runs_nothing_else(self, root: Path, asked: str) -> None:
        status, said = self.run(root, asked)
        assert status in (1, 64) and "uid=" not in said
