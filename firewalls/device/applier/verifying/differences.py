"""What is otherwise than it should be: in lines for the product, and as a sentence for people."""

from __future__ import annotations


class Difference:
    """One thing: the line that should be there, the line that is there instead, and a sentence."""

    def __init__(self, wanted: str, actual: str, sentence: str) -> None:
        self.wanted = wanted
        self.actual = actual
        self.sentence = sentence


def setting(what: str, wanted: str, actual: str) -> Difference:
    """A setting of something, which has another value."""
    return Difference(f"{what} {wanted}", f"{what} {actual}", f"{what} is {actual}, not {wanted}")


def missing(line: str, sentence: str) -> Difference:
    """What should be there and is not."""
    return Difference(line, "", sentence)


def surplus(line: str, sentence: str) -> Difference:
    """What is there and should not be."""
    return Difference("", line, sentence)
