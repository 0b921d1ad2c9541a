"""What an answer says: the verdict, both ways hop by hop, what is in the way, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from firewalls.configuration.values import Rule
from networks.common.addressing import IP


class Verdict(StrEnum):
    """Whether connections come about.

    Ambiguous: it depends on which firewall a flow takes, on the family, or on which of several
    addresses. Unknown: it depends on what is not ours to know.
    """

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for several that all count: theirs, where they agree."""
    every = set(verdicts)
    if len(every) == 1:
        return every.pop()
    if Verdict.UNKNOWN in every:
        return Verdict.UNKNOWN
    return Verdict.AMBIGUOUS if every else Verdict.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Translated:
    """What an address (and port) becomes, as text; of the source or of the destination."""

    of: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Hop:
    """A place that the packet is at: machine, network, address, outside, vrf, endpoint, firewall.

    The rule is what lets it through there, in words, and the line that one of the configuration.
    """

    kind: str
    name: str
    vrf: int | None = None
    address: IP | None = None
    rule: str = ""
    line: str = ""
    translation: Translated | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way: a stable code, the rule or chapter that it follows from, and where."""

    code: str
    rule: str
    message: str
    where: str
    version: int


@dataclass(frozen=True, slots=True)
class Opens:
    """What a remedy opens: machines that reach further, and pairs of machines that connect."""

    machines: int = 0
    flows: int = 0


@dataclass(frozen=True, slots=True)
class Remedy:
    """What takes one thing away, who may, and what else it opens.

    The action names what is done, with the firewall (its id) and network that it is done to, and
    the rule that is added.
    """

    action: str
    message: str
    role: str
    opens: Opens = Opens()
    firewall: str = ""
    network: str = ""
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class FamilyAnswer:
    """The answer in one address family."""

    version: int
    verdict: Verdict
    path: tuple[Hop, ...]
    return_path: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer; its paths are those of the first family that has one."""

    verdict: Verdict
    families: tuple[FamilyAnswer, ...]
    blockers: tuple[Blocker, ...]
    remedies: tuple[Remedy, ...]
    assumptions: tuple[str, ...]

    @property
    def reachable(self) -> bool:
        return self.verdict is Verdict.REACHABLE

    @property
    def path(self) -> tuple[Hop, ...]:
        return next((one.path for one in self.families if one.path), ())

    @property
    def return_path(self) -> tuple[Hop, ...]:
        return next((one.return_path for one in self.families if one.return_path), ())
