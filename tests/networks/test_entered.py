"""What is entered is looked at where it is entered, and refused with what is in its way."""

from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from machines.models import Machine
from networks.allocation import allocate, create_network
from networks.common import limits
from networks.common.addressing import around
from networks.models import Network, Partition, Prefix, Project
from tests.api import Api, codes
from tests.threads import at_once
from tests.world import World, world

SHOP = {"network": "shop"}
MANY = {f"name-{number}": "" for number in range(limits.MOST_LABELS + 1)}


@pytest.fixture
def fra(db: None) -> World:
    fra = world(v6="2001:db8:128::/48")
    fra.private("shop", fra.shop)
    return fra


def message(answer: Any, field: str) -> str:
    (error,) = answer.json()[field]
    return str(error["message"])


class TestLabels:
    @pytest.mark.parametrize("labels", [[], "", ["a"], "a", 1, False, {"a": 1}, {"a": ["b"]}, None])
    def test_are_an_object_of_texts(self, fra: World, labels: object) -> None:
        machine = fra.machine("web", fra.shop, Network.objects.get(pk="shop"), labels={"a": "b"})
        for path in ("networks/shop/", f"machines/{machine.pk}/"):
            assert [*codes(Api().patch(path, {"labels": labels}))] == ["labels"]
        body = {"name": "new", "partition": "fra", "project": "shop", "labels": labels}
        assert [*codes(Api().post("networks/", body))] == ["labels"]
        machine.refresh_from_db()
        assert machine.labels == {"a": "b"}

    def test_are_an_object_by_sql_too(self, fra: World) -> None:
        fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
        rows: list[Any] = [Network.objects.all(), Machine.objects.all()]
        for some in rows:
            for labels in cast(list[object], [[], "", 7]):
                with pytest.raises(IntegrityError), transaction.atomic():
                    some.update(labels=labels)

    @pytest.mark.parametrize(
        ("labels", "sentence"),
        [
            (MANY, "At most 100 labels are kept."),
            ({"n" * 321: ""}, "The name of a label has at most 320 characters."),
            ({"n": "x" * 1001}, "The text of a label has at most 1,000 characters."),
        ],
    )
    def test_have_limits(self, fra: World, labels: Any, sentence: str) -> None:
        answer = Api().patch("networks/shop/", {"labels": labels})
        assert message(answer, "labels") == sentence
        with pytest.raises(ValidationError) as error:
            fra.private("new", fra.shop, labels=labels)
        assert error.value.message_dict == {"labels": [sentence]}


