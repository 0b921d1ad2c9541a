"""Unlike firewalls of one network, as pages and REST tell of them, and what joining changes."""

from typing import Any

import pytest

from firewalls import tasks
from firewalls.allocation import join, leave
from firewalls.intent.siblings import siblings
from firewalls.models import Firewall
from firewalls.pushing import holding
from networks.models import Network
from tests.api import Api, codes
from tests.networks.test_api import queries as queries_of
from tests.pages import queries, says, visitor
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
FRR = "/etc/frr/frr.conf"
STORAGE = "fw-a leads to storage by IPv4; fw-b does not."
OUTSIDE = "fw-b leads outside through internet-fra by IPv4; fw-a does not."


@pytest.fixture
def fra() -> World:
    """One of two firewalls leads to storage, the other one outside."""
    fra = world()
    shop = fra.private("shop", fra.shop)
    storage = fra.private("storage", fra.storage, shared=True)
    fra.private("backup", fra.storage, shared=True)
    fra.firewall("fw-a", fra.shop, shop, storage)
    fra.firewall("fw-b", fra.shop, shop, fra.internet)
    fra.firewall("stranger", fra.shop, fra.private("other", fra.shop), storage)
    tasks.reconcile()
    return fra


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


def firewall(name: str) -> Firewall:
    return Firewall.objects.with_relations().get(machine__name=name)


def url(name: str, *path: str) -> str:
    return "/".join(["/firewalls", str(firewall(name).pk), *path, ""])


class TestFreeing:
    def test_shows_what_changes_on_siblings_before_it_is_done(self, fra: World) -> None:
        """The one that stays is alone then: nothing is announced any more but by its default."""
        page = visitor("operator").get(url("fw-b", "free"))
        assert says(page, "Changes as well fw-a as shown below")
        assert says(page, "network 0.0.0.0/0 route-map floating")
        assert not says(page, "stranger")
        assert Firewall.objects.count() == 3

    def test_of_one_that_is_alone_changes_nobody(self, fra: World) -> None:
        assert not says(visitor("operator").get(url("stranger", "free")), "Changes as well")

    def test_says_at_once_what_forbids_it(self, fra: World) -> None:
        holding.hold(firewall("fw-b"), by="ada", reason="the vendor looks into it")
        page = visitor("operator").get(url("fw-b", "free"))
        assert says(page, "fw-b is held by ada") and not says(page, "Changes as well")


class TestWhatDiffers:
    def test_each_difference_says_who_leads_there_and_what_makes_them_alike(
        self, fra: World
    ) -> None:
        found = {one.network.pk: one for one in siblings(net("shop")).differences}
        assert {pk: one.message for pk, one in found.items()} == {
            "storage": STORAGE,
            "internet-fra": OUTSIDE,
        }
        assert [remedy.message for one in found.values() for remedy in one.remedies] == [
            "Join fw-a to internet-fra",
            "Join fw-b to storage",
        ]

    def test_its_remedies_make_them_alike(self, fra: World) -> None:
        while differences := siblings(net("shop")).differences:
            remedy = differences[0].remedies[0]
            join(remedy.firewall, remedy.network)
        together = siblings(net("shop")).firewalls
        assert len({sibling.offer for sibling in together}) == 1

    def test_those_of_one_that_is_alone_or_of_alike_ones_are_none(self, fra: World) -> None:
        assert siblings(net("other")).differences == ()
        assert siblings(net("storage")).firewalls == ()

    def test_another_way_outside_is_one(self, fra: World) -> None:
        """What counts is that there is a default route, not through which network."""
        leave(firewall("fw-a"), net("storage"))
        other = Network(
            id="mpls", kind="external", vrf=7, nat=True, destination_prefixes=["0.0.0.0/0"]
        )
        other.save(force_insert=True)
        other.prefixes.create(cidr="198.51.100.0/24")
        join(firewall("fw-a"), other)
        assert siblings(net("shop")).differences == ()

    def test_three_are_counted_up(self, fra: World) -> None:
        fra.firewall("fw-c", fra.shop, net("shop"), net("storage"))
        messages = [one.message for one in siblings(net("shop")).differences]
        assert "fw-a and fw-c lead to storage by IPv4; fw-b does not." in messages
        assert "fw-b leads outside through internet-fra by IPv4; fw-a and fw-c do not." in messages


