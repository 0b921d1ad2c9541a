"""Who can reach whom, and why not: computed from the plans that configurations are rendered from.

Pure: a partition as values and a question in, an answer out. Nothing here asks a database, so any
number of questions and hops cost no query.
"""

from firewalls.reachability.answering import answer
from firewalls.reachability.answers import (
    Answer,
    Blocker,
    FamilyAnswer,
    Hop,
    Opens,
    Remedy,
    Verdict,
)
from firewalls.reachability.changed import Change
from firewalls.reachability.comparing import compared
from firewalls.reachability.questions import (
    AnAddress,
    AnEndpoint,
    AnyOf,
    Internet,
    Question,
    TheMachine,
)
from firewalls.reachability.values import Guard, Machine, Network, Packet, Partition

__all__ = [
    "AnAddress",
    "AnEndpoint",
    "Answer",
    "AnyOf",
    "Blocker",
    "Change",
    "FamilyAnswer",
    "Guard",
    "Hop",
    "Internet",
    "Machine",
    "Network",
    "Opens",
    "Packet",
    "Partition",
    "Question",
    "Remedy",
    "TheMachine",
    "Verdict",
    "answer",
    "compared",
]
