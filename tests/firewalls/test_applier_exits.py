"""Every way out of the applier, under every shell, and every sentence it has."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import needs
from tests.firewalls.broken_boxes import Box, Ground
from tests.firewalls.exits import Script
from tests.firewalls.exits_in_the_way import SITUATIONS
from tests.firewalls.running import SHELLS


class Seen(NamedTuple):
    """What came of all the situations under one shell."""

    ground: Ground
    boxes: list[Box]
    wrong: dict[str, str]


@pytest.fixture(scope="module", params=SHELLS)
def seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seen]:
    needs(request.param, "flock")
    ground = Ground(tmp_path_factory.mktemp(request.param), request.param)

    def happen(kind: str) -> tuple[Box, str]:
        box = ground.box(kind)
        try:
            SITUATIONS[kind](box)
        except Exception as error:  # told with all the others
            return box, f"{type(error).__name__}: {error}"
        return box, ""

    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(SITUATIONS, pool.map(happen, SITUATIONS), strict=True))
    yield Seen(
        ground,
        [box for box, _ in results.values()],
        {kind: wrong for kind, (_, wrong) in results.items() if wrong},
    )


def test_every_situation_ends_as_it_should(seen: Seen) -> None:
    assert not seen.wrong, "\n".join(f"{kind}: {wrong}" for kind, wrong in seen.wrong.items())


def test_every_way_out_is_taken(seen: Seen) -> None:
    taken = {int(number) for box in seen.boxes for number in box.trace.read_text().split()}
    ways = seen.ground.script.ways()
    unseen = [str(way) for number, way in enumerate(ways) if number not in taken]
    assert len(ways) > 90 and not unseen, "provoked by nothing:\n" + "\n".join(unseen)


def test_every_sentence_is_said(seen: Seen) -> None:
    sentences = seen.ground.script.sentences()
    heard = [text for box in seen.boxes for text in box.heard]
    unheard = [str(said) for said in sentences if not any(said.heard_in(text) for text in heard)]
    assert len(sentences) > 50 and not unheard, "provoked by nothing:\n" + "\n".join(unheard)


SCRIPT = """#!/bin/sh
one() { # return 1
    [ "$1" = 'return 2' ] || return 3
    said="$(case $1 in (a) : ;; b) exit 4 ;; esac; echo "${2:-"exit 5"}$((1+1))\\"q\\"")" ||
        { echo "It is $1 for $(two "x")."; return; }
    while [ $# -gt 0 ]; do case $1 in x) break ;; esac; done; if true; then return $said; fi
}
refuse() { echo "$1" >&2; exit 6; }
case $1 in one) one 'I am no exit 7, but a sentence.' || refuse 'No more of this' ;; esac
"""


def test_ways_and_sentences_are_told_from_quoted_text_and_comments(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    script = Script(SCRIPT)
    assert [(way.line, way.function, way.text.strip()) for way in script.ways()] == [
        (3, "one", "return 3"),
        (4, "one", "exit 4"),
        (5, "one", "return"),
        (6, "one", "break"),
        (6, "one", "return $said"),
        (8, "refuse", "exit 6"),
        (9, "the words", "refuse 'No more of this'"),
    ]
    assert list(map(str, script.sentences())) == [
        "It is … for ….",
        "I am no exit 7, but a sentence.",
        "No more of this",
    ]
    (tmp_path / "traced.sh").write_text(script.traced())
    command, env = (
        [*shell["shell"].split(), str(tmp_path / "traced.sh"), "one"],
        {**os.environ, "APPLIER_TRACE": str(tmp_path / "trace")},
    )
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (6, "No more of this\n") and (
        tmp_path / "trace"
    ).read_text() == "0\n6\n5\n"
