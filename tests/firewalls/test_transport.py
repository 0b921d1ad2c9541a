"""Pushing files to a firewall: the real applier behind real SSH servers, connections really cut."""

import asyncio
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from firewalls.device import practice, transport
from firewalls.device.connection import connected
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Outcome, Step, Stop, Target, Timeouts, TransportError
from tests.conftest import needs
from tests.firewalls.boxes import (
    CHANGED,
    GOOD,
    Boxes,
    boxes,
    contents,
    gate,
    last,
    pushed,
    pushing,
    settled,
    sshd,
    wait_until,
)
from tests.firewalls.running import PATIENT, applied, program

ORDER = [
    "connect",
    "lock",
    "version",
    "unpack",
    "check-units",
    "check-nftables",
    "check-frr",
    "check-system",
    "save",
    "arm-rollback",
    "write",
    "load-system",
    "load-nftables",
    "load-frr",
    "take-down",
    "verify",
    "check-bgp",
    "check-next-hops",
    "check-routes",
    "probe",
    "confirm",
]
UNLOADED = (
    "load-system",
    "load-nftables",
    "load-frr",
    "take-down",
    "check-bgp",
    "check-next-hops",
    "check-routes",
)
EAGER = Timeouts(after_rollback=60, ask_again=0.2)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """Boxes that nobody can count on confirming in time: for what is to be rolled back."""
    with boxes(tmp_path_factory.mktemp("hasty"), APPLIER_TIMEOUT="2") as running:
        yield running


class TestPush:
    def test_checks_writes_verifies_and_confirms_step_by_step(self, box: Boxes) -> None:
        outcome, steps = box.push(name="fresh")
        assert outcome == Outcome("confirmed") and box.files("fresh") == GOOD
        assert (
            [step.name for step in steps if step.state == "running"] == ORDER == list(last(steps))
        )
        assert all("without a kernel" in last(steps)[name].output for name in UNLOADED)

    def test_uses_the_machines_own_parsers(self, box: Boxes) -> None:
        needs("nft", "vtysh", "unshare")
        _, steps = box.push(name="checked")
        assert (last(steps)["check-nftables"].state, last(steps)["check-frr"].state) == ("ok", "ok")

    @pytest.mark.parametrize(
        ("path", "text", "step"),
        [
            (
                "/etc/nftables.conf",
                "table inet metal { chain x { jump nowhere } }\n",
                "check-nftables",
            ),
            ("/etc/frr/frr.conf", "routr bgp\n", "check-frr"),
        ],
    )
    def test_of_what_a_parser_refuses_changes_nothing(
        self, box: Boxes, path: str, text: str, step: str
    ) -> None:
        needs("nft", "vtysh", "unshare")
        box.push(name=f"refuse-{step}")
        outcome, steps = box.push(GOOD | {path: text}, name=f"refuse-{step}")
        assert (
            outcome.state == "refused"
            and f"refused at {step}; nothing was changed" in outcome.error
        )
        assert steps[-1].name == step and box.files(f"refuse-{step}") == GOOD

    def test_of_the_same_again_changes_nothing_and_says_so(self, box: Boxes) -> None:
        box.push(name="twice")
        written = box.file("/etc/frr/frr.conf", "twice").stat()
        outcome, steps = box.push(name="twice")
        assert (
            outcome.state == "confirmed"
            and "already" in steps[-1].output
            and "write" not in last(steps)
        )
        again = box.file("/etc/frr/frr.conf", "twice").stat()
        assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)

    def test_whose_write_fails_goes_back_at_once(self, box: Boxes) -> None:
        target = box.target("in-the-way")
        box.file("/etc/frr", "in-the-way").rmdir()
        box.file("/etc/frr", "in-the-way").write_text("in the way\n")
        outcome, _ = pushed(target, GOOD, box.key)
        assert outcome.state == "rolled_back" and "failed at write" in outcome.error
        assert not box.file("/etc/nftables.conf", "in-the-way").exists()

    def test_of_two_senders_at_once_goes_one_after_the_other(self, box: Boxes) -> None:
        target = box.target("both")
        box.slow("both", 0.05)

        async def both() -> list[Outcome]:
            return await asyncio.gather(
                *(
                    transport.push(target, files, silent, key_path=box.key)
                    for files in (GOOD, CHANGED)
                )
            )

        outcomes = asyncio.run(both())
        kept = [GOOD, CHANGED].index(box.files("both"))
        assert outcomes[kept].state == "confirmed" and settled(
            box.folder / "both", [GOOD, CHANGED][kept]
        )


