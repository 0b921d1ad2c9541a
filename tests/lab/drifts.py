"""What the product finds changed on a firewall."""

from tests.lab import rest, running
from tests.lab.running import SETTLE_SECONDS, Lab


def drift(lab: Lab, name: str) -> set[str]:
    """What differs from the last push, found by a check that begins now."""
    firewall = f"firewalls/{rest.firewall_id(lab.rest, name)}"
    lab.rest.post(f"{firewall}/check/")
    running.wait_until(lambda: lab.rest.get(f"{firewall}/")["state"] == "drifted", SETTLE_SECONDS)
    return set(lab.rest.get(f"{firewall}/")["drift"].splitlines())