class TestPages:
    def test_the_page_of_the_network_offers_to_make_them_alike(self, fra: World) -> None:
        page = visitor("operator").get("/networks/shop/firewalls/")
        assert says(page, STORAGE) and says(page, OUTSIDE)
        assert url("fw-b", "join", "storage") in page.content.decode()
        assert url("fw-a", "join", "internet-fra") in page.content.decode()
        assert "/networks/shop/firewalls/" in visitor().get("/networks/shop/").content.decode()

    def test_the_part_comes_alone(self, fra: World) -> None:
        headers = {"HX-Request": "true", "HX-Target": "siblings"}
        part = visitor().get("/networks/shop/firewalls/", headers=headers)
        assert part.content.strip().startswith(b'<section id="siblings"')

    def test_whoever_may_not_join_is_told_who_may(self, fra: World) -> None:
        page = visitor().get("/networks/shop/firewalls/")
        assert says(page, STORAGE) and says(page, "takes the role operator")
        assert "Join fw-b" not in page.content.decode()

    def test_the_firewall_says_so_itself(self, fra: World) -> None:
        page = visitor("operator").get(url("fw-a"))
        assert says(page, "It is unlike the other firewalls of shop") and says(page, STORAGE)
        assert not says(visitor().get(url("stranger")), "unlike")

    def test_joining_shows_what_changes_on_the_other(self, fra: World) -> None:
        """Once they are alike, fw-a needs no route to storage announced, but its default."""
        join(firewall("fw-a"), fra.internet)
        page = visitor("operator").get(url("fw-b", "join", "storage"))
        assert says(page, "Other firewalls that change") and says(page, "They become pending")
        shown = page.content.decode().split("Other firewalls that change")[1]
        assert "<h3>fw-a</h3>" in shown and "+  network 0.0.0.0/0 route-map floating" in shown
        assert says(page, "Changes as well fw-a as shown below") and "stranger" not in shown

    def test_leaving_shows_it_too(self, fra: World) -> None:
        join(firewall("fw-a"), fra.internet)
        join(firewall("fw-b"), net("storage"))
        tasks.reconcile()
        page = visitor("operator").get(url("fw-b", "leave", "storage"))
        shown = page.content.decode().split("Other firewalls that change")[1]
        assert "<h3>fw-a</h3>" in shown and "-  network 0.0.0.0/0 route-map floating" in shown
        assert says(page, "comes before that of fw-b")

    def test_they_take_the_same_number_of_queries_for_any_number_of_firewalls(
        self, fra: World
    ) -> None:
        client = visitor("operator")
        places = ["/networks/shop/firewalls/", url("fw-a"), url("fw-b", "join", "storage")]
        few = [queries(client, place) for place in places]
        for number in range(4):
            fra.firewall(f"more-{number}", fra.shop, net("shop"), net("backup"), fra.internet)
        tasks.reconcile()
        assert [queries(client, place) for place in places] == few


class TestRest:
    def test_the_network_says_in_what_its_firewalls_differ(self, fra: World) -> None:
        answer: dict[str, Any] = Api().get("networks/shop/firewalls/").json()
        assert answer["alike"] is False
        assert [
            (one["name"], one["shared"], one["externals"], one["outside"])
            for one in answer["firewalls"]
        ] == [("fw-a", ["storage"], [], []), ("fw-b", [], ["internet-fra"], [4])]
        (storage,) = (one for one in answer["differences"] if one["network"] == "storage")
        assert storage == {
            "network": "storage",
            "families": [4],
            "having": ["fw-a"],
            "lacking": ["fw-b"],
            "message": STORAGE,
            "remedies": [
                {
                    "message": "Join fw-b to storage",
                    "action": "join",
                    "firewall": str(firewall("fw-b").pk),
                    "network": "storage",
                    "url": url("fw-b", "join", "storage"),
                    "role": "operator",
                }
            ],
        }

    def test_one_alone_is_like_itself(self, fra: World) -> None:
        answer = Api().get("networks/other/firewalls/").json()
        assert answer["alike"] is True and answer["differences"] == []
        assert Api().get("networks/nope/firewalls/").status_code == 404

    def test_joining_and_leaving_are_foreseen_on_all_of_them(self, fra: World) -> None:
        api = Api("operator")
        join(firewall("fw-a"), fra.internet)
        tasks.reconcile()
        path = f"firewalls/{firewall('fw-b').pk}/attachments/"
        joining = api.get(f"{path}?network=storage").json()
        assert joining["addresses"] == ["10.128.4.3"]
        assert [change["name"] for change in joining["changes"]] == ["fw-a", "fw-b"]
        assert "route-map floating" in joining["changes"][0]["diffs"][FRR]
        before = wanted("fw-a")
        assert api.post(path, {"network": "storage"}).status_code == 201
        tasks.reconcile()
        assert wanted("fw-a") != before
        leaving = api.get(f"{path}storage/").json()
        assert leaving["addresses"] == ["10.128.4.3"]
        assert [change["name"] for change in leaving["changes"]] == ["fw-a", "fw-b"]
        assert firewall("fw-b").attachments.filter(network="storage").exists()

    def test_what_is_refused_is_refused_in_the_same_words(self, fra: World) -> None:
        api, path = Api("operator"), f"firewalls/{firewall('fw-a').pk}/attachments/"
        for query, body in (
            ("?network=storage", {"network": "storage"}),
            ("?network=nope", {"network": "nope"}),
            ("", {}),
            (
                "?network=backup&addresses=10.9.9.9",
                {"network": "backup", "addresses": ["10.9.9.9"]},
            ),
        ):
            assert codes(api.get(path + query)) == codes(api.post(path, body))
        assert codes(api.get(f"{path}?network=backup&adresses=x")) == {
            "adresses": ["unknown_parameter"]
        }
        assert api.get(f"{path}backup/").status_code == 404
        assert Api("viewer").get(f"{path}?network=backup").status_code == 403
        assert Api("viewer").get(f"{path}storage/").status_code == 403

    def test_it_takes_the_same_number_of_queries_for_any_number(self, fra: World) -> None:
        few = queries_of(lambda: siblings(net("shop")))
        for number in range(4):
            fra.firewall(f"more-{number}", fra.shop, net("shop"), net("backup"), fra.internet)
        assert queries_of(lambda: siblings(net("shop"))) == few


def wanted(name: str) -> str:
    revision = firewall(name).wanted
    assert revision is not None
    return revision.digest