async def silent(step: Step) -> None:
    """Nobody listens."""


def test_drift_can_be_seen(box: Boxes) -> None:
    assert asyncio.run(transport.inspect(box.target("drift"), key_path=box.key)).files == {}
    box.push(name="drift")
    box.file("/etc/nftables.conf", "drift").write_text("# by hand\n")
    inspection = asyncio.run(transport.inspect(box.target("drift"), key_path=box.key))
    assert inspection.files == GOOD | {"/etc/nftables.conf": "# by hand\n"}


class TestCuts:
    """The connection is lost; the outcome is what was seen in the end."""

    def cut(
        self,
        box: Boxes,
        name: str,
        is_open: Callable[[int], bool] = bool,
        step: str = "",
        timeouts: Timeouts = EAGER,
    ) -> tuple[Outcome, dict[str, Step]]:
        """Have GOOD there, then push CHANGED through a gate, cutting the connections at a step.

        The gate is open for connections by their numbers.
        """
        target = box.target(name)
        applied(box.folder / name)
        if step:
            box.slow(name, 0.3)

        async def run() -> tuple[Outcome, list[Step]]:
            async with gate(target, is_open) as (through, behind):

                async def watch(current: Step) -> None:
                    if (current.name, current.state) == (step, "running"):
                        through.cut()

                return await pushing(behind, CHANGED, box.key, timeouts, watch)

        outcome, steps = asyncio.run(run())
        return outcome, last(steps)

    def test_before_confirming_for_a_moment_is_made_good(self, box: Boxes) -> None:
        outcome, _ = self.cut(box, "moment", lambda number: number != 2)
        assert outcome.state == "confirmed" and settled(box.folder / "moment", CHANGED)

    def test_before_confirming_for_longer_than_the_box_waits_is_seen_to_be_rolled_back(
        self, hasty: Boxes
    ) -> None:
        pending = hasty.file("/var/lib/shared-networks/pending", "longer")
        outcome, steps = self.cut(
            hasty, "longer", lambda number: number == 1 or not pending.exists()
        )
        assert (
            outcome.state == "rolled_back"
            and "gone back" in outcome.error
            and "does not answer" in outcome.error
        )
        assert steps["confirm"].state == "failed" and hasty.files("longer") == GOOD

    def test_before_confirming_for_ever_is_not_called_rolled_back(self, hasty: Boxes) -> None:
        outcome, _ = self.cut(
            hasty, "forever", lambda number: number == 1, timeouts=Timeouts(after_rollback=0)
        )
        assert (
            outcome.state == "unseen"
            and "that was not seen" in outcome.error
            and outcome.unreachable
        )
        assert settled(hasty.folder / "forever", GOOD)

    @pytest.mark.parametrize("step", ["unpack", "write", "verify"])
    def test_while_it_applies_do_not_stop_the_box(self, box: Boxes, step: str) -> None:
        outcome, steps = self.cut(box, f"cut-{step}", step=step)
        assert outcome.state == "confirmed" and settled(box.folder / f"cut-{step}", CHANGED)
        (at,) = (
            one for one in steps.values() if "Not seen to its end" in one.output
        )  # that step, or a later one that was on its way
        assert (
            at.state == "skipped"
            and "lost" in at.output
            and ORDER.index(at.name) >= ORDER.index(step)
        )

    def test_while_it_applies_and_for_ever_after_end_with_the_old_files(self, hasty: Boxes) -> None:
        outcome, _ = self.cut(
            hasty,
            "cut-off",
            lambda number: number == 1,
            "write",
            Timeouts(apply=15, after_rollback=0),
        )
        assert outcome.state == "unseen" and settled(hasty.folder / "cut-off", GOOD)

    def test_a_sender_that_stops_leaves_no_lock_and_nothing_half_done(self, hasty: Boxes) -> None:
        target, root = hasty.target("stops"), hasty.folder / "stops"
        first = applied(root)

        async def watch(step: Step) -> None:
            if step.name == "save":
                raise Stop("claim lost")

        with pytest.raises(Stop):
            asyncio.run(pushing(target, CHANGED, hasty.key, watch=watch))
        verdict = root / "var/lib/shared-networks/last"
        wait_until(lambda: first not in verdict.read_text())
        assert settled(root, GOOD) and "rolled back" in verdict.read_text()
        applied(root, CHANGED)

    def test_a_sender_that_is_killed_leaves_the_next_one_to_finish(self, box: Boxes) -> None:
        box.push(name="killed")
        box.slow("killed", 0.05)
        target = box.target("killed")
        if not (child := os.fork()):

            async def watch(step: Step) -> None:
                if step.name == "write":
                    os.kill(os.getpid(), signal.SIGKILL)

            try:
                asyncio.run(pushing(target, CHANGED, box.key, watch=watch))
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        outcome, _ = box.push(CHANGED, name="killed")
        assert outcome.state == "confirmed" and settled(box.folder / "killed", CHANGED)

    def test_a_box_too_slow_for_us_is_confirmed_when_it_is_done(self, box: Boxes) -> None:
        box.slow("snail", 0.5)
        outcome, steps = box.push(name="snail", timeouts=Timeouts(apply=3))
        assert outcome.state == "confirmed" and any(
            "did not finish" in step.output for step in steps
        )


