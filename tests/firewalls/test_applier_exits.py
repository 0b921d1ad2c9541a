"""Every way through the applier and every sentence it has, by each interpreter found here."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.firewalls.broken_boxes import Box, Ground
from tests.firewalls.odd_boxes import ALL
from tests.firewalls.running import interpreters

AT_ONCE = 10
LONGEST = "all is otherwise"  # half a minute, so it begins first


class Seen(NamedTuple):
    """What came of all the situations with one interpreter."""

    ground: Ground
    boxes: list[Box]
    wrong: dict[str, str]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Of all interpreters at once: five sixths of the time somebody waits, for what is to fail."""
    grounds = {
        name: Ground(tmp_path_factory.mktemp(name), path) for name, path in interpreters().items()
    }
    kinds = sorted(ALL, key=lambda kind: kind != LONGEST)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            name: {kind: pool.submit(happen, ground, kind) for kind in kinds}
            for name, ground in grounds.items()
        }
        ended = {
            name: {kind: happening.result() for kind, happening in of.items()}
            for name, of in running.items()
        }
    return {
        name: Seen(
            grounds[name],
            [box for box, _ in results.values()],
            {kind: wrong for kind, (_, wrong) in results.items() if wrong},
        )
        for name, results in ended.items()
    }


def happen(ground: Ground, kind: str) -> tuple[Box, str]:
    """The box to which this has happened, and what went wrong."""
    box = ground.box(kind)
    try:
        ALL[kind](box)
    except Exception as error:  # told with all the others
        return box, f"{type(error).__name__}: {error}"
    return box, ""


@pytest.fixture(params=interpreters())
def seen(request: pytest.FixtureRequest, every: dict[str, Seen]) -> Seen:
    return every[request.param]


def test_every_situation_ends_as_it_should(seen: Seen) -> None:
    assert not seen.wrong, "\n".join(f"{kind}: {wrong}" for kind, wrong in seen.wrong.items())


def test_every_way_is_gone(seen: Seen) -> None:
    gone = {int(number) for box in seen.boxes for number in box.trace.read_text().split()}
    ways = seen.ground.sources.ways
    untrodden = [str(way) for number, way in enumerate(ways) if number not in gone]
    assert len(ways) > 300 and not untrodden, "provoked by nothing:\n" + "\n".join(untrodden)


def test_every_sentence_is_said(seen: Seen) -> None:
    sentences = seen.ground.sources.sentences
    heard = [text for box in seen.boxes for text in box.heard]
    unheard = [str(one) for one in sentences if not any(one.is_in(text) for text in heard)]
    assert len(sentences) > 50 and not unheard, "provoked by nothing:\n" + "\n".join(unheard)
