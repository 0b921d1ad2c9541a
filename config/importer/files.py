"""The files of an import: which they are, and the text of one."""

import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from config.importer.findings import Place, Problem

MAX_BYTES = 32 * 1024 * 1024  # a dump of about two thousand machines with all their hardware


SUFFIXES = (".yaml", ".yml", ".json")
# JSON spells a character beyond 16 bits as two escapes, which YAML does not know.
_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE
)


class Unreadable(Exception):
    """The rest of a file cannot be read; the reason is a sentence. Line 0 means the whole file."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def listed(paths: Iterable[Path], problems: list[Problem]) -> list[tuple[str, Path]]:
    """Each file that is named or lies in a folder that is named, once, with its name."""
    names: dict[Path, str] = {}
    for path in paths:
        for file in _inside(path, problems):
            names.setdefault(file.resolve(), str(file))
    return [(name, path) for path, name in names.items()]


def _inside(path: Path, problems: list[Problem]) -> Iterator[Path]:
    if not path.exists():
        problems.append(Problem(Place(str(path)), "There is no such file or folder."))
    elif not path.is_dir():
        yield path
    else:
        files = [file for file in path.rglob("*") if _is_dump(file, path)]
        if not files:
            reason = "This folder holds no *.yaml, *.yml or *.json file."
            problems.append(Problem(Place(str(path)), reason))
        yield from sorted(files)


def _is_dump(file: Path, folder: Path) -> bool:
    """Hidden files and folders are of other programs: `.gitlab-ci.yml`, `._networks.yaml`."""
    inside = file.relative_to(folder).parts
    is_hidden = any(part.startswith(".") for part in inside)
    return file.suffix.lower() in SUFFIXES and not is_hidden


def text_of(path: Path) -> str:
    """The file's text. Raises Unreadable if it is not UTF-8 text of a bearable size."""
    content = _bytes_of(path)
    if len(content) > MAX_BYTES:
        limit = MAX_BYTES // 1024**2
        raise Unreadable(f"The file has more than {limit} MiB; split it into several files.")
    if b"\0" in content:
        raise Unreadable("The file is binary or UTF-16; write YAML as UTF-8 text.")
    try:
        return _with_pairs_joined(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable("The file is not UTF-8 text; convert it first.", line) from error


def _bytes_of(path: Path) -> bytes:
    """What the file holds, of a file that is too large a byte more than is allowed."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("This is not a regular file.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"The file cannot be read: {error.strerror}.") from error


def _with_pairs_joined(text: str) -> str:
    """JSON, where every text stands in double quotes, with each pair of escapes as its character.

    Anything else is left as it is: in YAML a backslash may be just that.
    """
    return _PAIR.sub(_joined, text) if text.lstrip()[:1] in ("[", "{") else text


def _joined(pair: "re.Match[str]") -> str:
    halves = bytes.fromhex(pair[2] + pair[3])
    return pair[1] + halves.decode("utf-16-be")
