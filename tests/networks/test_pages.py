"""Pages about networks: who may see and share, what the list keeps, and what it costs."""

import csv
from typing import Any

import pytest
from django.test import Client

from networks.models import Address, Network
from tests.api import someone
from tests.pages import queries, says, visitor, words
from tests.world import World, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

RIGHT = {"confirm": "store", "reason": "backups of every project"}


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def store(fra: World) -> Network:
    return fra.private("store", fra.storage)


def share(client: Client, network: str = "store", **data: str) -> Any:
    return client.post(f"/networks/{network}/share/", data)


def listed(**query: str) -> list[str]:
    """The ids that the list shows."""
    return [row["network"].pk for row in visitor().get("/networks/", query).context["networks"]]


class TestLookingAtNetworks:
    @pytest.mark.parametrize(
        "path", ["", "store/", "store/share/", "store/consumers/", "store/join/", "?format=csv"]
    )
    def test_a_stranger_is_sent_to_the_login(self, store: Network, path: str) -> None:
        answer = Client().get(f"/networks/{path}")
        assert answer.status_code == 302 and answer["Location"].startswith(
            "/login/?next=/networks/"
        )

    def test_a_network_that_is_not_there_is_a_page_that_says_so(self) -> None:
        assert says(visitor().get("/networks/nothing/"), "not", 404)

    @pytest.mark.parametrize(
        "path",
        [
            "?q=%00",
            "?q=²",
            "?q=" + "9" * 5000,
            "?page=nine&sort=nonsense",
            "%00/",
            "?partition=%00",
            "?kind=x",
        ],
    )
    def test_nonsense_in_the_address_bar_breaks_nothing(self, store: Network, path: str) -> None:
        assert visitor().get(f"/networks/{path}", follow=True).status_code in (200, 404)

    def test_the_page_says_where_the_network_belongs_and_how_full_it_is(
        self, fra: World, store: Network
    ) -> None:
        fra.machine("disk", fra.storage, store)
        page = visitor().get("/networks/store/")
        assert (
            says(page, "storage-team")
            and says(page, "10.128.0.0/22")
            and says(page, "1 of 1,022")
            and says(page, "disk")
        )

    def test_filters_narrow_the_list_and_the_order_is_the_one_named(
        self, fra: World, store: Network
    ) -> None:
        fra.private("shop", fra.shop)
        store.share("ada")
        assert listed(kind="private") == ["shop", "store"]
        assert listed(kind="private", sort="-id") == ["store", "shop"]
        assert (
            listed(shared="yes") == ["store"]
            and listed(project="shop") == ["shop"]
            and listed(q="10.128.4.0/24") == ["shop", "super-fra"]
        )
        assert listed(partition="nowhere") == []

    def test_an_empty_list_says_what_to_do(self) -> None:
        assert says(visitor().get("/networks/"), "No network is here yet.")
        assert says(visitor().get("/networks/?kind=private"), "Show all networks")

    def test_a_long_list_comes_in_pages(self, fra: World) -> None:
        for number in range(55):
            fra.private(f"n{number:02}", fra.shop)
        assert len(listed(kind="private")) == 50 and listed(kind="private", page="2") == [
            f"n{number}" for number in range(50, 55)
        ]
        assert says(visitor().get("/networks/?kind=private"), "1 to 50 of 55")

    def test_cells_of_the_spreadsheet_that_look_like_formulas_are_kept_as_text(
        self, fra: World
    ) -> None:
        Network.objects.filter(pk=fra.private("shop", fra.shop).pk).update(
            name='=HYPERLINK("http://example.org")'
        )
        answer = visitor().get("/networks/?format=csv&q=shop")
        assert "attachment" in answer["Content-Disposition"] and answer["Content-Type"].startswith(
            "text/csv"
        )
        rows = list(csv.reader(answer.getvalue().decode().splitlines()))
        assert (
            rows[0][:2] == ["id", "name"]
            and rows[1][:2] == ["shop", '\'=HYPERLINK("http://example.org")']
            and len(rows) == 2
        )

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, fra: World, store: Network
    ) -> None:
        viewer, urls = visitor(), ["/networks/", "/networks/store/", "/networks/super-fra/"]
        self.populate(fra, store, range(2))
        before = {url: queries(viewer, url) for url in urls}
        self.populate(fra, store, range(2, 12))
        assert {url: queries(viewer, url) for url in urls} == before

    @staticmethod
    def populate(fra: World, store: Network, numbers: range) -> None:
        for number in numbers:
            fra.private(f"n{number}", fra.shop)
            fra.machine(f"m{number}", fra.storage, store)
            Address(
                address=f"10.128.3.{number + 1}",
                prefix=store.prefixes.get(),
                project=fra.storage,
                kind="static",
            ).save()


