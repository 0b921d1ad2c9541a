"""What is done and warned of, for whoever shows it to the person who did it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_warnings: ContextVar[list[str] | None] = ContextVar("warnings", default=None)


@contextmanager
def warned() -> Iterator[list[str]]:
    """The sentences that come up meanwhile."""
    sentences: list[str] = []
    token = _warnings.set(sentences)
    try:
        yield sentences
    finally:
        _warnings.reset(token)


def warn(sentence: str) -> None:
    """Nothing where nobody listens: it is written down with the law."""
    sentences = _warnings.get()
    if sentences is not None and sentence not in sentences:
        sentences.append(sentence)
