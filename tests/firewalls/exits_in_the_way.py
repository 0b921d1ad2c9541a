"""What may come in the applier's way, with how it must end and what must be said."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD, contents, settled
from tests.firewalls.broken_boxes import (
    BOX,
    HASTY,
    INSIDE,
    PATIENCE,
    PRACTICE,
    RUNNING,
    SESSION,
    SESSIONS,
    WELL,
    Box,
    Fault,
    How,
    Tools,
    fails,
    hangs,
    real,
    says,
    vtysh,
)
from tests.firewalls.test_applier_refusals import HOSTILE

Happening = Callable[[Box], None]
FRR = "/etc/frr/frr.conf"
IMPORTING = CHANGED | {
    FRR: CHANGED[FRR].replace(
        "!\nend", "router bgp 1\n address-family ipv4 unicast\n  import vrf x\n!\nend"
    )
}
VRF, SETTINGS, NAMES = (
    "/etc/systemd/network/30-sn-vrf7.netdev",
    "/etc/sysctl.d/90-shared-networks.conf",
    "/etc/hostname",
)
RESOLVED = "/etc/systemd/resolved.conf.d/shared-networks.conf"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/shared-networks.conf"
WITH_UNITS = CHANGED | {
    VRF: "[NetDev]\nName=vrf7\nKind=vrf\n",
    NAMES: "fw\n",
    SETTINGS: "x=1\n",
    RESOLVED: "[Resolve]\nDNS=192.0.2.53\n",
    "/etc/modules-load.d/shared-networks.conf": "# what tracks\nnf_conntrack\n",
}
WITH_SERVERS = WITH_UNITS | {TIMESYNCD: "[Time]\nNTP=ntp.example.net\nNTP=2001:db8::123\n"}
GONE = '$(grep -q changed "$APPLIER_ROOT/etc/frr/frr.conf" && echo Active || echo Established)'
LOST = {"vtysh": vtysh(neighbors=SESSIONS.replace("STATE", GONE))}
NEWLY = f'if grep -q changed "$APPLIER_ROOT/etc/frr/frr.conf"; then {SESSION}; fi'
LATE = (
    f'if grep -q changed "$APPLIER_ROOT/etc/frr/frr.conf"; then {SESSIONS}; '
    f"else {SESSION.replace('10.9.0.2', '10.9.0.3')}; fi"
).replace("STATE", "Active")
UNSETTLED = {"networkctl": "exit 0"}
SETTLE = How(env={"APPLIER_SETTLE": "1"})
NOT_IN_NAMESPACE = {
    "unshare": 'case "$*" in *true) exit 0 ;; *) echo no memory >&2; exit 1 ;; esac'
}
OTHER = "table inet metal {\n  chain other {\n  }\n}"
OTHER_RULES = says("nft", '*"list "*', OTHER, when='[ -z "$INSIDE" ]')
BY_HAND = says("nft", '*"list "*', "table inet metal {\n  chain by_hand {\n  }\n}")
MEANWHILE = f'"-f "*/etc/nftables.conf) echo other >>"$APPLIER_ROOT{FRR}"'
OTHER_FILES = {"nft": f'case "$*" in {MEANWHILE} ;; esac\n{BOX["nft"]}'}
NOT_LOADED = fails("nft", '"-f $APPLIER_ROOT/etc/nftables.conf"', "no memory")
UNDONE = "/var/lib/shared-networks/pending/undone"
GOING_BACK = f'[ -d "$APPLIER_ROOT{UNDONE}" ]'
FULL = "No space left on device"
HURRIED = How(env={"APPLIER_HURRY": "1"})
RELOAD = fails("networkctl", "*reload*", "no reply", 1)
RESTART = fails("systemctl", "*restart*", "no reply", 1)
NO_ACCOUNT = {"id": "exit 1", "useradd": "exit 9"}
AS_ROOT = {"APPLIER_AS_ROOT": "1"}


def nothing(box: Box) -> None:
    pass


def with_probe(text: str, name: str = "storage") -> Happening:
    def prepare(box: Box) -> None:
        probe = box.root / "etc/shared-networks/probes" / name
        probe.parent.mkdir(parents=True)
        probe.write_text(f"#!/bin/sh\n{text}\n")
        probe.chmod(0o755)

    return prepare


def left_over(box: Box) -> None:
    (box.root / "etc/.etc-frr-frr.conf.new").write_text("half")


def never_pushed_to(box: Box) -> None:
    (box.state / "last").unlink()


def no_folder(box: Box) -> None:
    (box.root / "var/lib").rename(box.root / "var/kept")
    (box.root / "var/lib").write_text("")


@dataclass(frozen=True)
class Pushed:
    """A push to a box that ran GOOD: how it ends, and which step says what of it.

    Whenever it is not applied, the old files are there in the end; where going back fails at first,
    `later`, the timer does it.
    """

    ended: str
    step: str
    said: str
    broken: Tools | Fault = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=lambda: CHANGED)
    how: How = WELL
    state: str = "failed"
    given: bytes | None = None
    prepare: Happening = nothing
    later: bool = False
    faults: tuple[Fault, ...] = ()

    def __call__(self, box: Box) -> None:
        self.prepare(box)
        how = replace(self.how, faults=self.faults)
        if isinstance(self.broken, Fault):
            how = replace(how, faults=(*self.faults, self.broken))
        else:
            how = replace(how, broken=self.broken)
        told = box.push(self.files, how, self.given)
        assert (
            told.ended == self.ended
            and told.steps[self.step][0] == self.state
            and self.said in told.steps[self.step][1]
        ), told
        if told.ended == "applied":
            assert box.run("confirm", told.token, how=self.how) == (0, "confirmed\n") and box.has(
                self.files
            )
            return
        assert not self.later or settled(box.root, GOOD, PATIENCE), "the timer has not gone back"
        assert contents(box.root) == GOOD and not list(box.state.glob("new.*")) + list(
            box.state.glob("candidate.*")
        )
        became = (
            "rolled back"
            if told.ended in ("rolled-back", "unknown")
            else "unknown"
            if self.step == "receive"
            else "failed"
        )
        assert box.run("confirm", told.token) == (0, f"{became}\n"), told


def lacking(tools: str, practice: bool = False) -> How:
    return How(without=tools, env=PRACTICE.env if practice else {})


def way_gone(around: tuple[str, ...], said: str) -> Happening:
    """The rules that run have a chain of connections that the new ones have not."""
    chain = "table inet metal {\n\tchain way {\n\t\tcounter ct mark set 0x00c0ffee accept\n\t}\n}"
    how = How(says("nft", '*"list "*', chain))

    def happen(box: Box) -> None:
        told = box.told(*box.run("apply", given=packed(CHANGED), how=how, around=around))
        assert told.ended == "applied" and told.steps["load-nftables"][1].startswith(said), told
        assert bool(told.steps["load-nftables"][1]) == bool(said), told

    return happen


def rounds(left: str, number: int) -> Happening:
    """Where FRR still has these lines after its first reload, it is reloaded so often."""
    first = 'grep -qsc again "$APPLIER_ROOT/rounds" && [ "$(wc -l <"$APPLIER_ROOT/rounds")" = 1 ]'
    reloads = {
        "frr-reload.py": 'case "$*" in *--reload*) echo again >>"$APPLIER_ROOT/rounds" ;; esac',
        "vtysh": vtysh(running_config=f'if {first}; then echo "{left}"; fi; {RUNNING}'),
    }

    def happen(box: Box) -> None:
        Pushed("applied", "load-frr", "", reloads, state="ok")(box)
        assert (box.root / "rounds").read_text() == "again\n" * number

    return happen


CHECKED: dict[str, Happening] = {
    "no bgpd": Pushed(
        "failed",
        "check-frr",
        "bgpd is not running here",
        {"vtysh": 'case "$*" in *daemons*) echo " zebra" ;; esac'},
    ),
    "vtysh refuses": Pushed(
        "failed", "check-frr", "line 1: no", fails("vtysh", "*-C*", "line 1: no")
    ),
    "vtysh only complains": Pushed(
        "failed", "check-frr", "% Unknown", {"vtysh": "echo 'line 1: % Unknown command'"}
    ),
    "frr-reload refuses": Pushed(
        "failed", "check-frr", "no such thing", fails("frr-reload.py", "*--test*", "no such thing")
    ),
    "frr-reload hangs": Pushed(
        "failed", "check-frr", "", hangs("frr-reload.py", "*--test*"), how=HASTY
    ),
    "nft refuses": Pushed(
        "failed", "check-nftables", "syntax error", fails("nft", "*-c*", "syntax error")
    ),
    "nft hangs": Pushed("failed", "check-nftables", "", hangs("nft", "*-c*"), how=HASTY),
    "no nft": Pushed("failed", "check-nftables", "nft is not installed here", how=lacking("nft")),
    "no vtysh": Pushed("failed", "check-frr", "FRR is not installed here", how=lacking("vtysh")),
    "no frr-reload": Pushed(
        "failed",
        "check-frr",
        "it comes with the package frr-pythontools",
        how=lacking("frr-reload.py"),
    ),
    "practice without nft": Pushed(
        "applied",
        "check-nftables",
        "nft is not",
        how=lacking("nft", practice=True),
        state="skipped",
    ),
    "practice without vtysh": Pushed(
        "applied", "check-frr", "FRR is not", how=lacking("vtysh", practice=True), state="skipped"
    ),
    "practice and nft refuses": Pushed(
        "failed",
        "check-nftables",
        "no such hook",
        fails("nft", "*-c*", "no such hook"),
        how=PRACTICE,
    ),
    "practice": Pushed(
        "applied", "load-nftables", "a folder without a kernel", how=PRACTICE, state="skipped"
    ),
    "practice without namespaces": Pushed(
        "applied",
        "check-nftables",
        "No network namespace can be made here",
        {"unshare": "exit 1"},
        how=PRACTICE,
        state="skipped",
    ),
}
SENT: Mapping[str, Happening] = {
    kind: Pushed("failed", "unpack", said, given=HOSTILE[kind])
    for kind, said in {
        "another path": "Refused: etc/passwd is not a file that is managed here.",
        "a symbolic link": "Refused: only plain files are taken.",
        "a file twice": "Refused: a file must be there once, not twice.",
        "a file too few": "Refused: etc/frr/frr.conf must be there, once.",
        "too much": "Refused: more than 4000000 bytes were sent.",
        "no archive": "Refused: this is no plain whole archive: ",
        "half an archive": "Refused: ",
        "nothing": "Refused: ",
    }.items()
} | {
    "a unit of others": Pushed(
        "failed",
        "unpack",
        "mgmt0.network is not a",
        files=CHANGED | {"/etc/systemd/network/mgmt0.network": "x"},
    ),
    "a unit with a blank": Pushed(
        "failed",
        "unpack",
        "is not a file",
        files=CHANGED | {"/etc/systemd/network/30-sn-~.network": "x"},
    ),
    "no room to unpack": Pushed(
        "failed", "unpack", "Refused: there is no room for it: No space", Fault("write", "*new.*")
    ),
}
STORED: dict[str, Happening] = {
    "no room to receive": Pushed(
        "failed", "receive", "is the disk full?", Fault("write", "*candidate.*")
    ),
    "no room to save": Pushed(
        "failed",
        "save",
        "What runs could not be saved; is the disk full?",
        Fault("write", "*saved.*"),
    ),
    "no room for the last file saved": Pushed(
        "failed", "save", "What runs could not be saved", Fault("fsync", "*saved.*/frr")
    ),
    "nft cannot list": Pushed(
        "failed", "save", "could not be asked of nft and FRR", fails("nft", '*"list "*')
    ),
    "no room for a verdict": Pushed(
        "failed",
        "receive",
        "Nothing can be written here; is the disk full?",
        Fault("fsync", "*last*"),
        prepare=never_pushed_to,
    ),
    "what was saved cannot be moved": Pushed(
        "failed", "arm-rollback", "", Fault("rename", "*saved.*pending*")
    ),
    "no rollback": Pushed(
        "failed",
        "arm-rollback",
        "No rollback could be armed; is the disk full?",
        Fault("rename", "*token.new*"),
    ),
    "a new file cannot be written": Pushed(
        "rolled-back", "write", FULL, Fault("write", "*etc-frr-frr.conf.new*", times=1)
    ),
    "a new file cannot be moved": Pushed(
        "rolled-back", "write", FULL, Fault("rename", "*frr.conf.new*", times=1)
    ),
    "a new file cannot be given away": Pushed(
        "rolled-back", "write", "There is no user frr here", Fault("getpwnam", "frr", "KeyError", 1)
    ),
    "no room for a folder": Pushed(
        "rolled-back", "write", FULL, Fault("mkdir", "*a-folder/etc/systemd/network *"), WITH_UNITS
    ),
    "what is left of another write stays": Pushed(
        "rolled-back",
        "write",
        "busy",
        Fault("unlink", "*frr.conf.new", "EBUSY", 1),
        prepare=left_over,
    ),
}
LOADED: dict[str, Happening] = {
    "no hostname": Pushed(
        "rolled-back",
        "load-system",
        "not permitted",
        fails("hostname", "*", "not permitted"),
        WITH_UNITS,
    ),
    "no settings": Pushed(
        "rolled-back",
        "load-system",
        "permission denied",
        fails("sysctl", "*", "permission denied"),
        WITH_UNITS,
    ),
    "no networkd": Pushed(
        "failed",
        "check-system",
        "systemd-networkd is not running here, so nobody would set up the interfaces.",
        {"systemctl": "exit 3"},
        WITH_UNITS,
    ),
    "networkd does not reload": Pushed(
        "rolled-back", "load-system", "no reply", RELOAD, WITH_UNITS
    ),
    "networkd does nothing": Pushed(
        "rolled-back",
        "load-system",
        "systemd-networkd has not set these up after 1 seconds: vrf7",
        UNSETTLED,
        WITH_UNITS,
        SETTLE,
    ),
    "resolved does not start": Pushed(
        "rolled-back", "load-system", "no reply", RESTART, WITH_UNITS
    ),
    "servers out of reach": Pushed(
        "applied",
        "load-system",
        "The time servers 2001:db8::123 cannot be reached",
        fails("ip", "*route*get*"),
        WITH_SERVERS,
        state="ok",
    ),
    "a way is gone": way_gone((real("unshare"), "-rn"), ""),
    "a kernel that keeps connections": way_gone(
        (real("setpriv"), "--bounding-set", "-all", "--inh-caps", "-all"),
        "The kernel could not be asked to forget ended connections: ",
    ),
    "no resolved": Pushed(
        "applied",
        "load-system",
        "The partition's name servers have no effect: systemd-resolved does not run here.",
        fails("systemctl", "*is-active*resolved*"),
        WITH_UNITS,
        state="ok",
    ),
    "system as before": Pushed("applied", "load-system", "stay as they are.", state="skipped"),
    "nft cannot load": Pushed("rolled-back", "load-nftables", "no memory", NOT_LOADED),
    "FRR cannot load": Pushed(
        "rolled-back",
        "load-frr",
        "no reply",
        fails("frr-reload.py", "*--reload*pending/loading*", "no reply"),
    ),
    "FRR loads at the second time": Pushed(
        "applied",
        "load-frr",
        "",
        fails("frr-reload.py", "*--reload*pending/loading*", "", 1),
        state="ok",
    ),
    "FRR has what it should": rounds("log syslog", 1),
    "FRR still has an instance": rounds("router bgp 1 vrf old", 2),
    "FRR hangs": Pushed(
        "rolled-back",
        "load-frr",
        "frr-reload.py did not end within 1 seconds.",
        hangs("frr-reload.py", "*--reload*pending/loading*"),
        how=HASTY,
    ),
}
VERIFIED: dict[str, Happening] = {
    "another file": Pushed(
        "rolled-back", "verify", "etc/frr/frr.conf is not what was sent.", OTHER_FILES
    ),
    "other rules in the kernel": Pushed(
        "rolled-back",
        "verify",
        "The rules in the kernel are not those that were sent.",
        OTHER_RULES,
    ),
    "rules that cannot be compared": Pushed("rolled-back", "verify", "no memory", NOT_IN_NAMESPACE),
    "rules and no namespace": Pushed(
        "applied",
        "verify",
        "the rules in the kernel were not compared",
        {"unshare": "exit 1"},
        state="ok",
    ),
    "an import is not taken": Pushed(
        "rolled-back",
        "verify",
        "FRR has not taken this: router bgp 1 / address-family ipv4 unicast / import vrf x",
        {"vtysh": vtysh(running_config=f"({RUNNING}) | grep -v 'import vrf'")},
        IMPORTING,
    ),
    "rules changed by hand": Pushed("applied", "load-nftables", "", BY_HAND, GOOD, state="ok"),
    "what runs cannot be noted": Pushed(
        "rolled-back",
        "verify",
        "What runs now could not be noted here; is the disk full?",
        Fault("mkdir", "*networks/applied", times=1),
    ),
    "imports": Pushed("applied", "verify", "", files=IMPORTING, state="ok"),
    "a session stays down": Pushed(
        "rolled-back",
        "check-bgp",
        "BGP sessions that were up before are not, after 1 seconds: 10.9.0.2",
        LOST,
        how=SETTLE,
    ),
    "a new session": Pushed(
        "applied", "check-next-hops", "", {"vtysh": vtysh(neighbors=NEWLY)}, state="ok"
    ),
    "a new session stays down": Pushed(
        "applied",
        "check-bgp",
        "1 sessions as before. New and not up yet: 10.9.0.2",
        {"vtysh": vtysh(neighbors=LATE)},
        how=SETTLE,
        state="ok",
    ),
    "sessions as before": Pushed("applied", "check-bgp", "1 sessions as before.", state="ok"),
    "no probes": Pushed(
        "applied",
        "probe",
        "No probes are configured in /etc/shared-networks/probes.",
        state="skipped",
    ),
    "a probe fails": Pushed(
        "rolled-back",
        "probe",
        "away\nThe probe storage failed.",
        prepare=with_probe("echo away; exit 1"),
    ),
    "a probe hangs": Pushed(
        "rolled-back",
        "probe",
        "The probe storage failed.",
        how=HASTY,
        prepare=with_probe("exec sleep 1000"),
    ),
    "a probe": Pushed(
        "applied", "probe", "Well: storage", prepare=with_probe("exit 0"), state="ok"
    ),
}
# The other end of a VXLAN: what FRR runs has its VNI unless it was taken, and the kernel has the
# neighbour unless it was lost.
HAS_VNI = f'[ -e "$APPLIER_ROOT/taken" ] || printf "vrf vrf7\\n vni 7\\nexit-vrf\\n"; {RUNNING}'
HAS_SECTION = f'[ -e "$APPLIER_ROOT/given-up" ] || printf "vrf vrf7\\nexit-vrf\\n"; {RUNNING}'
NEIGHBOUR = '[{"dst":"10.0.0.9","dev":"bridge7","lladdr":"02:00:00:00:00:09","state":["NOARP"]}]'
ROUTE = '{"dst":"10.5.0.0/24","nhid":7,"gateway":"10.0.0.9","dev":"bridge7","flags":["onlink"]}'
FAR = {
    "ip": f"""case "$*" in
        *" neigh "*) [ -e "$APPLIER_ROOT/lost" ] || echo '{NEIGHBOUR}' ;;
        *" route "*) echo '[{ROUTE}]' ;;
    esac""",
    "vtysh": f"""case "$*" in
        *"-c no vni 7") : >"$APPLIER_ROOT/taken" ;;
        *"-c vni 7") rm -f "$APPLIER_ROOT/taken" "$APPLIER_ROOT/lost" ;;
    esac
    {vtysh(running_config=HAS_VNI)}""",
}
FORGETTING = {
    "frr-reload.py": 'case "$*" in *--reload*pending/loading*) : >"$APPLIER_ROOT/lost" ;; esac'
}
FORGETFUL = FAR | {"vtysh": FAR["vtysh"].replace(' "$APPLIER_ROOT/lost" ;;', " ;;")}
GREEDY = FAR | {"vtysh": FAR["vtysh"].replace('rm -f "$APPLIER_ROOT/taken"', "rm -f")}
WITHOUT_VNI = FAR | {"vtysh": BOX["vtysh"]}
# An uplink: FRR's route leads to the router's address in IPv6, the kernel's to what stands for it.
ROUTER = '{"dst":"fe80::9","dev":"lan0","lladdr":"02:00:00:00:00:09","state":["REACHABLE"]}'
STANDS = '{"dst":"169.254.0.1","dev":"lan0","lladdr":"02:00:00:00:00:09","state":["PERMANENT"]}'
OVER_UPLINK = '{"dst":"10.4.0.1","gateway":"169.254.0.1","dev":"lan0","flags":["onlink"]}'
HOP = '{"ip":"fe80::9","interfaceName":"lan0","fib":true}'
OF_BGP = f'"prefix":"10.4.0.1/32","protocol":"bgp","selected":true,"nexthops":[{HOP}]'
GIVEN = '"neigh replace 169.254.0.1 lladdr 02:00:00:00:00:09 dev lan0 nud permanent protocol 11"'
UPLINK = {
    "ip": f"""case "$*" in
        {GIVEN}) rm -f "$APPLIER_ROOT/lost" ;;
        *" neigh "*)
            if [ -e "$APPLIER_ROOT/lost" ]; then echo '[{ROUTER}]'
            else echo '[{ROUTER},{STANDS}]'; fi ;;
        *" route "*) echo '[{OVER_UPLINK}]' ;;
    esac""",
    "vtysh": vtysh(**{"ip?route": f"""echo '{{"10.4.0.1/32":[{{{OF_BGP}}}]}}'"""}),
}
UNKNOWN_ROUTER = UPLINK | {"ip": UPLINK["ip"].replace("fe80::9", "fe80::8")}


def lost(box: Box) -> None:
    (box.root / "lost").touch()


def an_uplink_is_given_its_neighbour_when_going_back(box: Box) -> None:
    lose = 'case "$*" in *--reload*) : >"$APPLIER_ROOT/lost" ;; esac'
    with_probe("exit 1")(box)
    told = box.push(CHANGED, How(UPLINK | {"frr-reload.py": lose}))
    assert told.ended == "rolled-back" and told.steps["roll-back"][0] == "ok", told
    assert not (box.root / "lost").exists()


NEIGHBOURS: dict[str, Happening] = {
    "no next hops": Pushed(
        "applied", "check-next-hops", "Every next hop has its neighbour.", state="ok"
    ),
    "a neighbour": Pushed(
        "applied", "check-next-hops", "Every next hop has its neighbour.", FAR, state="ok"
    ),
    "a neighbour is forgotten": Pushed(
        "applied",
        "check-next-hops",
        "These next hops had lost their neighbour and have it again: 10.0.0.9 dev bridge7",
        FAR | FORGETTING,
        state="ok",
    ),
    "a neighbour is forgotten for good": Pushed(
        "rolled-back",
        "check-next-hops",
        "These next hops have no neighbour, so packets to them go nowhere: 10.0.0.9 dev bridge7",
        FORGETFUL | FORGETTING,
    ),
    "a neighbour is forgotten and there is no VNI": Pushed(
        "rolled-back", "check-next-hops", "have no neighbour", WITHOUT_VNI | FORGETTING
    ),
    "a neighbour was forgotten before": Pushed(
        "applied",
        "check-next-hops",
        "These next hops had no neighbour before either; "
        "packets to them go nowhere until FRR is restarted: ",
        FORGETFUL,
        state="ok",
        prepare=lost,
    ),
    "an uplink has lost its neighbour": Pushed(
        "applied",
        "check-next-hops",
        "These next hops had lost their neighbour and have it again: 169.254.0.1 dev lan0",
        UPLINK,
        state="ok",
        prepare=lost,
    ),
    "an uplink whose router is not known": Pushed(
        "rolled-back",
        "check-next-hops",
        "These next hops have no neighbour, so packets to them go nowhere: 169.254.0.1 dev lan0",
        UNKNOWN_ROUTER | FORGETTING,
    ),
    "an uplink is given its neighbour when going back": (
        an_uplink_is_given_its_neighbour_when_going_back
    ),
    "a VNI is not taken back": Pushed(
        "rolled-back",
        "check-next-hops",
        "FRR has not taken the VNI 7 back after 1 seconds.",
        GREEDY | FORGETTING,
        how=SETTLE,
    ),
}
BACK = "roll-back"
PUT_BACK: dict[str, Happening] = {
    "nothing can be kept": Pushed(
        "unknown",
        BACK,
        FULL,
        NOT_LOADED,
        later=True,
        faults=(Fault("mkdir", "*undone.new*", times=1),),
    ),
    "an old file cannot be written": Pushed(
        "unknown",
        BACK,
        FULL,
        NOT_LOADED,
        later=True,
        faults=(Fault("write", "*etc-frr-frr.conf.new*", times=1, when=UNDONE),),
    ),
    "old rules are not taken": Pushed(
        "unknown",
        BACK,
        "no memory",
        fails("nft", "*-f*pending/*", "no memory", 2, otherwise=NOT_LOADED["nft"]),
        later=True,
    ),
    "FRR does not go back": Pushed(
        "unknown", BACK, "no reply", fails("frr-reload.py", "*--reload*", "no reply", 4), later=True
    ),
    "interfaces do not go back": Pushed(
        "unknown",
        BACK,
        "",
        LOST | fails("networkctl", "*reload*", "no reply", 1, when=GOING_BACK),
        WITH_UNITS,
        later=True,
    ),
    "it can be noted in the old place only": Pushed(
        "rolled-back", BACK, "", NOT_LOADED, state="ok", faults=(Fault("rename", "*last.*"),)
    ),
    "it cannot be noted": Pushed(
        "rolled-back",
        BACK,
        FULL,
        NOT_LOADED,
        later=True,
        faults=(Fault("fsync", "*last*", times=4, when=UNDONE),),
    ),
    "it fails again, and waits": Pushed(
        "unknown",
        BACK,
        FULL,
        NOT_LOADED,
        how=HURRIED,
        later=True,
        faults=(Fault("mkdir", "*undone.new*", times=3),),
    ),
}


@contextmanager
def another_push(box: Box) -> Iterator[None]:
    with (box.state / "busy").open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        yield


def busy(box: Box) -> None:
    """Another push is running."""
    at_once = How(env={"APPLIER_LOCK_WAIT": "1"})
    with another_push(box):
        told = box.push(how=at_once)
        assert (
            told.ended == "failed"
            and "Another push has been running on this firewall for 1 seconds."
            in told.steps["lock"][1]
        )
        assert box.run("confirm", told.token, how=at_once)[0] == 1
    assert box.push(GOOD).ended == "unchanged"


def no_state(box: Box) -> None:
    """There is no folder to work in, and none can be made."""
    no_folder(box)
    assert "The files could not be stored here" in box.push().steps["receive"][1]
    assert box.run("confirm", "x")[0] == 1 and contents(box.root) == GOOD


def unconfirmed(box: Box) -> None:
    """A push waits for its confirmation, another replaces it, and nobody confirms."""
    first = box.push()
    assert (
        first.ended == "applied"
        and "Rolled back by itself in 300 seconds unless" in first.steps["arm-rollback"][1]
    )
    box.heard.append((box.state / "pending/rules").read_text())
    assert box.run("recover", how=INSIDE) == (0, ""), box.heard[-1]
    assert box.has(CHANGED), "its timer lives"
    assert box.run("rollback", "another", "0", how=INSIDE)[0] == 0 and box.has(CHANGED), (
        "this one's timer is not that one's"
    )
    last = box.push(IMPORTING, How(env={"APPLIER_TIMEOUT": "0"}))
    assert last.ended == "applied" and last.steps["save"] == (
        "ok",
        "An unconfirmed push is replaced; its rollback would go back to the same files.",
    )
    assert settled(box.root, GOOD, PATIENCE) and box.run("confirm", last.token) == (
        0,
        "rolled back\n",
    )
    assert box.run("confirm", first.token) == (0, "unknown\n") and box.run(
        "recover", how=INSIDE
    ) == (0, "")


def a_power_cut(box: Box) -> None:
    """What is left of a push when everything died, before and after its save was in place."""
    (box.state / "saved.1").mkdir()
    (box.state / "new.1").mkdir()
    (box.state / "candidate.999999999").write_text("")
    box.push(how=How(faults=(Fault("rename", "*token.new*"),)))
    assert (box.state / "pending").exists() and box.run("recover", how=INSIDE)[0] == 0
    assert not (box.state / "pending").exists() and contents(box.root) == GOOD
    assert box.settle(CHANGED) and sorted(path.name for path in box.state.iterdir()) == [
        "applied",
        "before",
        "busy",
        "last",
    ]


def units(box: Box) -> None:
    """Changed units are loaded, devices made anew or, last, removed; the same needs nothing."""
    log = box.root.with_name("units.log")
    loud = {
        name: f'echo "{name} $*" >>{log}\n{BOX[name]}'
        for name in ("hostname", "sysctl", "ip", "systemctl", "networkctl", "frr-reload.py")
    }
    how = How(broken=loud)
    box.settle(WITH_UNITS, how)
    said = log.read_text()
    assert (
        "networkctl reload" in said
        and f"hostname -F {box.root}/etc/hostname" in said
        and "restart systemd-resolved" in said
    )
    assert "timesyncd" not in said and "ip link delete" not in said
    assert (
        box.push(WITH_UNITS, how).ended == "unchanged"
        and box.push(WITH_UNITS, replace(how, env=PRACTICE.env)).ended == "unchanged"
    )
    box.settle(WITH_UNITS | {VRF: f"{WITH_UNITS[VRF]}# for all\n"}, how)
    anew = log.read_text().removeprefix(said)
    assert anew.index("ip link delete vrf7") < anew.index("networkctl reload")
    log.write_text("")
    # FRR 10 keeps an empty section, and gives it up once it has heard that the device is gone.
    keeping = {
        "vtysh": f"""case "$*" in
        *"-c no vrf vrf7") [ -e "$APPLIER_ROOT/deaf" ] && rm "$APPLIER_ROOT/deaf" ||
            : >"$APPLIER_ROOT/given-up" ;;
    esac
    {vtysh(running_config=HAS_SECTION)}"""
    }
    (box.root / "deaf").touch()
    box.settle(GOOD, replace(SETTLE, broken=loud | keeping))
    said = log.read_text()
    assert said.rindex("frr-reload.py --reload") < said.rindex("ip link delete vrf7")
    assert (box.root / "given-up").exists()
    assert not (box.root / f".{VRF}").exists()


def versions(box: Box) -> None:
    digest = box.run("version")[1].split()[0]
    told = box.push(digest="0123")
    assert told.ended == "failed" and told.steps["version"] == (
        "failed",
        f"This firewall's applier is another one ({digest}) than the product's (0123).\n"
        "Update it: `manage.py applier > shared-networks-applier` writes it; "
        "copy it here, and run as root: python3 shared-networks-applier install",
    )
    assert box.push(GOOD, digest=digest).steps["version"][0] == "ok"


def words(box: Box) -> None:
    """What may be asked without a push, and what nobody may ask over SSH."""
    asked = {"rollback x 0": "Not over SSH.", "recover": "Not over SSH."}
    asked |= dict.fromkeys(
        ("install", "install ssh-ed25519 AAAA", "id", "", "$(id)", "*"),
        "This account runs the applier only",
    )
    for text, said in asked.items():
        status, answer = box.run(how=How(env={"SSH_ORIGINAL_COMMAND": text}))
        assert status == 64 and answer.startswith(said), (text, status, answer)
    assert box.run("show")[1].splitlines()[-1] == "end" and box.run("confirm", "x") == (
        0,
        "unknown\n",
    )


@dataclass(frozen=True)
class Installed:
    """An installation that is refused, with the sentence for that."""

    said: str
    broken: Tools = field(default_factory=dict)
    key: str = "ssh-ed25519 AAAA product"
    without: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    prepare: Happening = nothing

    def __call__(self, box: Box) -> None:
        fresh(box)
        self.prepare(box)
        how = How(self.broken, self.without, AS_ROOT | dict(self.env), self.faults)
        status, said = box.run("install", self.key, how=how)
        assert status == 65 and self.said in said, (status, said)


DAEMONS = "# which daemons\nbgpd=no\nmgmtd=no\nospfd=no\n"


def fresh(box: Box) -> None:
    """As Debian installs FRR."""
    (box.root / "etc/frr/daemons").write_text(DAEMONS)
    (box.root / "etc/hostname").write_text("fw-9\n")
    (box.root / "etc/hosts").write_text("127.0.0.1 localhost\n")


def started(box: Box) -> None:
    (box.root / "run/systemd/system").mkdir(parents=True)


def without_daemons(box: Box) -> None:
    (box.root / "etc/frr/daemons").unlink()


def installed(box: Box) -> None:
    """Installed, and updated without the key."""
    fresh(box)
    started(box)
    log = box.root.with_name("systemctl.log")
    how = How({"systemctl": f'echo "$*" >>{log}; {BOX["systemctl"]}'}, env=AS_ROOT)
    host = box.root / "etc/ssh/ssh_host_ed25519_key.pub"
    host.parent.mkdir()
    host.write_text("ssh-ed25519 BBBB box\n")
    digest = box.run("version")[1].split()[0]
    for key in ("ssh-ed25519 AAAA product", ""):
        status, said = box.run("install", key, how=how)
        assert (
            status == 0
            and f"Installed /usr/local/sbin/shared-networks-applier {digest}.\n" in said
            and "SHA256:abc" in said
        ), said
    assert (
        "/usr/local/sbin/shared-networks-applier"
        in (box.root / "etc/sudoers.d/shared-networks").read_text()
    )
    daemons = (box.root / "etc/frr/daemons").read_text()
    assert daemons == DAEMONS.replace("bgpd=no", "bgpd=yes").replace("mgmtd=no", "mgmtd=yes")
    asked = log.read_text().splitlines()
    assert asked.count("restart frr.service") == 1, "only where it must start more than before"
    own = "shared-networks-recover.service shared-networks-closed.service"
    for unit in ("nftables.service", "systemd-networkd.service", own):
        assert f"--quiet --no-reload enable {unit}" in asked
    written = (
        "etc/sudoers.d/shared-networks",
        "etc/systemd/system/shared-networks-recover.service",
        "etc/systemd/system/shared-networks-closed.service",
        "etc/systemd/system/nftables.service.d/shared-networks.conf",
        "var/lib/shared-networks-login/.ssh/authorized_keys",
    )
    box.heard += [(box.root / path).read_text() for path in written]


# systemd 257, where networkd has been running since a while ago.
NEWER = {
    "systemctl": f"""case "$*" in --version) echo "systemd 257 (257.13-1~deb13u1)"; exit ;;
