"""Until when something worked: asked of what pushes have brought, one after the other."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.dateformat import format as date

from firewalls.intent.partitions import Loaded
from firewalls.intent.runs import first_of_each, pushed
from firewalls.reachability import Question, Verdict
from firewalls.reachability.answering import verdict

MOST = 25  # pushes that are looked back over


class Ended(NamedTuple):
    """The push since which something does not work any more."""

    at: datetime
    firewall: str
    name: str
    number: int

    @property
    def sentence(self) -> str:
        at = date(timezone.localtime(self.at, timezone.get_fixed_timezone(0)), "j F Y, H:i")
        return f"It worked until {at} UTC, when revision {self.number} was pushed to {self.name}."


def worked_until(loaded: Loaded, question: Question) -> Ended | None:
    """The last push that ended it; None where it never worked, as far as is known.

    Two queries at most, whatever there is: the pushes of the firewalls that the question is about.
    """
    names = {guard.id: guard.name for guard in loaded.wanted.guards}
    runs = pushed(names, MOST)
    loaded = loaded.knowing(runs)
    for place, ending in enumerate(runs):
        before = dict(first_of_each(runs[place + 1 :]))
        side = loaded.running(before, complete=len(runs) < MOST)
        if verdict(side, question) is Verdict.REACHABLE and ending.since:
            return Ended(ending.since, ending.firewall, names[ending.firewall], ending.number)
    return None
