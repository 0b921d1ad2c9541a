"""Bringing files to a firewall: the real applier behind a real SSH server, practice and OpenSSH."""

import asyncio
import getpass
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firewalls import practice, transport
from firewalls.ssh import ensure_key, public_line
from firewalls.transport import Target, TransportError
from tests.conftest import needs
from tests.firewalls.boxes import GOOD, Boxes, answers, boxes, pushed

CHANGED = GOOD | {"/etc/frr/frr.conf": GOOD["/etc/frr/frr.conf"].replace("box", "changed")}
ORDER = [
    "connect", "lock", "unpack", "check-nftables", "check-frr", "save", "arm-rollback", "write",
    "load-nftables", "load-frr", "verify", "confirm",
]  # fmt: skip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    with boxes(tmp_path_factory.mktemp("practice"), APPLIER_TIMEOUT="2") as running:
        yield running


def contents(box: Boxes, name: str) -> dict[str, str]:
    return {path: box.file(path, name).read_text() for path in GOOD if box.file(path, name).exists()}


def test_a_push_checks_writes_verifies_and_confirms_step_by_step(box: Boxes) -> None:
    outcome, steps = box.push(name="fresh")
    assert outcome.state == "confirmed" and contents(box, "fresh") == GOOD
    assert [step.name for step in steps if step.state != "running"] == ORDER
    assert {step.name for step in steps if step.state == "skipped"} >= {"load-nftables", "load-frr"}
    assert all("without a kernel" in step.output for step in steps if step.state == "skipped" and step.name.startswith("load"))


def test_the_machines_own_parsers_check_it(box: Boxes) -> None:
    needs("nft", "vtysh", "unshare")
    _, steps = box.push(name="checked")
    assert {step.name: step.state for step in steps if step.name.startswith("check")} == {"check-nftables": "ok", "check-frr": "ok"}


@pytest.mark.parametrize(
    ("path", "text", "step"),
    [
        ("/etc/nftables.conf", "table inet metal { chain x { jump nowhere } }\n", "check-nftables"),
        ("/etc/frr/frr.conf", "routr bgp\n", "check-frr"),
    ],
)
def test_what_a_parser_refuses_changes_nothing(box: Boxes, path: str, text: str, step: str) -> None:
    needs("nft", "vtysh", "unshare")
    box.push(name=f"refuse-{step}")
    outcome, steps = box.push(GOOD | {path: text}, name=f"refuse-{step}")
    assert outcome.state == "failed" and f"refused at {step}" in outcome.error
    assert steps[-1].name == step and contents(box, f"refuse-{step}") == GOOD


def test_the_same_again_changes_nothing_and_says_so(box: Boxes) -> None:
    box.push(name="twice")
    written = box.file("/etc/frr/frr.conf", "twice").stat().st_mtime_ns
    outcome, steps = box.push(name="twice")
    assert outcome.state == "confirmed" and "already" in steps[-1].output
    assert box.file("/etc/frr/frr.conf", "twice").stat().st_mtime_ns == written


