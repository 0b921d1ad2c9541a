"""Pages and exports travel compressed to whoever takes that; what the API answers does not."""

import gzip

import pytest
from django.test import Client

from tests.api import Api
from tests.pages import visitor
from tests.world import world

pytestmark = pytest.mark.django_db
TAKES_IT = {"accept-encoding": "gzip"}


@pytest.fixture
def viewer() -> Client:
    world()
    return visitor("viewer")


@pytest.mark.parametrize("address", ["/networks/", "/networks/?format=csv"])
def test_pages_are_compressed_for_whoever_takes_that(viewer: Client, address: str) -> None:
    plain = viewer.get(address)
    packed = viewer.get(address, headers=TAKES_IT)
    assert not plain.has_header("Content-Encoding")
    assert packed["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed["Vary"]
    sent = b"".join(packed) if packed.streaming else packed.content
    said = b"".join(plain) if plain.streaming else plain.content
    assert gzip.decompress(sent)[:100] == said[:100]
    assert len(said) < 2000 or len(sent) < len(said) / 3


def test_the_api_answers_as_ever() -> None:
    place = f"networks/{world().internet.pk}/"
    answer = Api("viewer").get(place)
    again = Api("viewer").get(place, **TAKES_IT)
    assert answer.status_code == 200 and len(answer.content) > 300
    assert not again.has_header("Content-Encoding") and again["ETag"] == answer["ETag"]
