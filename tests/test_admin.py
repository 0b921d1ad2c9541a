"""The Django admin: everything is listed and searched, allocated and freed, or refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.access.models import Token
from firewalls.models import (
    Attachment,
    Choice,
    Firewall,
    Hold,
    Push,
    Revision,
    Rule,
    Window,
)
from machines.models import HttpProxy, Machine
from networks.allocation import allocate
from networks.models import Address, Network, Partition, Prefix, Project
from tests.api import someone
from tests.config.test_tokens import answer
from tests.world import World, world

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
OURS = [
    "networks_partition",
    "networks_project",
    "networks_network",
    "networks_prefix",
    "networks_address",
    "machines_machine",
    "machines_httpproxy",
    "firewalls_firewall",
    "firewalls_attachment",
    "firewalls_rule",
    "firewalls_revision",
    "firewalls_push",
    "firewalls_hold",
    "firewalls_window",
    "firewalls_choice",
    "config_token",
]
HISTORY = ["firewalls_revision", "firewalls_push", "firewalls_choice"]
MODELS: dict[str, Any] = {
    "networks_partition": Partition,
    "networks_project": Project,
    "networks_network": Network,
    "networks_prefix": Prefix,
    "networks_address": Address,
    "machines_httpproxy": HttpProxy,
    "firewalls_firewall": Firewall,
    "firewalls_attachment": Attachment,
    "firewalls_rule": Rule,
    "firewalls_revision": Revision,
    "firewalls_push": Push,
    "firewalls_hold": Hold,
    "firewalls_window": Window,
    "firewalls_choice": Choice,
    "config_token": Token,
}


@pytest.fixture
def fra() -> World:
    fra = world()
    shop = fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    fra.firewall(
        "shop-fw",
        fra.shop,
        shop,
        fra.internet,
        rules=[{"direction": "egress", "ports": ["443"]}],
    )
    Choice.objects.create(push=Push.objects.enqueue(firewall()), start="now", reason="shop is down")
    Window(partition=fra.partition, begins="01:00", ends="02:00").save()
    HttpProxy(network=shop, host="192.0.2.7", port=3128).save()
    ended = {"since": timezone.now() - 2 * DAY, "until": timezone.now() - DAY}
    Hold.objects.bulk_create([Hold(firewall=firewall(), reason="shop looks into it", **ended)])
    Token.objects.issue("ci", "viewer")
    return fra


def firewall() -> Firewall:
    return Firewall.objects.get(machine__name="shop-fw")


def staff(role: str = "admin") -> Client:
    user = someone(role, "support")
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def page(name: str, action: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{name}_{action}", args=args)


def messages_on(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def deleted(client: Client, name: str, key: object) -> Any:
    return client.post(page(name, "delete", key), {"post": "yes"})


def sent(model: str, key: object, **changes: object) -> dict[str, Any]:
    """What the change page of a row would send, with changes."""
    response = staff().get(page(model, "change", key))
    assert response.status_code == 200
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    values: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            values[field.html_name] = "" if value is None or value is False else str(value)
    return {**values, **changes}


@pytest.mark.usefixtures("fra")
class TestEveryModel:
    @pytest.mark.parametrize("name", OURS)
    def test_is_listed_searched_and_shown(self, name: str) -> None:
        client = staff()
        assert client.get(page(name)).status_code == 200
        assert client.get(page(name), {"q": "shop"}).status_code == 200
        for row in MODELS[name].objects.all()[:3] if name in MODELS else ():
            shown = client.get(page(name, "change", row.pk))
            assert shown.status_code == 200, (name, row)
            assert name == "config_token" or "View on site" in shown.content.decode()

    @pytest.mark.parametrize("name", [name for name in OURS if name not in HISTORY])
    def test_can_be_added(self, name: str) -> None:
        client, place = staff(), page(name, "add")
        shown = client.get(place)
        assert shown.status_code == 200
        # An address may fill in what no field takes.
        odd = dict.fromkeys(shown.context["adminform"].form.fields, "2026-02-30")
        assert client.get(place, odd).status_code == 200

    @pytest.mark.parametrize("name", HISTORY)
    def test_is_history_and_not_edited(self, name: str) -> None:
        client, row = staff(), MODELS[name].objects.get()
        assert client.get(page(name, "add")).status_code == 403
        assert client.post(page(name, "change", row.pk), {"error": "x"}).status_code == 403
        assert deleted(client, name, row.pk).status_code == 403

    @pytest.mark.parametrize("name", OURS)
    def test_lists_cost_the_same_whatever_their_length(self, fra: World, name: str) -> None:
        client = staff()

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page(name)).status_code == 200
            return len(captured)

        more(fra, 0)
        few = queries()
        for number in range(1, 4):
            more(fra, number)
        assert queries() == few

    def test_is_found_as_one_types(self) -> None:
        query = {
            "app_label": "machines",
            "model_name": "machine",
            "field_name": "primary",
            "term": "shop",
        }
        answer = staff().get(reverse("admin:autocomplete"), query).json()
        assert [row["id"] for row in answer["results"]] == ["shop"]


def more(fra: World, number: int) -> None:
    """One more of everything."""
    net = fra.private(f"net{number}", fra.shop)
    fra.machine(f"m{number}", fra.shop, net)
    rule = {"direction": "egress", "ports": ["443"]}
    Push.objects.enqueue(fra.firewall(f"fw{number}", fra.shop, net, fra.internet, rules=[rule]))
    Token.objects.issue(f"token{number}", "viewer")


@pytest.mark.usefixtures("fra")
class TestMachines:
    WANTED = {
        "name": "web",
        "partition": "fra",
        "project": "shop",
        "network": "shop",
        "labels": "{}",
    }

    def test_are_allocated(self) -> None:
        assert staff().post(page("machines_machine", "add"), self.WANTED).status_code == 302
        machine = Machine.objects.get(name="web")
        assert [str(address) for address in machine.addresses.all()] == ["10.128.0.2"]
        assert LogEntry.objects.filter(object_id=str(machine.pk)).exists()

    def test_are_allocated_with_named_addresses(self) -> None:
        staff().post(page("machines_machine", "add"), {**self.WANTED, "addresses": "10.128.0.9"})
        assert [a.kind for a in Machine.objects.get(name="web").addresses.all()] == ["static"]

    def test_are_refused_on_the_field_and_leave_nothing(self) -> None:
        before = Address.objects.count()
        response = staff().post(
            page("machines_machine", "add"), {**self.WANTED, "network": "storage"}
        )
        assert "storage belongs to project storage-team" in str(
            response.context["adminform"].form.errors["network"]
        )
        assert not Machine.objects.filter(name="web").exists() and Address.objects.count() == before

    def test_change_their_name_and_not_their_home(self, fra: World) -> None:
        machine = fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
        assert staff().get(page("machines_machine", "change", machine.pk)).status_code == 200
        data = sent(
            "machines_machine", machine.pk, name="web-1", project="analytics", labels='{"a": "b"}'
        )
        assert staff().post(page("machines_machine", "change", machine.pk), data).status_code == 302
        machine.refresh_from_db()
        assert (machine.name, machine.project_id, machine.labels) == ("web-1", "shop", {"a": "b"})

    def test_are_freed(self, fra: World) -> None:
        machine = fra.machine("web", fra.shop, Network.objects.get(pk="shop"))
        assert "web" in staff().get(page("machines_machine", "delete", machine.pk)).content.decode()
        assert deleted(staff(), "machines_machine", machine.pk).status_code == 302
        assert (
            not Machine.objects.filter(name="web").exists()
            and not Address.objects.filter(address="10.128.0.2").exists()
        )

    def test_that_are_firewalls_are_not_among_them(self) -> None:
        assert staff().get(page("machines_machine", "change", firewall().pk)).status_code == 302
        deleted(staff(), "machines_machine", firewall().pk)
        assert Firewall.objects.exists()


class TestFirewalls:
    WANTED = {
        "name": "edge",
        "partition": "fra",
        "project": "shop",
        "networks": ["shop", "storage"],
        "uplinks": "lan0,lan1",
        "port": 22,
        "user": "metal",
        "labels": "{}",
    }

    @pytest.mark.usefixtures("fra")
    def test_are_allocated(self) -> None:
        response = staff().post(page("firewalls_firewall", "add"), self.WANTED)
        assert response.status_code == 302, response.context["adminform"].form.errors
        made = Firewall.objects.get(machine__name="edge")
        assert (
            made.primary.pk == "shop"
            and made.attachments.filter(network="storage").exists()
            and made.wanted is not None
        )

    @pytest.mark.usefixtures("fra")
    def test_are_refused_with_the_rule(self, fra: World) -> None:
        fra.private("other", fra.shop)
        response = staff().post(
            page("firewalls_firewall", "add"), {**self.WANTED, "networks": ["shop", "other"]}
        )
        assert "a firewall has one of these at most (R5)" in str(
            response.context["adminform"].form.errors["networks"]
        )
        assert Firewall.objects.count() == 1

    @pytest.mark.usefixtures("fra")
    def test_join_change_and_leave_on_one_page(self) -> None:
        key, change = firewall().pk, page("firewalls_firewall", "change", firewall().pk)
        data = sent(
            "firewalls_firewall",
            key,
            name="edge",
            uplinks="lan9",
            **{
                "attachments-TOTAL_FORMS": 3,
                "attachments-2-firewall": key,
                "attachments-2-network": "storage",
                "attachments-2-addresses": "10.128.4.100",
            },
        )
        response = staff().post(change, data)
        assert response.status_code == 302, response.content.decode()
        edge = Firewall.objects.get(machine__name="edge")
        assert (
            edge.uplinks == ["lan9"]
            and str(edge.machine.addresses.get(prefix__network="storage")) == "10.128.4.100"
        )
        last = edge.revisions.first()
        assert last is not None and last.created_by == "support" and edge.wanted == last
        index = [a.network_id for a in edge.attachments.all()].index("storage")
        assert (
            staff()
            .post(change, sent("firewalls_firewall", key, **{f"attachments-{index}-DELETE": "on"}))
            .status_code
            == 302
        )
        assert not edge.attachments.filter(network="storage").exists()
        assert Address.objects.get(address="10.128.4.100").machine is None

    @pytest.mark.usefixtures("fra")
    def test_refused_as_a_whole_join_nothing(self) -> None:
        """One of two joins is right, and was made to judge it."""
        joining = {
            "attachments-TOTAL_FORMS": 4,
            "attachments-2-firewall": firewall().pk,
            "attachments-2-network": "storage",
            "attachments-3-firewall": firewall().pk,
            "attachments-3-network": "nothing",
        }
        before = Address.objects.count()
        response = staff().post(
            page("firewalls_firewall", "change", firewall().pk),
            sent("firewalls_firewall", firewall().pk, **joining),
        )
        assert response.status_code == 200
        assert not firewall().attachments.filter(network="storage").exists()
        assert Address.objects.count() == before

    @pytest.mark.usefixtures("fra")
    def test_join_nothing_by_a_row_that_is_struck_out_again(self) -> None:
        struck = {
            "attachments-TOTAL_FORMS": 3,
            "attachments-2-firewall": firewall().pk,
            "attachments-2-network": "storage",
            "attachments-2-DELETE": "on",
        }
        before = Address.objects.count()
        change = page("firewalls_firewall", "change", firewall().pk)
        answer = staff().post(change, sent("firewalls_firewall", firewall().pk, **struck))
        assert answer.status_code == 302
        assert not firewall().attachments.filter(network="storage").exists()
        assert Address.objects.count() == before

    def test_refuse_a_join_on_the_field(self, fra: World) -> None:
        fra.private("other", fra.shop)
        joining = {
            "attachments-TOTAL_FORMS": 3,
            "attachments-2-firewall": firewall().pk,
            "attachments-2-network": "other",
        }
        response = staff().post(
            page("firewalls_firewall", "change", firewall().pk),
            sent("firewalls_firewall", firewall().pk, **joining),
        )
        assert (
            "other is private and not shared" in response.content.decode()
            and firewall().attachments.count() == 2
        )

    @pytest.mark.usefixtures("fra")
    def test_stay_on_the_underlay_and_say_so(self) -> None:
        key = firewall().pk
        index = [a.network_id for a in firewall().attachments.all()].index("underlay-fra")
        data = sent(
            "firewalls_firewall", key, uplinks="lan9", **{f"attachments-{index}-DELETE": "on"}
        )
        response = staff().post(page("firewalls_firewall", "change", key), data)
        assert "carries the firewall's own traffic and stays (R8)" in messages_on(response)
        assert firewall().attachments.count() == 2 and firewall().uplinks == ["lan0", "lan1"]

    @pytest.mark.usefixtures("fra")
    def test_refuse_a_bad_name_on_its_field(self) -> None:
        data = sent("firewalls_firewall", firewall().pk, name="Not A Host")
        response = staff().post(page("firewalls_firewall", "change", firewall().pk), data)
        assert "RFC 1123" in str(response.context["adminform"].form.errors["name"])

    @pytest.mark.usefixtures("fra")
    def test_are_freed_one_by_one_or_several(self, fra: World) -> None:
        fra.firewall("second", fra.shop, Network.objects.get(pk="shop"))
        assert deleted(staff(), "firewalls_firewall", firewall().pk).status_code == 302
        left = [str(one.pk) for one in Firewall.objects.all()]
        data = {"action": "delete_selected", "_selected_action": left, "post": "yes"}
        assert staff().post(page("firewalls_firewall"), data).status_code == 302
        assert not Machine.objects.exists() and not Address.objects.exists()


@pytest.mark.usefixtures("fra")
class TestWhatIsInUse:
    def test_is_not_deleted_and_its_users_are_named(self) -> None:
        for name, key, user in (
            ("networks_network", "shop", "10.128.0.1"),
            ("networks_partition", "fra", "super-fra"),
        ):
            shown = staff().get(page(name, "delete", key)).content.decode()
            assert "protected" in shown and user in shown
            assert deleted(staff(), name, key).status_code == 200
        assert (
            Network.objects.filter(pk="shop").exists()
            and Partition.objects.filter(pk="fra").exists()
        )

    def test_is_not_deleted_where_only_a_rule_knows(self) -> None:
        address = Address.objects.get(address="10.128.0.1")
        response = deleted(staff(), "networks_address", address.pk)
        assert (
            response.status_code == 302
            and "10.128.0.1 is on shop-fw; free that first (R15)." in messages_on(response)
        )
        assert Address.objects.filter(pk=address.pk).exists()

    def test_is_not_deleted_among_others_and_then_none_is(self, fra: World) -> None:
        free = allocate(Network.objects.get(pk="shop"), project=fra.shop)
        used = Address.objects.get(address="10.128.0.1")
        data = {"action": "delete_selected", "_selected_action": [free.pk, used.pk], "post": "yes"}
        response = staff().post(page("networks_address"), data)
        assert "free that first (R15)" in messages_on(
            response
        ) and "Successfully" not in messages_on(response)
        assert Address.objects.filter(pk__in=[free.pk, used.pk]).count() == 2

    def test_prefixes_with_children_stay(self) -> None:
        data = sent("networks_network", "super-fra", **{"prefixes-0-DELETE": "on"})
        response = staff().post(page("networks_network", "change", "super-fra"), data)
        assert "10.128.0.0/14 still holds shop, storage (R15)." in messages_on(response)
        assert Network.objects.get(pk="super-fra").prefixes.exists()


@pytest.mark.usefixtures("fra")
class TestRoles:
    def test_an_operator_edits_private_networks_only(self) -> None:
        client = staff("operator")
        assert client.get(page("networks_network", "change", "shop")).context[
            "has_change_permission"
        ]
        assert not client.get(page("networks_network", "change", "super-fra")).context[
            "has_change_permission"
        ]
        assert deleted(client, "networks_network", "internet-fra").status_code == 403
        assert client.get(page("config_token")).status_code == 403

    def test_an_operator_neither_shares_nor_adds_what_is_an_admins(self) -> None:
        client = staff("operator")
        fields = (
            client.get(page("networks_network", "change", "shop")).context["adminform"].form.fields
        )
        assert "shared" not in fields and "name" in fields
        base = {"name": "new", "default_child_prefix_length": "{}", "labels": "{}"}
        external = client.post(page("networks_network", "add"), {**base, "kind": "external"})
        private = {**base, "kind": "private", "partition": "fra", "project": "shop"}
        shared = client.post(page("networks_network", "add"), {**private, "shared": "on"})
        assert [
            set(response.context["adminform"].form.errors) for response in (external, shared)
        ] == [{"kind"}, {"shared"}]
        assert client.post(page("networks_network", "add"), private).status_code == 302
        assert Network.objects.get(pk="new").prefixes_text == "10.128.8.0/22"


class TestTokens:
    def test_are_shown_once(self) -> None:
        response = staff().post(
            page("config_token", "add"), {"name": "robot", "role": "operator", "days": 7}
        )
        text = response.context["token"].text
        assert (
            response.status_code == 200
            and text in response.content.decode()
            and "no-store" in response["Cache-Control"]
        )
        assert (
            answer(text).status_code == 200 and Token.objects.get(name="robot").role == "operator"
        )
        assert (
            text
            not in staff()
            .get(page("config_token", "change", Token.objects.get().pk))
            .content.decode()
        )

    def test_are_not_made_of_people(self) -> None:
        User.objects.create_user("ada", password="secret")
        response = staff().post(
            page("config_token", "add"), {"name": "ada", "role": "admin", "days": 7}
        )
        assert (
            "person's account" in str(response.context["adminform"].form.errors.as_data()["name"])
            and not Token.objects.exists()
        )

    def test_end(self) -> None:
        token, text = Token.objects.issue("robot", "viewer")
        assert (
            deleted(staff(), "config_token", token.pk).status_code == 302
            and answer(text).status_code == 401
        )


def test_a_network_without_id_and_name_is_refused_as_over_rest(fra: World) -> None:
    values = {"kind": "private", "partition": "fra", "project": "shop", "labels": "{}"}
    answer = staff().post(reverse("admin:networks_network_add"), values)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {"name": ["Give a name, or an id."]}
    assert not Network.objects.filter(pk="network").exists()
