"""What became of the lines of a file: how many say anything, and which were not understood."""

from collections.abc import Iterator
from dataclasses import dataclass, field

COMMENTS = ("#", "!")


@dataclass(frozen=True)
class Line:
    """A line of a file, by its number, and why it is named."""

    file: str
    number: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.text}  ({self.why})"


@dataclass
class Account:
    """The lines of one file.

    `unread` are those that were not understood, so that nothing is said of them. `unjudged` were,
    but what they say is not, or not wholly, among what is judged.
    """

    file: str
    count: int = 0
    unread: list[Line] = field(default_factory=list)
    unjudged: list[Line] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.count - len(self.unread)

    def lines(self, text: str) -> Iterator[tuple[int, str]]:
        """Those that say anything, by number, as they are; comments do not."""
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith(COMMENTS):
                self.count += 1
                yield number, line

    def not_read(self, number: int, text: str, why: str = "not known") -> None:
        self.unread.append(Line(self.file, number, text.strip(), why))

    def not_judged(self, number: int, text: str, why: str) -> None:
        self.unjudged.append(Line(self.file, number, text.strip(), why))
