"""The tests of machines over REST, through the client that is generated from the schema."""

import pytest

from tests.machines import test_api
from tests.machines.test_api import *
from tests.schema.client import Generated, through_the_client


@pytest.fixture(autouse=True)
def _generated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    through_the_client(tmp_path_factory)
    monkeypatch.setattr(test_api, "Api", Generated)
