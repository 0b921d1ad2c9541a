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
FIRST, SECOND = "fw-backup", "fw-backup2"


def test_25_every_flow_arrives_whichever_of_two_unlike_firewalls_has_the_way(lab: Lab) -> None:
    """Of the shared network, about half are lost once the firewall does not know of the other.

    What it has joined stays joined: FRR 8.4 on the leaves forgets how to reach the one firewall
    when the default route of the other one goes.
    """
    _join(lab, "storage")
    rest.push(lab.rest, [SECOND])
    storage = f"storage1 {lab.address(SECOND, 'storage')}"
    outside = f"internet {lab.address(FIRST, 'internet')}"
    _once(lab, STORAGE, lambda seen: seen == {storage: FLOWS})
    _once(lab, INTERNET, lambda seen: seen == {outside: FLOWS})

    _join(lab, "internet")
    rest.push(lab.rest, [SECOND])
    both = {outside, f"internet {lab.address(SECOND, 'internet')}"}
    _once(lab, INTERNET, lambda seen: set(seen) == both)
    _once(lab, STORAGE, lambda seen: seen == {storage: FLOWS})

    wrong = faults.revisions(lab, f"{SECOND} as-if-alone")
    rest.push(lab.rest, wrong, wrong)
    _once(lab, STORAGE, lambda seen: FLOWS / 4 <= seen[storage] <= FLOWS * 3 / 4)
    _once(lab, INTERNET, lambda seen: set(seen) == both)

    rest.push(lab.rest, [SECOND])
    _once(lab, STORAGE, lambda seen: seen == {storage: FLOWS})
    _once(lab, INTERNET, lambda seen: set(seen) == both)


def _join(lab: Lab, network: str) -> None:
    path = f"firewalls/{rest.firewall_id(lab.rest, SECOND)}/attachments/"
    lab.rest.post(path, {"network": network})


def _once(lab: Lab, connection: Connection, as_expected: Callable[[Counter[str]], bool]) -> None:
    """Try many flows until their answers are as expected, twice: routes may be changing yet."""
    good: list[bool] = []

    def converged() -> bool:
        seen = flows.answers(lab, connection, FLOWS)
        print(f"lab: {connection.source} -> {connection.target}: {dict(seen)}", flush=True)
        good.append(as_expected(seen))
        return good[-2:] == [True, True]

    running.wait_until(converged, CONVERGED_SECONDS)
