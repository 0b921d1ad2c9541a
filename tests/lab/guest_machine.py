"""The guest: a machine under QEMU, with KVM where there is one that works, and its agent."""

import base64
import ctypes
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.image import GUEST, Image
from tests.stack import free_port

AGENT = 7000
FIRST_SSH = 2201
PROCESSORS = 2
BOOT_SECONDS = 600
# A KVM that works speaks at once, first the firmware, then the kernel; one that has the kernel speak is given time for whatever comes.
KVM_SILENT = 4
KVM_SILENT_LATER = 30
KERNEL_SPEAKS = b"Linux version"
PR_SET_PDEATHSIG = 1
EMULATED = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max")
KVM = ("-accel", "kvm", "-cpu", "host")

_libc = ctypes.CDLL(None)


class GuestError(AssertionError):
    """The guest did not do what it was asked to."""


@dataclass
class Agent:
    """The agent of a running guest, on a loopback port."""

    port: int

    def ask(self, do: str, seconds: float = 2000, **asked: Any) -> dict[str, Any]:
        """One request to the agent. Raises GuestError where it failed, OSError where it does not answer."""
        with (
            socket.create_connection(("127.0.0.1", self.port), seconds) as connection,
            connection.makefile("rb") as answer,
        ):
            connection.sendall(json.dumps({"do": do, **asked}).encode() + b"\n")
            line = answer.readline()
        if not line:
            raise ConnectionError("the agent does not answer yet")
        told: dict[str, Any] = json.loads(line)
        if "failed" in told:
            raise GuestError(f"{do}: {told['failed']}")
        return told

    def run(
        self,
        script: str,
        *,
        box: str = "",
        node: str = "",
        seconds: float = 600,
        check: bool = True,
    ) -> str:
        """Run a shell script in the guest, in a node's network, or inside a firewall; what it said."""
        told = self.ask("run", script=script, box=box, node=node, seconds=seconds)
        if check and told["status"]:
            raise GuestError(
                f"status {told['status']} in {box or node or 'the guest'}: {script[:300]}\n{told['said'][-3000:]}"
            )
        return str(told["said"])

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.ask("write", path=path, text=text, mode=mode)

    def read(self, path: str) -> bytes:
        return base64.b64decode(self.ask("read", path=path)["content"])


@dataclass
class Guest(Agent):
    """A running guest; `ssh` are the loopback ports of its firewalls' sshd."""

    process: "subprocess.Popen[bytes]"
    ssh: Mapping[str, int]
    console: Path
    accelerator: str

    def wait(self) -> None:
        """Until its agent answers. Raises GuestError where it does not in time."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.answers():
            how = (
                f"QEMU ended with status {self.process.returncode}"
                if self.process.poll() is not None
                else f"not in {BOOT_SECONDS} s"
            )
            if self.process.returncode is not None or time.monotonic() > deadline:
                raise GuestError(f"The guest did not boot ({how}). Its console:\n{self.said()}")
            time.sleep(0.2)

    def answers(self) -> bool:
        """Whether its agent does."""
        try:
            self.ask("hello", seconds=2)
        except OSError:
            return False
        return True

    def said(self) -> str:
        """The end of what the console shows."""
        return self.console.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def guest(
    image: Image,
    folder: Path,
    boxes: Mapping[str, Mapping[str, tuple[str, int]]],
    memory: int = 2048,
) -> Iterator[Guest]:
    """Start it, without waiting until it answers; `boxes` are the files that each firewall is delivered with, as (text, mode) by path.

    Ends it at the end.
    """
    job = folder / "job.tar"
    _pack(job, boxes)
    for accelerator in _accelerators():
        running = _start(image, job, list(boxes), memory, accelerator)
        try:
            if accelerator == "kvm" and not _works(running):
                continue
            yield running
            return
        finally:
            running.stop()


def _accelerators() -> list[str]:
    """Those to try, in order. Some machines offer a KVM that cannot run this kernel."""
    kvm = os.environ.get("LAB_ACCELERATOR", "") != "tcg" and os.access(
        "/dev/kvm", os.R_OK | os.W_OK
    )
    return ["kvm", "tcg"] if kvm else ["tcg"]


def _pack(job: Path, boxes: Mapping[str, Mapping[str, tuple[str, int]]]) -> None:
    with tarfile.open(job, "w") as archive:
        for name in ("agent.py", "box"):
            archive.add(GUEST / name, name)
        for name, files in boxes.items():
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as box:
                for path, (text, mode) in files.items():
                    _add(box, path, text.encode(), mode)
            _add(archive, f"{name}.tar", inner.getvalue(), 0o600)
    size = job.stat().st_size
    os.truncate(job, (size + 1048575) // 1048576 * 1048576)


def _add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _start(image: Image, job: Path, boxes: list[str], memory: int, accelerator: str) -> Guest:
    port, ssh = free_port(), {name: free_port() for name in boxes}
    forwarded = [f"hostfwd=tcp:127.0.0.1:{port}-:{AGENT}"]
    forwarded += [
        f"hostfwd=tcp:127.0.0.1:{ssh[name]}-:{FIRST_SSH + number}"
        for number, name in enumerate(boxes)
    ]
    console = job.with_name("console.log")
    talks = (
        "earlyprintk=ttyS0" if accelerator == "kvm" else "quiet"
    )  # for _works; a word costs an emulated processor more
    program = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"
    command = [
        program,
        "-M",
        "pc",
        *(KVM if accelerator == "kvm" else EMULATED),
        "-smp",
        str(PROCESSORS),
        "-m",
        str(memory),
        "-nographic",
        "-no-reboot",
        "-global",
        "virtio-net-pci.romfile=",  # nothing to boot from the network
        "-snapshot",
        "-kernel",
        str(image.kernel),
        "-initrd",
        str(image.initrd),
        "-append",
        f"console=ttyS0 {talks} panic=-1 mitigations=off",
        "-drive",
        f"file={image.root},if=virtio,format=raw",
        "-drive",
        f"file={job},if=virtio,format=raw",
        "-nic",
        ",".join(["user", "model=virtio-net-pci", "restrict=on", *forwarded]),
    ]
    with console.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for us, who end it
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - calls nothing but prctl
        )
    return Guest(port, process, ssh, console, accelerator)


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _works(running: Guest) -> bool:
    """Whether a guest under KVM gets as far as its agent: it ends, reports an error of KVM or falls silent where it does not."""
    heard, since = b"", time.monotonic()
    while running.process.poll() is None and b"KVM internal error" not in heard:
        if running.answers():
            return True
        if len(now := running.console.read_bytes()) > len(heard):
            heard, since = now, time.monotonic()
        if time.monotonic() - since > (KVM_SILENT_LATER if KERNEL_SPEAKS in heard else KVM_SILENT):
            return False
        time.sleep(0.1)
    return False
