"""A push, from what is sent on standard input to a configuration that waits to be confirmed."""

from __future__ import annotations

import os

from . import archive, aside, box, files, frr, last, locks, others, rollback, rules
from .remarks import Failed, Skipped, remark
from .steps import failed, say, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .verifying.seeing import Seen

PROBE_SECONDS = 10


class Push:
    """One run of `apply`."""

    def __init__(self, digest: str, version: str, adopted: list[str]) -> None:
        self.digest = digest
        self.version = version
        self.adopted = adopted  # digests of the units of others that may be moved aside
        self.in_the_way: list[str] = []  # units of others that will be
        self.token = f"{os.getpid()}-{os.urandom(16).hex()}"
        self.sent = b""
        self.different: list[str] = []
        self.seen: Seen | None = None  # what the box had when it was verified

    def run(self) -> bool:
        """Whether the box now runs what was sent."""
        say("begin", self.token, str(box.TIMEOUT))
        verdict = self._verdict()
        self._clear(verdict)
        locks.unlock()
        say("done", verdict, self.token)
        return verdict in ("applied", "unchanged")

    def _verdict(self) -> str:
        if not (self._receive() and step("lock", locks.lock) and self._make_ready()):
            return "failed"
        if self._is_taken():
            # What was checked and runs needs no check.
            if self._unchanged():
                self._note("confirmed")
                return "unchanged"
            if self._is_good():
                return self._replaced()
        self._note("failed")
        return "failed"

    def _note(self, verdict: str) -> None:
        """For whoever asks later; who listens now is told all the same."""
        try:
            last.note(self.token, verdict)
        except OSError:
            pass

    def _receive(self) -> bool:
        try:
            locks.make_state()
            self.sent = archive.received()
            files.remove(box.CANDIDATE)
            files.write(box.CANDIDATE, self.sent)
            return True
        except OSError:
            failed("receive", "The files could not be stored here; is the disk full?")
            return False

    def _make_ready(self) -> bool:
        """Go back first where a push was cut off; and have room for the verdict from here on."""
        try:
            rollback.recover()
        except Exception:
            # Whatever keeps the box from going back, this push may be what mends it.
            pass
        try:
            rollback.sweep()
            if not last.noted():
                last.note(self.token, "unknown")
            return True
        except OSError:
            failed("receive", "Nothing can be written here; is the disk full?")
            return False

    def _is_taken(self) -> bool:
        if self.digest and not step("version", self._same_version):
            return False
        return step("unpack", lambda: archive.unpack(self.sent, box.NEW)) and step(
            "check-units", self._find_in_the_way
        )

    def _find_in_the_way(self) -> None:
        self.in_the_way = others.must_be_adopted(box.NEW, self.adopted)

    def _same_version(self) -> None:
        """What this program does and expects, and what the sender does, must be the same."""
        if self.digest != self.version:
            raise Failed(
                f"This firewall's applier is another one ({self.version}) than the product's "
                f"({self.digest}).\nUpdate it: `manage.py applier > shared-networks-applier` writes"
                " it; copy it here, and run as root: python3 shared-networks-applier install"
            )

    def _unchanged(self) -> bool:
        """The same files, and on a real box all that runs is as it was applied."""
        try:
            self.different = files.differences(box.NEW, box.ROOT)
            if self.different or self.in_the_way or os.path.isdir(box.PENDING):
                return False
            return box.PRACTICE or _runs_as_applied()
        except (OSError, ValueError):  # what cannot be seen is not known to be the same
            return False

    def _is_good(self) -> bool:
        from . import system

        return (
            step("check-nftables", lambda: rules.check(box.NEW))
            and step("check-frr", lambda: frr.check(box.NEW))
            and step("check-system", lambda: system.check(box.NEW))
        )

    def _replaced(self) -> str:
        """Save, arm and load; where that fails, go back. Gives the verdict."""
        armed = step("save", self._save) and step("arm-rollback", self._arm)
        if not armed:
            self._note("failed")
        elif self._load() and self._check():
            return "applied"
        else:
            step("roll-back", self._put_back)
        return last.verdict_of(self.token).replace(" ", "-")

    def _save(self) -> None:
        from . import saving

        saving.save(box.NEW)

    def _arm(self) -> None:
        from . import kept, timer

        timer.arm(self.token)
        files.remove(kept.GIVES_BACK)  # of a push that this one replaces

    def _put_back(self) -> None:
        self._clear("failed")
        rollback.put_back()

    def _load(self) -> bool:
        from . import system

        return (
            step("write", self._write)
            and step("load-system", lambda: system.load(box.PENDING))
            and step("load-nftables", rules.load)
            and step("load-frr", frr.load)
            and step("take-down", lambda: system.take_down(box.PENDING))
        )

    def _write(self) -> None:
        files.install(box.NEW, self.different)
        if self.in_the_way:
            aside.have([*aside.names(), *self.in_the_way])

    def _check(self) -> bool:
        """The timer counts from the end of this."""
        from . import kernel_routes, next_hops, sessions

        before = sessions.Check()
        return (
            step("verify", self._verify)
            and step("check-bgp", before.check)
            and step("check-next-hops", lambda: next_hops.check(before))
            and step("check-routes", kernel_routes.check)
            and step("probe", probe)
            and self._noted()
        )

    def _verify(self) -> None:
        """The files are those that were sent, and kernel, networkd and FRR have taken them."""
        for name in files.differences(box.NEW, box.ROOT):
            raise Failed(f"{name} is not what was sent.")
        if not box.PRACTICE:
            from . import verify

            self.seen = verify.loaded()

    def _noted(self) -> bool:
        try:
            if self.seen:
                rollback.remember(self.seen.running(), self.seen.rules())
            files.write(f"{box.PENDING}/applied", b"")
            return True
        except OSError:
            failed("verify", "What runs now could not be noted here; is the disk full?")
            return False

    def _clear(self, verdict: str) -> None:
        """Until it is confirmed, what was sent keeps the room that going back takes."""
        for path in (box.NEW, box.CANDIDATE):
            try:
                if verdict == "applied":
                    os.rename(path, f"{box.PENDING}/{os.path.basename(path)}")
                else:
                    files.remove_tree(path)
            except OSError:
                continue


def _runs_as_applied() -> bool:
    """All that is looked at is as it was applied."""
    from .verifying import subjects
    from .verifying.seeing import applied

    if not os.path.isdir(box.APPLIED):
        return False
    return not subjects.Look(applied(), subjects.OWN, subjects.PATIENCE).sentences()


def probe() -> None:
    """What the box's owner wants to be true: each executable there must end well. Raises Failed."""
    from . import tools

    names = sorted(os.listdir(box.PROBES)) if os.path.isdir(box.PROBES) else []
    probes = [name for name in names if _is_executable(f"{box.PROBES}/{name}")]
    for name in probes:
        result = tools.run([f"{box.PROBES}/{name}"], PROBE_SECONDS)
        remark(result.text)
        if not result.ok:
            raise Failed(f"The probe {name} failed.")
    if not probes:
        raise Skipped("No probes are configured in /etc/shared-networks/probes.")
    remark(f"Well: {' '.join(probes)}")


def _is_executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