def test_what_is_not_confirmed_is_rolled_back_by_the_box(box: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    box.push(name="cut")
    real, calls = transport._connected, iter((True, False))

    def once(target: Target, key_path: Path) -> object:
        return real(target if next(calls) else replace(target, port=1), key_path)

    monkeypatch.setattr(transport, "_connected", once)
    outcome, _ = box.push(CHANGED, name="cut")
    assert outcome.state == "rolled_back" and contents(box, "cut") == CHANGED
    deadline = time.monotonic() + 10
    while contents(box, "cut") != GOOD and time.monotonic() < deadline:
        time.sleep(0.1)
    assert contents(box, "cut") == GOOD


def test_a_failing_write_goes_back_at_once(box: Boxes) -> None:
    target = box.target("plain-file")
    box.file("/etc/frr", "plain-file").rmdir()
    box.file("/etc/frr", "plain-file").write_text("in the way\n")
    outcome, _ = pushed(target, GOOD, box.key)
    assert outcome.state == "rolled_back" and "failed at write" in outcome.error
    assert not box.file("/etc/nftables.conf", "plain-file").exists()


def test_a_sender_that_dies_leaves_old_or_new_and_no_lock(box: Boxes) -> None:
    box.push(name="dies")
    (box.folder / ".slow-dies").write_text("0.3")
    target = box.target("dies")

    async def cut_short() -> None:
        async def note(step: transport.Step) -> None:
            if step.name == "save":
                raise KeyboardInterrupt

        await transport.push(target, CHANGED, note, key_path=box.key)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(cut_short())
    (box.folder / ".slow-dies").unlink()
    outcome, _ = box.push(CHANGED, name="dies")
    assert outcome.state == "confirmed" and contents(box, "dies") == CHANGED


def test_drift_can_be_seen(box: Boxes) -> None:
    box.push(name="drift")
    box.file("/etc/nftables.conf", "drift").write_text("# by hand\n")
    found = asyncio.run(transport.inspect(box.target("drift"), key_path=box.key))
    assert found == GOOD | {"/etc/nftables.conf": "# by hand\n"}


def test_only_the_applier_runs(box: Boxes) -> None:
    async def run(command: str) -> int | None:
        async with transport._connected(box.target(), box.key) as connection:
            return (await connection.run(command)).exit_status

    assert [asyncio.run(run(command)) for command in ("id", "sh -c id", "", "applyx")] == [64] * 4


class TestRefusals:
    def test_another_host_key_stops_everything_and_is_not_called_unreachable(self, box: Boxes, tmp_path: Path) -> None:
        other = public_line(ensure_key(tmp_path / "other"))
        with pytest.raises(TransportError, match="another host key than the pinned one") as error:
            pushed(replace(box.target(), host_key=other), GOOD, box.key)
        assert not error.value.unreachable

    def test_another_client_key_is_not_let_in(self, box: Boxes, tmp_path: Path) -> None:
        with pytest.raises(TransportError, match="does not accept the key") as error:
            pushed(box.target(), GOOD, ensure_key(tmp_path / "stranger"))
        assert not error.value.unreachable

    def test_a_closed_port_is_unreachable(self, box: Boxes) -> None:
        with pytest.raises(TransportError, match="does not answer") as error:
            pushed(replace(box.target(), port=1), GOOD, box.key)
        assert error.value.unreachable

    def test_a_silent_host_is_unreachable_after_a_while(self, box: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransportError) as error:
            pushed(replace(box.target(), port=silent.getsockname()[1]), GOOD, box.key)
        assert error.value.unreachable

    def test_no_pinned_key_means_no_connection(self, box: Boxes) -> None:
        with pytest.raises(TransportError, match="no pinned host key"):
            pushed(replace(box.target(), host_key=""), GOOD, box.key)

    def test_a_listener_that_hangs_up_is_reported(self, box: Boxes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as rude:
            threading.Thread(target=lambda: rude.accept()[0].close(), daemon=True).start()  # noqa: PLW0108 - accept waits
            with pytest.raises(TransportError):
                pushed(replace(box.target(), port=rude.getsockname()[1]), GOOD, box.key)


def test_a_real_sshd_with_a_forced_command_runs_the_same_applier(tmp_path: Path) -> None:
    needs("sshd")
    host, client = ensure_key(tmp_path / "host"), ensure_key(tmp_path / "client")
    root = practice.ensure_root(tmp_path, "real")
    command = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT=5 sh {practice.APPLIER}"
    (tmp_path / "authorized").write_text(f'restrict,command="{command}" {public_line(client)}\n')
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": host, "PidFile": "none", "UsePAM": "no", "StrictModes": "no",
        "AuthorizedKeysFile": tmp_path / "authorized", "PasswordAuthentication": "no",
    }  # fmt: skip
    (tmp_path / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    Path("/run/sshd").mkdir(exist_ok=True)
    sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(tmp_path / "sshd_config")], stderr=subprocess.DEVNULL)
    try:
        answers("127.0.0.1", port)
        target = Target("real", "127.0.0.1", port, getpass.getuser(), public_line(host))
        outcome, _ = pushed(target, GOOD, client)
        assert outcome.state == "confirmed" and (root / "etc/frr/frr.conf").read_text() == GOOD["/etc/frr/frr.conf"]
        assert asyncio.run(transport.inspect(target, key_path=client)) == GOOD
    finally:
        sshd.terminate()
        sshd.wait(10)
