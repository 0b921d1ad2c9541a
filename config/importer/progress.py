"""How far an import is, for whoever waits at a terminal."""

from typing import TextIO

WIDTH = 40  # characters of the bar


class Progress:
    """Says nothing: for whoever does not watch."""

    def begin(self, total: int) -> None:
        """So many objects were read, and are written now."""

    def advance(self, number: int) -> None:
        """So many more are done."""


class Bar(Progress):
    """One line, written anew each time that it looks otherwise."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.total = self.done = 0
        self.shown = ""

    def begin(self, total: int) -> None:
        self.total, self.done = total, 0
        self.advance(0)

    def advance(self, number: int) -> None:
        self.done += number
        share = self.done / self.total if self.total else 1
        bar = ("#" * int(share * WIDTH)).ljust(WIDTH, ".")
        line = f"[{bar}] {int(share * 100)} % of {self.total:,} objects"
        if line != self.shown:
            self.shown = line
            self.out.write(f"\r{line}")
            self.out.flush()

    def end(self) -> None:
        """Leave the line empty for what is printed next."""
        self.out.write(f"\r{' ' * len(self.shown)}\r")
        self.out.flush()


NO_PROGRESS = Progress()
