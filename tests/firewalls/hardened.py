"""What a hostile user, other tools, an odd box or a long wait may put in the applier's way, and how it must end.

The first part was not so with the applier that was a shell script; the second is what else its parts may meet.
"""

import base64
import os
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from firewalls.device import applier_file
from firewalls.device.transport import _packed
from tests.firewalls.boxes import CHANGED, GOOD, settled, wait_until
from tests.firewalls.broken_boxes import (
    BOX,
    INSIDE,
    PATIENCE,
    PRACTICE,
    SESSION,
    Box,
    Fault,
    How,
    Told,
    fails,
    real,
    vtysh,
)
from tests.firewalls.exits_in_the_way import (
    AS_ROOT,
    DAEMONS,
    FAR,
    FRR,
    LOST,
    NEWLY,
    NOT_LOADED,
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

RULES = "/etc/nftables.conf"


class Files(NamedTuple):
    """Of the box, those that a user of the box may have a hand in."""

    folder: Path
    conf: Path
    secret: Path


def of_frr(box: Box) -> Files:
    """The folder of FRR's files belongs to its user, as on Debian: here others may write to it."""
    folder = box.root / "etc/frr"
    folder.chmod(0o777)
    secret = box.root / "secret"
    secret.write_text("root's alone\n")
    return Files(folder, folder / "frr.conf", secret)


# What the user frr may try. FRR itself does not read its file while it runs.
QUIET = How({"vtysh": vtysh(running_config="echo end")})


def a_link_where_a_file_will_be_made(box: Box) -> None:
    there = of_frr(box)
    for name in ("frr.conf.new", ".frr.conf.new", ".etc-frr-frr.conf.new"):
        (there.folder / name).symlink_to(there.secret.with_name("made"))
    box.settle(CHANGED)
    assert not there.secret.with_name("made").exists() and not there.conf.is_symlink()


def a_link_in_the_place_of_its_file(box: Box) -> None:
    """What it leads to is neither written to, nor shown, nor given to frr where a push goes back."""
    there = of_frr(box)
    there.conf.unlink()
    there.conf.symlink_to(there.secret)
    assert base64.b64encode(b"root's alone\n").decode() not in box.run("show", how=QUIET)[1]
    with_probe("exit 1")(box)
    assert box.push(CHANGED, QUIET).ended == "rolled-back"
    assert there.secret.read_text() == "root's alone\n" and not there.conf.is_symlink()
    assert not there.conf.exists() or "alone" not in there.conf.read_text()


def a_pipe_in_the_place_of_its_file(box: Box) -> None:
    there = of_frr(box)
    there.conf.unlink()
    os.mkfifo(there.conf)
    box.settle(CHANGED, QUIET)
    assert stat.S_ISREG(there.conf.lstat().st_mode)


def its_folder_on_a_disk_of_its_own(box: Box) -> None:
    """No folder of root's is on that disk; what is made there is a new file all the same."""
    if os.geteuid() != 0 or subprocess.run([real("unshare"), "-m", "true"], check=False).returncode:
        assert not os.environ.get("CI"), "another disk needs root and mount namespaces: run as root"
        # Elsewhere the way is gone with two folders of one disk that seem to be of two.
    there = of_frr(box)
    script = 'cp -a "$1" "$1.kept" && mount -t tmpfs -o mode=777 none "$1" && cp "$1.kept/frr.conf" "$1" && shift && "$@" && cat "$APPLIER_ROOT/etc/frr/frr.conf"'
    around = real("unshare"), "-m", "/bin/sh", "-c", script, "sh", str(there.folder)
    _, output = box.run("apply", given=_packed(CHANGED), around=around)
    assert output.endswith(CHANGED[FRR]), output
    assert settled(box.root, GOOD, 1) or box.run("recover", how=INSIDE)[0] in (0, 1)


def a_link_that_root_has_made(box: Box) -> None:
    """An operator may keep the rules elsewhere: they are what was there before."""
    rules = box.root / "etc/nftables.conf"
    rules.rename(box.root / "etc/kept.nft")
    rules.symlink_to("kept.nft")
    with_probe("exit 1")(box)
    assert box.push(CHANGED).ended == "rolled-back" and box.has(GOOD)


# Rules.
def others_tables(box: Box, log: Path) -> How:
    """A box that has tables of others, one of which nft lists but does not read; every call is noted."""
    nft = f"""[ -n "${{INSIDE:-}}" ] || echo "$*" >>{log}
        case "$*" in
            "-f "*|*"-c "*) for last; do :; done; if grep -q fail2ban "$last"; then echo 'unsupported xtables' >&2; exit 1; fi ;;
            *"list ruleset"*) {BOX["nft"]}
                case "${{INSIDE:-}}" in '') echo 'table ip fail2ban {{'; echo '}}' ;; esac ;;
            *"list tables"*) printf 'table inet metal\\ntable ip fail2ban\\n' ;;
            *"list "*) {BOX["nft"]} ;;
        esac"""
    unshare = BOX["unshare"].replace("exec", "export INSIDE=1; exec")  # a kernel of its own
    return How({"nft": nft, "unshare": unshare})


def rules_of_others_are_left_alone(box: Box) -> None:
    log = box.root.with_name("nft.log")
    with_probe("exit 1")(box)
    how = replace(others_tables(box, log), env={"APPLIER_TIMEOUT": "300"})
    told = box.push(CHANGED, how)
    assert told.ended == "rolled-back", told
    assert "fail2ban" not in log.read_text() and "ruleset" not in log.read_text()


def what_nft_would_not_load_again(box: Box) -> None:
    told = box.push(CHANGED, How(fails("nft", "*-c*saved.*rules", "unsupported expression")))
    assert told.ended == "failed" and told.steps["save"] == (
        "failed",
        "nft would not load what runs now again, so nothing is tried: unsupported expression\n".rstrip(),
    ), told
    assert box.has(GOOD) and not (box.state / "pending").exists()


def what_frr_would_not_load_again(box: Box) -> None:
    told = box.push(CHANGED, How(fails("vtysh", "*-C*running.conf", "unknown command")))
    assert "FRR would not load what runs now again" in told.steps["save"][1]
    assert told.ended == "failed" and box.has(GOOD)


def unconfirmed(box: Box) -> Told:
    """A push that waits for its confirmation and whose timer is gone, as after a power cut."""
    told = box.push(CHANGED)
    timer = subprocess.run(
        ["pgrep", "-f", f"rollback {told.token}"], capture_output=True, text=True, check=True
    )
    os.kill(int(timer.stdout), 9)
    wait_until(
        lambda: (
            not Path(f"/proc/{int(timer.stdout)}/cmdline").exists()
            or not Path(f"/proc/{int(timer.stdout)}/cmdline").read_bytes()
        )
    )
    return told


def a_rollback_that_is_stuck(box: Box) -> None:
    """It does not keep the next push from coming, which may be what mends the box."""
    unconfirmed(box)
    third = GOOD | {FRR: GOOD[FRR].replace("box", "third")}
    stuck = How(fails("nft", "-f*pending*", "no memory"))
    told = box.push(third, stuck)
    assert told.ended == "applied", told
    assert box.run("confirm", told.token) == (0, "confirmed\n") and box.has(third)


def rules_that_only_the_file_gives(box: Box) -> None:
    """What an earlier applier saved and nft does not take: the file that was in place is loaded instead."""
    unconfirmed(box)
    log = box.root.with_name("loaded.log")
    loads = f'case "$*" in "-f "*) echo "$*" >>{log} ;; esac\n'
    broken = fails("nft", "-f*pending/rules", "unsupported xtables compat expression")
    assert box.run("recover", how=replace(INSIDE, broken={"nft": loads + broken["nft"]}))[0] == 0
    assert box.has(GOOD) and "pending/etc/nftables.conf" in log.read_text()


def what_the_shell_script_left(box: Box) -> None:
    """A push that the applier before this one made and nobody confirmed: taken back at boot, or replaced by a push."""
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
    told = box.push(other, How(values | fails("nft", "-f*pending*", "no memory")))
    assert told.ended == "applied", told
    assert "delete table inet other" in (box.state / "pending/rules").read_text()
    assert (box.state / "pending/sysctls").read_text() == "net.a = 1\nnet.b = 2\n"


# The kernel's settings, FRR's own file, and names.
def settings_of_the_kernel(box: Box) -> None:
    """They are what they were, once a push that changed them has gone back."""
    kernel = box.root / "kernel"
    kernel.write_text("net.ipv4.tcp_l3mdev_accept = 1\n")
    sysctl = f"""for last; do :; done
        case "$*" in *"-p "*) sed 's/^x=.*//' "$last" >{kernel} ;; *tcp_l3mdev*) cat {kernel} ;; esac"""
    files = WITH_UNITS | {SETTINGS: "net.ipv4.tcp_l3mdev_accept = 0\n"}
    with_probe(f"cp {kernel} {kernel}.probed; exit 1")(box)
    assert box.push(files, How({"sysctl": sysctl})).ended == "rolled-back"
    assert Path(f"{kernel}.probed").read_text() == "net.ipv4.tcp_l3mdev_accept = 0\n"
    assert kernel.read_text() == "net.ipv4.tcp_l3mdev_accept = 1\n"


def frr_writes_its_own_file(box: Box) -> None:
    """frr-reload.py has FRR write its text into frr.conf where the file that it reads is another one."""
    writes = f"""case "$*" in *--reload*/etc/frr/frr.conf) ;; *--reload*) echo 'as FRR has it' >"$APPLIER_ROOT{FRR}" ;; esac"""
    with_probe("exit 1")(box)
    assert box.push(CHANGED, How({"frr-reload.py": writes})).ended == "rolled-back"
    assert box.has(GOOD)


def another_name(box: Box) -> None:
    """sudo looks up the name of the box, and may wait long where nobody answers."""
    hosts = box.root / "etc/hosts"
    hosts.write_text("127.0.0.1\tlocalhost\n")
    box.settle(WITH_UNITS)
    assert "127.0.1.1\tfw\t" in hosts.read_text() and "127.0.0.1\tlocalhost" in hosts.read_text()
    box.settle(WITH_UNITS | {"/etc/hostname": "other\n"})
    assert "\tother\t" in hosts.read_text() and "\tfw\t" not in hosts.read_text()
    hosts.write_text("127.0.1.1 third.example third\n")
    box.settle(WITH_UNITS | {"/etc/hostname": "third\n"})
    assert hosts.read_text() == "127.0.1.1 third.example third\n"


def a_list_of_hosts_that_cannot_be_written(box: Box) -> None:
    (box.root / "etc/hosts").write_text("")
    told = box.settle(WITH_UNITS, How(faults=(Fault("rename", "*etc-hosts*", "EBUSY"),)))
    assert (
        "/etc/hosts could not be given this box's name: Device or resource busy"
        in (told.steps["load-system"][1])
    )


def many_networks(box: Box) -> None:
    """61 networks are 183 devices, of which one goes: that takes a second, and one question."""
    units = {
        f"/etc/systemd/network/30-sn-{kind}{number}.netdev": f"[NetDev]\nName={kind}{number}\n"
        for number in range(61)
        for kind in ("vrf", "vlan", "vni")
    }
    links = " ".join(f"{kind}{number}" for number in range(61) for kind in ("vrf", "vlan", "vni"))
    networkctl = f'for one in {links}; do echo " 7 $one x carrier configured"; done'
    timed = ("/bin/sh", "-c", '"$@"; times', "sh")
    how = How({"networkctl": networkctl})
    box.settle(GOOD | units, how)
    units.pop("/etc/systemd/network/30-sn-vni60.netdev")
    _, output = box.run("apply", given=_packed(GOOD | units), how=how, around=timed)
    *_, verdict, _, children = output.splitlines()
    assert verdict.startswith("done\tapplied\t"), output
    seconds = sum(float(one.partition("m")[2].rstrip("s")) for one in children.split())
    assert seconds < 4, "the shell script took more than twice as much of the processor"


# The timer.
SCOPE = 'case "$*" in *--unit=shared-networks-rollback-*) ;; *) exit 1 ;; esac\n'
RUNS = (
    SCOPE
    + f"""while case $1 in --setenv=*) export "${{1#--setenv=}}" ;; --*) ;; *) false ;; esac; do shift; done
        "$@" >/dev/null 2>&1 </dev/null &"""
)


def a_timer_of_systemds(box: Box) -> None:
    """Where systemd runs, the timer is a unit of its own, which no session's end ends."""
    started(box)
    log = box.root.with_name("run.log")
    how = How({"systemd-run": f'echo "$*" >>{log}\n{RUNS}'}, env={"APPLIER_TIMEOUT": "3"})
    told = box.push(CHANGED, how)
    assert told.ended == "applied" and f"shared-networks-rollback-{told.token}" in log.read_text()
    assert "APPLIER_TIMEOUT=3" in log.read_text()
    assert box.run("recover", how=INSIDE) == (0, "") and box.has(CHANGED), "it has its lock"
    assert settled(box.root, GOOD, PATIENCE)


def systemd_starts_no_timer(box: Box) -> None:
    for body in ("exit 1", SCOPE):
        (box.root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
        told = box.push(CHANGED, How({"systemd-run": body}, env={"APPLIER_TIMEOUT": "0"}))
        assert told.ended == "applied" and settled(box.root, GOOD, PATIENCE), body


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
    how = replace(INSIDE, broken={"vtysh": vtysh(daemons="exit 1")})
    assert box.run("recover", how=how) == (0, "") and box.has(GOOD)


def nothing_was_there_before(box: Box) -> None:
    """The first push ever, on a box without rules."""
    (box.root / RULES.lstrip("/")).unlink()
    with_probe("exit 1")(box)
    assert box.push(CHANGED).ended == "rolled-back"
    assert not (box.root / RULES.lstrip("/")).exists()


# The archive, byte by byte.
def changed(archive: bytes, at: int, new: bytes, *, honest: bool = True) -> bytes:
    """An archive of which some bytes are others, with the checksum of its first header made right."""
    head = bytearray(archive[:512])
    head[at : at + len(new)] = new
    if honest:
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + archive[512:]


PACKED = _packed(GOOD)
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
    output = box.run("apply", digest.strip(), given=_packed(GOOD), file=True)[1]
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
            input=_packed(CHANGED),
            stdout=end,
            stderr=end,
            env=box.environment(How(env={"APPLIER_TIMEOUT": "300"})),
            timeout=PATIENCE,
            check=False,
        )
        os.close(end)
        assert done.returncode == status and box.has(CHANGED)


def practice(box: Box) -> None:
    """A practice firewall replaces an unconfirmed push, shows its files, and is as slow as it is told to be."""
    slow = replace(PRACTICE, env={**PRACTICE.env, "APPLIER_SLOW": "0.01"})
    assert box.push(CHANGED, slow).ended == "applied"
    third = GOOD | {FRR: GOOD[FRR].replace("box", "third")}
    told = box.push(third, replace(slow, env={**slow.env, "APPLIER_TIMEOUT": "0"}))
    assert told.ended == "applied" and "replaced" in told.steps["save"][1]
    assert settled(box.root, GOOD, PATIENCE)
    assert "applied\t" not in box.run("show", how=PRACTICE)[1]


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
    assert "knows them again" in told.steps["check-next-hops"][1]


def routing_changed_by_hand(box: Box) -> None:
    by_hand = {
        "vtysh": vtysh(
            running_config='cat "$APPLIER_ROOT/etc/frr/frr.conf" | sed "s/^end/ip route x/"; echo end'
        )
    }
    assert box.push(GOOD, How(by_hand)).ended == "applied"


def routes_of_all_kinds(box: Box) -> None:
    """Only those to the other ends of VXLANs count; an IPv4 route may lead to an IPv6 address."""
    routes = """[{"dst":"10.7.0.0/24","gateway":"10.0.0.1","dev":"lan0","flags":["onlink"]},
        {"dst":"10.8.0.0/24","gateway":"10.0.0.2","dev":"vlan7","flags":[]},
        {"dst":"10.9.0.0/24","via":{"family":"inet6","host":"fe80::9"},"dev":"vlan7","flags":["onlink"]}]"""
    failed = '[{"dst":"fe80::9","dev":"vlan7","lladdr":"02:00:00:00:00:09","state":["FAILED"]},{"dst":"fe80::8","dev":"lan0","state":["INCOMPLETE"]}]'
    ip = f"""case "$*" in *" neigh "*) echo '{failed}' ;; *"-4 route "*) echo '{routes}' ;; esac"""
    lines = [
        line
        for line in box.run("show", how=How({"ip": ip}))[1].splitlines()
        if "running\tnext hops" in line
    ]
    assert base64.b64decode(lines[0].split("\t")[2]) == b"fe80::9 dev vlan7"


def installed_again(box: Box) -> None:
    """Another key for what is installed; other versions, of which the last but one may still be a timer's."""
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
    assert "BBBB" in (box.root / "var/lib/shared-networks-login/.ssh/authorized_keys").read_text()
    assert list(where.glob("*/applier/__pycache__/main.*.pyc")), "it is compiled"


def where_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def without_bgp(box: Box) -> None:
    started(box)
    (box.root / "etc/frr/daemons").write_text("zebra=yes\n")


UNKNOWN_UNIT = 'case "$*" in is-enabled*) exit 1 ;; esac'
STUBBORN = "trap '' TERM; while :; do sleep 1; done"
SINCE_PYTHON = (
    a_link_where_a_file_will_be_made,
    a_link_in_the_place_of_its_file,
    rules_of_others_are_left_alone,
    what_nft_would_not_load_again,
    what_frr_would_not_load_again,
    a_rollback_that_is_stuck,
    rules_that_only_the_file_gives,
    settings_of_the_kernel,
    frr_writes_its_own_file,
    another_name,
    a_list_of_hosts_that_cannot_be_written,
    many_networks,
    a_timer_of_systemds,
)
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
    a_verdict_that_cannot_be_noted,
    neighbours_are_lost_since,
    routing_changed_by_hand,
    routes_of_all_kinds,
    installed_again,
)
ALL: Mapping[str, Happening] = {
    **SITUATIONS,
    **SENT,
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
    "a session is down before": Pushed(
        "applied",
        "check-bgp",
        "0 sessions as before.",
        {"vtysh": vtysh(neighbors=SESSION.replace("Established", "Active"))},
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
        "nftables.service could not be enabled: it is unknown here.", {"systemctl": UNKNOWN_UNIT}
    ),
    "a list of daemons without BGP": Installed(
        "FRR could not be restarted with bgpd.",
        {"systemctl": f"case $1 in restart) exit 1 ;; esac; {BOX['systemctl']}"},
        prepare=without_bgp,
    ),
    **{happening.__name__.replace("_", " "): happening for happening in (*SINCE_PYTHON, *OTHERS)},
}
