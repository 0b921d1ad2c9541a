"""How fast pushes are, beside the same files and checks by ansible-core and by nornir with paramiko, in the same run on this machine.

    python -m tests.bench.pushes FOLDER            as root; BENCH_FIREWALLS (200), BENCH_VENV (with ansible-core, nornir, paramiko)

Every firewall is a folder behind OpenSSH's sshd on loopback, with real checks by nft and vtysh. The others copy the files and have
them checked, and that is all: they save nothing, arm no rollback, verify nothing, and confirm nothing over a second connection.
"""

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from firewalls import practice, transport
from firewalls.ssh import ensure_key, public_line
from firewalls.transport import Step, Target, Timeouts
from tests.firewalls.boxes import answers

FIREWALLS = int(os.environ.get("BENCH_FIREWALLS", "200"))
LISTENING = 16  # ports of one sshd; it takes no more
AT_ONCE = 16  # of each sender: this machine plays all the boxes too, and more at once made all of them slower
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "drawing-1-one-consumer"
CHECKS = {"/etc/nftables.conf": "unshare -n nft -c -f", "/etc/frr/frr.conf": "vtysh -C -f"}
Row = dict[str, object]


def files(number: int) -> dict[str, str]:
    """A firewall's configuration, another one for each number."""
    return {
        "/etc/frr/frr.conf": (GOLDEN / "frr.conf").read_text().replace("hostname ", f"hostname x{number}-"),
        "/etc/nftables.conf": (GOLDEN / "nftables.conf").read_text() + f"# {number}\n",
    }


async def silent(step: Step) -> None:
    """Nobody listens."""


class Bench:
    """Firewalls in a folder, each behind a port of its own, and one plain sshd for those who bring their own commands."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.host = folder, ensure_key(folder / "client"), ensure_key(folder / "host")
        self.plain, *self.ports = _free_ports(FIREWALLS + 1)
        self.names = [f"fw-{number:03}" for number in range(FIREWALLS)]
        for name in self.names:
            practice.ensure_root(folder / "roots", name)

    def targets(self) -> list[Target]:
        pinned = public_line(self.host)
        return [Target(name, "127.0.0.1", port, "root", pinned) for name, port in zip(self.names, self.ports, strict=True)]

    def root(self, name: str) -> Path:
        return self.folder / "roots" / name

    @contextmanager
    def sshd(self, slow: float = 0) -> Iterator[None]:
        wrapper = self.folder / "forced.sh"
        wrapper.write_text(
            f"set -- $SSH_CONNECTION; number=$(printf %03d $(($4 - {self.ports[0]}))); set --\n"
            f"export APPLIER_ROOT={self.folder}/roots/fw-$number APPLIER_PRACTICE=1 APPLIER_TIMEOUT=120 APPLIER_SLOW={slow}\n"
            f"exec sh {transport.APPLIER}\n"
        )
        forced, plain = f"ForceCommand sh {wrapper}\n", "Subsystem sftp internal-sftp\n"
        some = [self.ports[first : first + LISTENING] for first in range(0, len(self.ports), LISTENING)]
        servers = [self._start(f"many-{ports[0]}", ports, forced) for ports in some] + [self._start("plain", [self.plain], plain)]
        try:
            yield
        finally:
            for server in servers:
                server.terminate()
                server.wait(20)

    def _start(self, name: str, ports: list[int], more: str) -> "subprocess.Popen[bytes]":
        authorized, config = self.folder / "authorized", self.folder / f"{name}.conf"
        authorized.write_text(public_line(self.key) + "\n")
        config.write_text(
            "".join(f"Port {port}\n" for port in ports)
            + f"ListenAddress 127.0.0.1\nHostKey {self.host}\nPidFile none\nUsePAM no\nStrictModes no\nAuthorizedKeysFile {authorized}\n"
            + f"MaxStartups 1000\nMaxSessions 1000\nPermitRootLogin yes\nLogLevel QUIET\n{more}"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(config)])
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


class Peak:
    """The most memory that a process and its children have had at once, in MiB; threads sample it."""

    def __init__(self, pid: int, children: bool = True) -> None:
        self.most, self.process, self.children, self.done = 0.0, psutil.Process(pid), children, threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.done.set()
        self.thread.join()

    def _sample(self) -> None:
        while not self.done.wait(0.2):
            total = 0
            for process in [self.process, *(self.process.children(recursive=True) if self.children else [])]:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.most = max(self.most, total / 2**20)


def ours(bench: Bench, texts: Mapping[str, str], at_once: int = AT_ONCE) -> Row:
    """On one event loop, in this process."""
    timeouts = Timeouts(connect=120, apply=600, answer=120)

    async def every() -> list[transport.Outcome]:
        turns = asyncio.Semaphore(at_once)

        async def one(target: Target) -> transport.Outcome:
            async with turns:
                return await transport.push(target, texts, silent, key_path=bench.key, timeouts=timeouts)

        return await asyncio.gather(*(one(target) for target in bench.targets()))

    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    with Peak(os.getpid(), children=False) as peak:
        outcomes = asyncio.run(every())
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    if bad := [outcome.error for outcome in outcomes if outcome.state != "confirmed"]:
        raise SystemExit(f"{len(bad)} of {FIREWALLS} pushes failed, as this one: {bad[0]}")
    return row("shared-networks", wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak.most)


def row(who: str, wall: float, cpu: float, memory: float) -> Row:
    return {
        "by": who,
        "wall_s": round(wall, 1),
        "sender_cpu_ms_per_push": round(1000 * cpu / FIREWALLS, 1),
        "sender_peak_mib": round(memory),
    }


def by_command(who: str, command: list[str], cwd: Path) -> Row:
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with Peak(process.pid) as peak:
        said, _ = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(said[-3000:])
    return row(who, time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak.most)


def ansible(bench: Bench, texts: Mapping[str, str]) -> Row:
    """Its copy module with the checks as `validate`, over one kept connection per host."""
    folder = bench.folder / "ansible"
    folder.mkdir(exist_ok=True)
    tasks = []
    for path, text in texts.items():
        name = path.replace("/", "_")
        (folder / name).write_text(text)
        there = f"src: {name}, dest: '" + "{{ root }}" + f"{path}'"
        tasks.append(f"    - copy: {{{there}, mode: '0640', validate: '{CHECKS[path]} %s'}}\n")
    (folder / "play.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(tasks))
    common = f"ansible_host=127.0.0.1 ansible_port={bench.plain} ansible_user=root ansible_ssh_private_key_file={bench.key}"
    common += " ansible_python_interpreter=/usr/bin/python3"
    (folder / "hosts").write_text("".join(f"{name} {common} root={bench.root(name)}\n" for name in bench.names))
    (folder / "ansible.cfg").write_text(
        f"[defaults]\nhost_key_checking=False\nforks={AT_ONCE}\n[ssh_connection]\npipelining=True\n"
        "ssh_args=-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR\n"
    )
    return by_command("ansible-core", [f"{os.environ['BENCH_VENV']}/bin/ansible-playbook", "-i", "hosts", "play.yml"], folder)


NORNIR = """
import json, sys, paramiko
from nornir.core import Nornir
from nornir.core.inventory import Inventory, Hosts, Host, Groups, Defaults
from nornir.plugins.runners import ThreadedRunner
given = json.load(open(sys.argv[1]))
hosts = Hosts({name: Host(name=name, data={"root": root}) for name, root in given["hosts"].items()})
def bring(task):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    patience = dict(timeout=120, banner_timeout=120, auth_timeout=120)
    key = dict(key_filename=given["key"], allow_agent=False, look_for_keys=False)
    client.connect("127.0.0.1", given["port"], "root", **key, **patience)
    sftp, root = client.open_sftp(), task.host["root"]
    for path, text in given["files"].items():
        try:
            with sftp.open(root + path) as file:
                if file.read().decode() == text:
                    continue
        except FileNotFoundError:
            pass
        with sftp.open(root + path + ".new", "w") as file:
            file.write(text)
        _, out, err = client.exec_command(f"{given['checks'][path]} {root}{path}.new && mv {root}{path}.new {root}{path}")
        assert out.channel.recv_exit_status() == 0, err.read()
    client.close()
