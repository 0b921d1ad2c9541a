"""The lab takes some minutes, so it is collected only by `make test-lab` and `make lab-full`."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import stack
from tests.lab import running
from tests.lab.captures import captured
from tests.lab.image import missing
from tests.lab.running import Lab

# By LAB: "1" is `make test-lab`, "short" a part of that, "full" is `make lab-full`.
SHORT = ("test_lab.py", "test_story.py")
LONGER = ("test_externals.py", "test_full.py", "test_takeover.py")
NOT_COLLECTED = {
    "": ["test_*"],
    "short": [path.name for path in Path(__file__).parent.glob("test_*") if path.name not in SHORT],
    "1": [*LONGER],
    "full": [],
}
collect_ignore_glob = NOT_COLLECTED[os.environ.get("LAB", "")]
KEPT = Path(os.environ.get("LAB_KEPT") or stack.ROOT / "var" / "lab")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A running lab; what it leaves for reading is kept until the next one."""
    if lacking := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    shutil.rmtree(KEPT, ignore_errors=True)
    var = Path(tempfile.mkdtemp(prefix="sn-lab-"))
    try:
        with running.lab(KEPT, var) as started, captured(started):
            yield started
    finally:
        shutil.rmtree(var, ignore_errors=True)
