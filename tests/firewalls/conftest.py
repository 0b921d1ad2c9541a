"""What the tests of the applier share."""

from pathlib import Path

import pytest

from firewalls.device import practice
from tests.firewalls.running import interpreters


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return practice.ensure_root(tmp_path, "box")


@pytest.fixture(params=interpreters())
def python(request: pytest.FixtureRequest) -> dict[str, str]:
    """How to run the applier: with each interpreter of a firewall that is found here."""
    return {"interpreter": interpreters()[request.param]}
