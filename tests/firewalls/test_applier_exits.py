"""Every way through the applier and every sentence it has, by each interpreter found here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.firewalls.broken_boxes import Box, Ground
from tests.firewalls.odd_boxes import ALL
from tests.firewalls.running import interpreters


class Seen(NamedTuple):
    """What came of all the situations with one interpreter."""

    ground: Ground
    boxes: list[Box]
    wrong: dict[str, str]


@pytest.fixture(scope="module", params=interpreters())
def seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seen]:
    ground = Ground(tmp_path_factory.mktemp(request.param), interpreters()[request.param])

    def happen(kind: str) -> tuple[Box, str]:
        box = ground.box(kind)
        try:
            ALL[kind](box)
        except Exception as error:  # told with all the others
            return box, f"{type(error).__name__}: {error}"
        return box, ""

    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(ALL, pool.map(happen, ALL), strict=True))
    yield Seen(
        ground,
        [box for box, _ in results.values()],
        {kind: wrong for kind, (_, wrong) in results.items() if wrong},
    )


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
