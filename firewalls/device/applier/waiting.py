"""Waiting for what takes a while: naps, and questions that are asked until nothing is lacking."""

from __future__ import annotations

import select
import time

from . import box

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def sleep(seconds: float) -> None:
    """By no clock that somebody may set: Python 3.11 sleeps until a time, and so may wake late."""
    select.select([], [], [], seconds)


def pause(seconds: int) -> None:
    """So long, or as long as anything is given here to settle."""
    sleep(min(seconds, box.SETTLE))


class Settling:
    """A question that was asked until nothing was lacking, or for so many seconds."""

    def __init__(self, patience: int, question: Callable[[], list[str]]) -> None:
        began = time.monotonic()
        self.lacking = question()
        self.waited = 0
        while self.lacking and self.waited < patience:
            sleep(1)
            self.waited = round(time.monotonic() - began)
            self.lacking = question()
