"""Work on the database from an event loop: in a thread, and again while the database is away."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from django.db import Error, InterfaceError, OperationalError, connections

log = logging.getLogger(__name__)

PATIENCE = 120.0  # seconds for which a database that is away is waited for
PAUSE = 0.5  # seconds between two attempts
TOO_LARGE = "54"  # the class of PostgreSQL's errors for what exceeds its limits

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThread:
    """One thread for work on the database, with a connection of its own that ends with it."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, name)
        self._context = contextvars.copy_context()  # for who acts, as the audit trail has it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._once(connections.close_all)
        finally:
            self._executor.shutdown()

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do this, again and again while the database is away."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self._once(work, *args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                if _is_about_the_work(error) or time.monotonic() > deadline:
                    raise
                first_line = str(error).strip().partition("\n")[0]
                log.warning("The database is away (%s); trying again.", first_line)
                await self._once(connections.close_all)
                await asyncio.sleep(PAUSE)

    async def try_once(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do this if the database is there; where that fails, the caller comes again anyway."""
        try:
            await self._once(work, *args, **kwargs)
        except Error:
            await self._once(connections.close_all)

    async def _once(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, lambda: self._context.run(work, *args, **kwargs)
        )


def _is_about_the_work(error: Error) -> bool:
    """Whether the database is there, and cannot do this: what is to be written is too large."""
    return str(getattr(error.__cause__, "sqlstate", "")).startswith(TOO_LARGE)