class TestRefusals:
    def refused(
        self, target: Target, key: Path, match: str, timeouts: Timeouts | None = None
    ) -> bool:
        """The push is refused with this sentence; whether the box is called unreachable."""
        with pytest.raises(TransportError, match=match) as error:
            pushed(target, GOOD, key, timeouts)
        return error.value.unreachable

    def test_another_host_key_stops_everything(self, box: Boxes, tmp_path: Path) -> None:
        other = public_line(ensure_key(tmp_path / "other"))
        assert not self.refused(
            replace(box.target(), host_key=other), box.key, "another host key than the pinned one"
        )

    def test_a_host_key_of_another_kind_too(self, box: Boxes, tmp_path: Path) -> None:
        other = public_line(ensure_key(tmp_path / "other", "ecdsa-sha2-nistp256"))
        assert not self.refused(
            replace(box.target(), host_key=other), box.key, "another host key than the pinned one"
        )

    def test_another_client_key_is_not_let_in(self, box: Boxes, tmp_path: Path) -> None:
        assert not self.refused(
            box.target(), ensure_key(tmp_path / "stranger"), "does not accept the key"
        )

    def test_a_closed_port_is_unreachable(self, box: Boxes) -> None:
        assert self.refused(
            replace(box.target(), port=1), box.key, "does not answer: nothing listens there"
        )

    def test_an_unknown_name_is_unreachable(self, box: Boxes) -> None:
        assert self.refused(
            replace(box.target(), host="nowhere.invalid"), box.key, "does not answer"
        )

    def test_no_pinned_key_means_no_connection(self, box: Boxes) -> None:
        assert not self.refused(replace(box.target(), host_key=""), box.key, "no pinned host key")
        assert not self.refused(
            replace(box.target(), host_key="ssh-ed25519 x"), box.key, "no OpenSSH public key"
        )

    def test_our_own_missing_key_is_not_the_boxs_fault(self, box: Boxes, tmp_path: Path) -> None:
        assert not self.refused(box.target(), tmp_path / "none", "own SSH key cannot be read")

    def test_our_own_key_is_the_one_that_its_file_holds_now(
        self, box: Boxes, tmp_path: Path
    ) -> None:
        key, known = tmp_path / "key", box.key.read_bytes()
        for content, error in [
            (known, None),
            (ensure_key(tmp_path / "stranger").read_bytes(), "does not accept the key"),
            (known, None),
        ]:
            key.write_bytes(content)
            with pytest.raises(TransportError, match=error) if error else nullcontext():
                pushed(box.target("anew"), GOOD, key)
        key.write_text("no key\n")
        self.refused(box.target("anew"), key, "own SSH key cannot be read")
        key.unlink()
        self.refused(box.target("anew"), key, "own SSH key cannot be read")

    def test_another_host_key_is_noticed_however_often_the_pinned_one_was_shown(
        self, box: Boxes, tmp_path: Path
    ) -> None:
        target = box.target("moved")
        for _ in range(2):
            assert pushed(target, GOOD, box.key)[0].state == "confirmed"
        other = replace(target, host_key=public_line(ensure_key(tmp_path / "other")))
        assert not self.refused(other, box.key, "another host key than the pinned one")
        assert pushed(target, GOOD, box.key)[0].state == "confirmed"

    @pytest.mark.parametrize(
        "greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"]
    )
    def test_a_host_that_stays_silent_is_unreachable_after_a_while(
        self, box: Boxes, greeting: bytes
    ) -> None:
        async def run() -> None:
            server = await asyncio.start_server(
                lambda reader, writer: writer.write(greeting), "127.0.0.1", 0
            )
            target = replace(box.target(), port=server.sockets[0].getsockname()[1])
            try:
                with pytest.raises(TransportError, match="does not answer") as error:
                    await transport.push(
                        target, GOOD, silent, key_path=box.key, timeouts=Timeouts(connect=0.5)
                    )
                assert error.value.unreachable
            finally:
                server.close()

        asyncio.run(run())


