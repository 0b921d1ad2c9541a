"""What a hostile user, other tools and a hurried operator may do, and could once harm a box with.

Most of it was not so with the applier that was a shell script.
"""

import base64
import json
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD, settled, wait_until
from tests.firewalls.broken_boxes import (
    BOX,
    INSIDE,
    PATIENCE,
    Box,
    Fault,
    How,
    Told,
    fails,
    real,
    vtysh,
)
from tests.firewalls.exits_in_the_way import (
    FRR,
    SETTINGS,
    WITH_UNITS,
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
SENT = "$APPLIER_ROOT/var/lib/shared-networks/new.*/etc/frr/frr.conf"
QUIET = How({"vtysh": vtysh(running_config=f"cat {SENT} 2>/dev/null || echo end")})


def a_link_where_a_file_will_be_made(box: Box) -> None:
    there = of_frr(box)
    for name in ("frr.conf.new", ".frr.conf.new", ".etc-frr-frr.conf.new"):
        (there.folder / name).symlink_to(there.secret.with_name("made"))
    box.settle(CHANGED)
    assert not there.secret.with_name("made").exists() and not there.conf.is_symlink()


def a_link_in_the_place_of_its_file(box: Box) -> None:
    """What it leads to is not written to, nor shown, nor given to frr when a push goes back."""
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
    script = """
        cp -a "$1" "$1.kept" && mount -t tmpfs -o mode=777 none "$1" && cp "$1.kept/frr.conf" "$1"
        shift && "$@" && cat "$APPLIER_ROOT/etc/frr/frr.conf" """
    around = real("unshare"), "-m", "/bin/sh", "-c", script, "sh", str(there.folder)
    _, output = box.run("apply", given=packed(CHANGED), around=around)
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
    """A box with a table of others that nft lists but does not read; every call is noted."""
    nft = f"""[ -n "${{INSIDE:-}}" ] || echo "$*" >>{log}
        case "$*" in
            "-f "*|*"-c "*) for last; do :; done
                if grep -q fail2ban "$last"; then echo 'unsupported xtables' >&2; exit 1; fi ;;
            *"list ruleset"*) {BOX["nft"]}
                case "${{INSIDE:-}}" in '') echo 'table ip fail2ban {{'; echo '}}' ;; esac ;;
            *"list tables"*) printf 'table inet metal\\ntable ip fail2ban\\n' ;;
            *"list "*) {BOX["nft"]} ;;
        esac"""
    return How({"nft": nft})


def rules_of_others_are_left_alone(box: Box) -> None:
    log = box.root.with_name("nft.log")
    with_probe("exit 1")(box)
    how = replace(others_tables(box, log), env={"APPLIER_TIMEOUT": "300"})
    told = box.push(CHANGED, how)
    assert told.ended == "rolled-back", told
    assert "fail2ban" not in log.read_text() and "flush" not in log.read_text()


def what_nft_would_not_load_again(box: Box) -> None:
    told = box.push(CHANGED, How(fails("nft", "*-c*saved.*rules", "unsupported expression")))
    assert told.ended == "failed" and told.steps["save"] == (
        "failed",
        "nft would not load what runs now again, so nothing is tried: unsupported expression",
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
    """Where nft does not take what was saved, the file that was in place is loaded."""
    unconfirmed(box)
    log = box.root.with_name("loaded.log")
    loads = f'case "$*" in "-f "*) echo "$*" >>{log} ;; esac\n'
    broken = fails("nft", "-f*pending/rules", "unsupported xtables compat expression")
    assert box.run("recover", how=replace(INSIDE, broken={"nft": loads + broken["nft"]}))[0] == 0
    assert box.has(GOOD) and "pending/etc/nftables.conf" in log.read_text()


# The kernel's settings, FRR's own file, and names.
def settings_of_the_kernel(box: Box) -> None:
    """They are what they were, once a push that changed them has gone back."""
    kernel = box.root / "kernel"
    kernel.write_text("net.ipv4.tcp_l3mdev_accept = 1\n")
    now = box.root / "proc/sys/net/ipv4/tcp_l3mdev_accept"
    now.parent.mkdir(parents=True)
    now.write_text("1\n")
    sysctl = f"""for last; do :; done
        case "$*" in
            *"-p "*) cat "$last" >{kernel}; echo 0 >{now} ;;
            *tcp_l3mdev*) cat {kernel} ;;
        esac"""
    files = WITH_UNITS | {SETTINGS: "net.ipv4.tcp_l3mdev_accept = 0\n"}
    with_probe(f"cp {kernel} {kernel}.probed; exit 1")(box)
    assert box.push(files, How({"sysctl": sysctl})).ended == "rolled-back"
    assert Path(f"{kernel}.probed").read_text() == "net.ipv4.tcp_l3mdev_accept = 0\n"
    assert kernel.read_text() == "net.ipv4.tcp_l3mdev_accept = 1\n"


def frr_writes_its_own_file(box: Box) -> None:
    """frr-reload.py has FRR write its own text into frr.conf where it reads another file."""
    writes = f"""case "$*" in
        *--reload*/etc/frr/frr.conf) ;;
        *--reload*) echo 'as FRR has it' >"$APPLIER_ROOT{FRR}" ;;
    esac"""
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
        for kind in ("vrf", "bridge", "vni")
    }
    links = " ".join(f"{kind}{number}" for number in range(61) for kind in ("vrf", "bridge", "vni"))
    networkctl = f'for one in {links}; do echo " 7 $one x carrier configured"; done'
    timed = ("/bin/sh", "-c", '"$@"; times', "sh")
    shown = [{"ifname": one, "flags": ["UP"]} for one in links.split()]
    listed = box.root.with_name("links.json")
    listed.write_text(json.dumps(shown))
    how = How({"networkctl": networkctl, "ip": f'case "$*" in *address*) cat {listed} ;; esac'})
    box.settle(GOOD | units, how)
    units.pop("/etc/systemd/network/30-sn-vni60.netdev")
    _, output = box.run("apply", given=packed(GOOD | units), how=how, around=timed)
    *_, verdict, _, children = output.splitlines()
    assert verdict.startswith("done\tapplied\t"), output
    seconds = sum(float(one.partition("m")[2].rstrip("s")) for one in children.split())
    assert seconds < 4, "the shell script took more than twice as much of the processor"


# The timer.
SCOPE = 'case "$*" in *--unit=shared-networks-rollback-*) ;; *) exit 1 ;; esac\n'


RUNS = (
    SCOPE
    + """while case $1 in --setenv=*) export "${1#--setenv=}" ;; --*) ;; *) false ;; esac
        do shift; done
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
