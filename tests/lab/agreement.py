"""What the product says of every pair of hosts, beside what packets between them do.

Every machine, and every address of a firewall outside the underlay, is asked for from every
machine. Whoever answers says who it is and whose address it sees: that, too, must be as the
product's path has it. Each server answers on all ports that are asked for, so silence means that
something in between refused.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.lab.observing import ANSWER_SECONDS, CONVERGED_SECONDS, SILENCE_SECONDS
from tests.lab.running import Lab
from tests.lab.topology import HOSTS, PORTS

ASKED_AT_ONCE = 4
OUTSIDE = "internet"


class Question(NamedTuple):
    """May this machine connect to that address and port? `target` is its name, for people."""

    source: str
    target: str
    address: str
    port: int


class Said(NamedTuple):
    """What the product says: the verdict, and what would be answered: the host and whom it sees."""

    verdict: str
    answer: str = ""


@dataclass(frozen=True)
class Agreement:
    """Where product and packets do not agree, a line each; and how often it gave which verdict."""

    lines: Sequence[str]
    verdicts: Counter[str]


def agreement(lab: Lab, ports: Sequence[int] = PORTS, basis: str = "wanted") -> Agreement:
    """Ask the product, then try; what it calls reachable is waited for as switches converge."""
    asked = list(_questions(lab, ports))
    machines = {row["name"]: row for row in lab.rest.rows("machines/")}
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        said = dict(
            zip(
                asked,
                pool.map(lambda one: _said(lab, machines[one.source], one, basis), asked),
                strict=True,
            )
        )
    promised = [one for one in asked if said[one].verdict == "reachable"]
    refused = [one for one in asked if said[one].verdict == "unreachable"]
    answers = _once_as_said(lab, promised, said) | _answers(lab, refused, SILENCE_SECONDS)
    lines = [
        f"{one.source} → {one.target} {one.address} port {one.port}:"
        f" {answer or 'no answer'}, said to be {said[one].verdict} {said[one].answer}".rstrip()
        for one, answer in answers.items()
        if answer != said[one].answer
    ]
    return Agreement(lines, Counter(one.verdict for one in said.values()))


def _questions(lab: Lab, ports: Sequence[int]) -> Iterator[Question]:
    names = [*(host.name for host in HOSTS), OUTSIDE]
    targets = [(name, one) for name in names for one in lab.numbers.addresses[name]]
    for firewall in lab.rest.rows("firewalls/"):
        for attachment in firewall["attachments"]:
            if attachment["role"] != "underlay":
                name = f"{firewall['name']}@{attachment['network']}"
                targets += [(name, one) for one in attachment["addresses"]]
    for host in HOSTS:
        for name, address in targets:
            if name != host.name:
                yield from (Question(host.name, name, address, port) for port in ports)


def _said(lab: Lab, machine: dict[str, Any], question: Question, basis: str) -> Said:
    query = f"machine={machine['id']}&address={question.address}&port={question.port}"
    answer = lab.rest.get(f"reachability/?{query}&basis={basis}")
    if not answer["reachable"]:
        return Said(answer["verdict"])
    family = ":" in question.address
    seen = next(one for one in machine["addresses"] if (":" in one) == family)
    for hop in answer["path"]:
        if hop.get("translation") and hop["translation"]["of"] == "source":
            seen = hop["translation"]["to"]
    last = answer["path"][-1]
    host = last["name"] if last["kind"] == "machine" else OUTSIDE
    return Said(answer["verdict"], f"{host} {seen}")


def _once_as_said(
    lab: Lab, promised: list[Question], said: dict[Question, Said]
) -> dict[Question, str]:
    """The answers, tried again until they are as the product says or it has taken too long."""
    answers: dict[Question, str] = {}
    remaining = promised
    deadline = time.monotonic() + CONVERGED_SECONDS
    while remaining and time.monotonic() < deadline:
        answers |= _answers(lab, remaining, ANSWER_SECONDS)
        remaining = [one for one in remaining if answers[one] != said[one].answer]
    return answers


def _answers(lab: Lab, questions: list[Question], seconds: float) -> dict[Question, str]:
    wanted = [
        {"node": one.source, "to": one.address, "port": one.port, "seconds": seconds, "page": "/"}
        for one in questions
    ]
    responses = lab.guest.request("connect", connections=wanted)["responses"]
    return {
        one: response.get("answer", "") for one, response in zip(questions, responses, strict=True)
    }
