"""Pages of endpoints: what changes is shown before it is done, and refusals say what to do."""

from collections.abc import Iterator
from typing import Any

import pytest

from firewalls.models import Endpoint, Firewall
from networks.models import Address
from tests.firewalls.test_internet_api import PROXY, Place
from tests.pages import queries, says, visitor, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def at(firewall: Firewall, network: str = "storage") -> Address:
    return Address.objects.get(machine=firewall.pk, prefix__network=network)


def wish(place: Place, **changes: Any) -> dict[str, Any]:
    """What somebody types to publish web's proxy in storage."""
    return {
        "address": at(place.shop_fw).pk,
        "port": 3128,
        "protocol": "tcp",
        "machine": "web",
        "target_port": 8080,
        "purpose": "http-proxy",
        **changes,
    }


def publishing(place: Place) -> str:
    return f"/firewalls/{place.shop_fw.pk}/endpoints/new/"


class TestPublishing:
    def test_what_changes_is_shown_before_it_is_done(self, place: Place) -> None:
        operator, url = visitor("operator"), publishing(place)
        form = operator.get(url)
        assert says(form, "Publish an endpoint of shop-fw") and says(form, "Show what changes")
        shown = operator.post(url, wish(place))
        assert says(shown, "storage → web, tcp/8080") and says(shown, "dnat ip to")
        assert not Endpoint.objects.exists()
        typed = {**wish(place), "shown": shown.context["form"].words}
        done = operator.post(url, typed, follow=True)
        made = Endpoint.objects.get()
        assert says(done, f"{made}") and f"{made} is published on shop-fw." in done.content.decode()
        assert done.redirect_chain[-1][0] == f"/endpoints/{made.pk}/"

    def test_what_was_typed_since_is_shown_anew_first(self, place: Place) -> None:
        operator, url = visitor("operator"), publishing(place)
        seen = operator.post(url, wish(place)).context["form"].words
        again = operator.post(url, {**wish(place, port=81), "shown": seen})
        assert again.status_code == 200 and not Endpoint.objects.exists()
        assert f'name="shown" value="{again.context["form"].words}"' in again.content.decode()

    def test_a_machine_is_found_by_name_address_and_id(self, place: Place) -> None:
        operator, url = visitor("operator"), publishing(place)
        for text in ("web", str(place.web.addresses.get()), str(place.web.pk)):
            page = operator.post(url, wish(place, machine=text))
            assert page.context["form"].cleaned_data["machine"] == place.web, text
        assert says(operator.post(url, wish(place, machine="wep")), "No machine is called wep", 422)

    def test_of_machines_with_one_name_the_one_behind_is_meant(self, place: Place) -> None:
        place.fra.machine("web", place.fra.analytics, place.lab)
        operator, url = visitor("operator"), publishing(place)
        page = operator.post(url, wish(place))
        assert page.context["form"].cleaned_data["machine"] == place.web
        place.fra.machine("web", place.fra.shop, place.shop)
        page = operator.post(url, wish(place))
        assert says(page, "Several machines are called web; give an address or an id instead.", 422)

    def test_refusals_say_what_to_do(self, place: Place) -> None:
        operator, url = visitor("operator"), publishing(place)
        elsewhere = operator.post(url, wish(place, machine="test"))
        sentence = (
            "test lives in lab, not in shop behind shop-fw; choose a machine of shop,"
            " or publish it on a firewall of lab (R5)."
        )
        assert says(elsewhere, sentence, 422)
        place.publish()
        taken = operator.post(url, wish(place))
        sentence = (
            f"{at(place.shop_fw)}:3128/tcp already leads to web; port 3129 is free,"
            " or change or remove that one."
        )
        assert says(taken, sentence, 422) and "Error:" in taken.content.decode()
        udp = operator.post(url, wish(place, port=5000, protocol="udp"))
        assert says(udp, "An HTTP proxy is reached by tcp; choose tcp, or another purpose.", 422)

    def test_a_link_fills_in_what_it_knows(self, place: Place) -> None:
        page = visitor("operator").get(f"{publishing(place)}?network=storage&purpose=http-proxy")
        body = page.content.decode()
        assert f'<option value="{at(place.shop_fw).pk}" selected>' in body
        assert '<option value="http-proxy" selected>' in body

    def test_in_a_network_one_of_its_consumers_is_chosen(self, place: Place) -> None:
        page = visitor("operator").get("/networks/storage/endpoints/new/?purpose=http-proxy")
        link = f"{publishing(place)}?network=storage&amp;purpose=http-proxy"
        assert says(page, "shop-fw") and link in page.content.decode()
        assert "lab-fw" not in words(visitor().get("/networks/storage/endpoints/new/?q=shop"))

    def test_a_firewall_without_a_shared_network_says_so(self, place: Place) -> None:
        alone = place.fra.firewall("alone", place.fra.shop, place.shop)
        page = visitor("operator").get(f"/firewalls/{alone.pk}/endpoints/new/")
        assert says(page, "alone has joined no shared network, so nobody could reach an endpoint")

    def test_viewers_do_not_publish(self, place: Place) -> None:
        assert visitor().get(publishing(place)).status_code == 403
        assert visitor().post(publishing(place), wish(place)).status_code == 403