class TestPrefixes:
    @pytest.mark.parametrize(
        ("spelled", "meant"),
        [
            ("10.200.96.0", "10.200.96.0/32"),
            ("2001:db8::", "2001:db8::/128"),
            ("10.200.96.0/0.0.3.255", "10.200.96.0/22"),
            ("10.200.96.0/255.255.252.0", "10.200.96.0/22"),
            ("::ffff:198.51.98.0/120", "198.51.98.0/24"),
        ],
    )
    def test_have_a_length_and_one_spelling(self, fra: World, spelled: str, meant: str) -> None:
        body = {"kind": "external", "name": "mpls", "prefixes": [spelled]}
        answer = Api().post("networks/", body)
        assert codes(answer) == {"prefixes": ["invalid_prefix"]}
        assert meant in message(answer, "prefixes")
        for path, field in (("partitions/fra/", "management_prefixes"),):
            assert codes(Api().patch(path, {field: [spelled]})) == {field: ["invalid_prefix"]}
        assert codes(Api().get(f"networks/?prefixes={spelled}")) == {"prefixes": ["invalid_prefix"]}

    def test_are_searched_by_an_address_all_the_same(self, fra: World) -> None:
        assert [str(around(text)) for text in ("10.128.0.7", " 10.128.0.0/22")] == [
            "10.128.0.7/32",
            "10.128.0.0/22",
        ]
        assert {row.pk for row in Network.objects.matching("10.128.0.7")} == {"shop", "super-fra"}

    def test_that_overlap_are_named_both_with_the_network_of_the_other(self, fra: World) -> None:
        taken = Network.objects.get(pk="shop").prefixes.get(cidr__family=4).cidr
        body = {"name": "new", "partition": "fra", "project": "shop"}
        prefixes = ["10.128.64.0/22", "10.128.0.0/21"]
        answer = Api().post("networks/", {**body, "prefixes": prefixes})
        assert message(answer, "prefixes") == f"10.128.0.0/21 overlaps {taken} of shop (R13)."

    def test_that_overlap_many_name_some(self, fra: World) -> None:
        for number in range(7):
            fra.private(f"n{number}", fra.shop, prefix_length={4: 24})
        with pytest.raises(ValidationError) as error:
            create_network(
                kind="private",
                name="new",
                partition=fra.partition,
                project=fra.shop,
                prefixes=[around("10.128.0.0/20")],
            )
        (sentence,) = error.value.message_dict["cidr"]
        assert sentence.startswith("10.128.0.0/20 overlaps 10.128.0.0/22 of shop, 10.128.4.0/24 of")
        assert sentence.endswith(" and 3 more (R13).")

    def test_of_children_fit_into_their_super_network(self, fra: World) -> None:
        answer = Api().patch("networks/super-fra/", {"default_child_prefix_length": {"4": 8}})
        assert message(answer, "default_child_prefix_length") == (
            "A /8 fits into no IPv4 prefix of super-fra (10.128.0.0/14) (R13)."
        )
        Partition(id="muc", name="muc").save()
        body: dict[str, Any] = {"kind": "super", "name": "new", "partition": "muc"}
        body["prefixes"] = ["10.9.0.0/24"]
        answer = Api().post("networks/", {**body, "default_child_prefix_length": {"4": 22}})
        assert codes(answer) == {"default_child_prefix_length": ["too_short"]}
        body["prefixes"] = ["10.9.0.0/24", "10.10.0.0/16"]
        for lengths, status in (({"4": 12}, 400), ({"4": 16, "6": 64}, 201)):
            answer = Api().post("networks/", {**body, "default_child_prefix_length": lengths})
            assert answer.status_code == status, answer.content
        assert codes(Api().post("networks/new/prefixes/", {"prefix": "2001:db8:9::/65"})) == {
            "prefix": ["too_short"]
        }
        assert (
            Api().post("networks/new/prefixes/", {"prefix": "2001:db8:9::/64"}).status_code == 200
        )

    def test_of_one_request_are_not_too_many(self, fra: World) -> None:
        many = [f"100.64.{number}.0/24" for number in range(limits.MOST_PREFIXES + 1)]
        body = {"kind": "external", "name": "mpls", "prefixes": many}
        answer = Api().post("networks/", body)
        assert message(answer, "prefixes") == "At most 100 are taken at once."
        with pytest.raises(ValidationError, match=r"At most 100 are taken at once\."):
            create_network(kind="external", name="mpls", prefixes=[around(one) for one in many])


class TestListsOfAPartition:
    @pytest.mark.parametrize(
        ("field", "item", "limit"),
        [
            ("dns_servers", "192.0.2.53", 16),
            ("ntp_servers", "ntp.example.org", 16),
            ("management_prefixes", "192.0.2.0/24", 1000),
        ],
    )
    def test_have_limits(self, fra: World, field: str, item: str, limit: int) -> None:
        answer = Api().patch("partitions/fra/", {field: [item] * (limit + 1)})
        assert codes(answer) == {field: ["too_many"]}
        assert message(answer, field) == f"At most {limit:,} are taken at once."
        setattr(fra.partition, field, [item] * (limit + 1))
        with pytest.raises(ValidationError) as error:
            fra.partition.save()
        assert error.value.message_dict == {field: [f"At most {limit:,} are taken at once."]}

    @pytest.mark.parametrize(
        "server", ["-x", "1.2.3", "256.1.1.1", "0x7f.1", "a..b", "a_b", "a:123", "host.", "x" * 64]
    )
    def test_of_servers_are_hosts(self, fra: World, server: str) -> None:
        answer = Api().patch("partitions/fra/", {"ntp_servers": [server]})
        assert codes(answer) == {"ntp_servers": ["item_invalid"]}
        assert "is neither a host name" in message(answer, "ntp_servers")

    def test_take_names_and_addresses(self, fra: World) -> None:
        servers = ["0.pool.ntp.org", "ntp", "2001:db8::7", "192.0.2.7", "NTP-1.example.1a"]
        answer = Api().patch("partitions/fra/", {"ntp_servers": servers})
        assert answer.json()["ntp_servers"] == servers


