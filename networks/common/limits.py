"""How much one request may bring. Each list is refused beyond its limit, which the sentence names.

They are far above what a partition has use for, and keep one request from holding a worker for
long: the costliest, a thousand rules of a firewall, takes a few seconds.
"""

from collections.abc import Iterator, Sized
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible

from networks.common.violations import Violation

MOST_SERVERS = 16  # of DNS or NTP
MOST_UPLINKS = 16
MOST_NETWORKS = 100  # in one order
MOST_ADDRESSES = 200  # in one order: one per family of each network
MOST_PREFIXES = 100  # of a network, in one request
MOST_CIDRS = 1000  # that are matched: where rules, routes and SSH lead to, or come from
MOST_PORTS = 100  # of one rule
MOST_RULES = 1000  # of a firewall, in each direction
MOST_JOINING = 200  # firewalls that join a network together
MOST_LABELS = 100
LONGEST_LABEL_NAME = 320  # as Kubernetes has them: 253 of a domain, a slash and 63
LONGEST_LABEL = 1000

CODE = "too_many"


def sentence(limit: int) -> str:
    return f"At most {limit:,} are taken at once."


def at_most(field: str, items: Sized, limit: int) -> Iterator[Violation]:
    """The items are no more than that."""
    if len(items) > limit:
        yield Violation(field, CODE, sentence(limit))


@deconstructible
class AtMost:
    """Validates a list of a model: it has no more items than that."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, value: Sized) -> None:
        if len(value) > self.limit:
            raise ValidationError(sentence(self.limit), code=CODE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AtMost) and other.limit == self.limit

    def __hash__(self) -> int:
        return hash(self.limit)


def most_of(column: "ArrayField[Any, Any]") -> int | None:
    """The limit of a column, None if it has none."""
    return next((one.limit for one in column.validators if isinstance(one, AtMost)), None)
