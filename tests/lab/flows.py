"""Many flows of one connection, as switches spread them over equal routes by their ports.

Each is one packet of UDP. In one kernel with the switches, a machine's TCP would choose another
path whenever it tries again.
"""

from collections import Counter

from tests.lab.running import Lab
from tests.lab.scenarios import Connection

ANSWER_SECONDS = 8.0


def answers(lab: Lab, connection: Connection, times: int) -> Counter[str]:
    """What so many flows are answered, and how often; those that are not count under ""."""
    request = {
        "node": connection.source,
        "to": lab.address(connection.target, version=connection.version),
        "port": connection.port,
        "protocol": "udp",
        "seconds": ANSWER_SECONDS,
    }
    responses = lab.guest.request("connect", connections=[request] * times)["responses"]
    return Counter(response.get("answer", "") for response in responses)
