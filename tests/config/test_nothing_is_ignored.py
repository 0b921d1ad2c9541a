"""Nothing that is sent is ignored: no key of a body, no parameter of a URL, at any endpoint.

Every endpoint that is registered is walked, so a new one cannot forget.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern
from django.utils import timezone
from rest_framework import serializers

from config.api import Docs, Nothing, Schema
from config.api import urlpatterns as registered
from firewalls.models import Acknowledgement, Endpoint, Firewall, Law, Rule, SshAccess, Window
from machines.models import HttpProxy
from networks.allocation import allocate
from networks.common.api.bodies import Body
from networks.common.api.queries import StrictView
from networks.common.postgres import judge_now
from networks.models import Network, Project
from tests.api import Api, codes
from tests.world import World, world

pytestmark = pytest.mark.django_db

UUID = "2a1c5c1e-0000-4000-8000-000000000001"
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<uuid:(\w+)>")
NO_DATA = (Docs, Schema, Nothing)  # what is read about the API, and the answer 404
WITH_A_BODY = ("post", "patch", "put", "delete")
LISTS = (serializers.ListField, serializers.ListSerializer)
UNKNOWN = {"unknown_key", "unknown_filter", "unknown_parameter"}


class Call(NamedTuple):
    """A method of an endpoint; the path has holes for what identifies a row."""

    method: str
    path: str

    def to(self, rows: dict[str, str]) -> str:
        """The path to a row that is there, where one is needed."""
        resource = self.path.partition("/")[0]
        other = {"network": "storage", "cidr": "10.128.0.0/22"}
        return GROUP.sub(
            lambda hole: other.get(hole[1] or hole[2]) or rows.get(resource, UUID), self.path
        )


def calls() -> Iterator[Call]:
    for pattern in registered:
        assert isinstance(pattern, URLPattern)
        view: Any = pattern.callback
        cls = getattr(view, "cls", None) or view.view_class
        if issubclass(cls, NO_DATA):
            continue
        assert issubclass(cls, StrictView), cls
        actions = getattr(view, "actions", None)
        methods = actions or [name for name in cls.http_method_names if hasattr(cls, name)]
        path = str(pattern.pattern).removeprefix("^").removesuffix("$").replace("/?", "/")
        yield from (Call(name, path) for name in methods if name not in ("options", "head"))


CALLS = sorted(set(calls()))
named = pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")


def send(method: str, path: str, body: object = None) -> Any:
    client = Api()
    return client.get(path) if method == "get" else client._write(method, path, body, {})


@pytest.fixture
def fra() -> World:
    fra = world()
    shop = fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    fra.firewall("fw", fra.shop, shop, Network.objects.get(pk="storage"))
    return fra


@pytest.fixture
def rows(fra: World) -> dict[str, str]:
    """An id of each kind of row whose endpoint looks for it before it reads the body."""
    firewall = Firewall.objects.get()
    shop = Network.objects.get(pk="shop")
    machine = fra.machine("web", fra.shop, shop)
    where = firewall.machine.addresses.get(prefix__network="storage")
    endpoint = Endpoint(address=where, port=80, machine=machine, target_port=80)
    window = Window(partition=fra.partition, begins="01:00", ends="02:00")
    access = SshAccess(partition=fra.partition)
    proxy = HttpProxy(network=shop, host="192.0.2.7", port=3128)
    law = Law(kind=Law.Kind.NOBODY, networks=["storage"], to_network=shop)
    for row in (endpoint, window, access, proxy):
        row.save()
    address = allocate(shop, project=fra.shop)
    until = timezone.now() + timedelta(hours=1)
    known = Acknowledgement(state="new", firewalls=[firewall.pk], note="x", until=until)
    known.save()
    law.save()
    judge_now()
    return {
        "partitions": "fra",
        "projects": "shop",
        "networks": "shop",
        "ip-addresses": str(address),
        "machines": str(machine.pk),
        "firewalls": str(firewall.pk),
        "endpoints": str(endpoint.pk),
        "maintenance-windows": str(window.pk),
        "ssh-access": str(access.pk),
        "http-proxies": str(proxy.pk),
        "acknowledgements": str(known.pk),
        "laws": str(law.pk),
    }


def test_every_endpoint_is_walked() -> None:
    assert len(CALLS) >= 75


@named
def test_an_unknown_parameter_of_the_url_is_refused(call: Call) -> None:
    numbered = (
        "revisions",
        "activity",
        "kept-back",
        "ssh-access",
        "http-proxies",
        "maintenance-windows",
        "acknowledgements",
        "laws",
        "import-notes",
    )
    path = call.to({"ip-addresses": "10.128.0.9"} | dict.fromkeys(numbered, "1"))
    (refused,) = codes(send(call.method, f"{path}?colour=red"))["colour"]
    assert refused in UNKNOWN


@pytest.mark.parametrize(
    "call",
    [call for call in CALLS if call.method in WITH_A_BODY],
    ids=lambda call: f"{call.method} {call.path}",
)
def test_an_unknown_key_of_a_body_is_refused(call: Call, rows: dict[str, str]) -> None:
    answer = send(call.method, call.to(rows), {"colour": "red"})
    assert codes(answer)["colour"] == ["unknown_key"]


def test_objects_within_objects_are_as_strict() -> None:
    """Whatever a body may contain, and what that may contain, refuses the keys it does not know."""
    waiting: list[type[Any]] = [Body]
    seen = set[type[Any]]()
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls in seen or cls.__module__.startswith("rest_framework"):
            continue
        seen.add(cls)
        for name, field in _fields(cls):
            inner = getattr(field, "child", field)
            if isinstance(inner, serializers.BaseSerializer) and not field.read_only:
                assert isinstance(inner, Body), f"{cls.__name__}.{name}"
            if isinstance(field, LISTS) and not field.read_only:
                assert getattr(field, "max_length", None), f"{cls.__name__}.{name} has no limit"
    assert len(seen) > 25


def _fields(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    if issubclass(cls, serializers.ModelSerializer) and not hasattr(cls.Meta, "model"):
        return
    yield from cls().fields.items()


RULE = {"protocol": "tcp", "ports": [22]}


@pytest.mark.usefixtures("fra")
class TestSentences:
    @pytest.mark.parametrize(
        ("misspelled", "meant"),
        [("sources", "from"), ("From", "from"), ("form", "from"), ("destination", "to")],
    )
    def test_a_misspelled_key_of_a_rule_opens_nothing(self, misspelled: str, meant: str) -> None:
        firewall = Firewall.objects.get()
        rules = {"ingress": [RULE, {**RULE, misspelled: ["192.0.2.0/24"]}]}
        answer = Api().patch(f"firewalls/{firewall.pk}/", {"rules": rules})
        assert codes(answer) == {"rules": ["unknown_key"]}
        (refused,) = answer.json()["rules"]
        assert refused["at"] == f"ingress.1.{misspelled}"
        assert f"did you mean {meant}?" in refused["message"]
        assert not Rule.objects.exists()

    def test_a_misspelled_list_of_rules(self) -> None:
        path = f"firewalls/{Firewall.objects.get().pk}/"
        answer = Api().patch(path, {"rules": {"egres": [RULE]}})
        assert answer.json()["rules"] == [
            {
                "message": "There is no key 'egres' here; did you mean egress?"
                " There are egress, ingress.",
                "code": "unknown_key",
                "at": "egres",
            }
        ]

    @pytest.mark.parametrize("key", ["\ud800", "", "x" * 5000, "\0"])
    def test_of_odd_keys_can_be_written(self, key: str) -> None:
        answer = Api().post("projects/", {"name": "new", key: 1})
        assert [*codes(answer).values()] == [["unknown_key"]]
        assert len(answer.content) < 6000 and not Project.objects.filter(pk="new").exists()

    def test_of_a_thousand_keys_name_ten(self) -> None:
        answer = Api().post("projects/", {"name": "new"} | {f"k{n}": n for n in range(1000)})
        assert len(codes(answer)) == 10


@pytest.mark.usefixtures("fra")
class TestWhatIsShownAndNotSet:
    def test_may_be_sent_back_as_it_was_read(self) -> None:
        api, pk = Api(), Firewall.objects.get().pk
        for path in ("partitions/fra/", "projects/shop/", "networks/shop/", f"firewalls/{pk}/"):
            read = api.get(path).json()
            answer = api.patch(path, read)
            assert answer.status_code == 200, answer.content
            assert answer.json() == read

    @pytest.mark.parametrize(
        ("path", "body", "code"),
        [
            ("networks/shop/", {"usage": {}}, "read_only"),
            ("networks/shop/", {"shared_by": "ada"}, "read_only"),
            ("networks/shop/", {"prefix_length": {"4": 24}}, "identity"),
            ("networks/shop/", {"shared_reason": "why not"}, "identity"),
            ("firewalls/{fw}/", {"state": "in_sync"}, "read_only"),
            ("firewalls/{fw}/", {"networks": [{"network": "shop"}]}, "identity"),
            ("firewalls/{fw}/", {"addresses": ["10.128.0.7"]}, "identity"),
        ],
    )
    def test_is_refused_where_it_differs(self, path: str, body: Any, code: str) -> None:
        answer = Api().patch(path.format(fw=Firewall.objects.get().pk), body)
        assert codes(answer) == {next(iter(body)): [code]}

    def test_may_have_moved_since_it_was_read_with_its_tag(self, fra: World) -> None:
        api = Api()
        answer = api.get("networks/shop/")
        fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
        changed = answer.json() | {"description": "sells"}
        assert codes(api.patch("networks/shop/", changed)) == {
            field: ["read_only"] for field in ("usage", "usage_by_prefix")
        }
        tagged = api.patch("networks/shop/", changed, If_Match=answer["ETag"])
        assert tagged.status_code == 200 and tagged.json()["description"] == "sells"

    def test_is_refused_where_a_row_is_made(self) -> None:
        body = {"name": "new", "partition": "fra", "project": "shop", "usage": {}}
        assert codes(Api().post("networks/", body)) == {"usage": ["read_only"]}

    def test_of_machines_and_addresses(self, fra: World) -> None:
        shop = Network.objects.get(pk="shop")
        machine = fra.machine("web", fra.shop, shop)
        path = f"machines/{machine.pk}/"
        api, read = Api(), Api().get(path).json()
        assert api.patch(path, read).json() == read
        assert codes(api.patch(path, {"addresses": ["10.128.0.77"]})) == {"addresses": ["identity"]}
        assert codes(api.patch(path, {"network": "storage"})) == {"network": ["read_only"]}
        assert codes(api.patch(f"ip-addresses/{read['addresses'][0]}/", {"version": 6})) == {
            "version": ["identity"]
        }


@pytest.mark.usefixtures("fra")
class TestWhatContradictsItself:
    def test_a_version_and_an_address_of_the_other_one(self) -> None:
        body = {"network": "shop", "project": "shop", "address": "10.128.0.9", "version": 6}
        assert codes(Api().post("ip-addresses/", body)) == {"version": ["other_family"]}

    def test_a_prefix_and_a_length(self) -> None:
        body = {"prefix": "10.128.8.0/22", "prefix_length": {"4": 24}}
        refused = codes(Api().post("networks/shop/prefixes/", body))
        assert refused == {"prefix_length": ["either_or"]}
        network = {"name": "new", "partition": "fra", "project": "shop"}
        new = {**network, "prefixes": ["10.128.8.0/22"], "prefix_length": {"4": 24}}
        assert codes(Api().post("networks/", new)) == {"prefix_length": ["either_or"]}

    def test_a_length_where_nothing_is_carved(self) -> None:
        body = {"name": "new", "kind": "external", "prefix_length": {"4": 24}}
        assert codes(Api().post("networks/", body)) == {"prefix_length": ["not_carved"]}
        assert not Network.objects.filter(pk="new").exists()


@pytest.mark.usefixtures("fra")
class TestLists:
    @pytest.mark.parametrize(
        ("query", "refused"),
        [
            ("limit=0", {"limit": ["invalid_limit"]}),
            ("limit=-1", {"limit": ["invalid_limit"]}),
            ("limit=abc", {"limit": ["invalid_limit"]}),
            ("limit=1_0", {"limit": ["invalid_limit"]}),
            ("limit=%D9%A3", {"limit": ["invalid_limit"]}),
            ("limit=1.5", {"limit": ["invalid_limit"]}),
            ("limit=", {"limit": ["empty"]}),
            ("offset=abc", {"offset": ["invalid_offset"]}),
            ("offset=-1", {"offset": ["invalid_offset"]}),
            ("offset=" + "9" * 30, {"offset": ["invalid_offset"]}),
            ("network=", {"network": ["empty"]}),
            ("network=%20", {"network": ["empty"]}),
            ("search=", {"search": ["empty"]}),
            ("ordering=", {"ordering": ["empty"]}),
            ("ordering=name,,id", {"ordering": ["invalid_ordering"]}),
            ("ordering=name,-name", {"ordering": ["invalid_ordering"]}),
            ("ordering=name,colour", {"ordering": ["invalid_ordering"]}),
            ("netwrok=shop", {"netwrok": ["unknown_filter"]}),
            ("network=shop&network=storage", {"network": ["repeated"]}),
            ("limit=1&limit=2", {"limit": ["repeated"]}),
        ],
    )
    def test_refuse_what_is_odd(self, query: str, refused: object) -> None:
        assert codes(Api().get(f"firewalls/?{query}")) == refused

    def test_name_what_was_probably_meant(self) -> None:
        (error,) = Api().get("firewalls/?netwrok=shop").json()["netwrok"]
        assert "did you mean network?" in error["message"]
        (error,) = Api().get("firewalls/?ordering=nmae").json()["ordering"]
        assert "did you mean name?" in error["message"]

    def test_have_at_most_a_thousand_rows_a_page(self) -> None:
        assert Api().get("firewalls/?limit=5000").status_code == 200
        assert Api().get("firewalls/?limit=1").json()["count"] == 1

    def test_of_the_pages_for_people_take_a_form_that_was_left_empty(self) -> None:
        client = Api().client
        path = "/api/v1/firewalls/?name=&network="
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 200

    def test_of_consumers_are_as_strict(self) -> None:
        assert codes(Api().get("networks/storage/consumers/?limit=0")) == {
            "limit": ["invalid_limit"]
        }
        assert Api().get("networks/storage/consumers/?limit=1&offset=0").status_code == 200
