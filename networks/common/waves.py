"""How many firewalls a wave has: pure numbers."""

import re
from collections.abc import Sequence

Wave = int | str
REST = "rest"
DEFAULT: list[Wave] = [1, "10%", REST]  # the first one alone, then a tenth, then the rest
MOST_WAVES = 50
LARGEST_WAVE = 1_000_000
_PERCENT = re.compile(r"(100|[1-9]?[0-9])%")
# The same list as people write it.
DEFAULT_TEXT = "1, 10%, rest"
LONGEST_TEXT = 400
_SIZE = r"(1000000|[1-9][0-9]{0,5}|[1-9][0-9]?%|100%|rest)"
TEXT = rf"^{_SIZE}([, ]+{_SIZE}){{0,{MOST_WAVES - 1}}}$"


def problem(waves: object) -> str:
    """What is wrong with the list, as a sentence; empty if nothing is."""
    if not isinstance(waves, list) or not 1 <= len(waves) <= MOST_WAVES:
        return f"Waves are a list of 1 to {MOST_WAVES} sizes, such as [1, '10%', 'rest']."
    for wave in waves:
        if not _is_size(wave):
            return (
                f"{wave!r} is no size of a wave; give a number from 1, a percentage such as '10%',"
                " or 'rest'."
            )
    return ""


def read(text: str) -> list[Wave]:
    """The list in a text, in which commas or spaces are between the sizes."""
    words = [word for word in re.split(r"[,\s]+", text) if word]
    return [int(word) if re.fullmatch("[0-9]{1,7}", word) else word for word in words]


def written(waves: Sequence[Wave]) -> str:
    """The list as a text."""
    return ", ".join(map(str, waves))


def _is_size(wave: object) -> bool:
    if isinstance(wave, str):
        return wave == REST or (_PERCENT.fullmatch(wave) is not None and wave != "0%")
    return type(wave) is int and 1 <= wave <= LARGEST_WAVE  # True is an int too, but no size


def sizes(waves: Sequence[Wave], total: int) -> list[int]:
    """The size of each wave that is not empty; what the waves leave over comes last, together."""
    result = []
    remaining = total
    for wave in [*waves, REST]:
        size = min(remaining, _size(wave, total, remaining))
        if size:
            result.append(size)
        remaining -= size
    return result


def _size(wave: Wave, total: int, remaining: int) -> int:
    """In firewalls; a percentage is of all, rounded up."""
    if isinstance(wave, int):
        return wave
    if wave == REST:
        return remaining
    percent = int(wave.removesuffix("%"))
    return -(-total * percent // 100)
