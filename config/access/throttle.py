"""How often one may knock: wrong passwords, and tokens that are none, are counted by who sent them.

A wrong password counts for the name with the client's address, and for the address. It never counts
for the name alone: or anybody could lock a person out from everywhere.
"""

import hashlib
import unicodedata
from typing import NamedTuple

from django.core.exceptions import ValidationError

from config.access.counters import counters

MINUTE = 60


class Limit(NamedTuple):
    """So many in so many seconds, which begin with the first of them."""

    number: int
    seconds: int


OF_NAME = Limit(5, 5 * MINUTE)  # wrong passwords for one name from one client
OF_CLIENT = Limit(30, 15 * MINUTE)  # wrong passwords from one client, whatever the names
OF_TOKENS = Limit(60, MINUTE)  # refused tokens from one client


class TooMany(ValidationError):
    """A password is not even looked at now; `seconds` is how long to wait."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message, code="throttled")
        self.seconds = seconds


class Knock(NamedTuple):
    """Somebody who tries to log in: the name that was typed, and what counts as one client."""

    name: str
    origin: str

    @property
    def counted_as(self) -> list[tuple[str, Limit]]:
        # A digest, because people type passwords where names belong; as short for long texts.
        typed = unicodedata.normalize("NFKC", self.name).casefold()
        digest = hashlib.sha256(typed.encode(errors="replace")).hexdigest()
        return [
            (f"password:{self.origin}:{digest}", OF_NAME),
            (f"password:{self.origin}", OF_CLIENT),
        ]


def enforce(knock: Knock) -> None:
    """Raise TooMany where no password of it is looked at now."""
    waits = [_wait(name, limit) for name, limit in knock.counted_as]
    if seconds := max(waits):
        whose = "for this user name from your address" if waits[0] else "from your address"
        message = f"Too many wrong passwords {whose}. Try again in {in_words(seconds)}."
        raise TooMany(message, seconds)


def count_wrong_password(knock: Knock) -> int:
    """Note it; returns for how many seconds no further password of it is looked at."""
    for name, limit in knock.counted_as:
        counters.add(name, limit.seconds)
    return max(_wait(name, limit) for name, limit in knock.counted_as)


def forgive(knock: Knock) -> None:
    """Forget the wrong passwords for this name: the right one came. The client's others count."""
    (name, _), _ = knock.counted_as
    counters.forget(name)


def count_refused_token(origin: str) -> int:
    """Note it; returns how many seconds the client is told to wait, 0 as long as it need not."""
    name = f"token:{origin}"
    if counters.add(name, OF_TOKENS.seconds) <= OF_TOKENS.number:
        return 0
    return counters.get(name).seconds


def in_words(seconds: int) -> str:
    """So many minutes, as people say it; seconds below one."""
    if seconds < MINUTE:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // MINUTE)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _wait(name: str, limit: Limit) -> int:
    """Seconds until one more is let in; 0 if it is now."""
    count = counters.get(name)
    return count.seconds if count.number >= limit.number else 0
