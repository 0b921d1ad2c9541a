"""A jump host: an sshd of the guest, which reaches the management addresses of firewalls."""

from dataclasses import dataclass
from pathlib import Path

from firewalls.device.keys import ensure_key, public_line
from tests.lab.guest_machine import JUMP_PORT
from tests.lab.running import Lab
from tests.lab.topology import FIREWALL_NAMES
from tests.lab.wiring import management

HERE = "/run/jump"
HOST = "127.0.0.1"  # as the product reaches it
# From there, as the firewalls know who manages them.
SOURCE = "10.0.2.15"
SETTINGS = f"""Port {JUMP_PORT}
HostKey {HERE}/host
AuthorizedKeysFile {HERE}/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class JumpHost:
    """It runs; `key` is its public host key, `inside` the firewall's address as it knows it."""

    lab: Lab
    key: str
    inside: str

    def logins(self) -> int:
        """How often somebody was let in so far."""
        return int(self.lab.guest.run(f"grep -c 'Accepted publickey' {HERE}/log || true"))


def start(lab: Lab, firewall: str) -> JumpHost:
    """Start it as the way to this firewall; it lets in the product's key."""
    host = ensure_key(lab.folder / "keys" / "jump")
    product = public_line(lab.stack.var / "ssh" / "id_ed25519")
    inside = management(FIREWALL_NAMES.index(firewall))
    lab.guest.write(f"{HERE}/host", Path(host).read_text(), 0o600)
    lab.guest.write(f"{HERE}/authorized", f"{product}\n", 0o600)
    lab.guest.write(f"{HERE}/settings", SETTINGS)
    lab.guest.run(
        f"ip route replace {inside}/32 dev management src {SOURCE}; mkdir -p /run/sshd; "
        f"/usr/sbin/sshd -f {HERE}/settings -E {HERE}/log"
    )
    return JumpHost(lab, public_line(host), inside)
