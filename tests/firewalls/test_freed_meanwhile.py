"""A firewall that was freed between the moment it was read and the moment something is done to it.

Not even its name can be read any more: what is done is refused with a sentence, and does not fail.
"""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from firewalls.allocation import free_firewall, join, leave
from firewalls.intent import revisions
from firewalls.models import Firewall, Push
from firewalls.pushing import asking
from networks.models import Network
from tests.pages import visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def freed(fra: World) -> Firewall:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    read = Firewall.objects.get(pk=firewall.pk)
    free_firewall(firewall)
    return read


@pytest.mark.parametrize(
    "work",
    [
        join,
        leave,
        lambda firewall, network: Push.objects.enqueue(firewall),
    ],
    ids=["join", "leave", "push"],
)
def test_what_is_done_to_it_is_refused(
    fra: World, freed: Firewall, work: Callable[[Firewall, Network], object]
) -> None:
    storage = fra.private("storage", fra.storage, shared=True)
    with pytest.raises(ValidationError) as refused:
        work(freed, storage)
    assert refused.value.message_dict == {"firewall": [f"firewall {freed.pk} was freed meanwhile."]}


def test_the_page_that_asks_for_a_push_says_that_it_is_gone(
    fra: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    revisions.refresh([firewall.pk], cause="a test")
    revision = Firewall.objects.get(pk=firewall.pk).wanted
    assert revision

    def freed_first(asked: Firewall, **_: object) -> Push:
        free_firewall(Firewall.objects.get(pk=asked.pk))
        raise ValidationError({"firewall": f"firewall {asked.pk} was freed meanwhile."})

    monkeypatch.setattr(asking, "ask", freed_first)
    place = f"/firewalls/{firewall.pk}/push/"
    for given in ({}, {"revision": str(revision.number)}):
        assert visitor("operator").post(place, given).status_code == 404


def test_it_is_asked_for_a_push_by_what_was_read_of_it(fra: World) -> None:
    """Of its configuration, that is only which one; what it says is read when it is asked for."""
    firewall = fra.firewall("fw", fra.shop, fra.private("shop", fra.shop))
    Firewall.objects.filter(pk=firewall.pk).update(practice=False, host="192.0.2.9")
    revisions.refresh([firewall.pk], cause="a test")
    read = Firewall.objects.with_relations().defer("wanted__files").get(pk=firewall.pk)
    free_firewall(firewall)
    with pytest.raises(ValidationError) as refused:
        asking.ask(read, by="somebody")
    assert refused.value.message_dict == {"firewall": ["fw was freed meanwhile."]}


def test_it_is_freed_already(freed: Firewall) -> None:
    assert free_firewall(freed) is None
