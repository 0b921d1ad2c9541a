"""Firewalls over REST: allocated, changed, joined, configured, pushed to; and shared networks."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from firewalls.allocation import replace_rules
from firewalls.intent import revisions
from firewalls.models import Attachment, Firewall, Push
from machines.models import Machine
from networks.models import Address, Network
from tests.api import Api, codes
from tests.networks.test_api import queries
from tests.pages import visitor
from tests.world import World, network, world

pytestmark = pytest.mark.django_db

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx2lO0JwJ0b9c1b2n3m4k5j6h7g8f9d0s1a2q3w4e5r"


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    return fra


@pytest.fixture
def api(fra: World) -> Api:
    return Api("operator")


def wanted(**changes: object) -> dict[str, Any]:
    networks = [{"network": "shop"}, {"network": "internet-fra"}]
    return {
        "name": "shop-fw",
        "partition": "fra",
        "project": "shop",
        "networks": networks,
        **changes,
    }


def path(firewall: Firewall, more: str = "") -> str:
    return f"firewalls/{firewall.pk}/{more}"


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return fra.firewall("shop-fw", fra.shop, Network.objects.get(pk="shop"), fra.internet)


class TestAllocating:
    def test_shows_everything_of_it(self, api: Api) -> None:
        rule = {
            "comment": "web",
            "protocol": "tcp",
            "ports": [443, "8000-8100"],
            "to": ["0.0.0.0/0"],
            "from": [],
        }
        management = {"host": "192.0.2.7", "port": 2222, "user": "metal", "host_key": KEY}
        sent = wanted(
            uplinks=["lan4"], management=management, rules={"egress": [rule]}, labels={"size": "n1"}
        )
        made = api.post("firewalls/", sent)
        assert made.status_code == 201, made.content
        shown = made.json()
        assert shown == api.get(f"firewalls/{shown['id']}/").json()
        assert shown["attachments"] == [
            {"network": "shop", "role": "primary", "addresses": ["10.128.0.1"]},
            {"network": "internet-fra", "role": "external", "addresses": ["203.0.113.1"]},
            {"network": "underlay-fra", "role": "underlay", "addresses": ["10.4.0.1"]},
        ]
        assert (
            shown["rules"] == {"egress": [rule], "ingress": []}
            and shown["management"] == management
        )
        expected = {
            "name": "shop-fw",
            "partition": "fra",
            "project": "shop",
            "network": "shop",
            "asn": 4210000001,
            "router_id": "10.4.0.1",
            "uplinks": ["lan4"],
            "state": "new",
            "labels": {"size": "n1"},
            "wanted": 1,
            "applied": None,
        }
        assert {name: shown[name] for name in expected} == expected

    def test_needs_no_more_than_a_network(self, api: Api) -> None:
        shown = api.post("firewalls/", wanted(networks=[{"network": "shop"}])).json()
        assert shown["uplinks"] == ["lan0", "lan1"] and shown["rules"] == {
            "egress": [],
            "ingress": [],
        }
        assert shown["management"] == {
            "host": "",
            "port": 22,
            "user": "shared-networks",
            "host_key": "",
        }

    @pytest.mark.parametrize(
        "changes, refused",
        [
            (
                {"networks": [{"network": "shop"}, {"network": "other"}]},
                {"networks": ["second_unshared"]},
            ),
            (
                {"networks": [{"network": "shop"}, {"network": "far"}]},
                {"networks": ["other_partition"]},
            ),
            ({"networks": [{"network": "storage"}]}, {"networks": ["no_primary"]}),
            (
                {"networks": [{"network": "shop"}, {"network": "storage", "auto": False}]},
                {"addresses": ["no_address"]},
            ),
            ({"management": {"host": "a b"}}, {"management": ["invalid_host"]}),
            ({"management": {"port": 70000}}, {"management": ["max_value"]}),
            ({"rules": {"egress": [{"ports": [70000]}]}}, {"rules": ["item_invalid"]}),
            (
                {"rules": {"ingress": [{"ports": [443], "from": ["10.0.0.1/8"]}]}},
                {"rules": ["invalid_prefix"]},
            ),
            ({"rules": {"ingress": [{"ports": [True]}]}}, {"rules": ["invalid_port"]}),
            (
                {"rules": {"ingress": [{"protocol": "icmp", "ports": [1]}]}},
                {"rules": ["ports_of_protocol"]},
            ),
            ({"rules": {"egress": [{"protocol": "udp"}]}}, {"rules": ["ports_of_protocol"]}),
            (
                {"rules": {"ingress": [{"protocol": "sctp", "ports": [1]}]}},
                {"rules": ["invalid_choice"]},
            ),
            ({"uplinks": ["lan0; reboot"]}, {"uplinks": ["item_invalid"]}),
            ({"uplinks": ["vrf3981"]}, {"uplinks": ["item_invalid"]}),
        ],
    )
    def test_refusals_name_field_and_code_and_leave_nothing(
        self, api: Api, fra: World, changes: object, refused: object
    ) -> None:
        fra.private("other", fra.shop)
        world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1).private(
            "far", fra.storage, shared=True
        )
        body: dict[str, Any] = {**wanted(), **changes}  # type: ignore[dict-item]
        assert codes(api.post("firewalls/", body)) == refused
        assert (
            not Machine.objects.exists()
            and not Firewall.objects.exists()
            and not Address.objects.exists()
        )


class TestChanging:
    def test_changes_both_halves_and_what_is_wanted(self, api: Api, firewall: Firewall) -> None:
        change = {
            "name": "edge",
            "labels": {"a": "b"},
            "uplinks": ["lan7"],
            "management": {"host": "192.0.2.9"},
        }
        shown = api.patch(path(firewall), change).json()
        assert (shown["name"], shown["labels"], shown["uplinks"], shown["wanted"]) == (
            "edge",
            {"a": "b"},
            ["lan7"],
            2,
        )
        assert shown["management"]["host"] == "192.0.2.9" and shown["management"]["port"] == 22

    def test_the_database_holds_by_itself_which_rules_have_ports(self, firewall: Firewall) -> None:
        replace_rules(firewall, [{"direction": "egress", "protocol": "icmp"}])
        for change in ({"ports": ["80"]}, {"protocol": "tcp"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                firewall.rules.update(**change)

    def test_its_partition_says_how_large_packets_may_be(
        self, api: Api, firewall: Firewall
    ) -> None:
        refused = Api("admin").patch("partitions/fra/", {"fabric_mtu": 1329})
        assert codes(refused) == {"fabric_mtu": ["min_value"]}
        Api("admin").patch("partitions/fra/", {"fabric_mtu": 1500})
        revisions.refresh([firewall.pk], cause="another MTU")
        files = api.get(path(firewall, "config/")).json()["files"]
        sizes = {
            line
            for text in files.values()
            for line in text.splitlines()
            if line.startswith("MTUBytes=")
        }
        assert sizes == {"MTUBytes=1500", "MTUBytes=1450"}

    def test_replaces_the_rules_of_a_direction(self, api: Api, firewall: Firewall) -> None:
        api.patch(
            path(firewall), {"rules": {"egress": [{"ports": [53]}], "ingress": [{"ports": [22]}]}}
        )
        rules = api.patch(
            path(firewall), {"rules": {"egress": [{"ports": [443]}, {"ports": [80]}]}}
        ).json()["rules"]
        assert [rule["ports"] for rule in rules["egress"]] == [[443], [80]] and [
            r["ports"] for r in rules["ingress"]
        ] == [[22]]
        refused = api.patch(path(firewall), {"name": "x", "rules": {"egress": [{"ports": ["x"]}]}})
        assert codes(refused) == {"rules": ["item_invalid"]} and firewall.rules.count() == 3

    def test_keeps_its_home(self, api: Api, firewall: Firewall) -> None:
        assert (
            codes(api.patch(path(firewall), {"project": "analytics"}))["project"][-1] == "identity"
        )
        assert codes(api.patch(path(firewall), {"id": "00000000-0000-0000-0000-000000000001"})) == {
            "id": ["identity"]
        }
        assert (
            api.patch(path(firewall), {"id": str(firewall.pk), "project": "shop"}).status_code
            == 200
        )

    def test_a_stale_tag_changes_nothing(self, api: Api, firewall: Firewall) -> None:
        tag = api.get(path(firewall))["ETag"]
        assert (
            api.post(
                path(firewall, "attachments/"), {"network": "storage"}, If_Match=tag
            ).status_code
            == 201
        )
        assert api.patch(path(firewall), {"name": "x"}, If_Match=tag).status_code == 412
        assert api.delete(path(firewall, "attachments/storage/"), If_Match=tag).status_code == 412
        assert api.post(path(firewall, "push/"), {}, If_Match=tag).status_code == 412
        assert firewall.attachments.filter(network="storage").exists() and not Push.objects.exists()

    def test_freeing_leaves_nothing_that_was_picked(self, api: Api, firewall: Firewall) -> None:
        assert api.delete(path(firewall)).status_code == 204
        assert not Machine.objects.exists() and not Address.objects.exists()


class TestJoining:
    def test_and_leaving_again(self, api: Api, firewall: Firewall) -> None:
        joined = api.post(path(firewall, "attachments/"), {"network": "storage"})
        assert joined.status_code == 201
        assert {
            "network": "storage",
            "role": "shared",
            "addresses": ["10.128.4.1"],
        } in joined.json()["attachments"]
        assert api.delete(path(firewall, "attachments/storage/")).status_code == 204
        assert not Attachment.objects.filter(network="storage").exists()
        assert not Address.objects.filter(prefix__network="storage").exists()

    def test_with_a_brought_address(self, api: Api, firewall: Firewall) -> None:
        body = {"network": "storage", "auto": False, "addresses": ["10.128.4.100"]}
        assert {"network": "storage", "role": "shared", "addresses": ["10.128.4.100"]} in api.post(
            path(firewall, "attachments/"), body
        ).json()["attachments"]

    @pytest.mark.parametrize(
        "body, refused",
        [
            ({"network": "shop"}, {"network": ["own_primary"]}),
            ({"network": "other"}, {"network": ["second_unshared"]}),
            ({"network": "internet-fra"}, {"network": ["joined_already"]}),
            ({"network": "far"}, {"network": ["other_partition"]}),
            ({"network": "mpls"}, {"network": ["other_project"]}),
            ({"network": "super-fra"}, {"network": ["not_explicit"]}),
            ({"network": "underlay-fra"}, {"network": ["not_explicit"]}),
            ({"network": "nope"}, {"network": ["does_not_exist"]}),
            ({}, {"network": ["required"]}),
            ({"network": "storage", "auto": False}, {"addresses": ["no_address"]}),
            (
                {"network": "storage", "addresses": ["10.128.0.9"]},
                {"addresses": ["outside_networks"]},
            ),
            ({"network": "storage", "addresses": ["10.128.4.0"]}, {"addresses": ["reserved"]}),
        ],
    )
    def test_is_refused_by_field_and_leaves_nothing(
        self, api: Api, fra: World, firewall: Firewall, body: object, refused: object
    ) -> None:
        fra.private("other", fra.shop)
        firewall.primary.share("ada")
        world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1).private(
            "far", fra.storage, shared=True
        )
        network(
            "mpls",
            "external",
            "100.127.129.0/24",
            vrf=104055,
            partition=fra.partition,
            project=fra.storage,
        )
        before = Address.objects.count()
        assert codes(api.post(path(firewall, "attachments/"), body)) == refused
        assert (Address.objects.count(), firewall.attachments.count()) == (before, 2)

    def test_the_primary_and_the_underlay_are_not_left(self, api: Api, firewall: Firewall) -> None:
        assert codes(api.delete(path(firewall, "attachments/shop/")), 409) == {
            "network": ["primary"]
        }
        assert codes(api.delete(path(firewall, "attachments/underlay-fra/")), 409) == {
            "network": ["underlay"]
        }
        assert api.delete(path(firewall, "attachments/storage/")).status_code == 404
        assert api.delete(path(firewall, "attachments/nope/")).status_code == 404


class TestConfigurations:
    def test_are_read_by_number(self, api: Api, firewall: Firewall) -> None:
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        now, first = (
            api.get(path(firewall, "config/")).json(),
            api.get(path(firewall, "config/?revision=1")).json(),
        )
        assert now["revision"] == 2 and first["revision"] == 1 and len(now["digest"]) == 64
        assert (
            "hostname shop-fw" in now["files"]["/etc/frr/frr.conf"]
            and "/etc/nftables.conf" in now["files"]
        )
        assert api.get(path(firewall, "config/?revision=9")).status_code == 404
        assert codes(api.get(path(firewall, "config/?revision=x"))) == {
            "revision": ["invalid_revision"]
        }

    def test_are_compared(self, api: Api, firewall: Firewall) -> None:
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        unapplied = api.get(path(firewall, "diff/")).json()
        assert (unapplied["from"], unapplied["to"]) == (None, 2)
        step = api.get(path(firewall, "diff/?from=1&to=2")).json()
        diff = step["files"]["/etc/frr/frr.conf"]
        assert (
            diff.startswith("--- /etc/frr/frr.conf\t1\n+++ /etc/frr/frr.conf\t2\n")
            and "\n+" in diff
        )
        assert api.get(path(firewall, "diff/?from=2&to=wanted")).json()["files"] == {}
        assert api.get(path(firewall, "diff/?from=2&to=7")).status_code == 404

    def test_are_listed_as_revisions(self, api: Api, firewall: Firewall) -> None:
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        page = api.get(f"revisions/?firewall={firewall.pk}&number=2").json()["results"]
        assert page == [api.get(f"revisions/{page[0]['id']}/").json()]
        assert set(page[0]) == {
            "id",
            "firewall",
            "number",
            "digest",
            "created_at",
            "created_by",
            "cause",
        }
        assert page[0]["cause"] == "shop-fw joined storage" and page[0]["created_by"] == "operator"
        assert api.post("revisions/", {}).status_code == 405


class TestPushing:
    def test_queues_one_push(self, api: Api, firewall: Firewall) -> None:
        queued = api.post(path(firewall, "push/"))
        assert queued.status_code == 202
        shown = queued.json()
        assert (
            shown
            == api.get(f"pushes/{shown['id']}/").json()
            == api.get("pushes/?state=queued").json()["results"][0]
        )
        assert {
            "firewall": str(firewall.pk),
            "revision": None,
            "rollout": None,
            "state": "queued",
            "steps": [],
            "error": "",
            "started_at": None,
            "finished_at": None,
            "requested_by": "operator",
        }.items() <= shown.items()
        assert api.post(path(firewall, "push/"), {}).json()["id"] == shown["id"]
        assert api.get(path(firewall)).json()["state"] == "pushing"

    def test_of_an_older_revision_rolls_back_to_it(self, api: Api, firewall: Firewall) -> None:
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        assert api.post(path(firewall, "push/"), {"revision": 1}).json()["revision"] == 1
        assert codes(api.post(path(firewall, "push/"), {"revision": 9})) == {
            "revision": ["does_not_exist"]
        }

    def test_is_shown_with_its_steps(self, api: Api, firewall: Firewall) -> None:
        push = Push.objects.enqueue(firewall, revision=firewall.revisions.get())
        step = {"name": "validate", "state": "ok", "seconds": 0.2, "output": "ok"}
        Push.objects.filter(pk=push.pk).update(steps=[step])
        assert api.get(f"pushes/{push.pk}/").json()["steps"] == [step]
        assert api.get(f"pushes/?firewall={firewall.pk}&revision=1").json()["count"] == 1
        assert api.get("pushes/?revision=null").json()["count"] == 0

    def test_a_check_is_handed_to_a_worker(
        self,
        api: Api,
        firewall: Firewall,
        published: list[str],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert api.post(path(firewall, "check/")).status_code == 202
        assert "firewalls.tasks.work" in published


class TestSharing:
    def test_says_what_it_would_change_and_changes_nothing(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        analytics = fra.private("analytics", fra.analytics)
        fra.machine("web-1", fra.shop, Network.objects.get(pk="shop"))
        effect = api.get("networks/analytics/share/").json()
        could = [
            {
                "firewall": str(firewall.pk),
                "name": "shop-fw",
                "network": "shop",
                "project": "shop",
                "machines": 1,
            }
        ]
        assert effect == {
            "allowed": True,
            "violations": [],
            "firewalls_that_could_join": could,
            "machines_that_could_reach": 1,
            "machines_by_project": {"shop": 1},
            "prefixes": ["10.128.8.0/22"],
            "firewalls_that_change": [],
            "flows": {"gained": [], "lost": [], "otherwise": [], "projects": []},
            "irreversible": True,
        }
        analytics.refresh_from_db()
        assert not analytics.shared

    def test_names_the_firewalls_whose_configuration_it_would_change(
        self, api: Api, firewall: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There are none today, so here sharing is made to give the network's firewall a rule."""
        share = Network.share

        def share_and_open(network: Network, by: str, reason: str = "") -> None:
            share(network, by, reason)
            replace_rules(firewall, [{"direction": "egress", "ports": ["4711"]}])

        monkeypatch.setattr(Network, "share", share_and_open)
        effect = api.get("networks/shop/share/").json()
        assert effect["firewalls_that_change"] == ["shop-fw"] and not firewall.rules.exists()

    @pytest.mark.parametrize("id", ["super-fra", "underlay-fra", "internet-fra"])
    def test_of_what_is_not_private_is_refused_with_the_same_words(
        self, fra: World, id: str
    ) -> None:
        api = Api("admin")
        effect = api.get(f"networks/{id}/share/").json()
        violation = {
            "field": "shared",
            "code": "not_private",
            "message": "Only a private network can be shared (R1).",
        }
        assert (effect["allowed"], effect["violations"], effect["firewalls_that_could_join"]) == (
            False,
            [violation],
            [],
        )
        refused = api.post(f"networks/{id}/share/", {"confirm": id})
        assert codes(refused) == {"shared": ["not_private"]}
        assert refused.json()["shared"][0]["message"] == violation["message"]

    def test_needs_the_id_and_says_who_and_why(self, fra: World) -> None:
        api = Api("admin")
        assert codes(api.post("networks/shop/share/", {"confirm": "Shop"})) == {
            "confirm": ["not_confirmed"]
        }
        assert codes(api.post("networks/shop/share/", {})) == {"confirm": ["required"]}
        assert codes(api.post("networks/shop/share/", {"confirm": "shop", "reason": "a\nb"})) == {
            "reason": ["not_one_line"]
        }
        shared = api.post("networks/shop/share/", {"confirm": "shop", "reason": "storage for all"})
        assert shared.status_code == 200
        assert (
            shared.json()["shared"],
            shared.json()["shared_by"],
            shared.json()["shared_reason"],
        ) == (True, "admin", "storage for all")
        again = api.post("networks/shop/share/", {"confirm": "shop", "reason": "other"})
        assert again.status_code == 200 and again.json() == shared.json()

    def test_with_a_stale_tag_does_not_happen(self, fra: World) -> None:
        api = Api("admin")
        old = api.get("networks/shop/")["ETag"]
        api.patch("networks/shop/", {"name": "new"})
        assert (
            api.post("networks/shop/share/", {"confirm": "shop"}, If_Match=old).status_code == 412
        )
        assert not Network.objects.get(pk="shop").shared
        effect = api.get("networks/shop/share/")["ETag"]
        assert (
            api.post("networks/shop/share/", {"confirm": "shop"}, If_Match=effect).status_code
            == 200
        )

    def test_shows_who_joined(self, api: Api, fra: World, firewall: Firewall) -> None:
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        fra.machine("web-1", fra.shop, Network.objects.get(pk="shop"))
        consumers = api.get("networks/storage/consumers/").json()
        assert consumers["count"] == 1 and consumers["results"] == [
            {
                "firewall": str(firewall.pk),
                "name": "shop-fw",
                "network": "shop",
                "project": "shop",
                "machines": 1,
            }
        ]
        assert (
            api.get("networks/nope/consumers/").status_code
            == api.get("networks/nope/share/").status_code
            == 404
        )


