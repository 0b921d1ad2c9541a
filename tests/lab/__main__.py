"""`make lab`: the whole lab for a person, until Ctrl-C.

Meanwhile `python -m tests.lab run FIREWALL COMMAND` runs a command inside a firewall.
"""

import os
import sys
import time
from pathlib import Path

from tests import stack
from tests.lab.captures import captured
from tests.lab.guest_machine import Agent
from tests.lab.image import missing
from tests.lab.running import Lab, lab
from tests.lab.topology import FIREWALLS

VAR = Path(os.environ.get("VAR") or stack.ROOT / "var").resolve() / "lab"
AGENT_PORT = VAR / "agent.port"


def main() -> None:
    """Start the lab, say how to use it, and wait."""
    if lacking := missing():
        sys.exit(lacking)
    var = VAR / "product"
    var.mkdir(parents=True, exist_ok=True)
    for folder in (VAR.parent, VAR, var):
        folder.chmod(0o755)  # PostgreSQL's own user passes through
    port = os.environ.get("PORT") or "8000"
    with lab(VAR, var, PORT=port) as running, captured(running):
        AGENT_PORT.write_text(str(running.guest.port))
        print(_welcome(running), flush=True)
        while running.guest.process.poll() is None:
            time.sleep(1)


def _welcome(running: Lab) -> str:
    names = [firewall.name for firewall in FIREWALLS]
    inspect = f"""{sys.executable} -m tests.lab run {names[0]} "vtysh -c 'show bgp summary'\""""
    return f"""
The lab is at {running.stack.url}: sign in as admin with the password {stack.PASSWORD!r}.
Its firewalls: {", ".join(names)}. To run a command inside one:
  {inspect}
Ctrl-C ends all; packets and running configurations are then in {VAR}"""


def run(firewall: str, command: str) -> None:
    """Run a command inside a firewall of the lab that runs now."""
    agent = Agent(int(AGENT_PORT.read_text()))
    print(agent.run(command, firewall=firewall, check=False), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"] and len(sys.argv) == 4:
        run(sys.argv[2], sys.argv[3])
    else:
        try:
            main()
        except KeyboardInterrupt:
            print("\nlab: ended")
