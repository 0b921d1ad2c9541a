"""A firewall's SSH: where it answers, how long it is waited for, and the error if it fails."""

from dataclasses import dataclass

LONGEST = 2_000  # characters of an error: what a firewall says may be in it


def storable(text: str, most: int | None = None) -> str:
    """What a firewall says, as the database and pages take it: no zeros, nothing half a character.

    Cut to so many characters, and it says so.
    """
    clean = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return clean if most is None or len(clean) <= most else f"{clean[:most]}… (cut)"


class Stop(Exception):
    """Raised by who watches a push, to end it at once: it belongs to somebody else by now."""


class TransportError(Exception):
    """The firewall was not reached, or did not speak as an applier does.

    `unreachable`: it did not answer at all. `offered_key`: the host key that it showed and that is
    not the pinned one. `local`: the mistake is on this side, and the firewall was not asked.
    `jump`: why its jump host let nobody through, so that nothing is known of the firewall.
    """

    def __init__(
        self,
        message: str,
        *,
        unreachable: bool = False,
        offered_key: str = "",
        local: bool = False,
        jump: "TransportError | None" = None,
    ) -> None:
        super().__init__(storable(message, LONGEST))
        self.unreachable = unreachable
        self.offered_key = offered_key
        self.local = local
        self.jump = jump


@dataclass(frozen=True, slots=True)
class Target:
    """Where a firewall's SSH answers, and the only host key that is accepted there.

    `host_ca`: where no key is pinned, one that this key has certified for the firewall's name is
    accepted. `jump`: the host through which it is reached, with a pinned key of its own.
    """

    name: str
    host: str
    port: int
    user: str
    host_key: str
    practice: bool = False
    host_ca: str = ""
    jump: "Target | None" = None

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"

    @property
    def place(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10
    apply: float = 300  # for all steps of a push together
    answer: float = 30  # to a short command
    keepalive: float = 5  # between two signs of life on an open connection
    after_rollback: float = 30  # past the time at which the box rolls back: FRR takes a while
    ask_again: float = 1  # between two requests to confirm
