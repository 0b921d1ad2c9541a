"""Practice firewalls: a real SSH server, many boxes, nothing but the applier."""

import asyncio
import os
import socket
import stat
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import asyncssh
import psutil
import pytest

from firewalls.device import practice
from firewalls.device.connection import connected
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Timeouts, TransportError
from tests.firewalls.boxes import (
    CHANGED,
    GOOD,
    Boxes,
    boxes,
    contents,
    last,
    pushed,
    pushing,
    serving,
    settled,
    wait_until,
)

MIB = 1024


def applying(server: int) -> list[int]:
    """The appliers that this server has started to apply something."""
    return [child.pid for child in psutil.Process(server).children() if "apply" in child.cmdline()]


def inside(box: Boxes, act: Callable[[asyncssh.SSHClientConnection], Awaitable[object]]) -> object:
    """What an authenticated caller gets when it does this."""

    async def run() -> object:
        async with connected(box.target(), box.key, Timeouts()) as connection:
            return await act(connection)

    return asyncio.run(run())


class TestNothingButTheApplier:
    @pytest.mark.parametrize(
        "command",
        ["id", "sh -c id", "", "applyx", "'", "rollback x 0", "recover", "/bin/sh applier.sh"],
    )
    def test_other_commands_are_refused_with_a_sentence(self, box: Boxes, command: str) -> None:
        done = inside(box, lambda connection: connection.run(command))
        assert isinstance(done, asyncssh.SSHCompletedProcess)
        assert done.exit_status == 64 and "runs the applier only" in str(done.stderr)

    def test_no_shell(self, box: Boxes) -> None:
        done = inside(box, lambda connection: connection.run(None, stdin=asyncssh.DEVNULL))
        assert isinstance(done, asyncssh.SSHCompletedProcess) and done.exit_status == 64

    def test_no_terminal(self, box: Boxes) -> None:
        with pytest.raises((TransportError, asyncssh.Error)):
            inside(box, lambda connection: connection.create_process("show", term_type="xterm"))

    def test_no_files(self, box: Boxes) -> None:
        with pytest.raises((TransportError, asyncssh.Error)):
            inside(box, lambda connection: connection.start_sftp_client())

    def test_no_forwarding(self, box: Boxes) -> None:
        with pytest.raises((TransportError, asyncssh.Error)):
            inside(box, lambda connection: connection.open_connection(practice.HOST, box.port))
        with pytest.raises(asyncssh.ChannelListenError):
            inside(
                box,
                lambda connection: connection.forward_remote_port("", 0, practice.HOST, box.port),
            )

    @pytest.mark.parametrize(
        "user", ["box", "fw-", "fw-nobody", "fw-..", "fw-../practice", "fw-box/", "root"]
    )
    def test_nobody_but_a_firewall_that_exists(self, box: Boxes, user: str) -> None:
        with pytest.raises(TransportError, match="does not accept"):
            pushed(replace(box.target(), user=user), GOOD, box.key)


