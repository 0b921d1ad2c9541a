"""`make lab`: the whole lab for a person, until Ctrl-C. `python -m tests.lab run FIREWALL COMMAND` looks into it meanwhile."""

import os
import sys
import time
from pathlib import Path

from tests import stack
from tests.lab.captures import captured
from tests.lab.guest_machine import Agent
from tests.lab.image import missing
from tests.lab.running import lab
from tests.lab.topology import FIREWALLS

VAR = Path(os.environ.get("VAR") or stack.ROOT / "var").resolve() / "lab"
PORT = VAR / "agent.port"


def main() -> None:
    """Bring it up, say how to use it, and wait."""
    if lacking := missing():
        sys.exit(lacking)
    var = VAR / "product"
    var.mkdir(parents=True, exist_ok=True)
    for folder in (VAR.parent, VAR, var):
        folder.chmod(0o755)  # PostgreSQL's own user passes through
    with lab(VAR, var, PORT=os.environ.get("PORT") or "8000") as running, captured(running):
        PORT.write_text(str(running.guest.port))
        print(
            f"\nThe lab is at {running.stack.url}: sign in as admin with the password {stack.PASSWORD!r}."
        )
        print(
            f"Its firewalls: {', '.join(firewall.name for firewall in FIREWALLS)}. To look into one:"
        )
        print(
            f"  {sys.executable} -m tests.lab run {FIREWALLS[0].name} \"vtysh -c 'show bgp summary'\""
        )
        print("Ctrl-C ends all; packets and running configurations are then in", VAR, flush=True)
        while running.guest.process.poll() is None:
            time.sleep(1)


def look(firewall: str, command: str) -> None:
    """Run a command inside a firewall of the lab that runs now."""
    print(Agent(int(PORT.read_text())).run(command, box=firewall, check=False), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"] and len(sys.argv) == 4:
        look(sys.argv[2], sys.argv[3])
    else:
        try:
            main()
        except KeyboardInterrupt:
            print("\nlab: ended")
