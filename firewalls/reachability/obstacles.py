"""What may be in the way of a connection, before it is put in words."""

from dataclasses import dataclass

from firewalls.reachability.values import Guard, Packet

# It depends on what is not ours to know.
UNKNOWN = frozenset(
    {"runs_something_else", "way_back_outside", "lives_elsewhere", "led_outside", "outside_alone"}
)
# It depends on which firewall a flow takes.
UNCERTAIN = frozenset({"reply_elsewhere"})


@dataclass(frozen=True)
class Obstacle:
    """One thing in the way of this packet: a stable code, and where.

    `network` is what the packet comes from there, `target` where it would have to go.
    """

    code: str
    packet: Packet
    network: str
    guard: Guard | None = None
    target: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What makes it another one than others."""
        guard = self.guard.id if self.guard else ""
        return self.code, guard, self.network, self.target, self.packet.version
