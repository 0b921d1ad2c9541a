"""Who reads and writes while processes are killed: what was answered, and what came of it."""

import http.client
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.storm.doors import OverHttp

UNANSWERED = 0  # the status of a request whose server was killed
SENTENCES = ("The database does not answer", "There is no room on the disk")


class Patient(OverHttp):
    """One who takes a server that was killed while it was asked for no answer, and goes on."""

    def _send(
        self, method: str, path: str, data: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        try:
            return super()._send(method, path, data, headers)
        except (OSError, http.client.HTTPException):
            return UNANSWERED, ""


@dataclass
class Clients:
    """A program and a person who read and write, and a load balancer that asks for readiness."""

    door: Patient
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unready: set[str] = field(default_factory=set)
    made: dict[str, int] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.ended.wait(0.1):
            number += 1
            project = {"id": f"p{number}", "name": "p", "description": "x" * 400}
            self.made[f"p{number}"] = self._note(
                "write", *self.door.ask("POST", "projects/", project)
            )
            self._note("read", *self.door.ask("GET", "rollouts/?limit=1"))
            status, text = self.door.get("/rollouts/")
            known = [words for words in SENTENCES if words in text]
            self._note(
                "page", status, {"non_field_errors": [{"code": known[0] if known else text}]}
            )
            status, text = self.door.get("/readyz")
            failing = json.loads(text)["failing"] if status else {}
            self.unready |= {f"{name}: {reason}" for name, reason in failing.items()}

    def _note(self, what: str, status: int, answer: Any) -> int:
        self.statuses[what, status] += 1
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            self.reasons[f"{what} {answer['non_field_errors'][0]['code']}"] += 1
        return status


def answered_well(clients: Clients) -> None:
    """Every answer was one, or a 503 with a reason; and what it said of a write was so."""
    known_statuses = {200, 201, 503, UNANSWERED}
    assert {status for _, status in clients.statuses} <= known_statuses, clients.statuses
    known = {"read database_away", "write database_away", "write disk_full"}
    known |= {f"page {words}" for words in SENTENCES} | {"read disk_full"}
    assert clients.reasons.keys() <= known, clients.reasons
    for reason in ("read database_away", "write database_away", f"page {SENTENCES[0]}"):
        assert clients.reasons[reason], clients.reasons
    assert clients.reasons["write disk_full"], clients.reasons
    assert any(line.startswith("database: The database does not") for line in clients.unready)
    assert any(line.startswith("disk: only") for line in clients.unready), clients.unready
    for project, status in clients.made.items():
        there, _ = clients.door.ask("GET", f"projects/{project}/")
        assert there == http.HTTPStatus.OK or status != http.HTTPStatus.CREATED, project