class TestChanging:
    def test_it_is_changed_once_it_was_shown(self, place: Place) -> None:
        endpoint = place.publish()
        operator, url = visitor("operator"), f"/endpoints/{endpoint.pk}/"
        form = operator.get(url).context["form"]
        body = {**wish(place, port=8081), **dict(form.remembered)}
        shown = operator.post(url, body)
        assert says(shown, "Change it") and shown.context["previewed"]
        done = operator.post(url, {**body, "shown": shown.context["form"].words})
        assert done.status_code == 302
        endpoint.refresh_from_db()
        assert (endpoint.port, endpoint.target_port) == (8081, 8080)

    def test_it_moves_to_the_address_of_a_sibling(self, place: Place) -> None:
        endpoint = place.publish()
        sibling = place.fra.firewall("shop-fw-2", place.fra.shop, place.shop, place.storage)
        operator, url = visitor("operator"), f"/endpoints/{endpoint.pk}/"
        body = wish(place, address=at(sibling).pk)
        shown = operator.post(url, body)
        assert says(shown, "Changes as well")
        operator.post(url, {**body, "shown": shown.context["form"].words})
        assert Endpoint.objects.get().firewall == sibling

    def test_what_others_have_changed_meanwhile_is_refused(self, place: Place) -> None:
        endpoint = place.publish()
        operator, url = visitor("operator"), f"/endpoints/{endpoint.pk}/"
        body = {**wish(place, port=81), **dict(operator.get(url).context["form"].remembered)}
        Endpoint.objects.filter(pk=endpoint.pk).update(target_port=9)
        assert says(operator.post(url, body), "was changed since this page was opened", 422)

    def test_viewers_see_it_without_a_form(self, place: Place) -> None:
        url = f"/endpoints/{place.publish().pk}/"
        page = visitor().get(url)
        assert says(page, "Leads to web port 3128") and "<select" not in page.content.decode()
        assert visitor().post(url, wish(place)).status_code == 403


class TestRemoving:
    def test_what_ends_is_shown_and_then_it_ends(self, place: Place) -> None:
        endpoint = place.publish()
        url = f"/endpoints/{endpoint.pk}/remove/"
        operator = visitor("operator")
        assert says(operator.get(url), "nor use it as their HTTP proxy")
        assert Endpoint.objects.exists()
        assert operator.post(url).status_code == 302 and not Endpoint.objects.exists()
        assert operator.get(url).status_code == 404
        assert visitor().get(url).status_code == 403

    def test_a_network_is_not_left_and_the_page_lists_what_is_in_the_way(
        self, place: Place
    ) -> None:
        endpoint = place.publish()
        page = visitor("operator").get(f"/firewalls/{place.shop_fw.pk}/leave/storage/")
        assert says(page, "Endpoints in the way", 422)
        assert f'href="/endpoints/{endpoint.pk}/remove/"' in page.content.decode()


class TestLists:
    def test_all_of_them_filtered_and_as_a_spreadsheet(self, place: Place) -> None:
        endpoint = place.publish()
        viewer = visitor()
        assert says(viewer.get("/endpoints/"), f"{endpoint}")
        for query in ("purpose=http-proxy", "q=web", f"q={endpoint.address}", "network=storage"):
            assert says(viewer.get(f"/endpoints/?{query}"), "1 match"), query
        assert says(viewer.get("/endpoints/?purpose=service"), "No endpoint matches")
        answer = viewer.get("/endpoints/?format=csv")
        lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert f"{endpoint.address},3128,tcp,shop-fw,storage,web,3128,http-proxy" in lines

    def test_of_a_firewall_a_network_and_a_machine_as_parts(self, place: Place) -> None:
        endpoint = place.publish()
        viewer = visitor()
        for path in (
            f"firewalls/{place.shop_fw.pk}",
            "networks/storage",
            f"machines/{place.web.pk}",
        ):
            part = f"/{path}/endpoints/"
            assert f'hx-get="{part}"' in viewer.get(f"/{path}/").content.decode()
            headers = {"HX-Request": "true", "HX-Target": "endpoints"}
            alone = viewer.get(part, headers=headers)
            assert says(alone, f"{endpoint}") and "<html" not in alone.content.decode()
        for path in (f"firewalls/{place.lab_fw.pk}", f"machines/{place.test.pk}"):
            assert f"{endpoint}" not in words(viewer.get(f"/{path}/endpoints/"))

    def test_with_a_constant_number_of_queries(self, place: Place) -> None:
        endpoint = place.publish()
        viewer = visitor("operator")
        urls = ["/endpoints/", "/networks/storage/endpoints/", "/networks/storage/endpoints/new/"]
        urls += [f"/firewalls/{place.shop_fw.pk}/endpoints/", f"/endpoints/{endpoint.pk}/"]
        before = [queries(viewer, url) for url in urls]
        for number in range(3):
            firewall = place.fra.firewall(f"f-{number}", place.fra.shop, place.shop, place.storage)
            machine = place.fra.machine(f"m-{number}", place.fra.shop, place.shop)
            Endpoint(address=at(firewall), machine=machine, **PROXY).save()
            more = {**PROXY, "port": 80 + number}
            Endpoint(address=at(place.shop_fw), machine=machine, **more).save()
        assert [queries(viewer, url) for url in urls] == before