"show systemd-networkd.service -p ActiveEnterTimestamp --timestamp=unix")
    echo "ActiveEnterTimestamp=@1000000000"; exit ;;
esac
{BOX["systemctl"]}"""
}


def _installed_beside_networkd(box: Box) -> tuple[list[str], str]:
    """What systemd is asked, and what is said to be worth knowing."""
    fresh(box)
    started(box)
    log = box.root.with_name(f"{box.root.name}.log")
    how = How({"systemctl": f'echo "$*" >>{log}; {NEWER["systemctl"]}'}, env=AS_ROOT)
    status, said = box.run("install", "ssh-ed25519 AAAA product", how=how)
    assert status == 0, said
    text = (box.root / "etc/systemd/networkd.conf.d/shared-networks.conf").read_text()
    assert text == "[Network]\nManageForeignRoutes=no\nManageForeignNextHops=no\n"
    box.heard.append(text)
    return log.read_text().splitlines(), said


def networkd_reads(box: Box) -> None:
    (box.state / "applied").rename(box.state / "applied.away")
    asked, _ = _installed_beside_networkd(box)
    assert "restart systemd-networkd.service" in asked


def networkd_of_a_firewall_in_use(box: Box) -> None:
    """To restart it would stop all packets."""
    assert (box.state / "applied").is_dir()
    asked, said = _installed_beside_networkd(box)
    assert "restart systemd-networkd.service" not in asked
    assert "start systemd-networkd.service" in asked and "At a quiet time, restart it" in said


NO_KEY = "That is no public key: it is one line such as ssh-ed25519 AAAA…"
NOT_ENABLED = 'case "$*" in is-enabled*nftables*) echo masked ;; *) echo enabled ;; esac'
INSTALLED: dict[str, Happening] = {
    "installing without root": Installed(
        "Installing takes root: sudo python3 shared-networks-applier install",
        env={"APPLIER_NOT_ROOT": "1"},
    ),
    "installing without frr-reload": Installed(
        "Missing here: frr-reload.py. Install what brings it: apt-get install frr-pythontools",
        without="frr-reload.py",
    ),
    "installing without a key": Installed(
        "Give the product's public key: "
        "python3 shared-networks-applier install 'ssh-ed25519 AAAA…'",
        key="",
    ),
    "installing two keys": Installed(NO_KEY, key="ssh-ed25519 A\nssh-rsa B"),
    "installing no key": Installed(NO_KEY, key="no key at all"),
    "the program is not written": Installed(
        "sbin/shared-networks-applier could not be written: ",
        faults=(Fault("rename", "*applier.new*"),),
    ),
    "no user": Installed("The user shared-networks could not be made.", NO_ACCOUNT),
    "the key is not written": Installed(
        ".ssh/authorized_keys could not be written: ",
        faults=(Fault("rename", "*authorized_keys*"),),
    ),
    "a bad rule": Installed("The sudo rule could not be written.", {"visudo": "exit 1"}),
    "the rule is not written": Installed(
        "The sudo rule could not be written: ", faults=(Fault("fchmod", "*sudoers*"),)
    ),
    "the unit is not written": Installed(
        "/etc/systemd/system/shared-networks-recover.service could not be written: ",
        faults=(Fault("fchmod", "*recover.service*"),),
    ),
    "the unit is not enabled": Installed(
        "shared-networks-recover.service and shared-networks-closed.service could not be enabled.",
        {"systemctl": "exit 1"},
    ),
    "the packet filter does not start at boot": Installed(
        "nftables.service is masked here, and could not be enabled.", {"systemctl": NOT_ENABLED}
    ),
    "networkd is not told": Installed(
        "/etc/systemd/networkd.conf.d/shared-networks.conf could not be written: ",
        NEWER,
        faults=(Fault("rename", "*networkd.conf.d*"),),
    ),
    "networkd that runs reads what it is told": networkd_reads,
    "networkd of a firewall in use is left alone": networkd_of_a_firewall_in_use,
    "networkd does not start": Installed(
        "systemd-networkd could not be started.",
        {"systemctl": f"case $1 in start) exit 1 ;; esac; {BOX['systemctl']}"},
        prepare=started,
    ),
    "FRR does not start bgpd": Installed(
        "FRR could not be restarted with bgpd.",
        {"systemctl": f"case $1 in restart) exit 1 ;; esac; {BOX['systemctl']}"},
        prepare=started,
    ),
    "FRR has no list of daemons": Installed(
        "/etc/frr/daemons is missing here; it comes with the package frr.", prepare=without_daemons
    ),
    "the daemons are not written": Installed(
        "/etc/frr/daemons could not be written: ", faults=(Fault("rename", "*frr-daemons*"),)
    ),
    "installed": installed,
}


PAGE = os.sysconf("SC_PAGE_SIZE")
ROOM = 80  # pages, of which a push takes about thirty


def small_disk(box: Box, pages: int) -> tuple[str, ...]:
    """Runs what comes after it where the applier's folder is a disk with so many pages left."""
    script = f"""
        cp -a "$1" "$1.kept" && mount -t tmpfs -o size={ROOM * PAGE},mode=700 none "$1" || exit
        cp -a "$1.kept/." "$1" && rm -rf "$1.kept" || exit
        dd if=/dev/zero of="$1/fill" bs={PAGE} 2>/dev/null
        {real("truncate")} -s -{pages * PAGE} "$1/fill" || exit
        shift; exec "$@" """
    return real("unshare"), "-m", "/bin/sh", "-c", script, "sh", str(box.state)


