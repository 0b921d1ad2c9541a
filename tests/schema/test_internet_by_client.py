"""The tests of ways to the internet, through the client that is generated from the schema."""

import pytest

from tests.firewalls import test_internet_api
from tests.firewalls.test_internet_api import *
from tests.schema.client import Generated, through_the_client


@pytest.fixture(autouse=True)
def _generated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    through_the_client(tmp_path_factory)
    monkeypatch.setattr(test_internet_api, "Api", Generated)
