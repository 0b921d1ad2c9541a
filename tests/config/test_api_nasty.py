"""Whatever is sent, the API answers in the common shape, never with a 500, and leaves nothing."""

import itertools
from typing import Any

import pytest

from firewalls.models import Firewall
from networks.models import Address, Network, Partition, Prefix, Project
from tests.api import Api
from tests.world import World, world

pytestmark = pytest.mark.django_db

NASTY: list[Any] = [
    None,
    True,
    -1,
    10**40,
    "",
    "\0",
    "\ud800",
    "x" * 5000,
    "0.0.0.0/0",
    "fe80::1%eth0",
    [None],
    [{}],
    ["\0"],
    {"": ""},
    {"4": None},
    {"egress": [{"ports": ["\0"]}]},
    {"port": 10**12},
]
NETWORK = {"name": "new", "partition": "fra", "project": "shop"}
MACHINE = {"name": "new", "partition": "fra", "project": "shop", "networks": [{"network": "shop"}]}
WRITES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "partition": (
        "post",
        "partitions/",
        {"name": "new"},
        "id description dns_servers ntp_servers management_prefixes auto_push",
    ),
    "project": ("post", "projects/", {"name": "new"}, "id tenant description"),
    "network": (
        "post",
        "networks/",
        NETWORK,
        "id description kind parent vrf prefixes prefix_length destination_prefixes "
        "default_child_prefix_length nat labels shared usage shared_at",
    ),
    "external": (
        "post",
        "networks/",
        {"kind": "external", "name": "new"},
        "partition project parent vrf prefixes prefix_length labels",
    ),
    "patched network": (
        "patch",
        "networks/shop/",
        {},
        "id name kind partition project parent vrf prefixes labels nat shared",
    ),
    "prefix": ("post", "networks/shop/prefixes/", {}, "prefix prefix_length"),
    "share": ("post", "networks/shop/share/", {"confirm": "shop"}, "confirm reason"),
    "address": (
        "post",
        "ip-addresses/",
        {"network": "shop", "project": "shop"},
        "address kind name description version machine",
    ),
    "patched address": (
        "patch",
        "ip-addresses/10.128.0.9/",
        {},
        "address network project kind name version",
    ),
    "machine": ("post", "machines/", MACHINE, "id addresses labels asn"),
    "firewall": (
        "post",
        "firewalls/",
        MACHINE,
        "id addresses labels uplinks management rules asn state",
    ),
    "patched firewall": (
        "patch",
        "firewalls/{firewall}/",
        {},
        "id name partition project networks labels uplinks management rules",
    ),
    "attachment": (
        "post",
        "firewalls/{firewall}/attachments/",
        {"network": "storage"},
        "network auto addresses",
    ),
    "push": ("post", "firewalls/{firewall}/push/", {}, "revision"),
}


@pytest.fixture
def fra() -> World:
    fra = world()
    shop = fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    fra.firewall("fw", fra.shop, shop)
    Api().post("ip-addresses/", {"network": "shop", "project": "shop", "address": "10.128.0.9"})
    return fra


def counts() -> list[int]:
    return [
        model.objects.count() for model in (Partition, Project, Network, Prefix, Address, Firewall)
    ]


@pytest.mark.usefixtures("fra")
@pytest.mark.parametrize("name", WRITES)
def test_writes_answer_nonsense_with_a_reason(name: str) -> None:
    api, (method, path, good, further) = Api(), WRITES[name]
    path = path.format(firewall=Firewall.objects.get().pk)
    before = counts()
    for field, value in itertools.product([*good, *further.split()], NASTY):
        response = getattr(api, method)(path, {**good, field: value})
        assert response.status_code < 300 or response.status_code in (400, 409), (
            field,
            value,
            response.content,
        )
        if response.status_code >= 300:
            assert all(
                {"message", "code"} <= set(one)
                for errors in response.json().values()
                for one in errors
            ), response.content
            assert counts() == before, (field, value, response.content)
        elif method == "post":
            before = counts()


@pytest.mark.usefixtures("fra")
@pytest.mark.parametrize(
    "path", ["networks/", "firewalls/", "networks/shop/share/", "ip-addresses/"]
)
def test_writes_answer_what_is_no_object_with_a_reason(path: str) -> None:
    api = Api()
    for body in (
        "",
        "[]",
        "null",
        "1",
        '"x"',
        "{",
        "{]",
        "\xff",
        "NaN",
        '{"name": NaN}',
        '{"name": 1e999}',
        "[" * 10_000,
    ):
        response = api.post(path, body)
        assert response.status_code == 400 and response.json(), (body, response.content)


@pytest.mark.usefixtures("fra")
@pytest.mark.parametrize(
    "path",
    [
        "networks/",
        "ip-addresses/",
        "machines/",
        "firewalls/",
        "pushes/",
        "revisions/",
        "partitions/",
        "projects/",
    ],
)
def test_lists_answer_nonsense_with_a_reason(path: str) -> None:
    api = Api()
    fields = (
        "id name network project partition kind vrf labels prefixes addresses address machine "
        "state revision number shared_at created_at default_child_prefix_length management "
        "uplinks limit offset search ordering asn router_id nat"
    )
    for field in fields.split():
        for value in ("%00", "-1", "99999999999999999999999", "[]", "%ff", "10.0.0.0/8"):
            response = api.get(f"{path}?{field}={value}")
            assert response.status_code in (200, 400), (field, value, response.content)


@pytest.mark.usefixtures("fra")
def test_what_is_not_there_is_404() -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    for path in (
        "networks/%00/",
        "networks/a b/",
        "networks/x/share/",
        "networks/%2e%2e/consumers/",
        "ip-addresses/::::/",
        "ip-addresses/1/",
        f"machines/{nobody[:-1]}x/",
        f"firewalls/{'-' * 36}/",
        "revisions/99999999999999999/",
        "pushes/1/",
        "partitions/%ED%A0%80/",
        "networks/shop/prefixes/10.0.0.1/8/",
        "networks/shop/prefixes/:/99/",
        f"firewalls/{nobody}/config/",
    ):
        for response in (Api().get(path), Api().delete(path)):
            assert response.status_code in (404, 405), (path, response.content)
