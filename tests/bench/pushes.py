"""How fast pushes are, beside the same files and commands by ansible-core and by nornir with paramiko, in one run on this machine.

    python -m tests.bench.pushes FOLDER            as root; BENCH_FIREWALLS (200), BENCH_AT_ONCE (16), BENCH_ROLLBACK_SECONDS (120),
                                                   BENCH_VENV (with ansible-core, nornir, paramiko), BENCH_BARE=0 without the bare copies

Every firewall is a folder behind OpenSSH's sshd on loopback, with real checks by nft and vtysh. This product saves, arms a rollback,
verifies, and confirms over a second connection; the others do so too, and once more without (tests/bench/others.py says how).
Changed: each brings a configuration that no firewall has. Unchanged: the same again. Of the others the start is counted too, for
they start anew for every run: 0.3 s of CPU time for nornir.
"""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from firewalls.device import practice
from firewalls.device.keys import ensure_key, public_line
from firewalls.device.transport import Target
from tests.bench import others, slow_boxes
from tests.bench.measure import FIREWALLS, ROLLBACK_SECONDS, Row, files, pushed, shown
from tests.firewalls.boxes import answers
from tests.firewalls.running import program

LISTENING = 16  # ports of one sshd; it takes no more
AT_ONCE = int(
    os.environ.get("BENCH_AT_ONCE", "16")
)  # of each sender: this machine plays all the boxes too; more made all of them slower
Sender = Callable[[dict[str, str]], Row]


class Bench:
    """Firewalls in a folder, each behind a port of its own, and one plain sshd for those who bring their own commands."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.host = (
            folder,
            ensure_key(folder / "client"),
            ensure_key(folder / "host"),
        )
        self.plain, *self.ports = _free_ports(FIREWALLS + 1)
        self.names = [f"fw-{number:03}" for number in range(FIREWALLS)]
        for name in self.names:
            practice.ensure_root(folder / "roots", name)

    def targets(self) -> list[Target]:
        pinned = public_line(self.host)
        return [
            Target(name, "127.0.0.1", port, "root", pinned)
            for name, port in zip(self.names, self.ports, strict=True)
        ]

    def boxes(self) -> others.Boxes:
        roots = {name: self.folder / "roots" / name for name in self.names}
        return others.Boxes(
            self.folder, roots, self.plain, self.key, public_line(self.host), AT_ONCE
        )

    def ours(self, texts: dict[str, str]) -> Row:
        return pushed("shared-networks", self.targets(), texts, self.key, AT_ONCE)

    @contextmanager
    def sshd(self) -> Iterator[None]:
        some = [
            self.ports[first : first + LISTENING] for first in range(0, len(self.ports), LISTENING)
        ]
        servers = [
            self._start(f"many-{ports[0]}", ports, "".join(map(self._forced, ports)))
            for ports in some
        ]
        servers.append(self._start("plain", [self.plain], "Subsystem sftp internal-sftp\n"))
        try:
            yield
        finally:
            for server in servers:
                server.terminate()
                server.wait(20)

    def _forced(self, port: int) -> str:
        """What whoever comes in by this port runs: the applier of that firewall, and nothing else."""
        root = self.folder / "roots" / self.names[self.ports.index(port)]
        practice = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT={ROLLBACK_SECONDS}"
        return f"Match LocalPort {port}\nForceCommand exec {shlex.join(program())}\nSetEnv HOME={self.folder} {practice}\n"

    def _start(self, name: str, ports: list[int], more: str) -> "subprocess.Popen[bytes]":
        authorized, config = self.folder / "authorized", self.folder / f"{name}.conf"
        authorized.write_text(public_line(self.key) + "\n")
        config.write_text(
            "".join(f"Port {port}\n" for port in ports)
            + f"ListenAddress 127.0.0.1\nHostKey {self.host}\nPidFile none\nUsePAM no\nStrictModes no\nAuthorizedKeysFile {authorized}\n"
            # root's shell here would read root's own .bashrc for every command, which no firewall's account has.
            + f"MaxStartups 1000\nMaxSessions 1000\nPermitRootLogin yes\nLogLevel QUIET\nSetEnv HOME={self.folder}\n{more}"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        # Firewalls are other machines: however many there are, they leave whoever sends to them its turn.
        server = subprocess.Popen(["nice", "/usr/sbin/sshd", "-D", "-f", str(config)])
        answers("127.0.0.1", ports[-1])
        return server


def _free_ports(count: int) -> list[int]:
    """As many free ports in a row."""
    for first in range(20_000, 60_000, count):
        try:
            for port in range(first, first + count):
                with socket.create_server(("127.0.0.1", port)):
                    pass
            return list(range(first, first + count))
        except OSError:
            continue
    raise SystemExit("There are not enough free ports.")


def senders(bench: Bench) -> list[Sender]:
    if "BENCH_VENV" not in os.environ:
        return [bench.ours]
    boxes, ways = bench.boxes(), [True] if os.environ.get("BENCH_BARE") == "0" else [False, True]
    boxes.prepare()
    tools = [(tool, guarded) for tool in (others.nornir, others.ansible) for guarded in ways]
    return [bench.ours, *(partial(tool, boxes, guarded=guarded) for tool, guarded in tools)]


def compared(bench: Bench) -> dict[str, list[Row]]:
    changed, unchanged = list[Row](), list[Row]()
    with bench.sshd():
        bench.ours(files(0))
        for number, sender in enumerate(senders(bench), 1):
            changed.append(sender(files(number)))
            unchanged.append(sender(files(number)))
            differing = [
                name for name, root in bench.boxes().roots.items() if on_disk(root) != files(number)
            ]
            if differing:
                raise SystemExit(
                    f"{len(differing)} firewalls do not have what was pushed, as {differing[0]}"
                )
    return {"push changed": changed, "push unchanged": unchanged}


def on_disk(root: Path) -> dict[str, str]:
    return {path: (root / path.lstrip("/")).read_text() for path in others.CHECKS}


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    results = compared(Bench(folder)) | {slow_boxes.TITLE: [slow_boxes.measured()]}
    for title, rows in results.items():
        shown(title, rows)
    path = folder.parent / "bench-pushes.json"
    path.write_text(json.dumps(results, indent=2))
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
