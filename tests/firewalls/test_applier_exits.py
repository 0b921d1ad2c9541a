"""Every way in which the applier ends or refuses, under every shell, and every sentence it has for that.

A box that misbehaves has tools that do: scripts named nft, vtysh and so on, first in the PATH, as a broken box would have them.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from firewalls import practice, transport
from firewalls.transport import _packed, applier_digest
from tests.firewalls.boxes import CHANGED, GOOD, contents
from tests.firewalls.running import applier, steps, verdict
from tests.firewalls.test_applier_refusals import HOSTILE

Told = dict[str, tuple[str, str]]
NO_CHOICE: Mapping[str, str] = {}
STATE = '$(grep -q changed "$APPLIER_ROOT/etc/frr/frr.conf" && echo Active || echo Established)'
LISTING = 'echo "table inet metal {"; echo "}"'
RUNNING = '[ ! -f "$APPLIER_ROOT/etc/frr/frr.conf" ] || cat "$APPLIER_ROOT/etc/frr/frr.conf"'
# A box that does as it should, as far as the applier asks: what runs is what the files say.
BOX: Mapping[str, str] = {
    "nft": f'case "$*" in *"list "*) {LISTING} ;; esac',
    "vtysh": f"""case "$*" in *daemons*) echo " zebra bgpd staticd" ;; *running-config*) {RUNNING} ;;
        *neighbors*) echo "BGP neighbor is 10.9.0.2, remote AS 65001"; echo "  BGP state = Established, up for 00:01" ;; esac""",
    "frr-reload.py": "exit 0",
    "unshare": 'while [ "$1" != sh ] && [ $# -gt 1 ]; do shift; done; exec "$@"',
    "chown": "exit 0",
}
REAL = {"APPLIER_PRACTICE": "", "APPLIER_SETTLE": "1", "APPLIER_TIMEOUT": "30"}
IMPORT = "router bgp 1\n address-family ipv4 unicast\n  import vrf x\n"
IMPORTING = CHANGED | {"/etc/frr/frr.conf": CHANGED["/etc/frr/frr.conf"].replace("!\nend", IMPORT)}
UNITS = {"/etc/systemd/network/30-sn-vrf7.netdev": "[NetDev]\nName=vrf7\nKind=vrf\n", "/etc/hostname": "fw\n"}
# Said where something is missing that no test can take away without taking the machine along, or seen by another test.
ELSEWHERE = {
    "The files could not be stored here": "test_applier_refusals: the disk is full",
    "What runs could not be saved; is the disk full?": "test_applier_refusals: the disk is full",
    "No rollback could be armed; is the disk full?": "the same, between two other writes",
    "Another push has been running on this firewall": "test_applier: the lock",
    "nft is not installed here": "test_applier: a missing parser",
    "FRR is not installed here": "test_applier: a missing parser",
    "frr-reload.py is not installed here": "the same, one tool later",
    "is not what was sent.": "files that change between writing and reading them",
    "Refused: the archive is not whole, or there is no room for it.": "test_applier_refusals: the disk is full",
}
NOT_IN_BUSYBOX = ("No network namespace", "Names, kernel settings", "systemd-networkd is not running", "systemd-networkd has not set")
SET_UP = 'case "$*" in *list*) echo " 7 vrf7 vrf carrier configured" ;; esac'


class Broken(NamedTuple):
    """What is wrong with a box, and the step at which that shows, how the push ends, and what is said."""

    tools: dict[str, str]
    step: str
    ending: str
    sentence: str
    files: Mapping[str, str] = CHANGED


BROKEN = {
    "no bgpd": Broken({"vtysh": 'case "$*" in *daemons*) echo " zebra" ;; esac'}, "check-frr", "failed", "bgpd is not running here"),
    "vtysh refuses": Broken({"vtysh": "echo 'line 1: no'; exit 2"}, "check-frr", "failed", "line 1: no"),
    "vtysh only complains": Broken({"vtysh": "echo 'line 1: % Unknown command'"}, "check-frr", "failed", "% Unknown command"),
    "frr-reload refuses": Broken({"frr-reload.py": "echo no such thing; exit 1"}, "check-frr", "failed", "no such thing"),
    "nft refuses": Broken({"nft": "echo syntax error; exit 1"}, "check-nftables", "failed", "syntax error"),
    "nft cannot list": Broken({"nft": 'case "$*" in *"list "*) exit 1 ;; esac'}, "save", "failed", "could not be asked of nft and FRR"),
    "nft cannot load": Broken(
        {"nft": f'case "$*" in *"list "*) {LISTING} ;; "-f $APPLIER_ROOT/etc/nftables.conf") echo no memory; exit 1 ;; esac'},
        "load-nftables", "rolled-back", "no memory",
    ),
    "FRR cannot load": Broken(
        {"frr-reload.py": 'case "$*" in *--reload*etc/frr*) echo vtysh hangs; exit 1 ;; esac'}, "load-frr", "rolled-back", "vtysh hangs"
    ),
    "other rules in the kernel": Broken(
        {"nft": f'case "$*" in *"list table"*) echo "table inet metal {{"; echo "  chain x {{"; echo "}}" ;; *"list "*) {LISTING} ;; esac'},
        "verify", "rolled-back", "The rules in the kernel are not those that were sent.",
    ),
    "an import is not taken": Broken(
        {"vtysh": BOX["vtysh"].replace(RUNNING, "echo hostname box")}, "verify", "rolled-back",
        "FRR has not taken this: bgp 1, ipv4 unicast: import vrf x", IMPORTING,
    ),
    "a session stays down": Broken(
        {"vtysh": BOX["vtysh"].replace("Established, up for 00:01", STATE)},
        "check-bgp", "rolled-back", "BGP sessions that were up before are not, after 1 seconds: 10.9.0.2",
    ),
}  # fmt: skip


class Boxes:
    """Boxes that run the applier under one shell; what they have said is remembered."""

    def __init__(self, folder: Path, shell: Mapping[str, str]) -> None:
        self.folder, self.shell, self.heard = folder, shell, ""
        # Busybox runs the hostname, ip, sysctl and unshare that it has inside, whatever the PATH says: this machine's would change.
        self.inside = "busybox" in shell["shell"]

    def root(self, name: str) -> Path:
        return practice.ensure_root(self.folder / "boxes", name.replace(" ", "-"))

    def tools(self, name: str, broken: Mapping[str, str] | None = None) -> str:
        """The PATH of a box whose tools are these."""
        folder = self.folder / "tools" / name.replace(" ", "-")
        folder.mkdir(parents=True)
        for tool, body in {**BOX, **(broken or {})}.items():
            (folder / tool).write_text(f"#!/bin/sh\n{body}\n")
            (folder / tool).chmod(0o755)
        return f"{folder}:{self.shell.get('PATH', os.environ['PATH'])}"

    def run(self, root: Path, *words: str, given: bytes = b"", how: Mapping[str, str] = NO_CHOICE) -> tuple[int, str]:
        status, output = applier(root, *words, given=given, how={**self.shell, **how})
        self.heard += output
        return status, output

    def push(
        self, root: Path, files: Mapping[str, str] = CHANGED, given: bytes = b"", words: str = "apply", how: Mapping[str, str] = NO_CHOICE
    ) -> tuple[str, Told]:
        output = self.run(root, *words.split(), given=given or _packed(files), how=how)[1]
        told = steps(output)
        self.heard += "".join(said for _, said in told.values())
        return verdict(output)[0], told

    def settle(self, root: Path, files: Mapping[str, str], how: Mapping[str, str] = NO_CHOICE) -> Told:
        """Push and confirm."""
        ended, told = self.push(root, files, how=how)
        assert ended == "applied", told
        token = (root / "var/lib/shared-networks/pending/token").read_text().strip()
        assert self.run(root, "confirm", token, how=how) == (0, "confirmed\n"), told
        return told


def misbehaving(boxes: Boxes) -> None:
    """Each ends with the old files, and says why."""
    good = boxes.tools("good")
    for kind, broken in BROKEN.items():
        root = boxes.root(kind)
        boxes.settle(root, GOOD, how={"PATH": good, **REAL})
        ended, told = boxes.push(root, broken.files, how={"PATH": boxes.tools(kind, broken.tools), **REAL})
        assert (ended, told[broken.step][0]) == (broken.ending, "failed") and broken.sentence in told[broken.step][1], (kind, told)
        assert contents(root) == GOOD, kind


def without_namespaces(boxes: Boxes) -> None:
    path = boxes.tools("no-namespaces", {"unshare": "exit 1"})
    told = boxes.settle(boxes.root("no namespaces"), GOOD, how={"PATH": path, **REAL})
    if not boxes.inside:
        assert "the rules in the kernel were not compared" in told["verify"][1]
        told = boxes.settle(boxes.root("no namespaces to check in"), GOOD, how={"PATH": path})
        assert told["check-nftables"] == ("skipped", "No network namespace can be made here, so the rule set was not checked.")


def interfaces(boxes: Boxes) -> None:
    """Units are loaded when they change; devices whose units are gone are deleted."""
    if boxes.inside:
        return
    root, log = boxes.root("interfaces"), boxes.folder / "log"
    loud = {name: f'echo "{name} $*" >>{log}' for name in ("hostname", "sysctl", "ip", "systemctl", "networkctl")}
    path = boxes.tools("networkd", loud | {"networkctl": f"{loud['networkctl']}; {SET_UP}"})
    boxes.settle(root, GOOD | UNITS, how={"PATH": path, **REAL})
    assert "networkctl reload" in log.read_text() and f"hostname -F {root}/etc/hostname" in log.read_text()
    boxes.settle(root, GOOD, how={"PATH": path, **REAL})
    assert "ip link delete vrf7" in log.read_text() and not (root / next(iter(UNITS)).lstrip("/")).exists()
    told = boxes.settle(root, CHANGED, how={"PATH": path, **REAL})
    assert told["load-system"] == ("skipped", "Names, kernel settings and interfaces stay as they are.")
    path = boxes.tools("no-networkd", {"systemctl": "exit 3", "hostname": "", "ip": ""})
    told = boxes.settle(root, CHANGED | UNITS, how={"PATH": path, **REAL})
    assert told["load-system"] == ("skipped", "systemd-networkd is not running here, so interfaces stay as they are.")
    path = boxes.tools("bad-settings", {"sysctl": "echo permission denied; exit 1", "hostname": "", "ip": "", "networkctl": SET_UP})
    ended, told = boxes.push(root, CHANGED | {"/etc/sysctl.d/90-shared-networks.conf": "x=1\n"}, how={"PATH": path, **REAL})
    assert (ended, told["load-system"]) == ("rolled-back", ("failed", "permission denied"))
    path = boxes.tools("idle-networkd", loud)
    ended, told = boxes.push(boxes.root("idle networkd"), GOOD | UNITS, how={"PATH": path, **REAL})
    assert (ended, told["load-system"]) == ("rolled-back", ("failed", "systemd-networkd has not set these up after 1 seconds: vrf7"))


def refusals(boxes: Boxes) -> None:
    """What is sent is no configuration, or comes from another product."""
    for kind, archive in HOSTILE.items():
        ended, told = boxes.push(boxes.root("hostile"), given=archive or b"\0")
        assert ended == "failed" and told["unpack"][0] == "failed" and "Refused" in told["unpack"][1], kind
    ended, told = boxes.push(boxes.root("version"), words="apply 0123")
    assert ended == "failed" and "run as root: sh applier.sh install" in told["version"][1] and applier_digest() in told["version"][1]
    assert boxes.push(boxes.root("version"), words=f"apply {applier_digest()}")[0] == "applied"


def probes(boxes: Boxes) -> None:
    root = boxes.root("probes")
    assert boxes.settle(root, GOOD)["probe"] == ("skipped", "No probes are configured in /etc/shared-networks/probes.")
    probe = root / "etc/shared-networks/probes/storage"
    probe.parent.mkdir(parents=True)
    probe.write_text("#!/bin/sh\necho away; exit 1\n")
    probe.chmod(0o755)
    ended, told = boxes.push(root)
    assert ended == "rolled-back" and told["probe"] == ("failed", "away\nThe probe storage failed.") and contents(root) == GOOD
    probe.write_text("#!/bin/sh\nexit 0\n")
    assert boxes.settle(root, CHANGED, how={"APPLIER_TIMEOUT": "30"})["probe"] == ("ok", "Well: storage")


def repeats(boxes: Boxes) -> None:
    root = boxes.root("repeats")
    boxes.push(root, how={"APPLIER_TIMEOUT": "30"})
    assert "An unconfirmed push is replaced" in boxes.push(root, GOOD, how={"APPLIER_TIMEOUT": "30"})[1]["save"][1]
    boxes.settle(root, CHANGED, how={"APPLIER_TIMEOUT": "30"})
    assert boxes.push(root, CHANGED)[0] == "unchanged"


def words(boxes: Boxes) -> None:
    """What may be asked without a push, and what nobody may ask over SSH."""
    root = boxes.root("words")
    for asked in ("rollback x 0", "recover", "install", "install ssh-ed25519 AAAA", "id", "", "$(id)"):
        assert boxes.run(root, how={"SSH_ORIGINAL_COMMAND": asked})[0] == 64, asked
    assert boxes.run(root, "version") == (0, f"{applier_digest()}\n") and boxes.run(root, "show") == (0, "end\n")
    assert boxes.run(root, "confirm", "x") == (0, "unknown\n") and boxes.run(root, "recover", how={"APPLIER_INSIDE": "1"}) == (0, "")


EVERY: tuple[Callable[[Boxes], None], ...] = (misbehaving, without_namespaces, interfaces, refusals, probes, repeats, words)
_SAID = re.compile(r"""(?:echo|missing) (?!"\$\()(?:'([A-Z][^']{12,})'|"([A-Z$][^"]{12,})")""")


def test_every_exit(tmp_path: Path, shell: dict[str, str]) -> None:
    boxes = Boxes(tmp_path, shell)
    for scenario in EVERY:
        scenario(boxes)
    script = transport.APPLIER.read_text().partition("# refuse SENTENCE")[0]  # installing has a test of its own
    sentences = [single or double for single, double in _SAID.findall(script)]
    elsewhere = [*ELSEWHERE, *NOT_IN_BUSYBOX] if boxes.inside else ELSEWHERE
    mine = [said for said in sentences if not any(beginning in said for beginning in elsewhere)]
    unheard = [said for said in mine if not all(piece in boxes.heard for piece in pieces(said))]
    assert len(sentences) > 25 and unheard == []


def pieces(sentence: str) -> list[str]:
    """The stretches of a sentence that hold no variable."""
    return [piece.strip() for piece in re.split(r"\$\{?[\w*/#%]+\}?", sentence) if len(piece.strip()) > 8]