class TestLists:
    def test_cost_the_same_whatever_their_length(
        self, api: Api, fra: World, firewall: Firewall
    ) -> None:
        paths = (
            "firewalls/",
            "revisions/",
            "pushes/",
            "networks/storage/consumers/",
            "networks/analytics/share/",
        )
        fra.private("analytics", fra.analytics)
        api.post(path(firewall, "attachments/"), {"network": "storage"})
        Push.objects.enqueue(firewall)
        few = {one: queries(lambda one=one: api.get(one)) for one in paths}
        for number in range(4):
            net = fra.private(f"net{number}", fra.shop)
            another = fra.firewall(
                f"fw{number}", fra.shop, net, Network.objects.get(pk="storage"), fra.internet
            )
            Push.objects.enqueue(another)
        assert {one: queries(lambda one=one: api.get(one)) for one in paths} == few

    def test_are_filtered_exactly(self, api: Api, fra: World, firewall: Firewall) -> None:
        fra.firewall("other", fra.storage, Network.objects.get(pk="storage"))
        api.patch(
            path(firewall),
            {"labels": {"a": "b"}, "uplinks": ["lan9"], "management": {"host": "192.0.2.9"}},
        )
        for query in (
            f"id={firewall.pk}",
            "name=shop-fw",
            "project=shop",
            "network=shop",
            "attachments=internet-fra",
            "router_id=10.4.0.1",
            f"asn={firewall.machine.asn}",
            "labels=a=b",
            "uplinks=lan9",
            "management=192.0.2.9",
            "search=shop-fw",
        ):
            assert [row["name"] for row in api.get(f"firewalls/?{query}").json()["results"]] == [
                "shop-fw"
            ], query
        assert api.get("firewalls/?state=new&partition=fra&practice=false").json()["count"] == 2
        assert [row["name"] for row in api.get("firewalls/?ordering=-name").json()["results"]] == [
            "shop-fw",
            "other",
        ]
        assert codes(api.get("firewalls/?state=fine")) == {"state": ["invalid_choice"]}


