"""Giving a firewall back: what it had before the first push, applied as a push is.

Saved before, rolled back unless it is confirmed, and looked at afterwards.
"""

from __future__ import annotations

from . import aside, box, files, frr, kept, locks, rules, saving, system
from .pushing import Push, probe
from .remarks import Failed, Skipped
from .steps import failed, step

RULES = f"{box.NEW}/rules"


class GivingBack(Push):
    """One run of `give-back`."""

    def _receive(self) -> bool:
        try:
            locks.make_state()
            return True
        except OSError:
            failed("receive", "Nothing can be written here; is the disk full?")
            return False

    def _is_taken(self) -> bool:
        if self.digest and not step("version", self._same_version):
            return False
        return step("unpack", lambda: kept.put_into(box.NEW))

    def _unchanged(self) -> bool:
        return False

    def _is_good(self) -> bool:
        return step("check-nftables", _check_rules) and step("check-frr", _check_routing)

    def _save(self) -> None:
        saving.save(box.ROOT, kept.BEFORE)

    def _arm(self) -> None:
        super()._arm()
        files.write(kept.GIVES_BACK, b"", flush=True)

    def _load(self) -> bool:
        return (
            step("write", self._write)
            and step("load-system", _load_system)
            and step("load-nftables", _load_rules)
            and step("load-frr", self._load_routing)
            and step("take-down", lambda: system.take_down(box.PENDING))
        )

    def _write(self) -> None:
        files.install(box.NEW, files.differences(box.NEW, box.ROOT))
        aside.have([])

    def _load_routing(self) -> None:
        if box.PRACTICE:
            raise Skipped(box.NO_KERNEL)
        frr.reload(files.text(f"{kept.BEFORE}/running.conf"), f"{box.PENDING}/running")
        # Some frr-reload.py might have FRR write its own text all the same.
        files.install(box.NEW, files.differences(box.NEW, box.ROOT))

    def _check(self) -> bool:
        from . import sessions

        return (
            step("verify", self._verify)
            and step("check-bgp", sessions.Check().check)
            and step("probe", probe)
            and self._noted()
        )

    def _verify(self) -> None:
        for name in [*files.differences(box.NEW, box.ROOT), *kept.lacking_units()]:
            raise Failed(f"{name} is not what it was.")
        if box.PRACTICE:
            return
        from .verifying.seeing import Seen

        seen = Seen()
        had = files.text(f"{kept.BEFORE}/rules")
        # Table by table: those that a later version of ours has come last.
        if any(rules.undoing([table], seen.rules()) not in had for table in rules.tables(had)):
            raise Failed("The rules in the kernel are not those that were here.")
        wanted = _lines(files.text(f"{kept.BEFORE}/running.conf"))
        for line in sorted(wanted ^ _lines(seen.running())):
            raise Failed(f"FRR has not gone back: {line}")
        self.seen = seen


def _lines(routing: str) -> set[str]:
    """The lines of a configuration, without those that FRR takes only when it starts."""
    return {line for line in frr.settings(routing) if not line.startswith("frr ")}


def _check_rules() -> None:
    text = kept.loading(files.text(f"{box.ROOT}/{box.RULES}"))
    files.write(RULES, text.encode(errors="surrogateescape"))
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    if reason := rules.refusal(RULES):
        raise Failed(reason)


def _check_routing() -> None:
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    if reason := frr.refusal(f"{kept.BEFORE}/running.conf"):
        raise Failed(reason)


def _load_system() -> None:
    system.load(box.PENDING)
    system.put_settings_back(f"{kept.BEFORE}/sysctls")


def _load_rules() -> None:
    if box.PRACTICE:
        raise Skipped(box.NO_KERNEL)
    from . import tools

    tools.must(["nft", "-f", RULES])
