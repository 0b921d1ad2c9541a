"""Numbers that all processes count together, in Valkey, and forget after a while.

Where Valkey does not answer, each process counts by itself until it does: limits then hold per
process, and nobody waits.
"""

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, TypeVar

from django.conf import settings
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")
PATIENCE = 0.5  # seconds that Valkey may take for an answer
AWAY_SECONDS = 10.0  # after it did not answer, it is left alone for so long


class Count(NamedTuple):
    """A number, and in how many seconds it is forgotten."""

    number: int
    seconds: int


class Counters:
    """Named numbers. No call of it fails or takes long."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.away_until = 0.0

    def add(self, name: str, seconds: int) -> int:
        """One more of it; the first one is forgotten after so many seconds, with those after it.

        Returns how many they are now.
        """
        return self._do(lambda storage: storage.incr(name, seconds))

    def get(self, name: str) -> Count:
        number = self._do(lambda storage: storage.get(name))
        if not number:
            return Count(0, 0)
        until = self._do(lambda storage: storage.get_expiry(name))
        return Count(number, max(1, round(until - time.time())))

    def forget(self, name: str) -> None:
        self._do(lambda storage: storage.clear(name))

    def _do(self, work: Callable[[Storage], T]) -> T:
        if time.monotonic() >= self.away_until:
            try:
                return work(self._shared)
            except StorageError as error:
                self.away_until = time.monotonic() + AWAY_SECONDS
                log.warning("Valkey does not answer, so limits hold per process: %s", error)
        return work(self._own)

    @cached_property
    def _shared(self) -> Storage:
        """Made in the process that uses it, and not before it forks."""
        pool = ConnectionPool.from_url(
            _as_client_spells_it(self.url),
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        return RedisStorage(
            "redis://", connection_pool=pool, key_prefix="knocks", wrap_exceptions=True
        )

    @cached_property
    def _own(self) -> Storage:
        return MemoryStorage()


def _as_client_spells_it(url: str) -> str:
    """A broker's address: Celery and Valkey's client spell those of sockets unlike."""
    return url.replace("redis+socket://", "unix://", 1).replace("?virtual_host=", "?db=", 1)


counters = Counters(settings.CELERY_BROKER_URL)