@pytest.mark.parametrize(
    "method, more, body, roles",
    [
        ("get", "config/", None, "viewer operator admin"),
        ("get", "diff/", None, "viewer operator admin"),
        ("get", "host-key/", None, "viewer operator admin"),
        ("get", "drift/", None, "viewer operator admin"),
        ("post", "attachments/", {"network": "storage"}, "operator admin"),
        ("delete", "attachments/storage/", None, "operator admin"),
        ("post", "push/", {}, "operator admin"),
        ("post", "check/", {}, "operator admin"),
        ("patch", "", {"name": "x"}, "operator admin"),
        ("delete", "", None, "operator admin"),
    ],
)
@pytest.mark.usefixtures("fra", "published")
def test_viewers_only_read_and_the_other_roles_act(
    firewall: Firewall, method: str, more: str, body: object, roles: str
) -> None:
    for role in ("viewer", "operator"):
        if method == "delete" and more:
            Api("admin").post(path(firewall, "attachments/"), {"network": "storage"})
        arguments = (
            [path(firewall, more)] if method in ("get", "delete") else [path(firewall, more), body]
        )
        status = getattr(Api(role), method)(*arguments).status_code
        assert (status < 300) == (role in roles.split()) and (status < 300 or status == 403), (
            role,
            status,
        )


def test_editing_a_firewall_notes_who_caused_the_revision(api: Api, firewall: Firewall) -> None:
    api.patch(path(firewall), {"uplinks": ["lan3"]})
    last = firewall.revisions.first()
    assert last is not None and (last.cause, last.created_by) == ("shop-fw was edited", "operator")
    assert revisions.refresh([firewall.pk], cause="again") == []


class TestFilters:
    """A filter finds what the field of its name shows."""

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("router_id=10.4.0.1", 1),
            ("router_id=203.0.113.1", 0),
            ("attachments=shop", 1),
            ("attachments=internet-fra", 1),
            ("attachments=storage", 0),
            ("network=shop", 1),
            ("network=internet-fra", 0),
        ],
    )
    def test_over_rest(self, firewall: Firewall, query: str, found: int) -> None:
        assert Api("viewer").get(f"firewalls/?{query}").json()["count"] == found

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("attachments=shop", True),
            ("attachments=internet-fra", True),
            ("network=shop", True),
            ("network=internet-fra", False),
        ],
    )
    def test_and_on_the_page(self, firewall: Firewall, query: str, found: bool) -> None:
        answer = visitor("viewer").get(f"/firewalls/?{query}")
        assert (answer.context["listing"].total == 1) is found
