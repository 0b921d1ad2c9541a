"""Packets sent steadily while something happens, and which of them were lost."""

from typing import Any

from tests.lab import running
from tests.lab.running import Lab
from tests.lab.scenarios import Connection

WORKS_SECONDS = 120
INTERVAL_SECONDS = 0.2
FEWEST_SENT = 20


def begin(lab: Lab, connections: list[Connection]) -> None:
    """Send on each of these paths until `lost` is called.

    Each works before: only then does a loss mean something.
    """
    running.wait_until(lambda: _all_work(lab, connections), WORKS_SECONDS)
    for connection in connections:
        lab.guest.request(
            "begin_stream",
            name=_name(connection),
            node=connection.source,
            to=_address(lab, connection),
            port=connection.port,
            interval=INTERVAL_SECONDS,
        )


def _all_work(lab: Lab, connections: list[Connection]) -> bool:
    requests = [
        {
            "node": connection.source,
            "to": _address(lab, connection),
            "port": connection.port,
            "protocol": "udp",
            "seconds": 3.0,
        }
        for connection in connections
    ]
    responses = lab.guest.request("connect", connections=requests)["responses"]
    return all("answer" in response for response in responses)


def lost(lab: Lab, connections: list[Connection]) -> dict[str, Any]:
    """End these streams; what each has lost since it began, if anything."""
    names = [_name(connection) for connection in connections]
    ended = {name: lab.guest.request("end_stream", name=name) for name in names}
    assert all(stream["sent"] > FEWEST_SENT for stream in ended.values()), ended
    return {name: stream for name, stream in ended.items() if stream["lost"]}


def _address(lab: Lab, connection: Connection) -> str:
    node, _, network = connection.target.partition("@")
    return lab.address(node, network, connection.version)


def _name(connection: Connection) -> str:
    target = f"{connection.target}:{connection.port} (IPv{connection.version})"
    return f"{connection.source} → {target}"
