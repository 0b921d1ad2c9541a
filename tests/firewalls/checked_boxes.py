"""What the applier's `check` says of boxes that lack something, and how sshd's lists are met."""

import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from firewalls.device.applier import networkd
from tests.firewalls.broken_boxes import BOX, WELL, Box, Fault, How, Tools, vtysh
from tests.firewalls.exits_in_the_way import (
    AS_ROOT,
    NEWER,
    NO_ACCOUNT,
    Happening,
    Installed,
    fresh,
    nothing,
    started,
)

KEY = "ssh-ed25519 AAAA product"
DROP_IN = "etc/ssh/sshd_config.d/shared-networks.conf"
# sshd with a list of others, until the drop-in adds ours.
OTHERS_ONLY = f"""{BOX["sshd"]}
if [ -e "$APPLIER_ROOT/{DROP_IN}" ]; then
    echo allowusers metal; echo allowusers shared-networks; echo allowgroups shared-networks
else echo allowusers metal@192.0.2.*; echo allowgroups metal; fi"""
SYSCTL = "/etc/sysctl.d/90-shared-networks.conf"
SETTINGS = "# ours\nnet.ipv4.ip_forward = 1\nnet.ipv4.conf.all.send_redirects = 0\n"


def answers(box: Box, how: How = WELL) -> dict[str, tuple[str, str]]:
    """What `check` says, by name."""
    status, output = box.run("check", how=how)
    *lines, end = output.splitlines()
    assert (status, end) == (0, "end"), output
    seen = {}
    for line in lines:
        verb, name, state, text = line.split("\t")
        assert verb == "check"
        seen[name] = state, base64.b64decode(text).decode()
        box.heard.append(seen[name][1])
    return seen


def installed(box: Box) -> None:
    """With nothing amiss."""
    fresh(box)
    started(box)
    for name in ("resolved", "timesyncd"):
        daemon = box.root / f"lib/systemd/systemd-{name}"
        daemon.parent.mkdir(parents=True, exist_ok=True)
        daemon.touch()
    status, output = box.run("install", KEY, how=How(env=AS_ROOT))
    assert status == 0 and "To be put right" not in output, output


@dataclass(frozen=True)
class Checked:
    """A box where one thing is amiss, and what is said of that; all else is well."""

    name: str
    text: str
    state: str = "failed"
    broken: Tools = field(default_factory=dict)
    without: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    prepare: Happening = nothing

    def __call__(self, box: Box) -> None:
        installed(box)
        self.prepare(box)
        seen = answers(box, How(self.broken, self.without, self.env, self.faults))
        state, text = seen.pop(self.name)
        assert state == self.state and self.text in text, (state, text)
        others = {name: one for name, one in seen.items() if one[0] not in ("ok", "skipped")}
        assert not others, others


def before_it_is_set_up(box: Box) -> None:
    """As Debian's packages leave it, and nothing is changed by looking."""
    fresh(box)
    shutil.rmtree(box.state)
    before = sorted(box.root.rglob("*"))
    seen = answers(box, How({"id": "exit 1"}))
    failed = {name for name, (state, _) in seen.items() if state == "failed"}
    assert failed == {"account", "own name", "at boot"}, seen
    assert sorted(box.root.rglob("*")) == before


def a_practice_firewall(box: Box) -> None:
    seen = answers(box, How(env={"APPLIER_PRACTICE": "1"}))
    assert {name for name, (state, _) in seen.items() if state != "skipped"} == {"programs", "room"}


def a_list_that_names_others(box: Box) -> None:
    """A list of accounts and one of groups: both get a line, of this account alone."""
    fresh(box)
    started(box)
    log = box.root.with_name("lists.log")
    tools = {"sshd": OTHERS_ONLY, "systemctl": f'echo "$*" >>{log}; {BOX["systemctl"]}'}
    status, output = box.run("install", KEY, how=How(tools, env=AS_ROOT))
    assert status == 0 and "AllowUsers and AllowGroups did not name shared-networks" in output
    lines = (box.root / DROP_IN).read_text()
    box.heard.append(lines)
    assert lines.splitlines()[1:] == [
        "Match User shared-networks",
        "    AllowUsers shared-networks",
        "    AllowGroups shared-networks",
    ]
    assert "try-reload-or-restart ssh.service sshd.service" in log.read_text()


def a_list_where_systemd_does_not_run(box: Box) -> None:
    fresh(box)
    status, output = box.run("install", KEY, how=How({"sshd": OTHERS_ONLY}, env=AS_ROOT))
    assert status == 0 and (box.root / DROP_IN).exists(), output


def no_word_of_sshd(box: Box) -> None:
    fresh(box)
    status, output = box.run("install", KEY, how=How({"sshd": "exit 1"}, env=AS_ROOT))
    assert status == 0 and "sshd does not say whom it lets in" in output, output


def amiss_after_installing(box: Box) -> None:
    """It is said, for nobody can mend a kernel from here."""
    fresh(box)
    status, output = box.run("install", KEY, how=How({"modprobe": "exit 1"}, env=AS_ROOT))
    assert status == 0 and "worth knowing: The kernel " in output, output


def modules_loaded(box: Box) -> None:
    for name in ("vrf", "vxlan"):
        (box.root / "sys/module" / name).mkdir(parents=True)