def fuller_and_fuller(box: Box) -> None:
    """However full the disk is, the old files stay or come back, and what failed is told."""
    if os.geteuid() != 0 or subprocess.run([real("unshare"), "-m", "true"], check=False).returncode:
        assert not os.environ.get("CI"), "a small disk needs root and mount namespaces: run as root"
        return
    files, failed = CHANGED | {FRR: CHANGED[FRR] + "!\n" * 5000}, set[str]()
    for pages in range(0, ROOM - 10, 2):
        told = box.told(
            *box.run(
                "apply",
                given=packed(files),
                how=How(env={"APPLIER_TIMEOUT": "0"}),
                around=small_disk(box, pages),
            )
        )
        assert settled_files(box), (pages, told)
        failed |= {step for step, (state, _) in told.steps.items() if state == "failed"}
        if told.ended == "applied":
            break
    assert told.ended == "applied" and failed >= {"receive", "unpack", "save"}, (told, failed)


def settled_files(box: Box) -> bool:
    deadline = time.monotonic() + PATIENCE
    while contents(box.root) != GOOD and time.monotonic() < deadline:
        time.sleep(0.05)
    return contents(box.root) == GOOD


TOLD = (
    busy,
    no_state,
    unconfirmed,
    a_power_cut,
    units,
    versions,
    words,
    fuller_and_fuller,
)
SITUATIONS: Mapping[str, Happening] = {
    **CHECKED,
    **SENT,
    **STORED,
    **LOADED,
    **VERIFIED,
    **NEIGHBOURS,
    **PUT_BACK,
    **INSTALLED,
    **{happening.__name__.replace("_", " "): happening for happening in TOLD},
}
