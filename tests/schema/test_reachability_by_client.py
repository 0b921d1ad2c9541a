"""The tests of who reaches whom over REST, through the client that is generated from the schema."""

import pytest

from tests.firewalls import test_reachability_api
from tests.firewalls.test_reachability_api import *
from tests.schema.client import Generated, through_the_client


@pytest.fixture(autouse=True)
def _generated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    through_the_client(tmp_path_factory)
    monkeypatch.setattr(test_reachability_api, "Api", Generated)
