"""Two unlike firewalls of one network: each draws what it passes on, and no flow is lost.

Switches spread the flows of a network over its firewalls, so many flows of each kind are tried.
"""

from collections import Counter
from collections.abc import Callable

from tests.lab import faults, flows, rest, running
from tests.lab.observing import CONVERGED_SECONDS
from tests.lab.running import Lab
from tests.lab.scenarios import Connection

FLOWS = 60
STORAGE, INTERNET = Connection("backup1", "storage1"), Connection("backup1", "internet")
SECOND = "fw-backup2"


def test_25_every_flow_arrives_whichever_of_two_unlike_firewalls_has_the_way(lab: Lab) -> None:
    """Of the shared network, about half are lost once the firewall does not know of the other."""
    _join(lab, "storage", "internet")
    rest.push(lab.rest, [SECOND])
    through = {one: f"internet {lab.address(one, 'internet')}" for one in ("fw-backup", SECOND)}
    storage = f"storage1 {lab.address(SECOND, 'storage')}"
    _once(lab, STORAGE, lambda seen: seen == {storage: FLOWS})
    _once(lab, INTERNET, lambda seen: set(seen) == set(through.values()))

    wrong = faults.revisions(lab, f"{SECOND} as-if-alone")
    rest.push(lab.rest, wrong, wrong)
    _once(lab, STORAGE, lambda seen: FLOWS / 4 <= seen[storage] <= FLOWS * 3 / 4)
    assert set(flows.answers(lab, INTERNET, FLOWS)) == set(through.values())

    _leave(lab, "internet")
    rest.push(lab.rest, [SECOND])
    _once(lab, STORAGE, lambda seen: seen == {storage: FLOWS})
    _once(lab, INTERNET, lambda seen: seen == {through["fw-backup"]: FLOWS})

    _leave(lab, "storage")
    rest.push(lab.rest, [SECOND])
    _once(lab, STORAGE, lambda seen: seen == {"": FLOWS})


def _join(lab: Lab, *networks: str) -> None:
    for network in networks:
        path = f"firewalls/{rest.firewall_id(lab.rest, SECOND)}/attachments/"
        lab.rest.post(path, {"network": network})


def _leave(lab: Lab, network: str) -> None:
    path = f"firewalls/{rest.firewall_id(lab.rest, SECOND)}/attachments/{network}/"
    lab.rest("DELETE", path)


def _once(lab: Lab, connection: Connection, as_expected: Callable[[Counter[str]], bool]) -> None:
    """Try many flows until their answers are as expected, twice: routes may be changing yet."""
    good: list[bool] = []

    def converged() -> bool:
        seen = flows.answers(lab, connection, FLOWS)
        print(f"lab: {connection.source} -> {connection.target}: {dict(seen)}", flush=True)
        good.append(as_expected(seen))
        return good[-2:] == [True, True]

    running.wait_until(converged, CONVERGED_SECONDS)
