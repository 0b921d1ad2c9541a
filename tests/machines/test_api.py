"""Machines over REST."""

import uuid

import pytest

from machines.models import Machine
from networks.models import Address
from tests.api import Api, codes
from tests.networks.test_api import queries
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


@pytest.fixture
def api(fra: World) -> Api:
    return Api("operator")


def wanted(**changes: object) -> dict[str, object]:
    return {
        "name": "web",
        "partition": "fra",
        "project": "shop",
        "networks": [{"network": "shop"}],
        **changes,
    }


def test_allocating_picks_an_address(api: Api) -> None:
    made = api.post("machines/", wanted(labels={"size": "c1"}))
    assert made.status_code == 201
    row = Machine.objects.get()
    assert (
        made.json()
        == api.get(f"machines/{row.pk}/").json()
        == {
            "id": str(row.pk),
            "name": "web",
            "partition": "fra",
            "project": "shop",
            "network": "shop",
            "addresses": ["10.128.0.1"],
            "labels": {"size": "c1"},
            "asn": 4210000001,
            "created_at": made.json()["created_at"],
        }
    )
    assert made.json()["created_at"].endswith("Z")


def test_a_machine_is_allocated_with_a_named_address(api: Api) -> None:
    body = wanted(networks=[{"network": "shop", "auto": False}], addresses=["10.128.0.9"])
    assert api.post("machines/", body).json()["addresses"] == ["10.128.0.9"]


@pytest.mark.parametrize(
    "changes, refused",
    [
        ({"networks": []}, {"networks": ["no_private"]}),
        ({"networks": [{"network": "nope"}]}, {"networks": ["does_not_exist"]}),
        (
            {"networks": [{"network": "shop"}, {"network": "shared"}]},
            {"networks": ["several_networks"]},
        ),
        (
            {"networks": [{"network": "shop"}, {"network": "shop"}]},
            {"networks": ["not_distinct", "several_networks"]},
        ),
        ({"networks": "shop"}, {"networks": ["not_a_list"]}),
        ({"networks": ["shop"]}, {"networks": ["invalid"]}),
        ({"networks": [{"network": "shared"}]}, {"networks": ["other_project"]}),
        ({"partition": "x"}, {"partition": ["does_not_exist"]}),
        ({"networks": [{"network": "super-fra"}]}, {"networks": ["not_explicit", "no_private"]}),
        ({"networks": [{"network": "shop", "auto": False}]}, {"addresses": ["no_address"]}),
        ({"addresses": ["10.9.9.9"]}, {"addresses": ["outside_networks"]}),
        ({"addresses": ["10.128.0.1x"]}, {"addresses": ["invalid_address"]}),
        ({"addresses": ["10.128.0.255"]}, None),
        ({"addresses": ["10.128.3.255"]}, {"addresses": ["reserved"]}),
        ({"name": "Web 1"}, {"name": ["invalid_name"]}),
        ({"name": "a\nb"}, {"name": ["invalid_name"]}),
    ],
)
def test_refusals_name_field_and_code_and_leave_nothing(
    api: Api, fra: World, changes: object, refused: object
) -> None:
    fra.private("shared", fra.storage, shared=True)
    response = api.post("machines/", {**wanted(), **changes})  # type: ignore[dict-item]
    if refused is None:
        assert response.status_code == 201
    else:
        assert (
            codes(response) == refused
            and not Machine.objects.exists()
            and not Address.objects.exists()
        )


def test_a_refused_item_of_a_list_says_which(api: Api) -> None:
    answer = api.post(
        "machines/", wanted(networks=[{"network": "shop"}, {"network": "nope"}])
    ).json()
    assert answer == {
        "networks": [
            {"message": "There is no network nope.", "code": "does_not_exist", "at": "1.network"}
        ]
    }


def test_name_and_labels_change_and_the_home_does_not(api: Api, fra: World) -> None:
    machine = fra.machine("web", fra.shop, *fra.pool.children.all())
    path = f"machines/{machine.pk}/"
    assert (
        api.patch(path, {"name": "web-1", "labels": {"a": "b"}, "project": "shop"}).json()["name"]
        == "web-1"
    )
    assert codes(api.patch(path, {"project": "analytics"}))["project"][-1] == "identity"
    assert codes(api.patch(path, {"id": str(uuid.uuid4())})) == {"id": ["identity"]}


def test_freeing_gives_picked_addresses_back(api: Api, fra: World) -> None:
    machine = fra.machine("web", fra.shop, *fra.pool.children.all())
    assert api.delete(f"machines/{machine.pk}/").status_code == 204
    assert not Machine.objects.exists() and not Address.objects.exists()
    assert api.delete(f"machines/{machine.pk}/").status_code == 404


def test_a_firewall_is_no_machine_here(api: Api, fra: World) -> None:
    firewall = fra.firewall("fw", fra.shop, *fra.pool.children.all())
    assert api.get("machines/").json()["count"] == 0
    assert (
        api.get(f"machines/{firewall.pk}/").status_code
        == api.delete(f"machines/{firewall.pk}/").status_code
        == 404
    )
    assert Machine.objects.exists()


def test_lists_are_filtered_and_cost_the_same_whatever_their_length(api: Api, fra: World) -> None:
    (shop,) = fra.pool.children.all()
    first = fra.machine("web-0", fra.shop, shop, labels={"size": "c1"})
    few = queries(lambda: api.get("machines/"))
    for number in range(1, 6):
        fra.machine(f"web-{number}", fra.shop, shop)
    assert queries(lambda: api.get("machines/")) == few
    for query in (
        f"id={first.pk}",
        "name=web-0",
        "addresses=10.128.0.1",
        "labels=size=c1",
        f"asn={first.asn}",
        "search=web-0",
    ):
        assert [row["name"] for row in api.get(f"machines/?{query}").json()["results"]] == [
            "web-0"
        ], query
    for query in ("partition=fra", "project=shop", "network=shop"):
        assert api.get(f"machines/?{query}").json()["count"] == 6
    assert codes(api.get("machines/?id=7")) == {"id": ["invalid"]}
    assert api.get("machines/?ordering=-name&limit=1").json()["results"][0]["name"] == "web-5"


def test_a_viewer_reads_only(fra: World) -> None:
    viewer = Api("viewer")
    assert (
        viewer.get("machines/").status_code == 200
        and viewer.post("machines/", wanted()).status_code == 403
    )
