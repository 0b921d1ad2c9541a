"""`python -m tests.bench.pushes FOLDER`: pushes by this product and by other tools."""

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
from tests.bench.pushes import other_tools, slow_boxes
from tests.bench.pushes.measuring import (
    FIREWALLS,
    ROLLBACK_SECONDS,
    Row,
    configuration,
    print_rows,
    push_to_all,
)
from tests.firewalls.boxes import answers
from tests.firewalls.running import program

PORTS_PER_SSHD = 16  # it accepts no more
# Of each sender: this machine plays all the firewalls too, and more made all senders slower.
AT_ONCE = int(os.environ.get("BENCH_AT_ONCE", "16"))
Sender = Callable[[dict[str, str]], Row]


class Fleet:
    """Firewalls in a folder, each behind an sshd port of its own that runs the applier.

    A plain sshd is beside them, for tools that bring their own commands.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ensure_key(folder / "client")
        self.host_key = ensure_key(folder / "host")
        self.plain_port, *self.ports = _free_ports(FIREWALLS + 1)
        self.names = [f"fw-{number:03}" for number in range(FIREWALLS)]
        self.roots = {name: folder / "roots" / name for name in self.names}
        for name in self.names:
            practice.ensure_root(folder / "roots", name)

    def push(self, files: dict[str, str]) -> Row:
        """By this product."""
        host_key = public_line(self.host_key)
        targets = [
            Target(name, "127.0.0.1", port, "root", host_key)
            for name, port in zip(self.names, self.ports, strict=True)
        ]
        return push_to_all("shared-networks", targets, files, self.key, AT_ONCE)

    def inventory(self) -> other_tools.Inventory:
        return other_tools.Inventory(
            self.folder,
            self.roots,
            self.plain_port,
            self.key,
            public_line(self.host_key),
            AT_ONCE,
        )

    @contextmanager
    def sshd(self) -> Iterator[None]:
        servers = [self._start("plain", [self.plain_port], "Subsystem sftp internal-sftp\n")]
        for first in range(0, len(self.ports), PORTS_PER_SSHD):
            ports = self.ports[first : first + PORTS_PER_SSHD]
            commands = "".join(self._applier_only(port) for port in ports)
            servers.append(self._start(f"many-{ports[0]}", ports, commands))
        try:
            yield
        finally:
            for server in servers:
                server.terminate()
                server.wait(20)

    def _applier_only(self, port: int) -> str:
        """Whoever connects to this port runs the applier of its firewall, and nothing else."""
        root = self.roots[self.names[self.ports.index(port)]]
        practice = f"APPLIER_ROOT={root} APPLIER_PRACTICE=1 APPLIER_TIMEOUT={ROLLBACK_SECONDS}"
        return (
            f"Match LocalPort {port}\n"
            f"ForceCommand exec {shlex.join(program())}\n"
            f"SetEnv HOME={self.folder} {practice}\n"
        )

    def _start(self, name: str, ports: list[int], more: str) -> "subprocess.Popen[bytes]":
        authorized = self.folder / "authorized"
        authorized.write_text(public_line(self.key) + "\n")
        config = self.folder / f"{name}.conf"
        # HOME: root's shell here would read root's own .bashrc for every command, which no
        # firewall's account has.
        config.write_text(
            "".join(f"Port {port}\n" for port in ports)
            + f"ListenAddress 127.0.0.1\nHostKey {self.host_key}\nAuthorizedKeysFile {authorized}\n"
            "PidFile none\nUsePAM no\nStrictModes no\nMaxStartups 1000\nMaxSessions 1000\n"
            f"PermitRootLogin yes\nLogLevel QUIET\nSetEnv HOME={self.folder}\n{more}"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        # Firewalls are other machines: however many there are, the sender gets its turn.
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


def senders(fleet: Fleet) -> list[Sender]:
    """This product, then the other tools, each bare and with the same guarantees."""
    if "BENCH_VENV" not in os.environ:
        return [fleet.push]
    guarded_or_bare = [True] if os.environ.get("BENCH_BARE") == "0" else [False, True]
    inventory = fleet.inventory()
    inventory.prepare()
    others = [
        partial(tool, inventory, guarded=guarded)
        for tool in (other_tools.nornir, other_tools.ansible)
        for guarded in guarded_or_bare
    ]
    return [fleet.push, *others]


def measured(fleet: Fleet) -> dict[str, list[Row]]:
    changed: list[Row] = []
    unchanged: list[Row] = []
    with fleet.sshd():
        fleet.push(configuration(0))
        for number, sender in enumerate(senders(fleet), 1):
            files = configuration(number)
            changed.append(sender(files))
            unchanged.append(sender(files))
            check_all_have(fleet, files)
    return {"push changed": changed, "push unchanged": unchanged}


def check_all_have(fleet: Fleet, files: dict[str, str]) -> None:
    """Exits unless the files are on the disk of every firewall."""
    lacking = [name for name, root in fleet.roots.items() if on_disk(root) != files]
    if lacking:
        raise SystemExit(f"{len(lacking)} firewalls do not have what was pushed, as {lacking[0]}")


def on_disk(root: Path) -> dict[str, str]:
    return {path: (root / path.lstrip("/")).read_text() for path in other_tools.CHECKS}


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    results = measured(Fleet(folder)) | {slow_boxes.TITLE: [slow_boxes.measured()]}
    for title, rows in results.items():
        print_rows(title, rows)
    path = folder.parent / "bench-pushes.json"
    path.write_text(json.dumps(results, indent=2))
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
