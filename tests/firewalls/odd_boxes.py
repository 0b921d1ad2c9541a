"""What else may be met: odd boxes, odd archives, odd times; and all situations there are."""

import base64
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from firewalls.device import applier_file
from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD, settled
from tests.firewalls.broken_boxes import (
    BOX,
    INSIDE,
    PATIENCE,
    PRACTICE,
    SESSION,
    SESSIONS,
    Box,
    Fault,
    How,
    fails,
    vtysh,
)
from tests.firewalls.checked_boxes import CHECKED
from tests.firewalls.exits_in_the_way import (
    AS_ROOT,
    FAR,
    FRR,
    SETTINGS,
    SITUATIONS,
    WITH_UNITS,
    Happening,
    Installed,
    Pushed,
    another_push,
    fresh,
    lost,
    started,
    with_probe,
)
from tests.firewalls.foreign_boxes import FOREIGN
from tests.firewalls.hardened import (
    RULES,
    SINCE_PYTHON,
    a_link_that_root_has_made,
    a_pipe_in_the_place_of_its_file,
    its_folder_on_a_disk_of_its_own,
    systemd_starts_no_timer,
    unconfirmed,
)
from tests.firewalls.verified_boxes import VERIFIED


def what_the_shell_script_left(box: Box) -> None:
    """A push by the applier before this one that nobody confirmed: taken back, or replaced."""
    unconfirmed(box)
    pending = box.state / "pending"
    (pending / "rules").write_text("flush ruleset\ntable inet metal {\n}\n")
    for name in ("new", "candidate"):
        for path in pending.glob(f"{name}.*"):
            path.rename(pending / f"{name}.1")
    kept = box.root.with_name(f"{box.root.name}-kept")
    subprocess.run(["cp", "-a", str(box.state), str(kept)], check=True)
    assert box.run("recover", how=INSIDE) == (0, "") and box.has(GOOD)
    subprocess.run(["cp", "-a", f"{kept}/.", str(box.state)], check=True)
    busy = How(fails("nft", "-f*pending*", "no memory"))
    assert box.push(CHANGED, busy).steps["save"][0] == "ok"
    assert (pending / "rules").read_text().startswith("flush ruleset")


def other_tables_in_the_push_that_replaces(box: Box) -> None:
    """What it changes beside those of the push that it replaces is saved too."""
    unconfirmed(box)
    (box.state / "pending/sysctls").write_text("net.a = 1\n")
    other = WITH_UNITS | {
        RULES: GOOD[RULES] + "table inet other {\n}\n",
        SETTINGS: "# a comment\nnet.a = 5\nnet.b = 6\nodd\n",
    }
    values = {"sysctl": 'case "$*" in *net.b) printf "net.a = 5\\nnet.b = 2\\n" ;; esac'}
    (box.root / "proc/sys/net").mkdir()
    for key, value in (("a", 5), ("b", 6)):
        (box.root / f"proc/sys/net/{key}").write_text(f"{value}\n")
    told = box.push(other, How(values | fails("nft", "-f*pending*", "no memory")))
    assert told.ended == "applied", told
    assert "delete table inet other" in (box.state / "pending/rules").read_text()
    assert (box.state / "pending/sysctls").read_text() == "net.a = 1\nnet.b = 2\n"


def the_lock_is_taken_when_time_is_up(box: Box) -> None:
    how = How(env={"APPLIER_TIMEOUT": "0", "APPLIER_LOCK_WAIT": "1"})
    assert box.push(CHANGED, how).ended == "applied"
    with another_push(box):
        time.sleep(4)
        assert box.run(
            "recover", how=replace(INSIDE, env={**INSIDE.env, "APPLIER_LOCK_WAIT": "0"})
        )[0] == 0 or not box.has(GOOD)
    assert settled(box.root, GOOD, PATIENCE)


def going_back_at_boot_fails(box: Box) -> None:
    unconfirmed(box)
    status, said = box.run("recover", how=replace(INSIDE, faults=(Fault("mkdir", "*undone*"),)))
    assert status == 1 and "could not be put back yet: " in said
    assert box.run("recover", how=INSIDE) == (0, "") and box.has(GOOD)


def what_was_confirmed_stays(box: Box) -> None:
    """The power went after it was noted and before what was saved was cleared away."""
    told = unconfirmed(box)
    (box.state / "last").write_text(f"{told.token} confirmed\n")
    assert box.run("recover", how=INSIDE) == (0, "") and box.has(CHANGED)
    assert not (box.state / "pending").exists()


