"""Going back: what was saved is put in place, loaded, and only then forgotten."""

from __future__ import annotations

import os

from . import aside, box, files, frr, last, locks, rules
from .remarks import Failed, Skipped, remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UNDONE = f"{box.PENDING}/undone"  # the files as they were before this went back


def put_back() -> None:
    """Back to what was saved: the files, the rules, the routing. Raises Failed or OSError.

    What was saved is kept until that has been done. Whether all is as before is looked at
    afterwards: where it is not, Failed says so, and no later push has to care.
    """
    token = last.unconfirmed()
    saved = ""
    if not token or last.verdict_of(token) != "confirmed":
        sweep()
        give_room()
        _keep_undone()
        files.install(box.PENDING, files.differences(box.PENDING, box.ROOT))
        if box.PRACTICE:
            aside.put_back(box.PENDING)
        else:
            _load()
            saved = files.text(f"{box.PENDING}/running.conf")
        if token:
            last.note(token, "rolled back")
    files.remove_tree(box.PENDING)
    if saved and frr.runs():
        _look(saved)


def _keep_undone() -> None:
    """Keep the files as they are, unless an earlier attempt has."""
    if not os.path.isdir(UNDONE):
        files.remove_tree(f"{UNDONE}.new")
        files.copy(box.ROOT, f"{UNDONE}.new")
        os.rename(f"{UNDONE}.new", UNDONE)


def _load() -> None:
    """The rules first: they may be what keeps out whoever could help. Raises Failed.

    A part that fails is no reason to leave out the others.
    """
    from . import system

    parts = (
        lambda: rules.put_back(box.PENDING),
        lambda: aside.put_back(box.PENDING),
        lambda: system.load(UNDONE),
        lambda: system.put_settings_back(f"{box.PENDING}/sysctls"),
        _route,
        lambda: system.take_down(UNDONE),
        # Some frr-reload.py might have FRR write its own text all the same.
        lambda: files.install(box.PENDING, files.differences(box.PENDING, box.ROOT)),
    )
    ends = [_went_well(part) for part in parts]
    if not all(ends):
        raise Failed("")
    if files.read(box.ROOT, box.RULES) is not None:
        # What FRR was to run again, whatever it runs: the rest is drift, and must be seen.
        now = rules.listed()
        remember(files.text(f"{box.PENDING}/running.conf"), now)


def _went_well(part: Callable[[], None]) -> bool:
    try:
        part()
    except Skipped as reason:
        remark(str(reason))
    except (Failed, OSError) as reason:
        remark(str(reason))
        return False
    return True


def _route() -> None:
    """At boot FRR reads the files by itself, later."""
    if frr.runs():
        text = files.text(f"{box.PENDING}/running.conf")
        frr.reload(text, f"{box.PENDING}/running")


def _look(saved: str) -> None:
    """As after a push. Raises Failed where something is otherwise than it was or should be."""
    from . import kernel_routes, next_hops
    from .verifying import subjects
    from .verifying.seeing import Wanted

    kernel_routes.Mending()
    next_hops.mend_uplinks(next_hops.lost())
    look = subjects.Look(Wanted(box.ROOT, exactly=saved), subjects.OWN, box.SETTLE)
    if look.sentences():
        remark("It has gone back, but not all is as it should be:")
        raise Failed("\n".join(look.sentences()))


def remember(running: str, every: dict[str, str]) -> None:
    """What FRR runs, and what the kernel has of these rules, is what was applied."""
    from .verifying import others_rules

    files.remove_tree(box.APPLIED)
    os.mkdir(box.APPLIED)
    ours = rules.tables(files.text(f"{box.ROOT}/{box.RULES}"))
    texts = {
        "nftables": rules.of(every, ours),
        "frr": running,
        "others": "".join(f"{line}\n" for line in others_rules.told(every, ours)),
    }
    for name, text in texts.items():
        files.write(f"{box.APPLIED}/{name}", text.encode(errors="surrogateescape"))


def recover() -> None:
    """Go back, where a push is unconfirmed and its timer is gone. Raises Failed or OSError."""
    if not os.path.isdir(box.PENDING):
        return
    if not locks.is_held(f"{box.PENDING}/timer.{last.unconfirmed()}"):
        put_back()


def give_room() -> None:
    """What was sent keeps, until it is confirmed, the room that going back takes."""
    files.remove_like(box.PENDING, "new.", "candidate.")


def sweep() -> None:
    """Remove what a killed run left; others may be waiting for the lock with theirs."""
    for name in os.listdir(box.STATE):
        kind, _, process = name.partition(".")
        left = bool(process) if kind in ("new", "last") else kind == "candidate"
        if left and not (kind == "candidate" and _lives(process)):
            files.remove_tree(f"{box.STATE}/{name}")


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (OSError, OverflowError, ValueError):
        return False
    return True
