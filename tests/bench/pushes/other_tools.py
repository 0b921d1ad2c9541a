"""The same files and commands by ansible-core and by nornir with paramiko, as their users would.

Each in two ways. Bare: what differs is uploaded, checked, and moved into place. With the same
guarantees, besides: one push at a time (a lock); what was there is saved; all of it is flushed to
the disk; a detached rollback is armed before anything is moved; what was written is compared with
what was sent; and over a second connection the firewall is told to keep it. All pin the host key.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.pushes.measuring import ROLLBACK_SECONDS, Row, run_command

CHECKS = {"/etc/nftables.conf": "unshare -n nft -c -f", "/etc/frr/frr.conf": "vtysh -C -f"}
STATE = "var/lib/bench"
STAGED = f"{STATE}/staged"

# `place ROOT` moves what is staged there into place, unless it is there already; a detached process
# puts back what was there before, unless `keep ROOT` ends it.
PLACE = f"""
set -eu
cd "$1"
exec 9>>{STATE}/lock
flock -w 240 9
files='{" ".join(path.lstrip("/") for path in CHECKS)}'
same=1
for file in $files; do cmp -s {STAGED}/$file $file || same=; done
if [ -n "$same" ]; then echo unchanged; exit; fi
{"".join(f"{check} {STAGED}{path}{chr(10)}" for path, check in CHECKS.items())}
rm -rf {STATE}/new
mkdir {STATE}/new
cp -p --parents $files {STATE}/new
sync {STATE}/new/etc/*.conf {STATE}/new/etc/frr/*
mv {STATE}/new {STATE}/saved
sync {STATE}
setsid sh -c '
    sleep {ROLLBACK_SECONDS}
    if [ -d {STATE}/saved ]; then cp -pr {STATE}/saved/. . && rm -rf {STATE}/saved; fi
' >/dev/null 2>&1 </dev/null 9>&- &
echo $! >{STATE}/timer
for file in $files; do cp {STAGED}/$file $file.new; done
sync etc/*.new etc/frr/*.new
for file in $files; do mv $file.new $file; done
sync etc etc/frr
for file in $files; do cmp {STAGED}/$file $file; done
"""
KEEP = f'cd "$1" && rm -rf {STATE}/saved && kill -- -"$(cat {STATE}/timer)"'


@dataclass(frozen=True)
class Inventory:
    """How the firewalls are reached, and the root folder of each by its name."""

    folder: Path
    roots: dict[str, Path]
    port: int
    key: Path
    host_key: str  # as a line of OpenSSH's
    at_once: int

    def prepare(self) -> None:
        for root in self.roots.values():
            for path in CHECKS:
                (root / STAGED / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)

    def known_hosts(self) -> Path:
        """A file that pins the host key."""
        path = self.folder / "known_hosts"
        path.write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        return path


def _program(name: str) -> str:
    return f"{os.environ['BENCH_VENV']}/bin/{name}"


def _title(tool: str, guarded: bool) -> str:
    return f"{tool}, {'same guarantees' if guarded else 'bare copy'}"


def ansible(inventory: Inventory, files: Mapping[str, str], guarded: bool) -> Row:
    """Its copy module, over one kept connection per host; scripts for what it has no module for.

    Playbook and inventory are JSON, which is YAML too.
    """
    folder = inventory.folder / "ansible"
    folder.mkdir(exist_ok=True)
    for path, text in files.items():
        (folder / _source(path)).write_text(text)
    (folder / "place.sh").write_text(PLACE)
    (folder / "keep.sh").write_text(KEEP)
    tasks = _guarded_tasks(files) if guarded else _bare_tasks(files)
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    trust = f"-o UserKnownHostsFile={inventory.known_hosts()} -o LogLevel=ERROR"
    (folder / "hosts.json").write_text(json.dumps(_ansible_hosts(inventory, trust)))
    (folder / "ansible.cfg").write_text(
        f"[defaults]\nforks={inventory.at_once}\n[ssh_connection]\npipelining=True\n"
        f"ssh_args=-o ControlMaster=auto -o ControlPersist=60s {trust}\n"
    )
    command = [_program("ansible-playbook"), "-i", "hosts.json", "play.yml"]
    return run_command(_title("ansible-core", guarded), command, folder)


def _source(path: str) -> str:
    return path.replace("/", "_")


def _bare_tasks(files: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "copy": {
                "src": _source(path),
                "dest": f"{{{{ root }}}}{path}",
                "mode": "0640",
                "validate": f"{CHECKS[path]} %s",
            }
        }
        for path in files
    ]


def _guarded_tasks(files: Mapping[str, str]) -> list[dict[str, Any]]:
    stage = [
        {
            "copy": {
                "src": _source(path),
                "dest": f"{{{{ root }}}}/{STAGED}{path}",
                "mode": "0640",
            }
        }
        for path in files
    ]
    place = {
        **_run_script("place"),
        "register": "placed",
        "changed_when": "placed.stdout != 'unchanged'",
    }
    keep = {
        **_run_script("keep"),
        "when": "placed is changed",
        "vars": {"ansible_ssh_args": "{{ second_connection }}"},
    }
    return [*stage, place, keep]


def _run_script(name: str) -> dict[str, Any]:
    script = f"{{{{ lookup('file', '{name}.sh') }}}}"
    return {"command": {"argv": ["sh", "-c", script, name, "{{ root }}"]}}


def _ansible_hosts(inventory: Inventory, trust: str) -> dict[str, Any]:
    common = {
        "ansible_host": "127.0.0.1",
        "ansible_port": inventory.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(inventory.key),
        "ansible_python_interpreter": "/usr/bin/python3",
        "second_connection": f"{trust} -o ControlMaster=no -o ControlPath=none",
    }
    hosts = {name: {"root": str(root)} for name, root in inventory.roots.items()}
    return {"all": {"hosts": hosts, "vars": common}}


NORNIR = """
import json, shlex, sys, paramiko
from nornir.core import Nornir
from nornir.core.inventory import Inventory, Hosts, Host, Groups, Defaults
from nornir.plugins.runners import ThreadedRunner

job = json.load(open(sys.argv[1]))
guarded = job["guarded"]
host_keys = paramiko.HostKeys(job["known_hosts"])
key = paramiko.Ed25519Key.from_private_key_file(job["key"])

def connect():
    client = paramiko.SSHClient()
    client.get_host_keys().update(host_keys)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    patience = dict(timeout=120, banner_timeout=120, auth_timeout=120)
    own_key = dict(pkey=key, allow_agent=False, look_for_keys=False)
    client.connect("127.0.0.1", job["port"], "root", **own_key, **patience)
    return client

def run(client, command):
    _, output, errors = client.exec_command(command)
    output.read()
    assert output.channel.recv_exit_status() == 0, errors.read()

def differing(sftp, root):
    for path, text in job["files"].items():
        try:
            with sftp.open(root + path) as file:
                if file.read().decode() == text:
                    continue
        except FileNotFoundError:
            pass
        yield path, text

def push(task):
    root = task.host["root"]
    with connect() as client:
        sftp = client.open_sftp()
        changed = dict(differing(sftp, root))
        for path, text in (job["files"] if changed and guarded else changed).items():
            new = f"{root}/{job['staged']}{path}" if guarded else f"{root}{path}.new"
            with sftp.open(new, "w") as file:
                file.write(text)
            if not guarded:
                run(client, f"{job['checks'][path]} {new} && mv {new} {root}{path}")
        if changed and guarded:
            run(client, f"sh -c {shlex.quote(job['place'])} place {root}")
    if changed and guarded:
        with connect() as client:
            run(client, f"sh -c {shlex.quote(job['keep'])} keep {root}")

hosts = Hosts({name: Host(name=name, data={"root": root}) for name, root in job["hosts"].items()})
nornir = Nornir(
    inventory=Inventory(hosts, Groups(), Defaults()),
    runner=ThreadedRunner(num_workers=job["threads"]),
)
results = nornir.run(task=push)
failed = {host: str(multi[0].exception) for host, multi in results.items() if multi.failed}
assert not failed, failed
"""


def nornir(inventory: Inventory, files: Mapping[str, str], guarded: bool) -> Row:
    """A thread per host up to a limit, each with paramiko.

    What differs is uploaded by SFTP, the rest is one command, or none.
    """
    folder = inventory.folder
    (folder / "push.py").write_text(NORNIR)
    job = {
        "hosts": {name: str(root) for name, root in inventory.roots.items()},
        "port": inventory.port,
        "key": str(inventory.key),
        "known_hosts": str(inventory.known_hosts()),
        "files": dict(files),
        "checks": CHECKS,
        "threads": inventory.at_once,
        "guarded": guarded,
        "staged": STAGED,
        "place": PLACE,
        "keep": KEEP,
    }
    (folder / "nornir.json").write_text(json.dumps(job))
    command = [_program("python"), "push.py", "nornir.json"]
    return run_command(_title("nornir + paramiko", guarded), command, folder)
