"""The applier by itself, with every interpreter that a firewall may have.

What it does, and what it leaves when it is killed.
"""

import os
import shlex
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from firewalls.device import applier_file, practice
from firewalls.device.protocol import packed
from tests.conftest import needs
from tests.firewalls.boxes import CHANGED, GOOD, contents, settled
from tests.firewalls.off_clock import HOUR, off_clock
from tests.firewalls.running import (
    PATIENT,
    TOOLS,
    applied,
    applier,
    environment,
    killed_at,
    program,
    steps,
    tools,
    verdict,
)


class TestWithEveryInterpreter:
    def test_applies_repeats_and_rolls_back(self, root: Path, python: dict[str, str]) -> None:
        applied(root, how=python)
        assert contents(root) == GOOD
        assert verdict(applier(root, "apply", given=packed(GOOD), how=python)[1])[0] == "unchanged"
        state, token = verdict(applier(root, "apply", given=packed(CHANGED), how=python)[1])
        assert state == "applied"
        assert settled(root, GOOD)
        assert applier(root, "confirm", token, how=python) == (0, "rolled back\n")

    def test_checks_with_the_boxs_own_parsers(self, root: Path, python: dict[str, str]) -> None:
        needs("nft", "vtysh", "unshare")
        output = applier(root, "apply", given=packed(GOOD), how=python)[1]
        told = steps(output)
        assert [told[name][0] for name in ("check-nftables", "check-frr", "load-frr")] == [
            "ok",
            "ok",
            "skipped",
        ]
        assert "without a kernel" in told["load-frr"][1]
        bad = GOOD | {"/etc/frr/frr.conf": "routr bgp\n"}
        state, output = applier(root, "apply", given=packed(bad), how=python)
        assert (state, verdict(output)[0]) == (1, "failed") and "routr bgp" in steps(output)[
            "check-frr"
        ][1]

    def test_killed_while_it_writes_it_goes_back_at_once(
        self, root: Path, python: dict[str, str]
    ) -> None:
        applied(root, how=python)
        killed_at("verify", root, python)
        assert settled(root, GOOD)
        applied(root, CHANGED, how=python)
        assert contents(root) == CHANGED


STEPS = [
    "lock",
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
]
STEPS += ["verify", "check-bgp", "check-next-hops", "check-routes", "probe"]


def test_killed_at_any_step_it_goes_back_to_what_was_and_takes_the_next(tmp_path: Path) -> None:
    def life(step: str) -> list[object]:
        root = practice.ensure_root(tmp_path, step)
        applied(root)
        killed_at(step, root, {})
        back = settled(root, GOOD)
        applied(root, CHANGED)
        left = sorted(path.name for path in (root / "var/lib/shared-networks").iterdir())
        return [step, back, contents(root) == CHANGED, left]

    with ThreadPoolExecutor(len(STEPS)) as pool:
        lives = list(pool.map(life, STEPS))
    assert lives == [[step, True, True, ["before", "busy", "last"]] for step in STEPS]


def test_after_a_power_cut_the_boot_goes_back(root: Path) -> None:
    needs("pgrep")
    applied(root)

    def timer_too(token: str) -> None:
        timer = subprocess.run(
            ["pgrep", "-f", f"rollback {token}"], capture_output=True, check=True
        )  # the token is this run's alone
        os.kill(int(timer.stdout), signal.SIGKILL)

    killed_at("verify", root, {}, first=timer_too)
    time.sleep(1.2)  # enough for a timer to go back
    assert contents(root) == CHANGED
    assert applier(root, "recover", APPLIER_INSIDE="1")[0] == 0
    assert settled(root, GOOD)


def test_the_boot_leaves_alone_what_still_has_its_timer(root: Path) -> None:
    applied(root)
    _, token = verdict(applier(root, "apply", given=packed(CHANGED), APPLIER_TIMEOUT=PATIENT)[1])
    applier(root, "recover", APPLIER_INSIDE="1")
    assert contents(root) == CHANGED and applier(root, "confirm", token) == (0, "confirmed\n")


class TestConfirming:
    def test_may_be_asked_again_when_the_answer_was_lost(self, root: Path) -> None:
        token = applied(root)
        assert applier(root, "confirm", token) == (0, "confirmed\n")

    def test_knows_only_the_last_run(self, root: Path) -> None:
        first = applied(root)
        applied(root, CHANGED)
        assert [applier(root, "confirm", token)[1] for token in (first, "", "1-x")] == [
            "unknown\n"
        ] * 3

    def test_of_a_run_that_was_refused_says_so(self, root: Path) -> None:
        needs("nft", "unshare")
        bad = GOOD | {"/etc/nftables.conf": "table inet metal { chain x { jump nowhere } }\n"}
        _, token = verdict(applier(root, "apply", given=packed(bad))[1])
        assert applier(root, "confirm", token) == (0, "failed\n")

    def test_of_an_older_run_does_not_keep_the_newer_one(self, root: Path) -> None:
        _, older = verdict(applier(root, "apply", given=packed(GOOD), APPLIER_TIMEOUT=PATIENT)[1])
        _, newer = verdict(applier(root, "apply", given=packed(CHANGED))[1])
        assert applier(root, "confirm", older)[1] == "unknown\n"
        assert settled(root, {}) and applier(root, "confirm", newer)[1] == "rolled back\n"


def test_a_second_push_before_the_first_is_confirmed_would_go_back_to_the_same(root: Path) -> None:
    applied(root)
    applier(root, "apply", given=packed(CHANGED), APPLIER_TIMEOUT=PATIENT)
    other = GOOD | {"/etc/frr/frr.conf": GOOD["/etc/frr/frr.conf"].replace("box", "other")}
    assert verdict(applier(root, "apply", given=packed(other))[1])[0] == "applied" and settled(
        root, GOOD
    )


