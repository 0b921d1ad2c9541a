"""`make bench BENCH=foresee`: what it measures; its figures no test judges."""

import pytest

from config.demo.large.sizes import sized
from networks.models import Network
from tests.bench import asking
from tests.bench.foreseeing import foresee


@pytest.mark.django_db(transaction=True)
def test_who_reaches_a_network_and_what_sharing_one_changes_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "SIZE", sized(0.02))
    reached, sharing = foresee()
    assert (reached["what"], sharing["what"]) == ("reached", "sharing")
    assert reached["found"] and reached["queries"] and sharing["queries"]
    assert not Network.objects.exists()
