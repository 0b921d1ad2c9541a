"""How wide texts are, and how they are shortened: SVG breaks no lines and cuts nothing off.

The widths are those of a wide typeface (DejaVu), so that a text fits in any other one too.
"""

from collections.abc import Sequence

TITLE, SMALL = 8.3, 6.4  # px of an average letter: 13 px half-bold sans, 10.5 px mono
DOTS = "…"
_LEAST = 3  # letters that are left of a text at least


def width(text: str, letter: float) -> float:
    """How wide it is, in px."""
    return len(text) * letter


def shortened(text: str, room: float, letter: float) -> str:
    """The text, or its beginning and its end, in which names differ, as far as there is room."""
    most = max(_LEAST, int(room / letter))
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return text[: most - 1 - end] + DOTS + text[len(text) - end :]


def several(number: int, thing: str) -> str:
    """A number of things, in words: `1 machine`, `1,204 machines`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def fitting(texts: Sequence[str], room: float, letter: float, apart: float) -> list[str]:
    """As many of these as fit beside each other, and how many do not."""
    shown: list[str] = []
    for place, text in enumerate(texts):
        left = len(texts) - place - 1
        kept = width(f"+{left}", letter) + apart if left else 0
        if width(text, letter) + apart + kept > room:
            if not shown and room > apart + kept:
                shown.append(shortened(text, room - apart - kept, letter))
                return [*shown, f"+{left}"] if left else shown
            return [*shown, f"+{left + 1}"]
        shown.append(text)
        room -= width(text, letter) + apart
    return shown