result = Nornir(inventory=Inventory(hosts, Groups(), Defaults()), runner=ThreadedRunner(num_workers=given["threads"])).run(task=bring)
failed = {host: str(multi[0].exception) for host, multi in result.items() if multi.failed}
assert not failed, failed
"""


def nornir(bench: Bench, texts: Mapping[str, str]) -> Row:
    """A thread per host up to a limit, each with paramiko: what differs is uploaded, checked, and moved into place."""
    (bench.folder / "bring.py").write_text(NORNIR)
    given = {
        "hosts": {name: str(bench.root(name)) for name in bench.names}, "port": bench.plain, "key": str(bench.key), "files": dict(texts),
        "checks": CHECKS, "threads": AT_ONCE,
    }  # fmt: skip
    (bench.folder / "nornir.json").write_text(json.dumps(given))
    return by_command("nornir + paramiko", [f"{os.environ['BENCH_VENV']}/bin/python", "bring.py", "nornir.json"], bench.folder)


def compared(bench: Bench) -> dict[str, list[Row]]:
    """Changed: each brings a configuration that no firewall has. Unchanged: the same again."""
    results: dict[str, list[Row]] = {"changed": [], "unchanged": []}
    senders: list[Callable[[Bench, Mapping[str, str]], Row]] = [ours, nornir, ansible] if "BENCH_VENV" in os.environ else [ours]
    with bench.sshd():
        ours(bench, files(0))
        for number, sender in enumerate(senders, 1):
            results["changed"].append(sender(bench, files(number)))
            results["unchanged"].append(sender(bench, files(number)))
    return results


def five_seconds(bench: Bench) -> list[Row]:
    """Boxes that take five seconds each, all at once: what is left is waiting, and the work of the boxes that this machine plays."""
    steps = 15
    with bench.sshd(slow=round(5 / steps, 3)):
        return [ours(bench, files(9), at_once=FIREWALLS)]


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    bench = Bench(folder)
    results = {f"push {kind}": rows for kind, rows in compared(bench).items()} | {"push to boxes that take 5 s each": five_seconds(bench)}
    for title, rows in results.items():
        print(f"\n{title}: {FIREWALLS} firewalls")
        for one in rows:
            print("  " + "  ".join(f"{name} {value}" for name, value in one.items()))
    path = bench.folder.parent / "bench-pushes.json"
    path.write_text(json.dumps(results, indent=2))
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
