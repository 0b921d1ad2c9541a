"""Pages about firewalls: joining, leaving and pushing, shown before they happen, and by whom."""

import csv
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from firewalls.allocation import join, replace_rules
from firewalls.models import Attachment, Firewall, Push, Revision
from networks.models import Address, Network
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def store(fra: World) -> Network:
    made = fra.private("store", fra.storage)
    made.share("ada", "backups")
    return made


@pytest.fixture
def shop_fw(fra: World) -> Firewall:
    return fra.firewall(
        "shop-fw",
        fra.shop,
        fra.private("shop", fra.shop),
        fra.internet,
        host="192.0.2.7",
        user="metal",
    )


def url(firewall: Firewall, *path: str) -> str:
    return "/".join(["/firewalls", str(firewall.pk), *path, ""])


def joined(firewall: Firewall) -> set[str]:
    return set(
        firewall.attachments.filter(network__kind="private").values_list("network", flat=True)
    )


class TestWhoMayDoWhat:
    @pytest.mark.parametrize(
        "path",
        [
            "",
            "config/",
            "diff/",
            "join/",
            "join/store/",
            "leave/store/",
            "push/",
            "config/download/",
        ],
    )
    def test_a_stranger_is_sent_to_the_login(self, shop_fw: Firewall, path: str) -> None:
        answer = Client().get(url(shop_fw) + path)
        assert answer.status_code == 302 and answer["Location"].startswith("/login/?next=")

    @pytest.mark.parametrize(
        "path",
        ["/", "/search/?q=shop", "/firewalls/", "/pushes/3f0e8e5c-8a57-4e9a-9d0c-5d5f8c1f2b11/"],
    )
    def test_a_stranger_is_sent_to_the_login_from_the_other_pages(self, path: str) -> None:
        assert Client().get(path)["Location"].startswith("/login/?next=")

    def test_a_viewer_sees_everything_and_is_offered_nothing(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        join(shop_fw, store)
        client = visitor()
        for path in (
            "/",
            "/firewalls/",
            url(shop_fw),
            url(shop_fw, "config"),
            url(shop_fw, "diff"),
            "/networks/store/consumers/",
        ):
            page = client.get(path)
            main = page.content.decode().split("<main")[1].split("</main>")[0]
            assert says(page, "shop-fw")
            assert 'method="post"' not in main and "Leave" not in main and "Join a" not in main

    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("join/", "Joining and leaving networks takes the role operator."),
            ("join/store/", "takes the role operator."),
            ("leave/internet-fra/", "takes the role operator."),
            ("push/", "Pushing takes the role operator."),
            ("check/", "takes the role operator."),
        ],
    )
    def test_a_viewer_who_tries_is_told_which_role_it_takes(
        self, store: Network, shop_fw: Firewall, path: str, sentence: str
    ) -> None:
        assert says(visitor().post(url(shop_fw) + path), sentence, 403)
        assert (
            joined(shop_fw) == set()
            and shop_fw.attachments.filter(network="internet-fra").exists()
            and not Push.objects.exists()
        )

    def test_following_a_link_never_pushes(self, shop_fw: Firewall) -> None:
        page = visitor("operator").get(url(shop_fw, "push"))
        assert page.status_code == 200 and not Push.objects.exists()