def at_boot_before_frr(box: Box) -> None:
    unconfirmed(box)
    how = replace(INSIDE, broken={"vtysh": "exit 1"})
    assert box.run("recover", how=how) == (0, "") and box.has(GOOD)
    assert (box.state / "applied/frr").read_text() == GOOD[FRR], "or all of it would be drift"


def nothing_was_there_before(box: Box) -> None:
    """The first push ever, on a box without rules."""
    (box.root / RULES.lstrip("/")).unlink()
    with_probe("exit 1")(box)
    assert box.push(CHANGED).ended == "rolled-back"
    assert not (box.root / RULES.lstrip("/")).exists()


def changed(archive: bytes, at: int, new: bytes, *, honest: bool = True) -> bytes:
    """An archive of which some bytes are others; `honest`, the header's checksum is right."""
    head = bytearray(archive[:512])
    head[at : at + len(new)] = new
    if honest:
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + archive[512:]


PACKED = packed(GOOD)


SENT: Mapping[str, Happening] = {
    kind: Pushed("failed", "unpack", f"Refused: this is no plain whole archive: {said}", given=sent)
    for kind, said, sent in (
        ("a member is cut off", "etc/frr/frr.conf is cut off", PACKED[:540]),
        ("more after the end", "something comes after its end", PACKED[:-512] + b"x" * 512),
        ("an old tar", "it is no ustar", changed(PACKED, 257, b"\0" * 6)),
        ("a wrong checksum", "a checksum is wrong", changed(PACKED, 0, b"x", honest=False)),
        ("a size in letters", "a number is none", changed(PACKED, 124, b"ABCDEFGHIJK")),
        ("no size", "a number is none", changed(PACKED, 124, b"\0" * 12)),
    )
}


# What else may be met.
def the_file_itself(box: Box) -> None:
    """As it is handed on, it does all that it does where it is installed."""
    digest = box.run("version")[1]
    assert box.run("version", file=True) == (0, digest)
    output = box.run("apply", digest.split()[0], given=packed(GOOD), file=True)[1]
    assert "\nstep\tversion\tok\t" in output and "\ndone\tunchanged\t" in output


def a_folder_named_from_here(box: Box) -> None:
    how = How(env={"APPLIER_ROOT": os.path.relpath(box.root), "APPLIER_TIMEOUT": ""})
    told = box.push(CHANGED, replace(how, env={**how.env, "APPLIER_SETTLE": ""}))
    assert told.ended == "applied" and "in 60 seconds unless" in told.steps["arm-rollback"][1]
    assert box.run("confirm", told.token, how=how) == (0, "confirmed\n")


def nobody_listens_any_more(box: Box) -> None:
    """Whoever sent it is gone: the push goes on to its end, and what is refused is no matter."""
    for words, status in ((("apply",), 0), (("id",), 64)):
        nobody, end = os.pipe()
        os.close(nobody)
        done = subprocess.run(
            [*box.ground.command, *words],
            input=packed(CHANGED),
            stdout=end,
            stderr=end,
            env=box.environment(How(env={"APPLIER_TIMEOUT": "300"})),
            timeout=PATIENCE,
            check=False,
        )
        os.close(end)
        assert done.returncode == status and box.has(CHANGED)


def practice(box: Box) -> None:
    """A practice firewall replaces a push, shows its files, and is as slow as it is to be."""
    slow = replace(PRACTICE, env={**PRACTICE.env, "APPLIER_SLOW": "0.01"})
    assert box.push(CHANGED, slow).ended == "applied"
    third = GOOD | {FRR: GOOD[FRR].replace("box", "third")}
    told = box.push(third, replace(slow, env={**slow.env, "APPLIER_TIMEOUT": "0"}))
    assert told.ended == "applied" and "replaced" in told.steps["save"][1]
    assert settled(box.root, GOOD, PATIENCE)
    assert "applied\t" not in box.run("show", how=PRACTICE)[1]


def left_by_one_of_the_same_number(box: Box) -> None:
    """A process id is used again: what its last holder left is in nobody's way."""
    script = ': >"$1/candidate.$$"; : >"$1/last.$$"; shift; exec "$@"'
    around = ("/bin/sh", "-c", script, "sh", str(box.state))
    output = box.run("apply", given=packed(GOOD), around=around)[1]
    assert "\ndone\tunchanged\t" in output, output


