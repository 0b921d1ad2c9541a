"""The guest: a machine under QEMU, with KVM where there is one that works, and its agent."""

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.image import Image
from tests.lab.recipe import GUEST
from tests.stack import free_port

AGENT_PORT = 7000
FIRST_SSH_PORT = 2201
JUMP_PORT = 2299  # for an sshd of the guest itself, where a test starts one
PROCESSORS = 2
MEMORY_MIB = 2048
BOOT_SECONDS = 600
# A KVM that works shows something on the console at once, first the firmware, then the kernel; one
# whose kernel has begun is given time for whatever comes.
KVM_SILENT_SECONDS = 4
KVM_SILENT_SECONDS_LATER = 30
KERNEL_HAS_BEGUN = b"Linux version"
KVM_FAILED = b"KVM internal error"
EMULATED = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max")
KVM = ("-accel", "kvm", "-cpu", "host")
MIB = 1 << 20
Files = Mapping[str, tuple[str, int]]  # text and mode by path


class GuestError(AssertionError):
    """The guest did not do what it was asked to."""


@dataclass
class Agent:
    """The agent of a running guest, on a loopback port."""

    port: int

    def request(self, command: str, timeout: float = 2000, **arguments: Any) -> dict[str, Any]:
        """Have one command done. Raises GuestError where it failed, OSError where none answers."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout) as connection,
            connection.makefile("rb") as lines,
        ):
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            line = lines.readline()
        if not line:
            raise ConnectionError("the agent does not answer yet")
        response: dict[str, Any] = json.loads(line)
        if "failed" in response:
            raise GuestError(f"{command}: {response['failed']}")
        return response

    def run(
        self,
        script: str,
        *,
        firewall: str = "",
        node: str = "",
        seconds: float = 600,
        check: bool = True,
    ) -> str:
        """The output of a shell script in the guest, inside a firewall, or in a node's network."""
        done = self.request("run", script=script, firewall=firewall, node=node, seconds=seconds)
        output = str(done["output"])
        if check and done["status"]:
            where = firewall or node or "the guest"
            raise GuestError(
                f"status {done['status']} in {where}: {script[:300]}\n{output[-3000:]}"
            )
        return output

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.request("write", path=path, text=text, mode=mode)

    def read(self, path: str) -> bytes:
        return base64.b64decode(self.request("read", path=path)["content"])


@dataclass
class Guest(Agent):
    """A running guest; `ssh` are the loopback ports of its firewalls' sshd, `jump` of its own."""

    process: "subprocess.Popen[bytes]"
    ssh: Mapping[str, int]
    jump: int
    console: Path
    accelerator: str

    def wait(self) -> None:
        """Until its agent answers. Raises GuestError where it does not in time."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.answers():
            if self.process.poll() is not None:
                raise self._not_booted(f"QEMU ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                raise self._not_booted(f"not in {BOOT_SECONDS} s")
            time.sleep(0.2)

    def _not_booted(self, reason: str) -> GuestError:
        return GuestError(
            f"The guest did not boot ({reason}). Its console:\n{self.end_of_console()}"
        )

    def answers(self) -> bool:
        """Whether its agent does."""
        try:
            self.request("hello", timeout=2)
        except OSError:
            return False
        return True

    def end_of_console(self) -> str:
        return self.console.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def guest(image: Image, folder: Path, delivered: Mapping[str, Files]) -> Iterator[Guest]:
    """Start it without waiting until it answers, and end it when the block ends.

    `delivered` are the files that each firewall comes with.
    """
    job = folder / "job.tar"
    _pack(job, delivered)
    for accelerator in _accelerators():
        running = _start(image, job, list(delivered), accelerator)
        try:
            if accelerator == "kvm" and not _reaches_agent(running):
                continue
            yield running
            return
        finally:
            running.stop()


def _accelerators() -> list[str]:
    """Those to try, in order. Some machines offer a KVM that cannot run this kernel."""
    if os.environ.get("LAB_ACCELERATOR") == "tcg" or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["tcg"]
    return ["kvm", "tcg"]


def _pack(job: Path, delivered: Mapping[str, Files]) -> None:
    """What the guest finds on its second disk: programs, and an archive for each firewall."""
    with tarfile.open(job, "w") as archive:
        for program in ("agent.py", "firewall"):
            archive.add(GUEST / program, program)
        for name, files in delivered.items():
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as firewall:
                for path, (text, mode) in files.items():
                    _add(firewall, path, text.encode(), mode)
            _add(archive, f"{name}.tar", inner.getvalue(), 0o600)
    whole_mib = -(-job.stat().st_size // MIB)
    os.truncate(job, whole_mib * MIB)


def _add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(content)
    member.mode = mode
    archive.addfile(member, io.BytesIO(content))


def _start(image: Image, job: Path, firewalls: list[str], accelerator: str) -> Guest:
    port, jump = free_port(), free_port()
    ssh = {name: free_port() for name in firewalls}
    forwarded = {port: AGENT_PORT, jump: JUMP_PORT}
    for number, name in enumerate(firewalls):
        forwarded[ssh[name]] = FIRST_SSH_PORT + number
    console = job.with_name("console.log")
    with console.open("wb") as log:
        process = subprocess.Popen(
            _command(image, job, forwarded, accelerator),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for us, who end it
        )
    return Guest(port, process, ssh, jump, console, accelerator)


def _command(image: Image, job: Path, forwarded: Mapping[int, int], accelerator: str) -> list[str]:
    """QEMU with this image and these ports of the host forwarded to ports of the guest.

    setpriv has the kernel end it together with this process, however that ends.
    """
    ports = [f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwarded.items()]
    # `_reaches_agent` listens to the kernel; a word costs an emulated processor more.
    verbosity = "earlyprintk=ttyS0" if accelerator == "kvm" else "quiet"
    return [
        *("setpriv", "--pdeathsig", "KILL", "--"),
        shutil.which("qemu-system-x86_64") or "qemu-system-x86_64",
        *("-M", "pc"),
        *(KVM if accelerator == "kvm" else EMULATED),
        *("-smp", str(PROCESSORS)),
        *("-m", str(MEMORY_MIB)),
        "-nographic",
        "-no-reboot",
        *("-global", "virtio-net-pci.romfile="),  # nothing to boot from the network
        "-snapshot",
        *("-kernel", str(image.kernel)),
        *("-initrd", str(image.initrd)),
        *("-append", f"console=ttyS0 {verbosity} panic=-1 mitigations=off"),
        *("-drive", f"file={image.root},if=virtio,format=raw"),
        *("-drive", f"file={job},if=virtio,format=raw"),
        *("-nic", ",".join(["user", "model=virtio-net-pci", "restrict=on", *ports])),
    ]


def _reaches_agent(running: Guest) -> bool:
    """Whether a guest under KVM gets as far as its agent.

    Where it does not, it ends, reports an error of KVM, or falls silent.
    """
    console = b""
    last_output = time.monotonic()
    while running.process.poll() is None and KVM_FAILED not in console:
        if running.answers():
            return True
        if len(now := running.console.read_bytes()) > len(console):
            console = now
            last_output = time.monotonic()
        begun = KERNEL_HAS_BEGUN in console
        patience = KVM_SILENT_SECONDS_LATER if begun else KVM_SILENT_SECONDS
        if time.monotonic() - last_output > patience:
            return False
        time.sleep(0.1)
    return False
