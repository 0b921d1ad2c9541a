"""Partitions, projects, networks and addresses over REST."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from networks.allocation import allocate
from networks.models import Address, Network, Partition
from tests.api import Api, codes
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    return world()


@pytest.fixture
def api(fra: World) -> Api:
    return Api()


def queries(action: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


class TestPlaces:
    def test_have_an_id_that_is_given_or_reads_like_the_name(self, api: Api) -> None:
        assert api.post("partitions/", {"id": "muc", "name": "Munich"}).json()["id"] == "muc"
        assert api.post("projects/", {"name": "New Shop"}).json() == {
            "id": "New-Shop",
            "name": "New Shop",
            "tenant": "",
            "description": "",
        }
        assert api.post("projects/", {"name": "New Shop"}).json()["id"] == "New-Shop-2"

    def test_show_addresses_as_texts(self, api: Api) -> None:
        sent = {
            "id": "muc",
            "name": "Munich",
            "description": "",
            "dns_servers": ["192.0.2.53", "2001:db8::53"],
            "ntp_servers": ["ntp.example"],
            "management_prefixes": ["192.0.2.0/24"],
            "fabric_mtu": 9000,
            "auto_push": False,
            "pushes_at_once": None,
            "auto_waves": [1, "10%", "rest"],
            "auto_max_failures": 0,
        }
        assert api.post("partitions/", sent).json() == sent == api.get("partitions/muc/").json()

    def test_refuse_what_is_no_address_with_the_place_in_the_list(self, api: Api) -> None:
        response = api.patch("partitions/fra/", {"dns_servers": ["192.0.2.1", "nowhere"]})
        assert codes(response) == {"dns_servers": ["invalid_address"]}
        assert response.json()["dns_servers"][0]["at"] == "1"

    def test_keep_their_id(self, api: Api) -> None:
        assert codes(api.patch("partitions/fra/", {"id": "muc"})) == {"id": ["identity"]}
        assert (
            api.patch("partitions/fra/", {"id": "fra", "name": "Frankfurt"}).json()["name"]
            == "Frankfurt"
        )
        assert Partition.objects.count() == 1

    def test_in_use_are_not_removed(self, api: Api) -> None:
        response = api.delete("partitions/fra/")
        assert (
            codes(response, 409) == {"non_field_errors": ["in_use"]}
            and "super-fra" in response.content.decode()
        )

    def test_unused_are_removed(self, api: Api) -> None:
        assert (
            api.delete("projects/shop/").status_code == 204
            and api.get("projects/shop/").status_code == 404
        )


class TestMakingNetworks:
    def test_private_ones_take_the_next_free_prefix(self, api: Api) -> None:
        body = {"name": "shop", "partition": "fra", "project": "shop"}
        made = api.post("networks/", body)
        assert made.status_code == 201
        count: dict[str, int | str] = {"used": 0, "available": 1022, "kept_back": 0}
        count |= {"used_exact": "0", "available_exact": "1022", "kept_back_exact": "0"}
        assert made.json() == {
            "id": "shop",
            "name": "shop",
            "description": "",
            "kind": "private",
            "partition": "fra",
            "project": "shop",
            "parent": "super-fra",
            "vrf": 1,
            "prefixes": ["10.128.0.0/22"],
            "destination_prefixes": [],
            "nat": False,
            "labels": {},
            "default_child_prefix_length": {},
            "shared": False,
            "shared_at": None,
            "shared_by": "",
            "shared_reason": "",
            "usage": {"4": count},
            "usage_by_prefix": {"10.128.0.0/22": count | {"free": 1022, "free_exact": "1022"}},
        }
        longer = api.post(
            "networks/", {"kind": "private", "prefix_length": {"4": 24}, "vrf": 77, **body}
        ).json()
        assert (longer["id"], longer["prefixes"], longer["vrf"]) == (
            "shop-2",
            ["10.128.4.0/24"],
            77,
        )

    def test_private_ones_may_name_their_prefixes(self, api: Api) -> None:
        body = {
            "id": "shop",
            "partition": "fra",
            "project": "shop",
            "prefixes": ["10.128.64.0/22"],
            "labels": {"tier": "web"},
        }
        assert api.post("networks/", body).json()["prefixes"] == ["10.128.64.0/22"]
        assert codes(api.post("networks/", {**body, "id": "other"})) == {"prefixes": ["overlap"]}
        assert not Network.objects.filter(pk="other").exists()

    def test_shared_from_the_start_say_by_whom(self, api: Api) -> None:
        made = api.post(
            "networks/", {"name": "s", "partition": "fra", "project": "shop", "shared": True}
        ).json()
        assert made["shared"] and made["shared_by"] == "admin" and made["shared_at"].endswith("Z")

    def test_external_ones_take_a_vrf_from_the_pool(self, api: Api) -> None:
        body = {
            "id": "mpls",
            "kind": "external",
            "prefixes": ["100.64.0.0/24"],
            "destination_prefixes": ["100.65.0.0/24"],
            "nat": True,
        }
        made = api.post("networks/", body).json()
        assert (
            {name: made[name] for name in body} == body
            and made["vrf"] == 1
            and made["partition"] is None
        )

    def test_super_ones_have_lengths_for_their_children(self, api: Api) -> None:
        api.post("partitions/", {"id": "muc", "name": "Munich"})
        body = {
            "id": "super-muc",
            "kind": "super",
            "partition": "muc",
            "prefixes": ["10.132.0.0/14"],
        }
        lengths = {"default_child_prefix_length": {"4": 24}}
        assert api.post("networks/", body | lengths).json()["default_child_prefix_length"] == {
            "4": 24
        }
        usage = api.get("networks/super-muc/").json()["usage"]["4"]
        assert (usage["used"], usage["available"], usage["available_exact"]) == (0, 2**18, "262144")

    def test_show_numbers_that_no_reader_rounds(self, api: Api) -> None:
        """2^64 addresses are more than a double tells apart, which JavaScript reads numbers as."""
        six = world("six", "10.0.0.0/16", "10.5.0.0/16", v6="2001:db8:6::/48", number=1)
        six.private("shop", six.shop)
        networks = {row["id"]: row for row in api.get("networks/").json()["results"]}
        pool, net = networks["super-six"]["usage"]["6"], networks["shop"]["usage"]["6"]
        assert pool["available"] == pool["used"] == 2**53 - 1
        assert (pool["available_exact"], pool["used_exact"]) == (str(2**80), str(2**64))
        assert (net["used"], net["used_exact"], net["available"]) == (0, "0", 2**53 - 1)
        by_prefix = networks["shop"]["usage_by_prefix"]["2001:db8:6::/64"]
        assert by_prefix["free"] == 2**53 - 1 and int(by_prefix["free_exact"]) > 2**63

    @pytest.mark.parametrize(
        "body, refused",
        [
            ({}, {"name": ["required"]}),
            (
                {"name": "n", "partition": "nope", "project": "nada"},
                {"partition": ["does_not_exist"], "project": ["does_not_exist"]},
            ),
            ({"name": "n", "partition": "fra", "project": "a\0b"}, {"project": ["does_not_exist"]}),
            (
                {"name": "n", "partition": "fra", "project": "shop", "vrf": 104009},
                {"vrf": ["vrf_taken"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "kind": "vlan"},
                {"kind": ["invalid_choice"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "prefixes": ["10.128.0.1/22"]},
                {"prefixes": ["invalid_prefix"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "prefixes": ["10.9.0.0/22"]},
                {"prefixes": ["outside_super"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "prefix_length": {"4": 13}},
                {"prefix_length": ["exhausted"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "prefix_length": {"5": 13}},
                {"prefix_length": ["invalid_lengths"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "labels": {"a": 1}},
                {"labels": ["invalid_labels"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "labels": {"a": "\0"}},
                {"labels": ["invalid_labels"]},
            ),
            (
                {"name": "n", "partition": "fra", "project": "shop", "id": "a b"},
                {"id": ["invalid_id"]},
            ),
            ({"id": "super-fra", "partition": "fra", "project": "shop"}, {"id": ["unique"]}),
        ],
    )
    def test_refusals_name_field_and_code_and_leave_nothing(
        self, api: Api, body: object, refused: object
    ) -> None:
        before = Network.objects.count()
        assert codes(api.post("networks/", body)) == refused
        assert Network.objects.count() == before

    def test_what_is_no_object_or_no_json_is_refused_in_the_same_shape(self, api: Api) -> None:
        assert codes(api.post("networks/", [1])) == {"non_field_errors": ["invalid"]}
        assert codes(api.post("networks/", "{")) == {"non_field_errors": ["parse_error"]}


class TestChangingNetworks:
    def test_changes_what_is_no_identity(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop)
        change = {"name": "Shop", "description": "d", "labels": {"a": "b"}, "nat": True}
        changed = api.patch("networks/shop/", change)
        assert (
            changed.status_code == 200 and {name: changed.json()[name] for name in change} == change
        )

    @pytest.mark.parametrize(
        "field, value",
        [
            ("id", "x"),
            ("kind", "external"),
            ("partition", "muc"),
            ("parent", "super-muc"),
            ("vrf", 9),
        ],
    )
    def test_keeps_its_identity(self, api: Api, fra: World, field: str, value: object) -> None:
        world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        net = fra.private("shop", fra.shop)
        refused = api.patch("networks/shop/", {field: value})
        assert (
            codes(refused)[field][-1] == "identity"
            and "is fixed when it is made" in refused.json()[field][-1]["message"]
        )
        same = {
            "id": net.pk,
            "kind": net.kind,
            "partition": "fra",
            "parent": "super-fra",
            "vrf": net.vrf,
        }
        assert api.patch("networks/shop/", same).status_code == 200
        assert Network.objects.filter(pk="x").count() == 0

    def test_is_never_unshared(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop, shared=True)
        response = api.patch("networks/shop/", {"shared": False})
        assert codes(response) == {"shared": ["cannot_unshare"]}
        assert response.json()["shared"][0]["message"] == "A shared network stays shared (R3)."
        assert api.patch("networks/shop/", {"shared": True}).status_code == 200

    def test_is_not_shared_in_passing(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop)
        assert codes(api.patch("networks/shop/", {"shared": True})) == {
            "shared": ["share_by_itself"]
        }
        assert codes(api.patch("networks/super-fra/", {"shared": True})) == {
            "shared": ["not_private"]
        }
        assert not Network.objects.filter(shared=True).exists()

    def test_replaces_prefixes_unless_they_are_in_use(self, api: Api, fra: World) -> None:
        net = fra.private("shop", fra.shop)
        assert api.patch("networks/shop/", {"prefixes": ["10.128.8.0/24", "10.128.0.0/22"]}).json()[
            "prefixes"
        ] == [
            "10.128.0.0/22",
            "10.128.8.0/24",
        ]
        allocate(net, project=fra.shop)
        response = api.patch("networks/shop/", {"name": "new", "prefixes": ["10.128.8.0/24"]})
        assert codes(response, 409) == {"prefixes": ["in_use"]}
        assert Network.objects.get(pk="shop").name == "shop" and net.prefixes.count() == 2

    def test_grows_by_a_prefix_or_a_length(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop)
        assert api.post("networks/shop/prefixes/", {"prefix_length": 24}).json()["prefixes"] == [
            "10.128.0.0/22",
            "10.128.4.0/24",
        ]
        assert (
            "10.140.0.0/14"
            in api.post("networks/super-fra/prefixes/", {"prefix": "10.140.0.0/14"}).json()[
                "prefixes"
            ]
        )
        assert codes(api.post("networks/shop/prefixes/", {"prefix": "10.1.0.0/24"})) == {
            "prefix": ["outside_super"]
        }
        assert codes(api.post("networks/super-fra/prefixes/", {"prefix_length": 24})) == {
            "prefix": ["required"]
        }
        assert codes(api.post("networks/shop/prefixes/", {})) == {"prefix": ["required"]}

    def test_a_prefix_is_removed_unless_it_is_in_use(self, api: Api, fra: World) -> None:
        net = fra.private("shop", fra.shop)
        api.post("networks/shop/prefixes/", {"prefix_length": 24})
        allocate(net, project=fra.shop)
        assert api.delete("networks/shop/prefixes/10.128.4.0/24/").status_code == 204
        assert codes(api.delete("networks/shop/prefixes/10.128.0.0/22/"), 409) == {
            "prefix": ["in_use"]
        }
        assert api.delete("networks/shop/prefixes/10.128.4.0/24/").status_code == 404

    def test_is_removed_unless_it_is_in_use(self, api: Api, fra: World) -> None:
        fra.machine("web", fra.shop, fra.private("shop", fra.shop))
        fra.private("other", fra.shop)
        assert codes(api.delete("networks/shop/"), 409) == {"network": ["in_use"]}
        assert codes(api.delete("networks/super-fra/"), 409)["network"]
        assert api.delete("networks/other/").status_code == 204


class TestLists:
    def test_have_pages(self, api: Api, fra: World) -> None:
        for number in range(4):
            fra.private(f"net{number}", fra.shop)
        page = api.get("networks/?limit=2&offset=2&ordering=-id&kind=private").json()
        assert page["count"] == 4 and [row["id"] for row in page["results"]] == ["net1", "net0"]
        assert "offset" not in page["previous"] or "offset=0" in page["previous"]
        assert api.get("networks/?limit=5000").json()["next"] is None

    @pytest.mark.parametrize(
        "query, ids",
        [
            ("partition=fra&shared=true&kind=private", ["storage"]),
            ("partition=null", ["internet-fra"]),
            ("parent=super-fra&shared=false", ["shop"]),
            ("project=shop", ["shop"]),
            ("vrf=104009", ["internet-fra"]),
            ("nat=true", ["internet-fra"]),
            ("prefixes=10.128.0.0/22", ["shop"]),
            ("destination_prefixes=0.0.0.0/0", ["internet-fra"]),
            ("labels=tier=web", ["shop"]),
            ("labels=tier", ["shop"]),
            ("labels=tier=db", []),
            ('default_child_prefix_length={"4": 22}', ["super-fra"]),
            ("id=shop", ["shop"]),
            ("name=nope", []),
            ("shared_by=ada", ["storage"]),
            ("search=storage", ["storage"]),
            ("search=10.128.0.0", ["shop", "super-fra"]),
            ("partition=nope", []),
            ("kind=private&ordering=-vrf", ["storage", "shop"]),
        ],
    )
    def test_are_filtered_exactly(self, api: Api, fra: World, query: str, ids: list[str]) -> None:
        fra.private("shop", fra.shop, labels={"tier": "web"})
        fra.private("storage", fra.storage, shared=True, by="ada")
        response = api.get(f"networks/?{query}")
        assert response.status_code == 200, response.content
        assert [row["id"] for row in response.json()["results"]] == ids

    @pytest.mark.parametrize(
        "query, refused",
        [
            ("partiton=fra", {"partiton": ["unknown_filter"]}),
            ("ordering=colour", {"ordering": ["invalid_ordering"]}),
            ("ordering=--vrf", {"ordering": ["invalid_ordering"]}),
            ("kind=vlan", {"kind": ["invalid_choice"]}),
            ("shared=maybe", {"shared": ["invalid_choice"]}),
            ("prefixes=10.0.0.1/8", {"prefixes": ["invalid_prefix"]}),
            ("prefixes=%25", {"prefixes": ["invalid_prefix"]}),
            ("destination_prefixes=%25s", {"destination_prefixes": ["invalid_prefix"]}),
            *(
                (f"default_child_prefix_length={odd}", {"default_child_prefix_length": [code]})
                for odd, code in (
                    ("NaN", "invalid_lengths"),
                    ("1e999", "invalid_lengths"),
                    ('{"4": NaN}', "invalid_lengths"),
                    ("[", "invalid"),
                )
            ),
            ("vrf=many", {"vrf": ["invalid"]}),
            ("name=%00", {"name": ["null_characters_not_allowed"]}),
            ("search=%00", {"non_field_errors": ["null_characters_not_allowed"]}),
        ],
    )
    def test_refuse_what_they_do_not_understand(
        self, api: Api, query: str, refused: object
    ) -> None:
        assert codes(api.get(f"networks/?{query}")) == refused

    @pytest.mark.parametrize("path", ["networks/", "partitions/", "projects/", "ip-addresses/"])
    def test_take_the_same_number_of_queries_however_long_they_are(
        self, api: Api, fra: World, path: str
    ) -> None:
        nets = [fra.private("net", fra.shop)]
        allocate(nets[0], project=fra.shop)
        few = queries(lambda: api.get(path))
        for number in range(5):
            net = fra.private(f"net{number}", fra.shop)
            fra.machine(f"m{number}", fra.shop, net)
        assert queries(lambda: api.get(path)) == few


class TestAddresses:
    def test_are_picked_or_named(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop)
        picked = api.post("ip-addresses/", {"network": "shop", "project": "shop", "name": "web"})
        assert picked.status_code == 201
        assert picked.json() == {
            "address": "10.128.0.1",
            "network": "shop",
            "project": "shop",
            "kind": "ephemeral",
            "name": "web",
            "description": "",
            "machine": None,
            "labels": {},
        }
        named = api.post(
            "ip-addresses/", {"network": "shop", "project": "shop", "address": "10.128.0.9"}
        ).json()
        assert (named["address"], named["kind"]) == ("10.128.0.9", "static")

    def test_are_their_own_ids_also_in_ipv6(self) -> None:
        fra, api = world(v6="2001:db8:128::/48"), Api()
        fra.private("shop", fra.shop)
        six = api.post(
            "ip-addresses/", {"network": "shop", "project": "shop", "version": 6}
        ).json()["address"]
        assert six == "2001:db8:128::1"
        assert (
            api.get(f"ip-addresses/{six}/").json()["address"]
            == api.get("ip-addresses/2001:DB8:128:0::1/").json()["address"]
            == six
        )
        assert (
            api.get("ip-addresses/10.9.9.9/").status_code
            == api.get("ip-addresses/::::/").status_code
            == 404
        )

    @pytest.mark.parametrize(
        "body, refused",
        [
            ({"address": "10.128.0.1"}, {"address": ["taken"]}),
            ({"address": "10.128.0.0"}, {"address": ["reserved"]}),
            ({"address": "10.9.9.9"}, {"address": ["outside_network"]}),
            ({"address": "ten"}, {"address": ["invalid_address"]}),
            ({"network": "super-fra"}, {"network": ["super_given"]}),
            ({"network": "underlay-fra"}, {"network": ["underlay_given"]}),
            ({"network": "nope"}, {"network": ["does_not_exist"]}),
            ({"project": "analytics"}, {"project": ["other_project"]}),
            ({"version": 5}, {"version": ["invalid_choice"]}),
            ({"version": 6}, {"network": ["no_prefix"]}),
        ],
    )
    def test_are_refused_by_field(
        self, api: Api, fra: World, body: dict[str, object], refused: object
    ) -> None:
        allocate(fra.private("shop", fra.shop), project=fra.shop)
        assert (
            codes(api.post("ip-addresses/", {"network": "shop", "project": "shop", **body}))
            == refused
        )
        assert Address.objects.count() == 1

    def test_change_their_name_and_kind_only(self, api: Api, fra: World) -> None:
        allocate(fra.private("shop", fra.shop), project=fra.shop)
        fra.private("other", fra.shop)
        kept = api.patch(
            "ip-addresses/10.128.0.1/", {"kind": "static", "name": "vip", "network": "shop"}
        ).json()
        assert (kept["kind"], kept["name"]) == ("static", "vip")
        assert codes(api.patch("ip-addresses/10.128.0.1/", {"network": "other"})) == {
            "network": ["identity"]
        }
        assert codes(api.patch("ip-addresses/10.128.0.1/", {"address": "10.128.0.2"})) == {
            "address": ["identity"]
        }

    def test_are_released_unless_a_machine_has_them(self, api: Api, fra: World) -> None:
        shop = fra.private("shop", fra.shop)
        fra.machine("web", fra.shop, shop)
        allocate(shop, project=fra.shop)
        assert codes(api.delete("ip-addresses/10.128.0.1/"), 409) == {"address": ["in_use"]}
        assert api.delete("ip-addresses/10.128.0.2/").status_code == 204
        assert [
            row["address"] for row in api.get("ip-addresses/?machine=null").json()["results"]
        ] == []


class TestStates:
    def test_a_read_has_a_tag_and_is_not_repeated(self, api: Api) -> None:
        for path in ("networks/", "networks/super-fra/", "partitions/fra/"):
            tag = api.get(path)["ETag"]
            assert api.get(path, If_None_Match=tag).status_code == 304

    def test_a_write_with_a_stale_tag_changes_nothing(self, api: Api, fra: World) -> None:
        fra.private("shop", fra.shop)
        old = api.get("networks/shop/")["ETag"]
        new = api.patch("networks/shop/", {"name": "one"}, If_Match=old)
        assert new.status_code == 200 and new["ETag"] == api.get("networks/shop/")["ETag"] != old
        assert codes(api.patch("networks/shop/", {"name": "two"}, If_Match=old), 412) == {
            "non_field_errors": ["stale"]
        }
        assert api.delete("networks/shop/", If_Match=old).status_code == 412
        assert (
            api.post("networks/shop/prefixes/", {"prefix_length": 24}, If_Match=old).status_code
            == 412
        )
        assert api.get("networks/shop/").json()["name"] == "one"
        assert api.delete("networks/shop/", If_Match=new["ETag"]).status_code == 204

    def test_what_moves_by_itself_does_not_make_an_edit_stale(self, api: Api, fra: World) -> None:
        net = fra.private("shop", fra.shop)
        before = api.get("networks/shop/")["ETag"]
        allocate(net, project=fra.shop)
        assert api.get("networks/shop/", If_None_Match=before).status_code == 200
        assert api.patch("networks/shop/", {"name": "two"}, If_Match=before).status_code == 200


@pytest.mark.parametrize(
    "method, path, body, roles",
    [
        ("get", "networks/", None, "viewer operator admin"),
        ("get", "networks/super-fra/share/", None, "viewer operator admin"),
        (
            "post",
            "networks/",
            {"name": "n", "partition": "fra", "project": "shop"},
            "operator admin",
        ),
        (
            "post",
            "networks/",
            {"name": "n", "partition": "fra", "project": "shop", "shared": True},
            "admin",
        ),
        ("post", "networks/", {"id": "x", "kind": "external"}, "admin"),
        ("patch", "networks/super-fra/", {"name": "n"}, "admin"),
        ("patch", "networks/shop/", {"name": "n"}, "operator admin"),
        ("delete", "networks/shop/", None, "operator admin"),
        ("delete", "networks/internet-fra/", None, "admin"),
        ("post", "networks/shop/prefixes/", {"prefix_length": 24}, "operator admin"),
        ("post", "networks/super-fra/prefixes/", {"prefix": "10.140.0.0/14"}, "admin"),
        ("post", "networks/shop/share/", {"confirm": "shop"}, "admin"),
        ("post", "partitions/", {"name": "p"}, "admin"),
        ("patch", "partitions/fra/", {"name": "p"}, "admin"),
        ("post", "projects/", {"name": "p"}, "admin"),
        ("post", "ip-addresses/", {"network": "shop", "project": "shop"}, "operator admin"),
    ],
)
def test_roles_may_what_they_may(
    fra: World, method: str, path: str, body: object, roles: str
) -> None:
    for role in ("viewer", "operator", "admin"):
        Network.objects.filter(pk="shop").exists() or fra.private("shop", fra.shop)
        arguments = [path] if method in ("get", "delete") else [path, body]
        status = getattr(Api(role), method)(*arguments).status_code
        assert (status < 300) == (role in roles.split()), (role, status)
        assert status < 300 or status == 403
