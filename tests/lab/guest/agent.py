"""The guest's agent: does what the host requests, in one process.

Starting programs is what costs an emulated processor, so whatever can be done without is done here.
One request per connection: a line of JSON in, a line of JSON out. Sockets are made inside a node's
network namespace by a thread that enters it; afterwards they belong there, whoever uses them. It
speaks with nobody but QEMU's forwarded port.
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

ADDRESS = ("10.0.2.15", 7000)
CLONE_NEWNET = 0x40000000  # sched.h
SO_BINDTODEVICE = 25  # asm-generic/socket.h
STREAM_WAIT_SECONDS = 30
Request = dict[str, Any]
Response = dict[str, Any]

libc = ctypes.CDLL(None, use_errno=True)
own_namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
entering = threading.Lock()
streams: "dict[str, Stream]" = {}


@contextmanager
def inside(node: str) -> Iterator[None]:
    """This thread in the node's network namespace, for as long as a socket takes to be made."""
    with entering:
        namespace = os.open(f"/run/netns/{node}", os.O_RDONLY)
        try:
            if libc.setns(namespace, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {node}")
            yield
        finally:
            libc.setns(own_namespace, CLONE_NEWNET)
            os.close(namespace)


def make_socket(node: str, kind: int, version: int, vrf: str = "") -> socket.socket:
    """A socket of a node, bound to a VRF where one is named."""
    with inside(node):
        made = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, kind)
    if vrf:
        made.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, vrf.encode())
    return made


# --- servers: a node answers on a port with its own name and the address that it sees ---
def serve(node: str, port: int) -> None:
    """Answer on this port, over TCP and UDP, IPv4 and IPv6."""
    for version, address in ((4, "0.0.0.0"), (6, "::")):
        tcp = make_socket(node, socket.SOCK_STREAM, version)
        udp = make_socket(node, socket.SOCK_DGRAM, version)
        for one in (tcp, udp):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if version == 6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address, port))
        tcp.listen(128)
        threading.Thread(target=serve_tcp, args=(node, tcp), daemon=True).start()
        threading.Thread(target=serve_udp, args=(node, udp), daemon=True).start()


def serve_tcp(node: str, listener: socket.socket) -> None:
    while True:
        connection, peer = listener.accept()
        threading.Thread(target=answer, args=(node, connection, peer[0]), daemon=True).start()


def answer(node: str, connection: socket.socket, peer: str) -> None:
    """Answer one request over HTTP; for a page of another host, as a proxy does."""
    with connection, suppress(OSError):
        connection.settimeout(10)
        words = connection.recv(1000).decode(errors="replace").split()
        body = f"{node} {peer}"
        if len(words) > 1 and words[1].startswith("http://"):
            body = fetch(node, words[1].removeprefix("http://").rstrip("/"))
        connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def serve_udp(node: str, udp: socket.socket) -> None:
    """Send every packet back; an empty one is answered as over TCP."""
    while True:
        packet, peer = udp.recvfrom(1000)
        with suppress(OSError):
            udp.sendto(packet or f"{node} {peer[0]}".encode(), peer)


def fetch(node: str, address: str) -> str:
    """The page of another host."""
    page = connect({"node": node, "to": address.strip("[]"), "port": 80, "seconds": 8})
    return str(page.get("answer", "nothing"))


# --- clients ---
def connect(request: Request) -> Response:
    """Connect from a node, within a VRF where one is named; the answer, or the error.

    `page` is what is requested over HTTP: a proxy is asked for the page of another host.
    """
    version = 6 if ":" in request["to"] else 4
    kind = socket.SOCK_DGRAM if request.get("protocol") == "udp" else socket.SOCK_STREAM
    began = time.monotonic()
    try:
        with make_socket(request["node"], kind, version, request.get("vrf", "")) as client:
            client.settimeout(request["seconds"])
            client.connect((request["to"], request["port"]))
            response = {"answer": exchange(client, request.get("page", "/"))}
    except OSError as error:
        response = {"error": str(error)}
    return {**response, "seconds": round(time.monotonic() - began, 2)}


def exchange(client: socket.socket, page: str) -> str:
    """Send a request and return what comes back: over TCP the body of a page, over UDP a packet."""
    if client.type == socket.SOCK_DGRAM:
        client.send(b"")
        return client.recv(1000).decode(errors="replace")
    client.sendall(f"GET {page} HTTP/1.0\r\n\r\n".encode())
    answer = b""
    while chunk := client.recv(1000):
        answer += chunk
    return answer.decode(errors="replace").rpartition("\r\n")[2]


class Stream:
    """Packets sent steadily from a node, and which of them came back."""

    def __init__(self, node: str, to: str, port: int, interval: float) -> None:
        self.sent = 0
        self.back = set[int]()
        self.interval = interval
        self.ended = False
        self.udp = make_socket(node, socket.SOCK_DGRAM, 6 if ":" in to else 4)
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

    def end(self) -> Response:
        """Stop sending. What has not come back STREAM_WAIT_SECONDS later is lost."""
        self.ended = True
        deadline = time.monotonic() + STREAM_WAIT_SECONDS
        while len(self.back) < self.sent and time.monotonic() < deadline:
            time.sleep(0.1)
        return {"sent": self.sent, "lost": sorted(set(range(1, self.sent + 1)) - self.back)}


# --- commands ---
def hello(request: Request) -> Response:
    return {"uptime": float(Path("/proc/uptime").read_text().split()[0])}


def run(request: Request) -> Response:
    """Run a shell script: in the guest itself, inside a firewall, or in a node's network namespace.

    Inside a firewall it has all namespaces of that system.
    """
    enter: list[str] = []
    if firewall := request.get("firewall"):
        processes = Path(f"/sys/fs/cgroup/{firewall}/payload/init.scope/cgroup.procs")
        leader = processes.read_text().split()[0]
        enter = ["nsenter", "-t", leader, "-m", "-n", "-p", "-u", "-i", "-C", "--"]
    elif node := request.get("node"):
        enter = ["nsenter", f"--net=/run/netns/{node}", "--"]
    done = subprocess.run(
        [*enter, "bash", "-c", request["script"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=request.get("seconds", 120),
        check=False,
    )
    return {"status": done.returncode, "output": done.stdout.decode(errors="replace")}


def connect_all(request: Request) -> Response:
    with ThreadPoolExecutor(32) as pool:
        return {"responses": list(pool.map(connect, request["connections"]))}


def listen(request: Request) -> Response:
    for node in request["nodes"]:
        for port in request["ports"]:
            serve(node, port)
    return {}


def begin_stream(request: Request) -> Response:
    streams[request["name"]] = Stream(
        request["node"], request["to"], request["port"], request["interval"]
    )
    return {}


def end_stream(request: Request) -> Response:
    return streams.pop(request["name"]).end()


def read(request: Request) -> Response:
    return {"content": base64.b64encode(Path(request["path"]).read_bytes()).decode()}


def write(request: Request) -> Response:
    path = Path(request["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(request["text"])
    path.chmod(request.get("mode", 0o644))
    return {}


COMMANDS: dict[str, Callable[[Request], Response]] = {
    "hello": hello,
    "run": run,
    "connect": connect_all,
    "listen": listen,
    "begin_stream": begin_stream,
    "end_stream": end_stream,
    "read": read,
    "write": write,
}


class Handler(socketserver.StreamRequestHandler):
    """One request, and its response."""

    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        try:
            response = COMMANDS[request.pop("command")](request)
        except Exception as error:  # the host hears of it; the agent lives on
            response = {"failed": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(response).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    Server(ADDRESS, Handler).serve_forever()