def test_an_order_has_limits(fra: World) -> None:
    body = {"name": "new", "partition": "fra", "project": "shop"}
    order = {**body, "networks": [{"network": "shop"}]}
    for path in ("machines/", "firewalls/"):
        many = [{"network": f"no-{number}"} for number in range(limits.MOST_NETWORKS + 1)]
        answer = Api().post(path, {**body, "networks": many})
        assert message(answer, "networks") == "At most 100 are taken at once."
        addresses = ["10.128.0.9"] * (limits.MOST_ADDRESSES + 1)
        answer = Api().post(path, {**order, "addresses": addresses})
        assert message(answer, "addresses") == "At most 200 are taken at once."


class TestWhatIsInUse:
    def test_names_the_addresses_and_whose_they_are(self, fra: World) -> None:
        shop = Network.objects.get(pk="shop")
        for number in range(3):
            fra.machine(f"web-{number}", fra.shop, shop)
        allocate(shop, project=fra.shop, version=4)
        answer = Api().delete("networks/shop/")
        assert message(answer, "network") if "network" in answer.json() else answer.content
        (error,) = answer.json()["network"]
        assert answer.status_code == 409
        assert error["message"] == (
            "shop still has 7 addresses (10.128.0.1 of web-0, 10.128.0.2 of web-1,"
            " 10.128.0.3 of web-2, 10.128.0.4, 2001:db8:128::1 of web-0 and 2 more);"
            " free them first (R15)."
        )
        cidr = shop.prefixes.get(cidr__family=6).cidr
        (error,) = Api().delete(f"networks/shop/prefixes/{cidr}/").json()["prefix"]
        assert "2001:db8:128::3 of web-2" in error["message"]

    def test_names_the_addresses_of_a_network_whose_project_would_change(self, fra: World) -> None:
        fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
        answer = Api().patch("networks/shop/", {"project": "analytics"})
        assert "(10.128.0.1 of web, 2001:db8:128::1 of web)" in message(answer, "project")

    def test_names_the_network_that_has_the_number(self, fra: World) -> None:
        vrf = Network.objects.get(pk="shop").vrf
        body = {"name": "new", "partition": "fra", "project": "shop", "vrf": vrf}
        answer = Api().post("networks/", body)
        assert message(answer, "vrf") == f"shop already has VRF id {vrf} (R14)."

    def test_names_the_super_network_that_a_partition_has(self, fra: World) -> None:
        answer = Api().post("networks/", {"name": "new", "kind": "super", "partition": "fra"})
        assert message(answer, "kind") == (
            "Partition fra already has a super network, super-fra (R8)."
        )


class TestReasons:
    def test_of_a_network_that_is_made_shared_are_kept(self, fra: World) -> None:
        body = {"name": "new", "partition": "fra", "project": "shop"}
        shared = {**body, "shared": True, "shared_reason": "storage for all"}
        assert Api().post("networks/", shared).json()["shared_reason"] == "storage for all"
        assert Network.objects.get(pk="new").shared_reason == "storage for all"

    def test_without_sharing_are_refused(self, fra: World) -> None:
        body = {"name": "new", "partition": "fra", "project": "shop", "shared_reason": "why"}
        assert codes(Api().post("networks/", body)) == {"shared_reason": ["not_shared"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("projects/", {"name": "new"}),
        ("networks/", {"name": "new", "partition": "fra", "project": "shop"}),
        ("ip-addresses/", {"network": "shop", "project": "shop"}),
        ("machines/", {"name": "m", "partition": "fra", "project": "shop", "networks": [SHOP]}),
        ("firewalls/", {"name": "f", "partition": "fra", "project": "shop", "networks": [SHOP]}),
    ],
)
def test_what_is_made_says_where_it_is(fra: World, path: str, body: dict[str, Any]) -> None:
    api = Api()
    answer = api.post(path, body)
    where = answer["Location"].partition("/api/v1/")[2]
    assert where.startswith(path) and where.endswith("/") and where != path
    assert api.get(where).json() == answer.json()


def test_errors_are_on_fields_that_there_are(fra: World) -> None:
    machine = fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
    answer = Api().patch(f"machines/{machine.pk}/", {"project": "analytics"})
    assert set(codes(answer)) == {"network", "project"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("projects/", {}),
        ("partitions/", {}),
        ("networks/", {"kind": "external"}),
    ],
)
def test_names_given_at_the_same_moment_do_not_collide(path: str, body: dict[str, str]) -> None:
    User.objects.all().delete()

    def made() -> str:
        answer = Api().post(path, {"name": "same name", **body})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    names = sorted(map(str, at_once(*[made] * 4)))
    assert names == ["same-name", "same-name-2", "same-name-3", "same-name-4"]
    assert not Prefix.objects.exists() and Project.objects.count() + Partition.objects.count() <= 4
