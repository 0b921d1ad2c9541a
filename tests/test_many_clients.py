"""64 programs that allocate and release addresses of one small network, over HTTP.

Against everything as `make run` starts it.
"""

import http.client
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pytest

from tests.stack import Stack, running

CLIENTS, ROUNDS = 64, 5
# Of a /27: fewer than clients, so that some meet a full network.
HOSTS = [f"10.128.0.{number}" for number in range(1, 31)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="sn-many-"))
    try:
        with running(folder, DEMO="none") as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Client:
    """A program with a token."""

    def __init__(self, stack: Stack, token: str) -> None:
        self.port = stack.port
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(
                method, f"/api/v1/{path}", None if body is None else json.dumps(body), self.headers
            )
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        assert response.status < HTTPStatus.INTERNAL_SERVER_ERROR, text
        return response.status, json.loads(text) if text else None

    def must(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.ask(method, path, body)
        assert status < HTTPStatus.BAD_REQUEST, answer
        return answer

    def allocate(self, **more: object) -> tuple[str, str]:
        """The address, or the code of the refusal."""
        status, answer = self.ask(
            "POST", "ip-addresses/", {"network": "busy", "project": "shop", **more}
        )
        if status == HTTPStatus.CREATED:
            return str(answer["address"]), ""
        assert status == HTTPStatus.BAD_REQUEST, answer
        return "", str(answer["network"][0]["code"])

    def release(self, address: str, ledger: "Ledger") -> None:
        ledger.forget(address)  # from now on somebody else may have it
        self.must("DELETE", f"ip-addresses/{address}/")


class Ledger:
    """Which addresses clients have at this moment; nobody may get what another one has."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.in_use: set[str] = set()
        self.count: Counter[str] = Counter()

    def note(self, address: str, refusal: str) -> None:
        with self.lock:
            assert address not in self.in_use
            self.count[refusal or "taken"] += 1
            if address:
                self.in_use.add(address)

    def forget(self, address: str) -> None:
        with self.lock:
            self.in_use.remove(address)


def allocate_and_release(client: Client, ledger: Ledger, together: Barrier, number: int) -> None:
    """All together want more than there is; then each allocates and releases in turns.

    Now of one family, now of the other; some keep their last address.
    """
    together.wait(60)
    first, refusal = client.allocate(version=4)
    ledger.note(first, refusal)
    together.wait(120)
    if first:
        client.release(first, ledger)
    for turn in range(ROUNDS):
        address, refusal = client.allocate(version=(4, 4, 6)[(number + turn) % 3])
        ledger.note(address, refusal)
        if address and (turn < ROUNDS - 1 or number % 3):
            client.release(address, ledger)


def test_no_address_is_allocated_twice_lost_or_left_out(stack: Stack) -> None:
    token = stack.manage("create_token", "operators", "--role", "admin")
    one = Client(stack, token)
    one.must("POST", "partitions/", {"id": "fra", "name": "FRA"})
    one.must("POST", "projects/", {"id": "shop", "name": "shop"})
    pool = {
        "id": "pool",
        "kind": "super",
        "partition": "fra",
        "prefixes": ["10.128.0.0/20", "2001:db8::/64"],
    }
    one.must("POST", "networks/", pool)
    one.must(
        "POST",
        "networks/",
        {"id": "busy", "partition": "fra", "project": "shop", "prefix_length": {"4": 27, "6": 120}},
    )

    ledger, at_first = Ledger(), Counter[str]()
    together = Barrier(CLIENTS, action=lambda: at_first.update(ledger.count))
    with ThreadPoolExecutor(CLIENTS) as clients:
        done = [
            clients.submit(allocate_and_release, Client(stack, token), ledger, together, number)
            for number in range(CLIENTS)
        ]
        for each in done:
            each.result()
    assert at_first == {"taken": len(HOSTS), "exhausted": CLIENTS - len(HOSTS)}
    assert ledger.count.total() == CLIENTS * (ROUNDS + 1) and set(ledger.count) == {
        "taken",
        "exhausted",
    }

    listed = {
        row["address"]
        for row in one.must("GET", "ip-addresses/?network=busy&limit=1000")["results"]
    }
    assert listed == ledger.in_use
    usage = one.must("GET", "networks/busy/")["usage"]["4"]
    assert (usage["used"], usage["kept_back"]) == (len(listed & set(HOSTS)), 0)
    assert usage["available"] == len(HOSTS)
    assert "Every rule holds" in stack.manage("check_rules")

    # Exactly the others are still free, the lowest first: no release or refusal has left a hole.
    rest = [one.allocate(version=4) for _ in range(len(HOSTS) - len(listed & set(HOSTS)) + 1)]
    assert rest == [(host, "") for host in HOSTS if host not in listed] + [("", "exhausted")]