class TestSharing:
    def test_the_page_says_what_will_be_true(self, fra: World, store: Network) -> None:
        shop = fra.private("shop", fra.shop)
        fra.firewall("shop-fw", fra.shop, shop)
        fra.machine("till", fra.shop, shop)
        page = visitor("admin").get("/networks/store/share/")
        assert says(page, "1 firewall of 1 project in fra") and says(
            page, "1 machine could then reach the machines here"
        )
        assert says(page, "10.128.0.0/22") and says(page, "Sharing cannot be undone.")

    def test_the_typed_name_shares_and_keeps_who_and_why(self, store: Network) -> None:
        admin = visitor("admin")
        answer = share(admin, **RIGHT)
        store.refresh_from_db()
        assert answer.status_code == 302 and answer["Location"] == "/networks/store/"
        assert (
            store.shared
            and store.shared_at
            and (store.shared_by, store.shared_reason) == ("admin", RIGHT["reason"])
        )
        page = admin.get("/networks/store/")
        assert (
            says(page, "by admin. It stays shared.")
            and says(page, RIGHT["reason"])
            and not says(page, "Mark as shared")
        )

    @pytest.mark.parametrize("typed", ["", "stor", "STORE", "store; shop"])
    def test_another_name_changes_nothing_and_says_which_one_to_type(
        self, store: Network, typed: str
    ) -> None:
        answer = share(visitor("admin"), confirm=typed, reason="because")
        store.refresh_from_db()
        assert not store.shared and (store.shared_by, store.shared_reason) == ("", "")
        assert says(answer, "Type store to share it." if typed else "This field is required.", 422)
        assert b'value="because"' in answer.content

    @pytest.mark.parametrize("network", ["super-fra", "underlay-fra", "internet-fra"])
    def test_what_is_not_private_cannot_be_shared(self, fra: World, network: str) -> None:
        admin, refused = visitor("admin"), "Only a private network can be shared (R1)."
        page = admin.get(f"/networks/{network}/share/")
        assert says(page, refused) and b'name="confirm"' not in page.content
        assert says(share(admin, network, confirm=network), refused, 422)
        assert not Network.objects.get(pk=network).shared

    def test_sharing_again_keeps_who_shared_first(self, store: Network) -> None:
        store.share("ada", "first")
        assert says(
            visitor("admin").get("/networks/store/share/"), "A shared network stays shared (R3)."
        )
        share(visitor("admin"), confirm="store", reason="second")
        store.refresh_from_db()
        assert (store.shared_by, store.shared_reason) == ("ada", "first")

    @pytest.mark.parametrize("role", ["viewer", "operator"])
    def test_only_an_admin_shares_and_the_others_are_refused(
        self, store: Network, role: str
    ) -> None:
        client = visitor(role)
        assert says(share(client, **RIGHT), "Sharing a network takes the role admin.", 403)
        store.refresh_from_db()
        page = client.get("/networks/store/share/")
        assert (
            not store.shared
            and says(page, "Ask an admin")
            and b'name="confirm"' not in page.content
        )
        assert "Mark as shared" not in words(client.get("/networks/store/"))

    def test_a_forged_form_is_refused(self, store: Network) -> None:
        forger = Client(enforce_csrf_checks=True)
        forger.force_login(someone("admin"))
        assert forger.post("/networks/store/share/", RIGHT).status_code == 403
        store.refresh_from_db()
        assert not store.shared