class TestTheServer:
    def test_keeps_its_port_and_its_host_key(self, tmp_path: Path) -> None:
        with boxes(tmp_path) as first:
            target = first.target()
            assert first.push()[0].state == "confirmed"
        with boxes(tmp_path) as second:
            assert second.target() == target and second.push()[0].state == "confirmed"
        assert stat.S_IMODE((tmp_path / "host_key").stat().st_mode) == 0o600

    def test_takes_another_port_when_somebody_has_its_own(self, tmp_path: Path) -> None:
        kept = practice.port(tmp_path)
        assert practice.port(tmp_path) == kept
        with socket.create_server((practice.HOST, kept)):
            assert practice.port(tmp_path) != kept

    def test_at_its_start_puts_back_what_was_never_confirmed(self, tmp_path: Path) -> None:
        with boxes(tmp_path) as box:
            box.push()
            pending = tmp_path / "box/var/lib/shared-networks/pending"
            (pending / "etc/frr").mkdir(
                parents=True
            )  # as a power cut leaves it: saved, written, and no timer
            for path, text in GOOD.items():
                (pending / path.lstrip("/")).write_text(text)
                box.file(path).write_text(CHANGED[path])
            (pending / "token").write_text("1-cut\n")
        with serving(tmp_path, box.key):
            assert settled(tmp_path / "box", GOOD)

    def test_serves_many_boxes_at_once_each_with_its_own_files(self, box: Boxes) -> None:
        names = [f"many-{number}" for number in range(12)]
        files = {
            name: GOOD | {"/etc/frr/frr.conf": GOOD["/etc/frr/frr.conf"].replace("box", name)}
            for name in names
        }

        async def all_of_them() -> list[str]:
            results = await asyncio.gather(
                *(pushing(box.target(name), files[name], box.key) for name in names)
            )
            return [outcome.state for outcome, _ in results]

        assert asyncio.run(all_of_them()) == ["confirmed"] * len(names)
        assert all(box.files(name) == files[name] for name in names)

    def test_a_slow_box_is_slow_and_the_others_are_not(self, box: Boxes) -> None:
        box.slow("slow", 1)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(box.push, name="slow")
            assert box.push(name="quick")[0].state == "confirmed" and not slow.done()
            outcome, steps = slow.result()
        assert outcome.state == "confirmed" and time.monotonic() - began > len(last(steps)) - len(
            ("connect", "confirm")
        )

    def test_asks_no_name_server_who_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that does not answer would take seconds of every connection."""
        monkeypatch.setattr(socket, "gethostname", lambda: "nobody")
        monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("a name server was asked"))
        key, number = ensure_key(tmp_path / "key"), practice.port(tmp_path)

        async def pushed_once() -> str:
            server = await practice.serve(tmp_path, key, number)
            target = Boxes(tmp_path, key, number).target("box")
            outcome, _ = await pushing(target, GOOD, key)
            server.close()
            return outcome.state

        assert asyncio.run(pushed_once()) == "confirmed"

    def test_its_appliers_are_of_its_session_and_each_in_a_group_of_its_own(
        self, tmp_path: Path
    ) -> None:
        key, number = ensure_key(tmp_path / "key"), practice.port(tmp_path)
        with serving(tmp_path, key) as process, ThreadPoolExecutor(1) as pool:
            served = Boxes(tmp_path, key, number)
            served.slow("slow", 1)
            outcome = pool.submit(served.push, name="slow")
            wait_until(lambda: applying(process.pid) != [])
            (applier,) = applying(process.pid)
            assert (os.getsid(applier), os.getpgid(applier)) == (os.getsid(process.pid), applier)
            assert outcome.result()[0].state == "confirmed"

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_leaves_no_child_behind_and_stays_small(self, tmp_path: Path) -> None:
        key, number = ensure_key(tmp_path / "key"), practice.port(tmp_path)
        with serving(tmp_path, key) as process:
            served = Boxes(tmp_path, key, number)
            with ThreadPoolExecutor(4) as pool:
                outcomes = list(
                    pool.map(
                        lambda name: served.push(name=name)[0].state, [f"box-{n}" for n in range(8)]
                    )
                )
            assert outcomes == ["confirmed"] * 8
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            status = dict(
                line.split(":", 1)
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            )
        assert children == ""
        assert int(status["VmRSS"].split()[0]) < 60 * MIB


class TestKeys:
    def test_are_made_once_and_only_their_owner_reads_them(self, tmp_path: Path) -> None:
        path = ensure_key(tmp_path / "ssh/id")
        content = path.read_bytes()
        assert (
            ensure_key(path).read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o600
        )

    def test_made_by_two_at_once_are_one_key_that_fits(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: ensure_key(tmp_path / "id"), range(8)))
        fits = asyncssh.read_private_key(tmp_path / "id").export_public_key().decode().split()[:2]
        assert public_line(tmp_path / "id").split() == fits

    def test_whose_public_half_is_lost_get_it_back(self, tmp_path: Path) -> None:
        line = public_line(ensure_key(tmp_path / "id"))
        (tmp_path / "id.pub").unlink()
        assert public_line(ensure_key(tmp_path / "id")) == line


def test_a_new_root_is_an_empty_box(tmp_path: Path) -> None:
    assert contents(practice.ensure_root(tmp_path, "box")) == {}
