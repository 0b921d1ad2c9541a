"""Retired firewalls and what is kept back, at every door; and new hardware for a firewall."""

import shutil
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from firewalls import tasks
from firewalls.allocation import free_firewall, leave
from firewalls.configuration import checks
from firewalls.configuration.carried import carries
from firewalls.configuration.empty import empty
from firewalls.models import Firewall, Retired
from firewalls.pushing import retiring, takeover
from firewalls.pushing.jobs import access_of
from firewalls.pushing.replacing import replace
from networks.models import Activity, Carried, Partition
from tests.api import Api, codes, someone
from tests.firewalls.boxes import Boxes
from tests.firewalls.pushes import push, state
from tests.pages import says, visitor
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Firewall]


@pytest.fixture
def pushed(make: Make, firewall_name: str) -> Firewall:
    firewall = make(firewall_name)
    assert push(firewall).state == "confirmed"
    return Firewall.objects.get(pk=firewall.pk)


@pytest.fixture
def retired(pushed: Firewall) -> Retired:
    row = free_firewall(pushed, by="ada")
    assert row
    return row


def staff() -> Client:
    user, client = someone("admin", "support"), Client()
    user.is_staff = True
    user.save()
    client.force_login(user)
    return client


class TestRest:
    def test_freeing_keeps_its_contract_and_lists_it_as_retired(self, pushed: Firewall) -> None:
        api = Api("operator")
        asn = pushed.machine.asn
        assert api.delete(f"firewalls/{pushed.pk}/").status_code == 204
        assert api.get(f"firewalls/{pushed.pk}/").status_code == 404
        (row,) = api.get("retired-firewalls/").json()["results"]
        assert row["id"] == str(pushed.pk) and row["name"] == pushed.name
        assert row["management"]["host_key"] == pushed.host_key
        assert f"AS number {asn}" in row["reserved"]
        kept = api.get(f"kept-back/?firewall={pushed.pk}&network=underlay-fra").json()["results"]
        assert [one["address"] for one in kept] == ["10.4.0.1"]
        assert pushed.name in kept[0]["reason"]

    def test_it_is_said_to_be_gone_by_its_name(self, retired: Retired) -> None:
        api = Api("operator")
        path = f"retired-firewalls/{retired.pk}/gone/"
        assert Api("viewer").post(path, {"confirm": retired.name}).status_code == 403
        assert codes(api.post(path, {"confirm": "no"})) == {"confirm": ["not_confirmed"]}
        assert api.post(path, {"confirm": retired.name}).status_code == 204
        assert not Carried.objects.exists()
        last = Activity.objects.filter(kind="retired", verb="removed").latest("pk")
        assert last.operation == f"{retired.name} was said to be gone"

    def test_a_worker_is_asked_to_take_it_off(self, retired: Retired, published: list[str]) -> None:
        path = f"retired-firewalls/{retired.pk}/take-off/"
        answer = Api("operator").post(path)
        assert answer.status_code == 202 and answer.json()["outcome"] == "asked"
        assert "firewalls.tasks.take_off" in published

    def test_one_without_management_cannot_be_reached(self, retired: Retired) -> None:
        Retired.objects.update(host="")
        path = f"retired-firewalls/{retired.pk}/take-off/"
        assert Api("operator").post(path).status_code == 400

    def test_a_list_takes_as_many_queries_as_one(
        self, retired: Retired, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(5):
            Retired.objects.create(
                id=f"00000000-0000-4000-8000-00000000000{number}",
                name=f"other-{number}",
                partition_id="fra",
                project="shop",
                network="shop",
            )
        api = Api("viewer")
        api.get("retired-firewalls/")
        with django_assert_max_num_queries(6):
            assert api.get("retired-firewalls/").json()["count"] == 6

    def test_what_was_left_is_shown_with_the_reason(self, pushed: Firewall, fra: World) -> None:
        leave(pushed, fra.internet)
        (row,) = Api("viewer").get("kept-back/").json()["results"]
        assert row["address"] == "203.0.113.1" and row["network"] == "internet-fra"
        assert "until a push without it is confirmed" in row["reason"]


class TestItsPartition:
    def test_is_not_removed_before_it_is_clean(self, pushed: Firewall, fra: World) -> None:
        """It may be reached and managed as that says."""
        free_firewall(pushed)
        with pytest.raises(ProtectedError) as caught:
            Partition.objects.get(pk="fra").delete()
        assert Retired.objects.get() in caught.value.protected_objects
        refused = Api("admin").delete("partitions/fra/")
        assert codes(refused, 409) == {"non_field_errors": ["in_use"]}
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("UPDATE firewalls_retired SET partition = 'nowhere'")

    def test_that_was_removed_before_that_was_held_is_nobody_s(self, pushed: Firewall) -> None:
        free_firewall(pushed)
        Retired.objects.update(partition=None)
        assert access_of(Retired.objects.get()) is None
        assert says(visitor().get(f"/retired/{pushed.pk}/"), "in a partition that is gone")


class TestPages:
    def test_freeing_says_what_still_runs_and_asks_for_the_name(self, pushed: Firewall) -> None:
        page = f"/firewalls/{pushed.pk}/free/"
        operator = visitor("operator")
        assert says(operator.get(page), "AS number")
        assert operator.post(page, {"confirm": "no"}).status_code == 422
        assert Firewall.objects.filter(pk=pushed.pk).exists()
        answer = operator.post(page, {"confirm": pushed.name, "take_off": "on"})
        assert answer.status_code == 302 and answer["Location"] == f"/retired/{pushed.pk}/"
        assert Retired.objects.get().outcome == "asked"
        assert says(operator.get(answer["Location"]), "waits to be taken off")
        polling = {"HX-Request": "true", "HX-Target": "div#ending"}
        assert "HX-Refresh" not in operator.get(answer["Location"], headers=polling)
        Retired.objects.update(outcome="failed", error="It does not answer.")
        assert operator.get(answer["Location"], headers=polling)["HX-Refresh"] == "true"
        assert says(operator.get("/retired/"), pushed.name)
        assert says(operator.get("/firewalls/"), "Retired")

    def test_a_viewer_frees_nothing(self, pushed: Firewall, make: Make) -> None:
        viewer = visitor("viewer")
        assert viewer.post(f"/firewalls/{pushed.pk}/free/", {"confirm": "x"}).status_code == 403
        assert viewer.post(f"/retired/{pushed.pk}/gone/", {"confirm": "x"}).status_code == 403

    def test_one_that_was_never_pushed_to_is_freed_at_once(self, make: Make) -> None:
        firewall = make("fw-unpushed")
        answer = visitor("operator").post(
            f"/firewalls/{firewall.pk}/free/", {"confirm": firewall.name}
        )
        assert answer["Location"] == "/firewalls/"
        assert not Retired.objects.exists()

    def test_gone_is_typed_and_the_page_stays_to_say_how_it_ended(self, retired: Retired) -> None:
        operator = visitor("operator")
        page = f"/retired/{retired.pk}/"
        assert operator.post(f"{page}gone/", {"confirm": "no"}).status_code == 422
        assert operator.post(f"{page}gone/", {"confirm": retired.name}).status_code == 302
        assert says(operator.get(page), "was said to be gone")
        for action in ("gone", "take-off"):  # pressed on a page that was open meanwhile
            late = operator.post(f"{page}{action}/", {"confirm": retired.name})
            assert says(late, "was said to be gone")
        assert operator.get("/retired/00000000-0000-4000-8000-000000000000/").status_code == 404

    def test_the_networks_show_what_is_kept_back(self, retired: Retired) -> None:
        viewer = visitor("viewer")
        assert says(viewer.get("/networks/internet-fra/"), "203.0.113.1")
        assert says(viewer.get("/networks/internet-fra/"), "may still have it")
        assert viewer.get(f"/boxes/{retired.pk}/")["Location"] == f"/retired/{retired.pk}/"

    def test_the_overview_and_the_search_know_it(self, retired: Retired) -> None:
        viewer = visitor("viewer")
        assert says(viewer.get("/"), "what it may still have is kept back")
        assert says(viewer.get("/search/?q=203.0.113.1"), retired.name)

    def test_a_firewall_shows_what_it_has_left(self, pushed: Firewall, fra: World) -> None:
        leave(pushed, fra.internet)
        page = visitor("viewer").get(f"/firewalls/{pushed.pk}/")
        assert says(page, "It may still have what it has left")


class TestAdmin:
    def test_it_is_listed_and_deleting_it_is_saying_that_it_is_gone(self, retired: Retired) -> None:
        support = staff()
        assert says(support.get(reverse("admin:firewalls_retired_changelist")), retired.name)
        assert says(support.get(reverse("admin:networks_carried_changelist")), "10.4.0.1")
        page = reverse("admin:firewalls_retired_delete", args=[retired.pk])
        assert support.post(page, {"post": "yes"}).status_code == 302
        assert not Retired.objects.exists() and not Carried.objects.exists()

    def test_the_configuration_is_taken_off_from_there(
        self, retired: Retired, published: list[str]
    ) -> None:
        page = reverse("admin:firewalls_retired_changelist")
        staff().post(page, {"action": "take_off", "_selected_action": [str(retired.pk)]})
        assert "firewalls.tasks.take_off" in published


class TestThatKeptNothing:
    """What it had before is not known, to it neither: an empty configuration is left there."""

    @pytest.fixture
    def forgetful(self, retired: Retired, box: Boxes) -> Retired:
        shutil.rmtree(box.file("/var/lib/shared-networks/before", retired.name))
        return retired

    def test_is_left_with_an_empty_configuration_and_holds_nothing_back(
        self, forgetful: Retired, box: Boxes
    ) -> None:
        operator, page = visitor("operator"), f"/retired/{forgetful.pk}/"
        operator.post(f"{page}take-off/")
        retiring.take_off(forgetful.pk)
        forgetful.refresh_from_db()
        assert "Nothing is kept here of what this firewall had" in forgetful.error
        assert says(operator.get(page), "Leave an empty configuration there")
        assert operator.post(f"{page}take-off/", {"empty": "on"}).status_code == 302
        retiring.take_off(forgetful.pk)
        assert not Retired.objects.exists() and not Carried.objects.exists()
        assert says(operator.get(page), "and an empty one left there")
        units = box.file("/etc/systemd/network", forgetful.name)
        assert not [*units.glob("*-sn-*")]
        frr = box.file("/etc/frr/frr.conf", forgetful.name).read_text()
        assert "router bgp" not in frr and frr.endswith("end\n")
        assert "it was freed" in box.file("/etc/nftables.conf", forgetful.name).read_text()

    def test_is_not_where_nobody_could_reach_it_then(self, retired: Retired) -> None:
        Retired.objects.update(practice=False)
        Partition.objects.update(management_prefixes=[])
        path = f"retired-firewalls/{retired.pk}/take-off/"
        refused = Api("operator").post(path, {"empty": True})
        assert codes(refused) == {"non_field_errors": ["no_management_prefixes"]}
        Partition.objects.update(management_prefixes=["192.0.2.0/24"])
        assert Api("operator").post(path, {"empty": True}).status_code == 202
        assert Retired.objects.get().leaves_empty

    def test_is_asked_for_when_it_is_freed(self, pushed: Firewall) -> None:
        pushed.revisions.filter(number=takeover.HAD).delete()
        operator, page = visitor("operator"), f"/firewalls/{pushed.pk}/free/"
        assert says(operator.get(page), "an empty one is left")
        operator.post(page, {"confirm": pushed.name, "take_off": "on"})
        assert Retired.objects.get().leaves_empty

    def test_is_so_from_the_admin_too(self, retired: Retired) -> None:
        page = reverse("admin:firewalls_retired_changelist")
        staff().post(page, {"action": "leave_empty", "_selected_action": [str(retired.pk)]})
        assert Retired.objects.get().leaves_empty

    def test_its_files_are_what_the_real_parsers_take_and_carry_nothing(self) -> None:
        files = empty("fw", [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
        assert not any(checks.complaints_of_each([files]))
        has = carries(files)
        assert not (has.addresses or has.vrfs or has.asns or has.targets)
        assert "ip6 saddr { 2001:db8::/32 } tcp dport 22" in files["/etc/nftables.conf"]


class TestNewHardware:
    def test_is_the_same_firewall_on_another_box(
        self, pushed: Firewall, make: Make, box: Boxes
    ) -> None:
        asn, own = pushed.machine.asn, {str(one) for one in pushed.machine.addresses.all()}
        target = box.target("fw-new-box")
        body = {
            "management": {"host": target.host, "port": target.port, "user": target.user},
            "gone": False,
        }
        api = Api("operator")
        path = f"firewalls/{pushed.pk}/replace/"
        assert codes(api.post(path, body)) == {"gone": ["may_still_run"]}
        answer = api.post(path, body | {"gone": True})
        assert answer.status_code == 200, answer.json()
        assert answer.json()["state"] == "new" and answer.json()["asn"] == asn
        row = Firewall.objects.get(pk=pushed.pk)
        assert row.observation.applied is None and row.host_key == ""
        assert {str(one) for one in row.machine.addresses.all()} == own
        Firewall.objects.filter(pk=row.pk).update(host_key=target.host_key)
        assert push(row).state == "confirmed"
        assert box.file("/etc/nftables.conf", "fw-new-box").exists()

    def test_needs_nobodys_word_once_the_old_one_was_given_back(self, pushed: Firewall) -> None:
        assert pushed.revisions.filter(number=takeover.HAD).exists()
        queued = takeover.give_back(pushed, "ada", pushed.name)
        tasks.work()
        queued.refresh_from_db()
        assert queued.state == "confirmed"
        row = replace(Firewall.objects.get(pk=pushed.pk), gone=False, host="192.0.2.7")
        assert row.host == "192.0.2.7" and state(row) == "new"

    def test_is_refused_with_the_reason_where_the_firewall_was_freed_meanwhile(
        self, pushed: Firewall
    ) -> None:
        freed = Firewall.objects.with_relations().get(pk=pushed.pk)
        free_firewall(pushed)
        with pytest.raises(ValidationError, match="was freed meanwhile"):
            replace(freed, gone=True, host="192.0.2.1")

    def test_leaves_a_trail_that_says_what_was_said_of_the_old_box(self, pushed: Firewall) -> None:
        replace(pushed, gone=True, host=pushed.host, port=pushed.port, user=pushed.user)
        last = Activity.objects.filter(kind="firewall").latest("pk")
        assert last.operation == (
            f"the hardware of {pushed.name} was replaced; the old one was said to be gone"
        )
        assert last.before and last.after
        assert last.before["host_key"] and not last.after["host_key"]
        again = Firewall.objects.get(pk=pushed.pk)
        replace(again, gone=False, host=again.host)  # nothing else changes, and it is told too
        assert Activity.objects.filter(kind="firewall").latest("pk").pk > last.pk
        assert again.replaced_at

    def test_is_shown_before_it_is_done(self, pushed: Firewall) -> None:
        api, path = Api("viewer"), f"firewalls/{pushed.pk}/replace/"
        shown = api.get(path).json()
        assert shown["allowed"] is False and shown["applied"] == 1
        assert [one["code"] for one in shown["violations"]] == ["may_still_run"]
        assert shown["asn"] == pushed.machine.asn
        assert shown["addresses"] == [str(one) for one in pushed.machine.addresses.all()]
        assert f"AS number {pushed.machine.asn}" in shown["carried"]
        assert api.post(path, {"management": {"host": "192.0.2.7"}}).status_code == 403
        assert says(visitor("operator").get(f"/{path}"), ", ".join(shown["carried"]))
        Carried.objects.all().delete()
        assert api.get(path).json()["allowed"] is True

    def test_is_done_in_the_admin_too(self, pushed: Firewall) -> None:
        support, key = staff(), pushed.pk
        change = reverse("admin:firewalls_firewall_change", args=[key])
        page = reverse("admin:firewalls_firewall_replace", args=[key])
        assert page in support.get(change).content.decode()
        values = {"host": "192.0.2.7", "port": 22, "user": "shared-networks", "host_key": ""}
        refused = support.post(page, values)
        assert refused.status_code == 200 and "may still run as" in refused.content.decode()
        assert support.post(page, values | {"gone": "on"})["Location"] == change
        assert Firewall.objects.get(pk=key).host == "192.0.2.7"
        viewer = someone("viewer", "viewing")
        viewer.is_staff = True
        viewer.save()
        support.force_login(viewer)
        assert support.post(page, values).status_code == 403

    def test_is_offered_as_a_page(self, pushed: Firewall) -> None:
        page = f"/firewalls/{pushed.pk}/replace/"
        operator = visitor("operator")
        values = {"host": "192.0.2.7", "port": 22, "user": "shared-networks", "host_key": ""}
        assert says(operator.get(page), "may still run with the same addresses")
        assert operator.post(page, values).status_code == 422
        assert operator.post(page, values | {"gone": "on"}).status_code == 302
        assert Firewall.objects.get(pk=pushed.pk).host == "192.0.2.7"
        assert visitor("viewer").get(page).status_code == 403
