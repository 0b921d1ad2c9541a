"""The guest's agent: runs what the host asks for, in one process, because starting programs is what costs an emulated processor.

One request per connection: a line of JSON in, a line of JSON out. Sockets are made inside a node's network namespace by a
thread that enters it; afterwards they belong there, whoever uses them. It speaks with nobody but QEMU's forwarded port.
"""

import base64
import ctypes
import json
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PORT = 7000
PROXY_PORT = 3128
CLONE_NEWNET = 0x40000000
SO_BINDTODEVICE = 25
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
entering = threading.Lock()
streams: "dict[str, Stream]" = {}


@contextmanager
def inside(node: str) -> Iterator[None]:
    """This thread in the node's network namespace, for as long as a socket takes to be made."""
    with entering:
        there = os.open(f"/run/netns/{node}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {node}")
            yield
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(there)


def a_socket(node: str, kind: int, version: int, vrf: str = "") -> socket.socket:
    with inside(node):
        made = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, kind)
    if vrf:
        made.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, vrf.encode())
    return made


# --- who answers: on every port given, with its own name and the address that it sees --------------------------------
def serve(node: str, port: int) -> None:
    for version, address in ((4, "0.0.0.0"), (6, "::")):
        tcp, udp = (
            a_socket(node, socket.SOCK_STREAM, version),
            a_socket(node, socket.SOCK_DGRAM, version),
        )
        for one in (tcp, udp):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if version == 6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address, port))
        tcp.listen(128)
        threading.Thread(target=accept, args=(node, tcp), daemon=True).start()
        threading.Thread(target=echo, args=(node, udp), daemon=True).start()


def accept(node: str, listener: socket.socket) -> None:
    while True:
        connection, peer = listener.accept()
        threading.Thread(target=answer, args=(node, connection, peer[0]), daemon=True).start()


def answer(node: str, connection: socket.socket, peer: str) -> None:
    with connection, suppress(OSError):
        connection.settimeout(10)
        words = connection.recv(1000).decode(errors="replace").split()
        body = f"{node} {peer}"
        if len(words) > 1 and words[1].startswith("http://"):
            body = fetch(node, words[1].removeprefix("http://").rstrip("/"))
        connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def echo(node: str, udp: socket.socket) -> None:
    while True:
        said, peer = udp.recvfrom(1000)
        with suppress(OSError):
            udp.sendto(said or f"{node} {peer[0]}".encode(), peer)


def fetch(node: str, address: str) -> str:
    """What a proxy does: get the page for somebody else."""
    return str(
        talk({"node": node, "to": address.strip("[]"), "port": 80, "seconds": 8}).get(
            "heard", "nothing"
        )
    )


# --- who asks -------------------------------------------------------------------------------------------------------
def talk(asked: dict[str, Any]) -> dict[str, Any]:
    """Connect from a node (within a VRF, where named) and return what was heard, or the error; `page` asks a proxy for a page."""
    version = 6 if ":" in asked["to"] else 4
    udp = asked.get("protocol") == "udp"
    began = time.monotonic()
    try:
        with a_socket(
            asked["node"],
            socket.SOCK_DGRAM if udp else socket.SOCK_STREAM,
            version,
            asked.get("vrf", ""),
        ) as made:
            made.settimeout(asked["seconds"])
            made.connect((asked["to"], asked["port"]))
            made.sendall(b"" if udp else f"GET {asked.get('page', '/')} HTTP/1.0\r\n\r\n".encode())
            if udp:
                made.send(b"")
            heard = b""
            while chunk := made.recv(1000):
                heard += chunk
                if udp:
                    break
        return {
            "heard": heard.decode(errors="replace").rpartition("\r\n")[2],
            "seconds": round(time.monotonic() - began, 2),
        }
    except OSError as error:
        return {"error": str(error), "seconds": round(time.monotonic() - began, 2)}


class Stream:
    """Packets sent steadily from a node, and which of them came back."""

    def __init__(self, node: str, to: str, port: int, interval: float) -> None:
        self.sent, self.back, self.interval, self.ended = 0, set[int](), interval, False
        self.udp = a_socket(node, socket.SOCK_DGRAM, 6 if ":" in to else 4)
        self.udp.connect((to, port))
        for work in (self._send, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def _send(self) -> None:
        while not self.ended:
            self.sent += 1
            with suppress(OSError):
                self.udp.send(f"packet {self.sent}".encode())
            time.sleep(self.interval)

    def _receive(self) -> None:
        while True:
            with suppress(OSError):
                self.back.add(int(self.udp.recv(100).split()[1]))

    def end(self) -> dict[str, Any]:
        """Stop sending. What has not come back 30 seconds later is lost."""
        self.ended = True
        deadline = time.monotonic() + 30
        while len(self.back) < self.sent and time.monotonic() < deadline:
            time.sleep(0.1)
        return {"sent": self.sent, "lost": sorted(set(range(1, self.sent + 1)) - self.back)}


# --- requests -------------------------------------------------------------------------------------------------------
def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a shell script: in the guest itself, in a node's network, or, for a firewall, inside it with all that is its own."""
    where: list[str] = []
    if node := asked.get("box"):
        leader = (
            Path(f"/sys/fs/cgroup/{node}/payload/init.scope/cgroup.procs").read_text().split()[0]
        )
        where = ["nsenter", "-t", leader, "-m", "-n", "-p", "-u", "-i", "-C", "--"]
    elif node := asked.get("node"):
        where = ["nsenter", f"--net=/run/netns/{node}", "--"]
    done = subprocess.run(
        [*where, "bash", "-c", asked["script"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=asked.get("seconds", 120),
        check=False,
    )
    return {"status": done.returncode, "said": done.stdout.decode(errors="replace")}


def talks(asked: dict[str, Any]) -> dict[str, Any]:
    with ThreadPoolExecutor(32) as pool:
        return {"answers": list(pool.map(talk, asked["talks"]))}


def begin(asked: dict[str, Any]) -> dict[str, Any]:
    streams[asked["name"]] = Stream(asked["node"], asked["to"], asked["port"], asked["interval"])
    return {}


def listen(asked: dict[str, Any]) -> dict[str, Any]:
    for node in asked["nodes"]:
        for port in asked["ports"]:
            serve(node, port)
    return {}


def write(asked: dict[str, Any]) -> dict[str, Any]:
    path = Path(asked["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(asked["text"])
    path.chmod(asked.get("mode", 0o644))
    return {}


DOES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "hello": lambda asked: {"uptime": float(Path("/proc/uptime").read_text().split()[0])},
    "run": run,
    "talks": talks,
    "listen": listen,
    "write": write,
    "stream": begin,
    "end": lambda asked: streams.pop(asked["name"]).end(),
    "read": lambda asked: {"content": base64.b64encode(Path(asked["path"]).read_bytes()).decode()},
}


class Door(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        try:
            told = DOES[asked.pop("do")](asked)
        except Exception as error:  # told to whoever asked; the agent lives on
            told = {"failed": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(told).encode() + b"\n")


class Doors(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    Doors(("10.0.2.15", PORT), Door).serve_forever()