class TestOpenSSH:
    """The same with OpenSSH's own server and a forced command, as on a real firewall."""

    def command(self, root: Path) -> str:
        settings = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT={PATIENT}"
        return f"{settings} {shlex.join(program())}"

    @pytest.fixture(autouse=True)
    def _sshd(self) -> None:
        needs("sshd")

    def test_is_pushed_to_and_inspected(self, tmp_path: Path) -> None:
        root = practice.ensure_root(tmp_path, "real")
        with sshd(tmp_path / "ssh", self.command(root)) as (target, key):
            assert pushed(target, GOOD, key)[0].state == "confirmed" and contents(root) == GOOD
            assert asyncio.run(transport.inspect(target, key_path=key)).files == GOOD

    @pytest.mark.parametrize("ciphers", ["chacha20-poly1305@openssh.com", "aes256-ctr"])
    def test_that_will_have_none_of_the_fast_ciphers_is_talked_to_as_well(
        self, tmp_path: Path, ciphers: str
    ) -> None:
        root = practice.ensure_root(tmp_path, "real")
        with sshd(tmp_path / "ssh", self.command(root), ciphers=ciphers) as (target, key):
            assert asyncio.run(transport.inspect(target, key_path=key)).files == {}

    def test_takes_the_key_from_an_agent(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needs("ssh-agent", "ssh-add")
        root, sock = practice.ensure_root(tmp_path, "real"), tmp_path / "agent"
        with sshd(tmp_path / "ssh", self.command(root)) as (target, key):
            agent = subprocess.Popen(
                ["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL
            )
            try:
                while not sock.exists():
                    assert agent.poll() is None
                monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
                subprocess.run(["ssh-add", "-q", str(key)], check=True)
                key.rename(tmp_path / "gone")
                assert pushed(target, GOOD, None)[0].state == "confirmed"
            finally:
                agent.terminate()
                agent.wait(10)

    def test_cut_while_it_applies_goes_on_and_is_confirmed(self, tmp_path: Path) -> None:
        root = practice.ensure_root(tmp_path, "real")

        async def run(target: Target, key: Path) -> tuple[Outcome, list[Step]]:
            async with gate(target) as (through, behind):

                async def watch(current: Step) -> None:
                    if (current.name, current.state) == ("write", "running"):
                        through.cut()

                return await pushing(behind, GOOD, key, EAGER, watch)

        with sshd(tmp_path / "ssh", f"APPLIER_SLOW=0.2 {self.command(root)}") as (target, key):
            outcome, _ = asyncio.run(run(target, key))
        assert outcome.state == "confirmed" and settled(root, GOOD)

    def test_runs_nothing_but_the_applier(self, tmp_path: Path) -> None:
        root = practice.ensure_root(tmp_path, "real")
        with sshd(tmp_path / "ssh", self.command(root)) as (target, key):

            async def run(command: str) -> int | None:
                async with connected(target, key, Timeouts()) as connection:
                    return (await connection.run(command, stdin=asyncssh.DEVNULL)).exit_status

            assert [
                asyncio.run(run(command))
                for command in ("id", "rollback x 0", "recover", "confirm;id")
            ] == [64] * 4

    def test_a_box_that_babbles_is_cut_short(self, tmp_path: Path) -> None:
        with (
            sshd(tmp_path / "ssh", "yes") as (target, key),
            pytest.raises(TransportError, match="that is no applier"),
        ):
            pushed(target, GOOD, key)

    def test_a_box_without_the_applier_says_what_is_missing(self, tmp_path: Path) -> None:
        with sshd(tmp_path / "ssh", "sh /nowhere/applier.sh") as (target, key):
            with pytest.raises(TransportError, match=r"/nowhere/applier\.sh") as error:
                pushed(target, GOOD, key)
            assert not error.value.unreachable
            with pytest.raises(TransportError):
                asyncio.run(transport.inspect(target, key_path=key))

    def test_what_a_login_shell_prints_is_passed_over(self, tmp_path: Path) -> None:
        root = practice.ensure_root(tmp_path, "real")
        with sshd(tmp_path / "ssh", f"printf 'Welcome\\tto\\n'; {self.command(root)}") as (
            target,
            key,
        ):
            assert pushed(target, GOOD, key)[0].state == "confirmed" and settled(root, GOOD)
