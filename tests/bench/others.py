"""The same files and commands by ansible-core and by nornir with paramiko, as somebody would write them who knows these tools.

Each in two ways. Bare: what differs is uploaded, checked, and moved into place. With the same guarantees: besides, one push at a time
(a lock), what was there is saved, all of it flushed to the disk, a detached rollback armed before anything is moved, what was written
compared with what was sent, and over a second connection the firewall told to keep it. All pin the host key.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import ROLLBACK_SECONDS, Row, by_command

CHECKS = {"/etc/nftables.conf": "unshare -n nft -c -f", "/etc/frr/frr.conf": "vtysh -C -f"}
STATE = "var/lib/bench"
STAGED = f"{STATE}/staged"

# place ROOT: bring what is staged there into place, unless it is there already; goes back by itself unless it is kept.
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
setsid sh -c 'sleep {ROLLBACK_SECONDS}; if [ -d {STATE}/saved ]; then cp -pr {STATE}/saved/. . && rm -rf {STATE}/saved; fi' \\
    >/dev/null 2>&1 </dev/null 9>&- &
echo $! >{STATE}/timer
for file in $files; do cp {STAGED}/$file $file.new; done
sync etc/*.new etc/frr/*.new
for file in $files; do mv $file.new $file; done
sync etc etc/frr
for file in $files; do cmp {STAGED}/$file $file; done
"""
KEEP = f'cd "$1" && rm -rf {STATE}/saved && kill -- -"$(cat {STATE}/timer)"'


@dataclass(frozen=True)
class Boxes:
    """Where they are reached, and the root folder of each by its name."""

    folder: Path
    roots: dict[str, Path]
    port: int
    key: Path
    host_key: str  # OpenSSH's line
    at_once: int

    def prepare(self) -> None:
        for root in self.roots.values():
            for path in CHECKS:
                (root / STAGED / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)


def _python(name: str) -> str:
    return f"{os.environ['BENCH_VENV']}/bin/{name}"


def ansible(boxes: Boxes, texts: Mapping[str, str], guarded: bool) -> Row:
    """Its copy module, over one kept connection per host; `command` with a script for what it has no module for."""
    folder = boxes.folder / "ansible"
    folder.mkdir(exist_ok=True)
    tasks = ""
    for path, text in texts.items():
        name = path.replace("/", "_")
        (folder / name).write_text(text)
        if guarded:
            tasks += f"    - copy: {{src: {name}, dest: '{{{{ root }}}}/{STAGED}{path}', mode: '0640'}}\n"
        else:
            tasks += f"    - copy: {{src: {name}, dest: '{{{{ root }}}}{path}', mode: '0640', validate: '{CHECKS[path]} %s'}}\n"
    (folder / "place.sh").write_text(PLACE)
    (folder / "keep.sh").write_text(KEEP)
    if guarded:
        run = "    - command: {{argv: [sh, -c, \"{{{{ lookup('file', '{0}.sh') }}}}\", {0}, '{{{{ root }}}}']}}\n"
        tasks += (
            run.format("place")
            + "      register: placed\n      changed_when: placed.stdout != 'unchanged'\n"
        )
        tasks += (
            run.format("keep")
            + "      when: placed is changed\n      vars: {ansible_ssh_args: '{{ alone }}'}\n"
        )
    (folder / "play.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks:\n" + tasks)
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{boxes.port} {boxes.host_key}\n")
    trusting = f"-o UserKnownHostsFile={folder}/known_hosts -o LogLevel=ERROR"
    common = f"ansible_host=127.0.0.1 ansible_port={boxes.port} ansible_user=root ansible_ssh_private_key_file={boxes.key}"
    common += f" ansible_python_interpreter=/usr/bin/python3 alone='{trusting} -o ControlMaster=no -o ControlPath=none'"
    (folder / "hosts").write_text(
        "".join(f"{name} {common} root={root}\n" for name, root in boxes.roots.items())
    )
    (folder / "ansible.cfg").write_text(
        f"[defaults]\nforks={boxes.at_once}\n[ssh_connection]\npipelining=True\n"
        f"ssh_args=-o ControlMaster=auto -o ControlPersist=60s {trusting}\n"
    )
    return by_command(
        _named("ansible-core", guarded),
        [_python("ansible-playbook"), "-i", "hosts", "play.yml"],
        folder,
    )


NORNIR = """
import json, shlex, sys, paramiko
from nornir.core import Nornir
from nornir.core.inventory import Inventory, Hosts, Host, Groups, Defaults
from nornir.plugins.runners import ThreadedRunner
given = json.load(open(sys.argv[1]))
known = paramiko.HostKeys(given["known_hosts"])
hosts = Hosts({name: Host(name=name, data={"root": root}) for name, root in given["hosts"].items()})
def connected():
    client = paramiko.SSHClient()
    client.get_host_keys().update(known)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    patience = dict(timeout=120, banner_timeout=120, auth_timeout=120)
    client.connect("127.0.0.1", given["port"], "root", pkey=key, allow_agent=False, look_for_keys=False, **patience)
    return client
key = paramiko.Ed25519Key.from_private_key_file(given["key"])
def run(client, command):
    _, out, err = client.exec_command(command)
    said = out.read()
    assert out.channel.recv_exit_status() == 0, err.read()
    return said
def differing(sftp, root):
    for path, text in given["files"].items():
        try:
            with sftp.open(root + path) as file:
                if file.read().decode() == text:
                    continue
        except FileNotFoundError:
            pass
        yield path, text
def bring(task):
    root = task.host["root"]
    with connected() as client:
        sftp = client.open_sftp()
        changed = dict(differing(sftp, root))
        for path, text in (given["files"] if changed and given["guarded"] else changed).items():
            new = root + "/" + given["staged"] + path if given["guarded"] else root + path + ".new"
            with sftp.open(new, "w") as file:
                file.write(text)
            if not given["guarded"]:
                run(client, f"{given['checks'][path]} {new} && mv {new} {root}{path}")
        if changed and given["guarded"]:
            run(client, f"sh -c {shlex.quote(given['place'])} place {root}")
    if changed and given["guarded"]:
        with connected() as client:
            run(client, f"sh -c {shlex.quote(given['keep'])} keep {root}")
result = Nornir(inventory=Inventory(hosts, Groups(), Defaults()), runner=ThreadedRunner(num_workers=given["threads"])).run(task=bring)
failed = {host: str(multi[0].exception) for host, multi in result.items() if multi.failed}
assert not failed, failed
"""


def nornir(boxes: Boxes, texts: Mapping[str, str], guarded: bool) -> Row:
    """A thread per host up to a limit, each with paramiko: what differs is uploaded by SFTP, the rest is one command, or none."""
    known_hosts = boxes.folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{boxes.port} {boxes.host_key}\n")
    (boxes.folder / "bring.py").write_text(NORNIR)
    given = {
        "hosts": {name: str(root) for name, root in boxes.roots.items()},
        "port": boxes.port,
        "key": str(boxes.key),
        "known_hosts": str(known_hosts),
        "files": dict(texts),
        "checks": CHECKS,
        "threads": boxes.at_once,
        "guarded": guarded,
        "staged": STAGED,
        "place": PLACE,
        "keep": KEEP,
    }
    (boxes.folder / "nornir.json").write_text(json.dumps(given))
    return by_command(
        _named("nornir + paramiko", guarded),
        [_python("python"), "bring.py", "nornir.json"],
        boxes.folder,
    )


def _named(tool: str, guarded: bool) -> str:
    return f"{tool}, {'same guarantees' if guarded else 'bare copy'}"
