"""Several writers at once, each in a thread with a connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError

Action = Callable[[], object]
PATIENCE = 20.0  # seconds, where something must happen


def attempted(action: Action) -> object:
    """What the action returns, or the rule that refuses it; anything else is raised.

    The connection of this thread is closed.
    """
    try:
        return action()
    except (ValidationError, ProtectedError) as error:
        return error
    finally:
        connection.close()


def at_once(*actions: Action) -> list[object]:
    """Run the actions in threads of their own, started together."""
    barrier = Barrier(len(actions))

    def run(action: Action) -> object:
        barrier.wait(PATIENCE)
        return attempted(action)

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def while_open(first: Action, second: Action) -> list[object]:
    """Begin the second when the first is done but not committed.

    The first commits once the second waits for it, or is through.
    """
    done, through = Event(), Event()

    def hold_open() -> object:
        with transaction.atomic():
            try:
                return first()
            finally:
                done.set()
                while not through.wait(0.02) and not _somebody_waits():
                    pass

    def follow() -> object:
        assert done.wait(PATIENCE)
        try:
            return second()
        finally:
            through.set()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(attempted, [hold_open, follow]))


def _somebody_waits() -> bool:
    if connection.needs_rollback:  # the first was refused: nobody waits for what it did
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def refusals(results: Sequence[object]) -> list[str | None]:
    """The code of each loser."""
    codes: list[str | None] = []
    for result in results:
        if isinstance(result, ProtectedError):
            codes.append("in_use")
        if isinstance(result, ValidationError):
            codes += [errors[0].code for errors in result.error_dict.values()]
    return codes