class TestJoining:
    def test_the_choices_say_why_the_others_are_closed(
        self, fra: World, store: Network, shop_fw: Firewall
    ) -> None:
        fra.private("more", fra.shop)
        operator = visitor("operator")
        page = operator.get(url(shop_fw, "join"))
        assert says(page, "Choose store") and not says(page, "(R5)")
        assert "?why=1" in page.content.decode()
        page = operator.get(url(shop_fw, "join") + "?why=1")
        assert says(page, "Choose store") and says(
            page, "a firewall joins shared or external networks only (R5)."
        )
        assert says(operator.get("/networks/store/join/"), "Choose shop-fw")

    def test_many_firewalls_come_in_pages_the_open_ones_first_and_are_found_by_name(
        self, fra: World, store: Network, shop_fw: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("firewalls.views.joining.PER_PAGE", 2)
        lone = fra.private("lone", fra.analytics)
        for number in range(3):
            fra.firewall(f"fw{number}", fra.analytics, lone)
        join(fra.firewall("aa-fw", fra.analytics, lone), store)
        operator = visitor("operator")
        first, last = (
            operator.get("/networks/store/join/"),
            operator.get("/networks/store/join/?why=1&page=3"),
        )
        assert (
            says(first, "Choose fw0")
            and says(first, "1 to 2 of 4")
            and says(first, "Why not 1 other?")
            and not says(first, "shop-fw")
            and not says(first, "aa-fw")
        )
        assert says(last, "aa-fw") and says(
            last, "The firewall has joined this network already (R6)."
        )
        by_name = operator.get("/networks/store/join/?q=SHOP%00")
        assert (
            says(by_name, "Choose shop-fw")
            and not says(by_name, "fw0")
            and not says(by_name, "1 to 1 of")
        )
        assert says(
            operator.get("/networks/store/join/?q=nothing&page=x"),
            "No firewall is called like that.",
        )

    def test_many_networks_come_in_pages_and_are_found_by_name_and_prefix(
        self, fra: World, shop_fw: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("firewalls.views.joining.PER_PAGE", 2)
        for number in range(4):
            fra.private(f"net{number}", fra.storage).share("ada")
        own, operator = url(shop_fw, "join"), visitor("operator")
        assert says(operator.get(own), "1 to 2 of 4")
        assert says(operator.get(f"{own}?page=2"), "Choose net3")
        found = operator.get(f"{own}?q=net2")
        assert says(found, "Choose net2") and not says(found, "net1")
        prefix = Network.objects.get(pk="net1").prefixes.get().cidr
        assert says(operator.get(f"{own}?q={prefix}"), "Choose net1")
        assert says(operator.get(f"{own}?q=nothing"), "No network is called like that.")

    def test_looking_at_what_would_change_leaves_nothing_behind(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        before = everything()
        page = visitor("operator").get(url(shop_fw, "join", "store"))
        assert (
            says(page, "10.128.0.1")
            and says(page, "no-export")
            and says(page, "/etc/nftables.conf")
        )
        assert everything() == before

    def test_other_firewalls_that_would_change_are_shown_below(
        self, fra: World, store: Network, shop_fw: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No other one changes by joining today, so here it is made to give another one a rule."""
        other = fra.firewall("other-fw", fra.shop, fra.private("other", fra.shop), fra.internet)
        operator, place = visitor("operator"), url(shop_fw, "join", "store")
        alone = operator.get(place)
        assert not says(alone, "Other firewalls that change") and not says(alone, "other-fw")

        def join_and_open(*args: Any, **kwargs: Any) -> None:
            join(*args, **kwargs)
            replace_rules(other, [{"direction": "egress", "ports": ["4711"]}])

        monkeypatch.setattr("firewalls.previews.join", join_and_open)
        own, heading, others = words(operator.get(place)).partition("Other firewalls that change")
        flow = "gained other → internet-fra tcp/4711"
        assert "10.128.0.1" in own and flow in own and "4711" not in own.replace(flow, "")
        assert heading and "other-fw" in others and "4711" in others

    def test_an_operator_joins_and_pushes_in_one_go(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        answer = visitor("operator").post(url(shop_fw, "join", "store"), {"push": "on"})
        push = Push.objects.get()
        assert answer["Location"] == f"/pushes/{push.pk}/" and (
            push.firewall,
            push.requested_by,
        ) == (shop_fw, "operator")
        assert joined(shop_fw) == {"store"}

    def test_an_operator_joins_and_leaves_the_push_for_later(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        answer = visitor("operator").post(
            url(shop_fw, "join", "store"), {"addresses": "10.128.0.77"}, follow=True
        )
        assert (
            says(answer, "10.128.0.77")
            and b"Its configuration waits to be pushed." in answer.content
        )
        assert joined(shop_fw) == {"store"} and not Push.objects.exists()

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("10.128.0.9", "10.128.0.9"),
            ("10.200.0.1", "10.200.0.1 lies in no prefix of the given networks (store) (R11)."),
            ("10.128.0.0", "is never handed out (R12)."),
            ("ten", "ten is not an address such as 10.128.0.7"),
            ("fe80::1%eth0", "is not an address"),
        ],
    )
    def test_a_wrong_address_is_refused_at_its_field(
        self, fra: World, store: Network, shop_fw: Firewall, typed: str, sentence: str
    ) -> None:
        fra.machine("disk", fra.storage, store, addresses=["10.128.0.9"], auto=False)
        operator, before = visitor("operator"), everything()
        for answer in (
            operator.post(url(shop_fw, "join", "store"), {"addresses": typed}),
            operator.get(url(shop_fw, "join", "store"), {"addresses": typed}),
        ):
            assert answer.status_code == 422 and not answer.context["form"].non_field_errors()
            assert sentence in " ".join(answer.context["form"].errors["addresses"])
            assert (
                b'aria-invalid="true"' in answer.content
                and says(answer, sentence, 422)
                and "Join store" not in buttons(answer)
            )
        assert everything() == before

    def test_a_network_of_another_partition_is_refused(self, fra: World, shop_fw: Firewall) -> None:
        muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        muc.private("far", muc.storage).share("ada")
        self.refused(
            shop_fw, "far", "far is in partition muc and is used only there, not in fra (R2)."
        )

    def test_a_second_unshared_network_is_refused(self, fra: World, shop_fw: Firewall) -> None:
        fra.private("more", fra.shop)
        self.refused(
            shop_fw,
            "more",
            "more is private and not shared;"
            " a firewall joins shared or external networks only (R5).",
        )

    @pytest.mark.parametrize("network", ["super-fra", "underlay-fra"])
    def test_the_pool_and_the_fabric_are_refused(self, shop_fw: Firewall, network: str) -> None:
        self.refused(shop_fw, network, "which is never given explicitly (R8).")

    def test_joining_twice_is_refused(self, store: Network, shop_fw: Firewall) -> None:
        join(shop_fw, store)
        self.refused(shop_fw, "store", "already")

    @staticmethod
    def refused(firewall: Firewall, network: str, sentence: str) -> None:
        operator, before = visitor("operator"), everything()
        for ask in (operator.get, operator.post):
            answer = ask(url(firewall, "join", network))
            assert (
                says(answer, "It cannot join.", 422)
                and says(answer, sentence, 422)
                and f"Join {network}" not in buttons(answer)
            )
        assert everything() == before


class TestSharing:
    def test_the_page_says_that_no_configuration_changes(
        self, fra: World, shop_fw: Firewall
    ) -> None:
        page = visitor("admin").get("/networks/shop/share/")
        assert says(page, "Configurations that change 0") and says(page, "None. Sharing only opens")

    def test_the_page_would_show_a_configuration_that_changes(
        self, fra: World, shop_fw: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """None does today, so here sharing is made to give the network's firewall a rule."""
        share, before = Network.share, everything()

        def share_and_open(network: Network, by: str, reason: str = "") -> None:
            share(network, by, reason)
            replace_rules(shop_fw, [{"direction": "egress", "ports": ["4711"]}])

        monkeypatch.setattr(Network, "share", share_and_open)
        page = visitor("admin").get("/networks/shop/share/")
        assert says(page, "Configurations that change 1 shop-fw") and says(page, "4711")
        assert not says(page, "None. Sharing") and everything() == before


class TestLeaving:
    def test_what_would_change_is_shown_and_nothing_happens(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        join(shop_fw, store)
        before = everything()
        page = visitor("operator").get(url(shop_fw, "leave", "store"))
        assert (
            says(page, "10.128.0.1")
            and says(page, "/etc/frr/frr.conf")
            and says(page, "Leave store")
        )
        assert everything() == before

    def test_an_operator_leaves(self, store: Network, shop_fw: Firewall) -> None:
        join(shop_fw, store)
        answer = visitor("operator").post(url(shop_fw, "leave", "store"))
        assert answer["Location"] == url(shop_fw) and joined(shop_fw) == set()

    def test_what_was_not_joined_or_is_home_cannot_be_left(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        before = everything()
        for network in ("store", "shop", "underlay-fra"):
            assert says(
                visitor("operator").post(url(shop_fw, "leave", network)), "It cannot leave.", 422
            )
        assert everything() == before


class TestPushing:
    def test_the_page_asks_again_while_the_push_is_open_and_then_stops(
        self, shop_fw: Firewall
    ) -> None:
        operator = visitor("operator")
        place = operator.post(url(shop_fw, "push"))["Location"]
        for state, open in (
            ("queued", True),
            ("running", True),
            ("confirmed", False),
            ("rolled_back", False),
            ("refused", False),
            ("unseen", False),
        ):
            Push.objects.update(
                state=state,
                revision=shop_fw.revisions.first(),
                finished_at=None if open else timezone.now(),
            )
            part = operator.get(place, headers={"HX-Request": "true", "HX-Target": "push-status"})
            assert (
                b'hx-trigger="every 1s"' in part.content
            ) is open and b"<main" not in part.content
            assert (b'hx-trigger="every 1s"' in operator.get(place).content) is open

    def test_it_shows_the_steps_and_what_the_failed_one_said(self, shop_fw: Firewall) -> None:
        steps = [
            {"name": "connect", "state": "ok", "seconds": 0.2, "output": ""},
            {"name": "check-frr", "state": "failed", "seconds": 1, "output": "line 9: <b>what?"},
        ]
        push = Push.objects.create(
            firewall=shop_fw,
            state="refused",
            steps=steps,
            error="FRR refuses it.",
            finished_at=timezone.now(),
        )
        page = visitor().get(f"/pushes/{push.pk}/")
        assert (
            says(page, "FRR refuses it.")
            and says(page, "line 9: <b>what?")
            and says(page, "2 of 2")
        )

    def test_an_older_revision_can_be_pushed(
        self,
        store: Network,
        shop_fw: Firewall,
        django_capture_on_commit_callbacks: Callable[..., Any],
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            join(shop_fw, store)
        visitor("operator").post(url(shop_fw, "push"), {"revision": "1"})
        assert Push.objects.get().revision == shop_fw.revisions.get(number=1)

    @pytest.mark.parametrize("number", ["77", "9" * 30, "9" * 5000, "²", "x", "-1"])
    def test_a_revision_that_is_not_there_is_not_found(
        self, shop_fw: Firewall, number: str
    ) -> None:
        operator = visitor("operator")
        assert (
            operator.post(url(shop_fw, "push"), {"revision": number}).status_code == 404
            and not Push.objects.exists()
        )
        assert operator.get(url(shop_fw, "config"), {"revision": number}).status_code == 404


class TestSearching:
    @pytest.mark.parametrize("typed", ["store", "10.128.0.1", "10.128.0.0/22", "shop-fw"])
    def test_names_addresses_and_prefixes_are_found(
        self, store: Network, shop_fw: Firewall, typed: str
    ) -> None:
        join(shop_fw, store)
        page = visitor().get("/search/", {"q": typed})
        assert says(page, "shop-fw" if typed == "shop-fw" else "store") and not says(
            page, "Nothing matches"
        )

    @pytest.mark.parametrize(
        "typed",
        ["\0", "fe80::1%eth0", "::ffff:10.0.0.1", "²", "9" * 5000, "<script>", "%", "nothing"],
    )
    def test_nonsense_finds_nothing(self, shop_fw: Firewall, typed: str) -> None:
        assert visitor().get("/search/", {"q": typed}).status_code == 200
        query = {"q": typed, "network": typed, "state": typed}
        assert visitor().get("/firewalls/", query, follow=True).status_code == 200


class TestParts:
    def test_consumers_come_alone_when_only_they_are_asked_for(
        self, store: Network, shop_fw: Firewall
    ) -> None:
        join(shop_fw, store)
        client, place = visitor(), "/networks/store/consumers/"
        part, whole = (
            client.get(place, headers={"HX-Request": "true", "HX-Target": "consumers"}),
            client.get(place),
        )
        other = client.get(place, headers={"HX-Request": "true", "HX-Target": "main"})
        restored = client.get(
            place,
            headers={
                "HX-Request": "true",
                "HX-Target": "consumers",
                "HX-History-Restore-Request": "true",
            },
        )
        assert (
            part.content.strip().startswith(b'<section id="consumers"')
            and b"<main" not in part.content
        )
        assert all(b"<main" in page.content for page in (whole, other, restored))
        assert all(
            says(page, "10.128.0.1")
            and {"HX-Request", "HX-Target"} <= set(page["Vary"].split(", "))
            for page in (part, whole)
        )


class TestManyRows:
    def test_spreadsheet_keeps_what_looks_like_a_formula_as_text(self, shop_fw: Firewall) -> None:
        Firewall.objects.update(host="@SUM(A1)")
        rows = list(
            csv.DictReader(visitor().get("/firewalls/?format=csv").getvalue().decode().splitlines())
        )
        assert [(row["name"], row["host"]) for row in rows] == [("shop-fw", "'@SUM(A1)")]

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, fra: World, store: Network, shop_fw: Firewall
    ) -> None:
        self.populate(fra, store, shop_fw, range(2))
        operator, part = visitor("operator"), {"HX-Request": "true", "HX-Target": "consumers"}
        places = [
            "/",
            "/firewalls/",
            url(shop_fw),
            url(shop_fw, "join"),
            url(shop_fw, "config"),
            "/networks/store/join/",
            "/networks/lone/share/",
            "/search/?q=fw",
            "/search/?q=store",
        ]
        fra.private("lone", fra.shop)
        before = {place: queries(operator, place) for place in places} | {
            "part": queries(operator, "/networks/store/consumers/", **part)
        }
        self.populate(fra, store, shop_fw, range(2, 12))
        after = {place: queries(operator, place) for place in places} | {
            "part": queries(operator, "/networks/store/consumers/", **part)
        }
        assert after == before

    @staticmethod
    def populate(fra: World, store: Network, shop_fw: Firewall, numbers: range) -> None:
        """More consumers of the store, and more joined networks and pushes of the firewall."""
        for number in numbers:
            join(
                fra.firewall(
                    f"fw{number}", fra.analytics, fra.private(f"n{number}", fra.analytics)
                ),
                store,
            )
            shared = fra.private(f"store{number}", fra.storage)
            shared.share("ada")
            join(shop_fw, shared)
            Push.objects.create(firewall=shop_fw, state="refused", finished_at=timezone.now())


def everything() -> tuple[object, ...]:
    """What a page that only shows must leave as it is."""
    models = (Attachment, Address, Revision, Push)
    return *(
        sorted(map(str, model._default_manager.values_list("pk", flat=True))) for model in models
    ), *Firewall.objects.values_list("wanted")


def buttons(response: Any) -> str:
    return words(response).rpartition("Show what changes")[2]
