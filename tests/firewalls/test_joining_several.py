"""Several firewalls join a network together: all of it is shown before, and it is all or none."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError

from firewalls.allocation import join
from firewalls.allocation.joining import join_several
from firewalls.models import Attachment, Firewall, Rollout
from networks.models import Activity, Address, Network
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
PAGE = "/networks/store/join/several/"


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("store", fra.storage, shared=True)
    return fra


def consumers(fra: World, number: int, host: str = "192.0.2.7") -> list[Firewall]:
    return [
        fra.firewall(f"fw{place}", fra.shop, fra.private(f"net{place}", fra.shop), host=host)
        for place in range(number)
    ]


def guard(fra: World) -> Firewall:
    """One that guards the network itself, so it cannot join it."""
    return fra.firewall("guard", fra.storage, Network.objects.get(pk="store"), host="192.0.2.7")


def query(walls: list[Firewall]) -> str:
    return "&".join(f"firewall={wall.pk}" for wall in walls)


def ids(walls: list[Firewall]) -> dict[str, list[str]]:
    return {"firewall": [str(wall.pk) for wall in walls]}


class TestTheReview:
    def test_shows_who_gets_which_address_what_opens_and_what_is_left(self, fra: World) -> None:
        page = visitor("operator").get(f"{PAGE}?{query(consumers(fra, 3))}")
        taken = Address.objects.filter(prefix__network="store")
        assert says(page, "Join 3 firewalls to store") and not taken.exists()
        for place in range(3):
            assert says(page, f"fw{place} ") and says(page, f"net{place}")
        assert says(page, "1,019 of IPv4"), "of 1,022"
        assert says(page, "3 gained, 0 lost")
        assert says(page, "Configurations that change")

    def test_says_who_is_refused_and_why_and_leaves_them_out(self, fra: World) -> None:
        one, two = consumers(fra, 2)
        store = Network.objects.get(pk="store")
        join(two, store)
        page = visitor("operator").get(f"{PAGE}?{query([one, two, guard(fra)])}")
        assert says(page, "Join 1 firewall to store") and says(page, "May not join 2")
        assert says(page, "The firewall has joined this network already")
        assert f'value="{one.pk}"' in page.content.decode()
        assert f'value="{two.pk}"' not in page.content.decode()

    def test_refuses_those_for_which_no_address_is_left(self, fra: World) -> None:
        tiny = fra.private("tiny", fra.storage, prefix_length={4: 29})
        tiny.share("ada")
        walls = consumers(fra, 8)
        page = visitor("operator").get(f"/networks/tiny/join/several/?{query(walls)}")
        assert says(page, "Join 6 firewalls to tiny") and says(page, "May not join 2")
        assert words(page).count("tiny has no free IPv4 address left") == 2

    def test_changes_nothing(self, fra: World) -> None:
        visitor("operator").get(f"{PAGE}?{query(consumers(fra, 2))}")
        assert not Attachment.objects.filter(network="store").exists()

    def test_takes_as_many_queries_of_its_own_for_two_as_for_six(self, fra: World) -> None:
        """Each that joins takes its own; the page itself does not grow."""
        walls = consumers(fra, 6)
        client = visitor("operator")
        numbers = [queries(client, f"{PAGE}?{query(walls[:n])}") for n in (2, 4, 6)]
        assert numbers[2] - numbers[1] == numbers[1] - numbers[0]

    def test_of_nobody_leads_back_to_the_choice(self, fra: World) -> None:
        for sent in ("", "?firewall=nonsense"):
            answer = visitor("operator").get(f"{PAGE}{sent}")
            assert answer.status_code == 302 and answer["Location"] == "/networks/store/join/"

    def test_is_for_operators(self, fra: World) -> None:
        walls = consumers(fra, 2)
        assert visitor("viewer").get(f"{PAGE}?{query(walls)}").status_code == 403
        assert visitor("viewer").post(PAGE, ids(walls)).status_code == 403


class TestJoining:
    def test_offers_one_rollout_of_exactly_these(self, fra: World) -> None:
        walls = consumers(fra, 3)
        client = visitor("operator")
        answer = client.post(PAGE, ids(walls))
        assert answer.status_code == 302
        where = urlsplit(answer["Location"])
        assert where.path == "/rollouts/new/"
        assert parse_qs(where.query)["firewall"] == [str(wall.pk) for wall in walls]
        offered = client.get(answer["Location"])
        assert says(offered, "Roll out to 3 firewalls") and not Rollout.objects.exists()
        assert 'value="store for its new consumers"' in offered.content.decode()
        assert Attachment.objects.filter(network="store").count() == 3

    def test_is_one_story_and_one_cause(self, fra: World) -> None:
        join_several(consumers(fra, 3), Network.objects.get(pk="store"), by="ada")
        rows = Activity.objects.filter(kind="attachment", operation="3 firewalls joined store")
        assert rows.count() == 3
        causes = set(Firewall.objects.values_list("wanted__cause", flat=True))
        assert causes == {"3 firewalls joined store"}

    def test_is_for_all_or_for_none(self, fra: World) -> None:
        one, two = consumers(fra, 2)
        wall = guard(fra)
        page = visitor("operator").post(PAGE, ids([one, wall, two]))
        assert says(page, "None of them joined: it is all of them or none.", 422)
        assert says(page, "guard: ", 422)
        assert not Attachment.objects.filter(network="store").exists()
        assert not Address.objects.filter(prefix__network="store", kind="ephemeral").filter(
            machine__in=[one.pk, two.pk]
        )

    def test_names_each_that_was_refused(self, fra: World) -> None:
        one, two = consumers(fra, 2)
        store = Network.objects.get(pk="store")
        for wall in (one, two):
            join(wall, store)
        with pytest.raises(ValidationError) as caught:
            join_several([one, two], store)
        sentences = caught.value.message_dict["firewalls"]
        assert [sentence.partition(":")[0] for sentence in sentences] == ["fw0", "fw1"]

    def test_leads_to_the_network_where_none_of_them_can_be_pushed_to(self, fra: World) -> None:
        answer = visitor("operator").post(PAGE, ids(consumers(fra, 2, host="")))
        assert answer["Location"] == "/networks/store/"


class TestTheChoice:
    def test_has_a_box_for_each_that_may_join_and_none_for_others(self, fra: World) -> None:
        one, two = consumers(fra, 2)
        wall = guard(fra)
        text = visitor("operator").get("/networks/store/join/?why=1").content.decode()
        boxes = {pk for pk in (one.pk, two.pk, wall.pk) if f'name="firewall" value="{pk}"' in text}
        assert boxes == {one.pk, two.pk} and f'action="{PAGE}"' in text