def a_verdict_that_cannot_be_noted(box: Box) -> None:
    how = How(fails("nft", "*-c*", "no"), faults=(Fault("fsync", "*last*"),))
    assert box.push(CHANGED, how).ended == "failed" and box.has(GOOD)


def neighbours_are_lost_since(box: Box) -> None:
    """The same files again: what was lost since is drift."""
    how = How(FAR)
    box.settle(GOOD, how)
    assert box.push(GOOD, how).ended == "unchanged"
    lost(box)
    told = box.settle(GOOD, how)
    assert "have it again" in told.steps["check-next-hops"][1]


def routing_changed_by_hand(box: Box) -> None:
    by_hand = {
        "vtysh": vtysh(
            running_config='sed "s/^end/ip route x/" "$APPLIER_ROOT/etc/frr/frr.conf"; echo end'
        )
    }
    assert box.push(GOOD, How(by_hand)).ended == "applied"


def routes_of_all_kinds(box: Box) -> None:
    """Only those to the other ends of VXLANs count; an IPv4 route may lead to an IPv6 address."""
    routes = """[{"dst":"10.7.0.0/24","gateway":"10.0.0.1","dev":"lan0","flags":["onlink"]},
        {"dst":"10.8.0.0/24","gateway":"10.0.0.2","dev":"bridge7","flags":[]},
        {"dst":"10.9.0.0/24","via":{"family":"inet6","host":"fe80::9"},
         "dev":"bridge7","flags":["onlink"]}]"""
    failed = """[
        {"dst":"fe80::9","dev":"bridge7","lladdr":"02:00:00:00:00:09","state":["FAILED"]},
        {"dst":"fe80::8","dev":"lan0","state":["INCOMPLETE"]}]"""
    ip = f"""case "$*" in *" neigh "*) echo '{failed}' ;; *" route "*) echo '{routes}' ;; esac"""
    lines = [
        line
        for line in box.run("show", how=How({"ip": ip}))[1].splitlines()
        if "running\tnext hops" in line
    ]
    assert base64.b64decode(lines[0].split("\t")[2]) == b"fe80::9 dev bridge7\n"


REFUSED_TO_RETIRE = 65


def keys_of(box: Box) -> None:
    """Both let in; the first is retired, and the last one never."""
    first, other, how = "ssh-ed25519 AAAA", "ssh-ed25519 BBBB", How(env=AS_ROOT)
    path = box.root / "var/lib/shared-networks-login/.ssh/authorized_keys"
    assert [line.split()[-2] for line in path.read_text().splitlines()] == ["AAAA", "BBBB"]
    assert box.run("install", f"{other} renamed", how=how)[0] == 0
    assert [line.split()[-1] for line in path.read_text().splitlines()] == ["product", "renamed"]
    broken = replace(how, faults=(Fault("rename", "*authorized_keys*"),))
    for words, why, trial in (
        (f"{first} x", "authorized_keys could not be written", broken),
        ("ssh-ed25519 CCCC", "That key is not among those that are let in.", how),
        ("", "That key is not among those that are let in.", how),
        (first, "Retiring a key takes root", How(env={"APPLIER_NOT_ROOT": "1"})),
    ):
        status, said = box.run("retire", words, how=trial)
        assert status == REFUSED_TO_RETIRE and why in said, said
    assert box.run("retire", first, how=how) == (0, "It is let in no more.\n")
    status, said = box.run("retire", other, how=how)
    assert status == REFUSED_TO_RETIRE and "It is the only key that is let in" in said
    assert [line.split()[-2] for line in path.read_text().splitlines()] == ["BBBB"]


