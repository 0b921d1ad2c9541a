"""Boxes of which a tool misbehaves or a call fails, with an applier that notes its ways.

The tools are scripts, first in the PATH, and no kernel is touched. One that is to fail does so for
certain words only, and otherwise hands on to the real one. A file that cannot be moved, or a disk
that is full at one moment, is a call that fails in the applier.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from firewalls.device import applier_file, practice
from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD
from tests.firewalls.running import TOOLS, environment, steps, tools, verdict
from tests.firewalls.ways import Sources

Tools = Mapping[str, str]
STATE = "var/lib/shared-networks"
LISTING = 'echo "table inet metal {"; echo "}"'
RUNNING = 'cat "$APPLIER_ROOT/etc/frr/frr.conf" 2>/dev/null || echo end'
SESSIONS = (
    r"""echo "{\"default\": {\"10.9.0.2\": {\"bgpState\": \"STATE\"}, """
    r'''\"10.9.0.3\": {\"bgpState\": \"Established\"}}}"'''
)
SESSION = r'''echo "{\"default\": {\"vrfId\": 0, \"10.9.0.2\": {\"bgpState\": \"Established\"}}}"'''


def vtysh(**answers: str) -> str:
    """FRR's shell, which answers each query; `answers` are by a word of it, where unusual."""
    usual = {
        "daemons": 'echo " zebra bgpd staticd"',
        "running_config": RUNNING,
        "neighbors": SESSION,
    }
    cases = " ".join(
        f"*{word.replace('_', '-')}*) {answer} ;;" for word, answer in (usual | answers).items()
    )
    return f'for asked; do case "$asked" in {cases} esac; done'


LINKS = [{"ifname": "vrf7", "flags": ["UP"], "linkinfo": {"info_kind": "vrf"}}]
# The kernel takes the settings of a file, each without a dot in its name.
TAKEN = """while IFS="= " read -r key value; do
    echo "$value" >"$APPLIER_ROOT/proc/sys/$key"
done <"$last\""""
# A box that does as it should, as far as the applier asks: what runs is what the files say.
BOX: Tools = dict.fromkeys(
    (
        "frr-reload.py",
        "hostname",
        "sysctl",
        "ip",
        "modprobe",
        "sudo",
        "visudo",
        "useradd",
    ),
    "exit 0",
) | {
    "nft": f'case "$*" in *"list "*) {LISTING} ;; --version) echo "nftables v1.0.6 (x)" ;; esac',
    "ip": f"""case "$*" in *" address "*) echo '{json.dumps(LINKS)}' ;; esac""",
    "sysctl": f'for last; do :; done; case "$*" in *"-p "*) {TAKEN} ;; esac',
    "vtysh": vtysh(),
    "systemctl": """case "$*" in
is-enabled*) echo enabled ;;
is-active*nftables*|is-active*networkd*|is-active*frr*) echo active ;;
is-active*) echo inactive; exit 3 ;;
--version) echo "systemd 252 (252.39-1~deb12u1)" ;;
esac""",
    "zebra": "echo zebra version 8.4.4",
    "modprobe": "exit 0",
    "sshd": "echo pubkeyauthentication yes; echo authorizedkeysfile .ssh/authorized_keys x",
    "networkctl": 'case "$*" in *list*) echo " 7 vrf7 vrf carrier configured" ;; esac',
    # A kernel of its own, as far as nft asks.
    "unshare": 'while case $1 in -*) ;; *) false ;; esac; do shift; done; INSIDE=1 exec "$@"',
    "id": "exit 0",
    "ssh-keygen": "echo 256 SHA256:abc box",
}
# What else the applier and the scripts may run.
REACHED = f"{TOOLS} cat grep wc rm true"
PATIENCE = 120  # seconds, for what takes two at most


