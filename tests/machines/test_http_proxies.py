"""HTTP proxies that operators name: the same refusals at every door, and what comes of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from firewalls.intent import unconnected
from machines.models import HttpProxy
from networks.models import Activity
from tests.api import Api, codes
from tests.firewalls.test_internet_api import Place, asked
from tests.pages import says, visitor, words
from tests.test_admin import staff
from tests.test_raw_sql import execute, take_out

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
NAMED = {"host": "proxy.example.org", "port": 3128}


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()


def named(**fields: Any) -> HttpProxy:
    row = HttpProxy(**{**NAMED, "network_id": "storage", **fields})
    row.save()
    return row


WRONG: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({"network": "internet-fra"}, {"network": ["not_private"]}),
    ({"network": "super-fra"}, {"network": ["not_private"]}),
    ({"host": "not a host"}, {"host": ["invalid_host"]}),
    ({"host": "10.128.0.256"}, {"host": ["invalid_host"]}),
    ({"port": 0}, {"port": ["min_value"]}),
    ({"port": 65536}, {"port": ["max_value"]}),
    ({"network": "lab"}, {"network": ["unique"]}),
]


@pytest.mark.parametrize(("fields", "refused"), WRONG)
def test_what_is_wrong_is_refused_at_every_door(
    place: Place, fields: dict[str, Any], refused: dict[str, list[str]]
) -> None:
    named(network_id="lab")
    body = {**NAMED, "network": "storage", **fields}
    assert codes(Api("operator").post("http-proxies/", body)) == refused
    with pytest.raises(ValidationError) as error, transaction.atomic():
        named(network_id=body["network"], **_own(body))
    found = {name: [one.code for one in errors] for name, errors in error.value.error_dict.items()}
    assert found == refused
    shown = staff().post(reverse("admin:machines_httpproxy_add"), body)
    errors = shown.context["adminform"].form.errors.as_data()
    assert {name: [one.code for one in all] for name, all in errors.items()} == refused
    if "network" not in fields:
        page = visitor("operator").post("/networks/storage/http-proxy/", _own(body))
        assert page.status_code == 422 and {*page.context["form"].errors} == {*refused}


def _own(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in NAMED}


def test_the_database_holds_it_by_itself(place: Place) -> None:
    sql = "INSERT INTO machines_httpproxy (network_id, host, port) VALUES ('{}', 'p', {})"
    for values, guard in (
        (("internet-fra", 3128), "machines.HttpProxy:is_of_a_private_network"),
        (("storage", 0), "machines_httpproxy:http_proxy_port_is_a_port"),
    ):
        with pytest.raises(IntegrityError):
            execute(sql.format(*values))
        take_out(guard)
        execute(sql.format(*values))


class TestWhatComesOfIt:
    def test_machines_use_it_with_the_lines_to_copy(self, place: Place) -> None:
        named()
        answer = asked(f"machines/{place.disk.pk}")
        assert answer["access"] == "http-proxy" and answer["warnings"] == []
        via = answer["via"]
        assert (via["kind"], via["url"]) == ("address", "http://proxy.example.org:3128")
        assert all(via["url"] in one["text"] for one in answer["settings"])
        assert "storage" not in {one.network for one in unconnected.networks()}

    def test_an_address_that_nothing_leads_to_is_warned_of(self, place: Place) -> None:
        named(host="192.0.2.7")
        answer = asked("networks/storage")
        assert answer["access"] == "http-proxy"
        assert answer["proxies"][0]["verdict"] == "unreachable"
        assert "storage has no firewall" in answer["warnings"][0]

    def test_one_among_the_machines_themselves_answers(self, place: Place) -> None:
        squid = place.fra.machine("squid", place.fra.storage, place.storage)
        named(host=str(squid.addresses.get()))
        assert asked("networks/storage")["proxies"][0]["verdict"] == "reachable"

    def test_it_goes_with_its_network(self, place: Place) -> None:
        network = place.fra.private("gone", place.fra.shop)
        named(network_id="gone")
        assert Api("operator").delete(f"networks/{network.pk}/").status_code == 204
        assert not HttpProxy.objects.exists()

    def test_it_is_in_the_history_of_the_network(self, place: Place) -> None:
        named()
        events = Activity.objects.filter(kind="http-proxy", about__contains=["network:storage"])
        assert events.get().after == {"network": "storage", **NAMED}


class TestDoors:
    def test_named_changed_and_forgotten_on_pages(self, place: Place) -> None:
        operator, url = visitor("operator"), "/networks/storage/http-proxy/"
        assert f'href="{url}"' in operator.get("/networks/storage/internet/").content.decode()
        assert operator.post(url, NAMED).status_code == 302
        assert says(operator.get(url), "The proxy that they use")
        assert operator.post(url, {**NAMED, "port": 8080}).status_code == 302
        assert HttpProxy.objects.get().port == 8080
        shown = operator.get("/networks/storage/internet/")
        assert says(shown, "use the HTTP proxy http://proxy.example.org:8080")
        assert "which an operator has named" in words(shown)
        assert operator.post(f"{url}forget/").status_code == 302
        assert not HttpProxy.objects.exists()
        assert operator.get("/networks/internet-fra/http-proxy/").status_code == 404
        assert visitor().get(url).status_code == 403

    def test_over_rest(self, place: Place) -> None:
        api = Api("operator")
        made = api.post("http-proxies/", {"network": "storage", **NAMED})
        assert made.status_code == 201 and made.json()["host"] == NAMED["host"]
        path = f"http-proxies/{made.json()['id']}/"
        assert api.get("http-proxies/?network=storage").json()["count"] == 1
        assert api.patch(path, {"port": 81}).json()["port"] == 81
        assert codes(api.patch(path, {"network": "lab"})) == {"network": ["identity"]}
        assert Api("viewer").delete(path).status_code == 403
        assert api.delete(path).status_code == 204
