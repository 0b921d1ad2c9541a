"""The whole product as `make run` starts it, in a folder and on a port of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 600
PASSWORD = "a demo password"


@dataclass
class Stack:
    """A running stack."""

    var: Path
    port: int
    process: "subprocess.Popen[str]"
    output: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the stack, on its servers."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(self.var, self.port),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/readyz", headers={"Host": "localhost"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            assert self.process.poll() is None, "\n".join(self.output)
            assert time.monotonic() < deadline, "\n".join(self.output)
            time.sleep(0.2)

    def pids(self, *words: str, mine: bool = True) -> list[int]:
        """Processes with all these words in their command; `mine`: with the stack's environment.

        The embedded servers do not have it.
        """
        pids = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                if all(word in command for word in words) and (
                    not mine or process.environ().get("VAR") == str(self.var)
                ):
                    pids.append(process.pid)
        return pids

    def postgres(self) -> list[int]:
        """Its PostgreSQL, which has no other name of its folder than that it works there."""
        with suppress(OSError, psutil.Error):
            pid = int((self.var / "postgres" / "postmaster.pid").read_text().split()[0])
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return [pid]
        return []

    def valkey(self) -> list[int]:
        return self.pids("valkey-server", str(self.var), mine=False)

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)


def environment(var: Path, port: int, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PREPARED_STATEMENTS")
    }
    return {
        **kept,
        "VAR": str(var),
        "PORT": str(port),
        "DEMO_PASSWORD": PASSWORD,
        "EMBEDDED_NOT_DURABLE": "1",
        **more,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(var: Path, port: int, **more: str) -> Stack:
    """Start it without waiting."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment(var, port, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    stack = Stack(var, port, process)
    assert process.stdout is not None
    threading.Thread(target=_listen, args=(stack,), daemon=True).start()
    return stack


def _listen(stack: Stack) -> None:
    assert stack.process.stdout is not None
    for line in stack.process.stdout:
        stack.output.append(line.rstrip())


@contextmanager
def started(var: Path, **more: str) -> Iterator[Stack]:
    """Start it without waiting, and stop it at the end."""
    stack = start(var, int(more.get("PORT") or free_port()), **more)
    try:
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.stop()


@contextmanager
def running(var: Path, **more: str) -> Iterator[Stack]:
    """Start it, wait until it is ready, and stop it at the end."""
    with started(var, **more) as stack:
        stack.wait()
        yield stack