def installed_again(box: Box) -> None:
    """Another key for what is installed; other versions: the last but one may be a timer's."""
    fresh(box)
    key = "ssh-ed25519 AAAA product"
    new = How({"id": "exit 1", "useradd": "exit 0"}, env=AS_ROOT)
    assert box.run("install", key, how=new)[0] == 0
    (box.root / "etc/ssh").mkdir()
    (box.root / "etc/ssh/ssh_host_ed25519_key").write_text("")
    program = box.root / "usr/local/sbin/shared-networks-applier"
    where = box.root / "usr/local/lib/shared-networks-applier"
    modules = dict(box.ground.sources.traced)
    found = [where_names(where)]
    for number in (1, 2):
        modules["box.py"] += f"\n# {number}\n"
        (box.root / "file").write_bytes(applier_file.packed(modules))
        env = box.environment(How(env=AS_ROOT))
        subprocess.run(
            [box.ground.installing[0], str(box.root / "file"), "install"],
            env=env,
            check=True,
            capture_output=True,
        )
        found.append(where_names(where))
    assert [len(names) for names in found] == [1, 2, 2] and not found[0] & found[2]
    again = subprocess.run(
        [box.ground.installing[0], "-ISB", str(program), "install", "ssh-ed25519 BBBB other"],
        env=box.environment(How(env=AS_ROOT)),
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Installed " in again.stdout
    keys_of(box)
    assert "BBBB" in (box.root / "var/lib/shared-networks-login/.ssh/authorized_keys").read_text()
    assert list(where.glob("*/applier/__pycache__/main.*.pyc")), "it is compiled"


def where_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def without_bgp(box: Box) -> None:
    started(box)
    (box.root / "etc/frr/daemons").write_text("zebra=yes\n")


UNKNOWN_UNIT = 'case "$*" in is-enabled*) exit 1 ;; esac'


STUBBORN = "trap '' TERM; while :; do sleep 1; done"


OTHERS = (
    a_pipe_in_the_place_of_its_file,
    its_folder_on_a_disk_of_its_own,
    a_link_that_root_has_made,
    systemd_starts_no_timer,
    what_the_shell_script_left,
    other_tables_in_the_push_that_replaces,
    the_lock_is_taken_when_time_is_up,
    going_back_at_boot_fails,
    what_was_confirmed_stays,
    at_boot_before_frr,
    nothing_was_there_before,
    the_file_itself,
    a_folder_named_from_here,
    nobody_listens_any_more,
    practice,
    left_by_one_of_the_same_number,
    a_verdict_that_cannot_be_noted,
    neighbours_are_lost_since,
    routing_changed_by_hand,
    routes_of_all_kinds,
    installed_again,
)


ALL: Mapping[str, Happening] = {
    **SITUATIONS,
    **SENT,
    **CHECKED,
    "frr.conf cannot be read": Pushed(
        "failed",
        "save",
        "Input/output error",
        faults=(Fault("open", "*be-read/etc/frr/frr.conf *", "EIO"),),
    ),
    "nft gives no reason": Pushed(
        "failed",
        "save",
        "again, so nothing is tried: nft gives no reason",
        {"nft": f'case "$*" in *-c*saved.*) exit 1 ;; esac\n{BOX["nft"]}'},
    ),
    "vtysh gives no reason": Pushed(
        "failed", "check-frr", "vtysh gives no reason", {"vtysh": "exit 1"}
    ),
    "FRR gives no configuration": Pushed(
        "failed",
        "save",
        "could not be asked of nft and FRR",
        {"vtysh": vtysh(running_config="true")},
    ),
    "ip talks nonsense": Pushed("failed", "save", "JSONDecodeError", {"ip": "echo nonsense"}),
    "ip talks nonsense of the same": Pushed(
        "failed", "save", "JSONDecodeError", {"ip": "echo nonsense"}, GOOD
    ),
    "no session is up before and after": Pushed(
        "rolled-back",
        "check-bgp",
        "No BGP session is up after 0 seconds, so this firewall reaches nobody: 10.9.0.2.",
        {"vtysh": vtysh(neighbors=SESSION.replace("Established", "Active"))},
    ),
    "a session is down before": Pushed(
        "applied",
        "check-bgp",
        "1 sessions as before.",
        {"vtysh": vtysh(neighbors=SESSIONS.replace("STATE", "Active"))},
        state="ok",
    ),
    "no hostname program": Pushed(
        "rolled-back",
        "load-system",
        "hostname: No such file or directory",
        files=WITH_UNITS,
        how=How(without="hostname"),
    ),
    "a probe that will not end": Pushed(
        "rolled-back",
        "probe",
        "did not end within 1 seconds",
        how=How(env={"APPLIER_LIMIT": "1"}),
        prepare=with_probe(STUBBORN),
    ),
    "a unit that nobody knows": Installed(
        "nftables.service is unknown here, and could not be enabled.", {"systemctl": UNKNOWN_UNIT}
    ),
    "a list of daemons without BGP": Installed(
        "FRR could not be restarted with bgpd.",
        {"systemctl": f"case $1 in restart) exit 1 ;; esac; {BOX['systemctl']}"},
        prepare=without_bgp,
    ),
    **{
        happening.__name__.replace("_", " "): happening
        for happening in (*SINCE_PYTHON, *OTHERS, *FOREIGN)
    },
    **VERIFIED,
}
