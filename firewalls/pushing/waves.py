"""How many firewalls a wave has: pure numbers."""

import re
from collections.abc import Sequence

Wave = int | str
REST = "rest"
DEFAULT: list[Wave] = [1, "10%", REST]  # the first one alone, then a tenth, then the rest
_PERCENT = re.compile(r"(100|[1-9]?[0-9])%")
LARGEST, MOST = 1_000_000, 50


def problem(waves: object) -> str:
    """What is wrong with the list, as a sentence; empty if nothing is."""
    if not isinstance(waves, list) or not 1 <= len(waves) <= MOST:
        return f"Waves are a list of 1 to {MOST} sizes, such as [1, '10%', 'rest']."
    for wave in waves:
        if type(wave) is int and 1 <= wave <= LARGEST:
            continue
        if not isinstance(wave, str) or not (
            wave == REST or (_PERCENT.fullmatch(wave) and wave != "0%")
        ):
            return f"{wave!r} is no size of a wave; give a number from 1, a percentage such as '10%', or 'rest'."
    return ""


def sizes(waves: Sequence[Wave], total: int) -> list[int]:
    """The size of each wave that has anybody in it; what the waves leave over comes last, together."""
    found, left = [], total
    for wave in [*waves, REST]:
        size = min(left, _size(wave, total, left))
        if size:
            found.append(size)
        left -= size
    return found


def _size(wave: Wave, total: int, left: int) -> int:
    if isinstance(wave, int):
        return wave
    return left if wave == REST else -(-total * int(wave.removesuffix("%")) // 100)
