"""Texts that only people read: kept on one line, and as long as there is room for."""

from collections.abc import Iterator, Mapping

from config.importer.findings import Remark

# As long as the columns, which a test compares.
NAME, DESCRIPTION, COMMENT = 120, 400, 100


def tidy(text: str, longest: int) -> str:
    """The text on one line, cut where it is too long."""
    line = on_one_line(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def on_one_line(text: str) -> str:
    """Line breaks and what cannot be printed become spaces."""
    line = text.strip("\r\n")
    if line.isprintable():
        return line
    spelled = (character if character.isprintable() else " " for character in line)
    return " ".join("".join(spelled).split())


def untidy(field: str, text: str, longest: int) -> Iterator[Remark]:
    """What `tidy` leaves out. A line break at the end is no part of a text."""
    if not text.strip("\r\n").isprintable():
        reason = "It has line breaks, or what cannot be printed; it is kept on one line."
        yield Remark(field, reason)
    length = len(on_one_line(text))
    if length > longest:
        yield Remark(field, f"It has {length} characters; the first {longest - 1} are kept.")


def tidy_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {on_one_line(name): on_one_line(value) for name, value in labels.items()}


def untidy_labels(field: str, labels: Mapping[str, str]) -> Iterator[Remark]:
    if labels != tidy_labels(labels):
        reason = "Some have line breaks, or what cannot be printed; they are kept on one line each."
        yield Remark(field, reason)


def labels_of(tags: list[str]) -> dict[str, str]:
    """`rank=first` is a label with a value, and `spare` one without."""
    labels = {}
    for tag in tags:
        name, _, value = tag.partition("=")
        labels[name] = value
    return labels