def settings(*others: tuple[str, str]) -> Happening:
    """Ours, and other files with settings of the kernel."""

    def put(box: Box) -> None:
        for path, text in ((SYSCTL, SETTINGS), *others):
            (box.root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (box.root / path.lstrip("/")).write_text(text)

    return put


def told_networkd(box: Box) -> None:
    path = box.root / networkd.DROP_IN
    path.parent.mkdir(parents=True)
    path.write_text(networkd.TEXT)


def gone(path: str) -> Happening:
    return lambda box: (box.root / path).unlink()


CHECKED: dict[str, Happening] = {
    "check before it is set up": before_it_is_set_up,
    "check on a practice firewall": a_practice_firewall,
    "check where all is well": Checked("versions", "nftables 1.0.6", "ok"),
    "check without visudo": Checked("programs", "apt-get install sudo", without="visudo"),
    "check an old FRR": Checked(
        "versions", "FRR is 7.5.1; 8.4 is the oldest", broken={"zebra": "echo version 7.5.1"}
    ),
    "check FRR that tells nothing": Checked(
        "versions", "FRR is not there", broken={"zebra": "echo version"}
    ),
    "check a kernel without VRFs": Checked(
        "kernel modules",
        "has no module bridge, nf_tables, nf_conntrack",
        broken={"modprobe": "exit 1"},
        prepare=modules_loaded,
    ),
    "check a full disk": Checked("room", "that a push needs", env={"APPLIER_ROOM": "1000000000"}),
    "check a disk that is not read": Checked(
        "room", "Input/output error", faults=(Fault("statvfs", "*", "EIO"),)
    ),
    "check without its account": Checked("account", "There is no user", broken=dict(NO_ACCOUNT)),
    "check without the sudo rule": Checked(
        "account", "is not as `install` writes it", prepare=gone("etc/sudoers.d/shared-networks")
    ),
    "check sshd that keeps it out": Checked(
        "login", "its AllowUsers does not name it", broken={"sshd": OTHERS_ONLY}
    ),
    "check sshd without a word": Checked("login", "(sshd -T)", broken={"sshd": "exit 1"}),
    "check a name that nobody knows": Checked("own name", "20 seconds", prepare=gone("etc/hosts")),
    "check what does not start": Checked(
        "at boot",
        "shared-networks-closed.service",
        prepare=gone("etc/systemd/system/shared-networks-closed.service"),
    ),
    "check what does not run": Checked(
        "running",
        "Not running now: systemd-networkd.service, frr.service",
        broken={"systemctl": f"case $1 in is-active) exit 3 ;; esac; {BOX['systemctl']}"},
    ),
    "check FRR without bgpd": Checked(
        "running", "bgpd is not running here", broken={"vtysh": vtysh(daemons="echo zebra")}
    ),
    "check networkd that removes routes": Checked("routes of FRR", "run `install`", broken=NEWER),
    "check networkd that has not read": Checked(
        "routes of FRR",
        "systemd-networkd has not read /etc/systemd/networkd.conf.d/shared-networks.conf yet",
        "note",
        broken=NEWER,
        prepare=told_networkd,
    ),
    "check networkd that has read": Checked(
        "routes of FRR",
        "systemd-networkd leaves the routes of FRR alone",
        "ok",
        broken={"systemctl": NEWER["systemctl"].replace("@1000000000", "@99999999999")},
        prepare=told_networkd,
    ),
    "check networkd that never ran": Checked(
        "routes of FRR",
        "systemd-networkd leaves the routes of FRR alone",
        "ok",
        broken={"systemctl": NEWER["systemctl"].replace("@1000000000", "")},
        prepare=told_networkd,
    ),
    "check settings that another file overrides": Checked(
        "kernel settings at boot",
        "/etc/sysctl.d/99-frr_defaults.conf sets net.ipv4.conf.all.send_redirects to 1 at boot",
        prepare=settings(
            ("/etc/sysctl.d/99-frr_defaults.conf", "; x\n-net/ipv4/conf/*/send_redirects = 1\n"),
            ("/etc/sysctl.d/10-first.conf", "net.ipv4.ip_forward=0\n"),
            ("/usr/lib/sysctl.d/99-frr_defaults.conf", "net.ipv4.ip_forward=0\n"),
            ("/etc/sysctl.d/99-same.conf", "net.ipv4.ip_forward=1\n"),
        ),
    ),
    "check settings that stand": Checked(
        "kernel settings at boot", "no file overrides", "ok", prepare=settings()
    ),
    "check without resolved": Checked(
        "DNS and NTP",
        "apt-get install systemd-resolved",
        "note",
        prepare=gone("lib/systemd/systemd-resolved"),
    ),
    "check beside ufw": Checked(
        "others",
        "ufw runs here too",
        "note",
        broken={
            "systemctl": f'[ "$*" != "is-active ufw" ] || exec echo active\n{BOX["systemctl"]}'
        },
    ),
    "installed, and something is amiss": amiss_after_installing,
    "sshd has lists of others": a_list_that_names_others,
    "sshd has lists in a tree": a_list_where_systemd_does_not_run,
    "sshd has lists and its file is not written": Installed(
        f"/{DROP_IN} could not be written: ",
        {"sshd": OTHERS_ONLY},
        faults=(Fault("rename", "*ssh-sshd_config*"),),
    ),
    "sshd denies the account": Installed(
        "sshd keeps shared-networks out: its DenyUsers names it.",
        {"sshd": f"{BOX['sshd']}; echo denyusers shared-*"},
    ),
    "sshd takes no keys": Installed(
        "PubkeyAuthentication is no, not yes", {"sshd": "echo pubkeyauthentication no"}
    ),
    "sshd says nothing": no_word_of_sshd,
}