def test_the_same_again_before_it_is_confirmed_still_wants_to_be_confirmed(root: Path) -> None:
    _, first = verdict(applier(root, "apply", given=packed(GOOD), APPLIER_TIMEOUT=PATIENT)[1])
    state, token = verdict(applier(root, "apply", given=packed(GOOD), APPLIER_TIMEOUT=PATIENT)[1])
    assert state == "applied" and applier(root, "confirm", token) == (0, "confirmed\n")
    for timer in (first, token):
        looked(timer)
    assert contents(root) == GOOD


def test_applying_for_longer_than_the_timeout_is_not_rolled_back_meanwhile(root: Path) -> None:
    for number in range(3):
        probe = root / f"etc/shared-networks/probes/slow-{number}"
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text("#!/bin/sh\nsleep 6\n")
        probe.chmod(0o755)
    state, token = verdict(applier(root, "apply", given=packed(GOOD), APPLIER_TIMEOUT="17")[1])
    looked(token)  # a timer that had run out meanwhile would go back
    assert state == "applied" and applier(root, "confirm", token) == (0, "confirmed\n")


def looked(token: str) -> None:
    """Wait until a push's timer has read its clock again, or has ended.

    It reads the clock after each of its naps.
    """
    naps: set[int] = set()
    with suppress(psutil.NoSuchProcess, StopIteration):
        timer = next(
            one for one in psutil.process_iter(["cmdline"]) if token in (one.info["cmdline"] or [])
        )
        while len(naps) < 3 and timer.status() != psutil.STATUS_ZOMBIE:
            naps.add(timer.num_ctx_switches().voluntary)  # it sleeps only to look after it
            time.sleep(0.05)


class TestClock:
    """The clock does not matter to a rollback: it comes after so many seconds of uptime."""

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_off_by_an_hour_is_no_matter(self, root: Path, hours: int) -> None:
        there = off_clock(f"{hours:+d}h")
        clock = subprocess.run(
            ["date", "+%s"], env=environment(root, **there), capture_output=True, check=True
        )
        assert abs(int(clock.stdout) - time.time() - hours * HOUR) < HOUR / 2
        applied(root, how=there)
        state, token = verdict(applier(root, "apply", given=packed(CHANGED), how=there)[1])
        assert state == "applied" and settled(root, GOOD)
        assert applier(root, "confirm", token, how=there) == (0, "rolled back\n")

    def unconfirmed(self, root: Path, clock: Path, timeout: int) -> str:
        """Apply by a clock that is right, and wait until the timer counts; the token."""
        clock.write_text("+0")
        _, token = verdict(
            applier(
                root,
                "apply",
                given=packed(GOOD),
                how=off_clock(clock),
                APPLIER_TIMEOUT=str(timeout),
            )[1]
        )
        looked(token)
        return token

    def test_set_forward_takes_no_push_back_that_still_has_time(
        self, root: Path, tmp_path: Path
    ) -> None:
        token = self.unconfirmed(root, tmp_path / "clock", int(PATIENT))
        (tmp_path / "clock").write_text("+1h")
        looked(token)
        assert applier(root, "confirm", token) == (0, "confirmed\n") and contents(root) == GOOD

    def test_set_back_keeps_none_for_an_hour_longer(self, root: Path, tmp_path: Path) -> None:
        self.unconfirmed(root, tmp_path / "clock", 8)
        (tmp_path / "clock").write_text("-1h")
        assert settled(root, {})


def test_a_missing_parser_is_named_and_only_its_check_is_skipped(
    root: Path, tmp_path: Path
) -> None:
    modules = applier_file.modules()
    modules["box.py"] = modules["box.py"].replace(":/usr/sbin:/sbin:/usr/lib/frr", "")
    command = applier_file.unpacked(tmp_path / "alone", file=applier_file.packed(modules))
    how = {"program": shlex.join(command), "PATH": tools(tmp_path / "bin", TOOLS)}
    output = applier(root, "apply", given=packed(GOOD), how=how)[1]
    assert steps(output)["check-nftables"] == (
        "skipped",
        "nft is not installed here, so the rule set was not checked.",
    )
    assert steps(output)["check-frr"] == (
        "skipped",
        "FRR is not installed here, so frr.conf was not checked.",
    )
    assert verdict(output)[0] == "applied"
    real = applier(root, "apply", given=packed(GOOD), how=how, APPLIER_PRACTICE="")[1]
    assert steps(real)["check-nftables"][0] == "failed" and verdict(real)[0] == "failed"


class TestLock:
    def test_is_waited_for_and_the_push_fails_with_a_sentence(self, root: Path) -> None:
        env = environment(root, APPLIER_SLOW="3", APPLIER_TIMEOUT=PATIENT)
        slow = subprocess.Popen(
            [*program(), "apply"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )
        assert slow.stdin and slow.stdout
        slow.stdin.write(packed(GOOD))
        slow.stdin.close()
        while not slow.stdout.readline().startswith(b"step\tunpack\trunning"):
            pass
        status, output = applier(
            root,
            "apply",
            given=packed(CHANGED),
            APPLIER_LOCK_WAIT="1",
        )
        assert (
            status == 1
            and verdict(output)[0] == "failed"
            and "Another push has been running" in steps(output)["lock"][1]
        )
        slow.kill()
        slow.stdout.close()
        slow.wait()
        status, output = applier(root, "apply", given=packed(CHANGED))
        assert verdict(output)[0] == "applied"
        assert sorted(p.name for p in (root / "var/lib/shared-networks").glob("candidate.*")) == []
