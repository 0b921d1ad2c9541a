"""Packets sent steadily while something happens, and which of them were lost."""

from typing import Any

from tests.lab import running
from tests.lab.running import Lab
from tests.lab.scenarios import Talk

WORKS_SECONDS = 120


def begin(lab: Lab, flows: list[Talk]) -> None:
    """Send on each of these paths, five packets a second, until `lost` is asked. Each works before: only then a loss means something."""
    asked = [
        {
            "node": talk.source,
            "to": lab.address(talk.target),
            "port": talk.port,
            "protocol": "udp",
            "seconds": 3.0,
        }
        for talk in flows
    ]
    running.wait(
        lambda: all("heard" in answer for answer in lab.guest.ask("talks", talks=asked)["answers"]),
        WORKS_SECONDS,
    )
    for talk in flows:
        name = f"{talk.source} → {talk.target}"
        lab.guest.ask(
            "stream",
            name=name,
            node=talk.source,
            to=lab.address(talk.target),
            port=talk.port,
            interval=0.2,
        )


def lost(lab: Lab, flows: list[Talk]) -> dict[str, Any]:
    """What each flow has lost since it began, if anything."""
    ended = {
        name: lab.guest.ask("end", name=name)
        for name in (f"{talk.source} → {talk.target}" for talk in flows)
    }
    assert all(told["sent"] > 20 for told in ended.values()), ended
    return {name: told for name, told in ended.items() if told["lost"]}
