"""Who knocked, in the audit trail: logins that were let in or refused, and refused tokens.

Every one is counted and few are written, so that no flood fills the trail: of the same account from
the same client the first ones of an hour, then each power of ten, with how many they were. What was
typed as a name is written only if it is an account's: people type passwords there. After so many
clients in an hour, the others are one.
"""

import json
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from config.access.counters import counters
from config.access.models import Token, digest
from networks.common.audit import operation

HOUR = 60 * 60
EACH = 5  # so many of an hour are written one by one
MOST_CLIENTS = 200  # of refused ones in an hour
ELSEWHERE = "many addresses"
NOBODY = "nobody known"
KIND = "login"
# A statement that changes rows begins so, and is signed with who acts.
_RECORD = """\
WITH recorded AS (SELECT networks_record(%s, %s, %s, %s::text[], NULL, %s::jsonb))
SELECT count(*) FROM recorded
"""


class Knocker(NamedTuple):
    """What came of it, whose it was, as far as known, and the objects whose history it is in."""

    outcome: str
    name: str = ""
    about: tuple[str, ...] = ()


def record_login(user: User, origin: str) -> None:
    """A person was let in."""
    if times := _worth_writing(f"let-in:{user.pk}:{origin}"):
        _write(Knocker("login", user.username, (f"user:{user.pk}",)), origin, times)


def record_refused_login(name: str, origin: str, locked: int) -> None:
    """A password was wrong, or not even looked at; `locked`: for so many seconds from now on."""
    user = User.objects.filter(username=name.replace("\0", "")).only("username").first()
    counted = f"refused:{user.pk if user else ''}"
    where = _limited(counted, origin)
    if times := _worth_writing(f"{counted}:{where}"):
        whose = (user.username, (f"user:{user.pk}",)) if user else ()
        _write(Knocker("refused login", *whose), where, times, locked)


def record_refused_token(text: str, origin: str) -> None:
    """A token is not known, or no longer valid."""
    where = _limited("refused-token", origin)
    if times := _worth_writing(f"refused-token:{where}"):
        token = Token.objects.filter(digest=digest(text)).only("name", "user").first()
        about = (f"token:{token.pk}", f"user:{token.user_id}") if token else ()
        _write(Knocker("refused token", token.name if token else "", about), where, times)


def _worth_writing(name: str) -> int:
    """Count one more of this hour: how many they are, if it is to be written; 0 otherwise."""
    times = counters.add(f"times:{name}", HOUR)
    return times if times <= EACH or str(times).strip("0") == "1" else 0


def _limited(name: str, origin: str) -> str:
    """The client; where too many others came within the hour, all further ones together."""
    if counters.get(f"times:{name}:{origin}").number:
        return origin
    clients = counters.add("clients", HOUR)
    return origin if clients <= MOST_CLIENTS else ELSEWHERE


def _write(who: Knocker, origin: str, times: int, locked: int = 0) -> None:
    sentence = f"{who.outcome}{f' of {who.name}' if who.name else ''} from {origin}"
    often = f", {times} times within an hour" if times > 1 else ""
    after = {"outcome": who.outcome, "from": origin, "times": times}
    after |= {"locked_seconds": locked} if locked else {}
    about = [f"{KIND}:{origin}", *who.about]
    row: list[Any] = [KIND, origin, who.name or NOBODY, about, json.dumps(after)]
    with operation(f"{sentence}{often}"), connection.cursor() as cursor:
        cursor.execute(_RECORD, row)