def real(tool: str) -> str:
    return str(shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"))


def fails(
    tool: str,
    words: str,
    saying: str = "",
    times: int = 0,
    *,
    when: str = "true",
    otherwise: str = "",
) -> dict[str, str]:
    """The tool, failing when its words are of this pattern: always, so often, or on a condition."""
    otherwise = otherwise or BOX.get(tool) or f'exec {real(tool)} "$@"'
    count = f'"$APPLIER_ROOT/failed-{tool}"'
    still = f"! grep -qs {'x' * times} {count} && printf x >>{count}" if times else "true"
    failing = f'if {when} && {still}; then echo "{saying}" >&2; exit 1; fi'
    return {tool: f'case "$*" in {words}) {failing} ;; esac\n{otherwise}'}


def says(tool: str, words: str, saying: str, when: str = "true") -> dict[str, str]:
    """The tool, saying this when its words are of this pattern, under a condition."""
    speaking = f'if {when}; then echo "{saying}"; exit; fi'
    return {tool: f'case "$*" in {words}) {speaking} ;; esac\n{BOX[tool]}'}


def hangs(tool: str, words: str) -> dict[str, str]:
    """The tool, which never ends when its words are of this pattern.

    With HASTY, whoever waits for it does so for a second.
    """
    return {tool: f'case "$*" in {words}) exec {real("sleep")} 1000 ;; esac\n{BOX[tool]}'}


@dataclass(frozen=True)
class Fault:
    """A call that fails in the applier: tests/firewalls/faults.py says how."""

    call: str
    like: str
    error: str = "ENOSPC"
    times: int = 0
    when: str = ""


@dataclass(frozen=True)
class How:
    """How the applier is run: with which broken tools, without which, in which environment.

    `faults` are the calls that fail in it.
    """

    broken: Tools = field(default_factory=dict)
    without: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


WELL = How()
PRACTICE = How(env={"APPLIER_PRACTICE": "1"})
HASTY = How(env={"APPLIER_LIMIT": "1"})
INSIDE = How(env={"APPLIER_INSIDE": "1"})


@dataclass(frozen=True)
class Told:
    """How a push ended, and how its steps did and what they said."""

    ended: str
    token: str
    steps: dict[str, tuple[str, str]]


class Ground:
    """What the boxes of one interpreter have in common."""

    def __init__(self, folder: Path, interpreter: str) -> None:
        self.folder = folder
        self.path = os.environ["PATH"]
        self.sources = Sources(applier_file.modules())
        traced = applier_file.packed(self.sources.traced)
        self.command = applier_file.unpacked(folder / "applier", interpreter, traced)
        self.installing = [interpreter, str(folder / "applier" / applier_file.NAME)]
        self.good = self.put("good", BOX)
        self.settled = practice.ensure_root(folder / "boxes", "settled")
        (self.settled / "proc/sys").mkdir(parents=True)
        Box(self, self.settled).settle(GOOD)

    def put(self, name: str, broken: Tools) -> Path:
        """A folder with these tools."""
        folder = self.folder / "tools" / name
        folder.mkdir(parents=True)
        for tool, body in broken.items():
            (folder / tool).write_text(f"#!/bin/sh\n{body}\n")
            (folder / tool).chmod(0o755)
        return folder

    def box(self, name: str) -> "Box":
        """A box that runs GOOD."""
        root = self.settled.with_name(re.sub(r"\W+", "-", name))
        shutil.copytree(self.settled, root)
        return Box(self, root)

    def start(self, name: str, how: How) -> str:
        """The PATH of an applier that is run like that."""
        path = f"{self.good}:{self.path}"
        if how.without:
            gone = how.without.split()
            own = self.put(
                f"{name}-own", {tool: body for tool, body in BOX.items() if tool not in gone}
            )
            reached = " ".join(tool for tool in REACHED.split() if tool not in gone)
            path = f"{own}:{tools(self.folder / f'reached-{name}', reached)}"
        if how.broken:
            path = f"{self.put(name, how.broken)}:{path}"
        return path


class Box:
    """A box, and what has been heard from it."""

    def __init__(self, ground: Ground, root: Path) -> None:
        self.ground, self.root, self.heard, self._runs = ground, root, [""], 0
        self.state = root / STATE
        self.trace = root.with_name(root.name + ".ways")
        self.trace.touch()

    def environment(self, how: How) -> dict[str, str]:
        """Of the applier, when it is run here."""
        self._runs += 1
        usual = {
            "APPLIER_PRACTICE": "",
            "APPLIER_SETTLE": "0",
            "APPLIER_TIMEOUT": "300",
            "APPLIER_TRACE": str(self.trace),
            "APPLIER_FAULTS": json.dumps([asdict(fault) for fault in how.faults]),
            "PATH": self.ground.start(f"{self.root.name}-{self._runs}", how),
        }
        alone = {"APPLIER_ALONE": "1"} if how.without else {}
        return environment(self.root, **(usual | alone | dict(how.env)))

    def run(
        self,
        *words: str,
        given: bytes = b"",
        how: How = WELL,
        around: tuple[str, ...] = (),
        file: bool = False,
    ) -> tuple[int, str]:
        """Its status, and all that it says; of the `file` itself, as when it is installed."""
        installs = file or words[:1] == ("install",)
        program = self.ground.installing if installs else self.ground.command
        done = subprocess.run(
            [*around, *program, *words],
            input=given,
            capture_output=True,
            env=self.environment(how),
            timeout=PATIENCE,
            check=False,
        )
        said = (done.stdout + done.stderr).decode()
        self.heard.append(said)
        return done.returncode, said

    def push(
        self,
        files: Mapping[str, str] = CHANGED,
        how: How = WELL,
        given: bytes | None = None,
        digest: str = "",
    ) -> Told:
        words = ["apply", digest] if digest else ["apply"]
        status, output = self.run(*words, given=packed(files) if given is None else given, how=how)
        return self.told(status, output)

    def told(self, status: int, output: str) -> Told:
        output = "\n".join(
            line for line in output.splitlines() if re.match(r"(begin|step|done)\t", line)
        )
        ended, token = verdict(output)
        assert status == (ended not in ("applied", "unchanged")), (status, ended)
        told = Told(ended, token, steps(output))
        self.heard += [said for _, said in told.steps.values()]
        return told

    def settle(self, files: Mapping[str, str], how: How = WELL) -> Told:
        """Push and confirm."""
        told = self.push(files, how)
        assert told.ended == "applied" and self.run("confirm", told.token, how=how) == (
            0,
            "confirmed\n",
        ), told
        return told

    def has(self, files: Mapping[str, str]) -> bool:
        return all(
            (self.root / path.lstrip("/")).read_text() == text for path, text in files.items()
        )
