"""What sharing, joining and leaving would change is what they do change, and asking changes nothing."""

from ipaddress import ip_address
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from firewalls.allocation import join, leave
from firewalls.configuration.diffs import unified
from firewalls.intent.effects import (
    firewall_choices,
    join_choices,
    join_preview,
    leave_preview,
    share_effect,
)
from firewalls.intent.revisions import rendered
from firewalls.models import Attachment, Firewall, Revision
from networks.models import Address, Network
from tests.networks.test_api import queries
from tests.world import World, network, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.private("shop", fra.shop)
    fra.private("storage", fra.storage, shared=True)
    return fra


@pytest.fixture
def firewall(fra: World) -> Firewall:
    return fra.firewall("shop-fw", fra.shop, net("shop"), fra.internet)


def net(id: str) -> Network:
    return Network.objects.get(pk=id)


class TestSharing:
    def test_reaches_the_machines_behind_firewalls_of_the_partition(
        self, fra: World, firewall: Firewall
    ) -> None:
        muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        muc.firewall("far-fw", muc.shop, muc.private("far", muc.shop))
        fra.firewall("shop-fw-2", fra.shop, net("shop"))
        analytics = fra.private("analytics", fra.analytics)
        fra.firewall("own-fw", fra.analytics, analytics)
        for number in range(3):
            fra.machine(f"web-{number}", fra.shop, net("shop"))
        fra.machine("node", fra.storage, net("storage"))
        effect = share_effect(analytics)
        assert [
            (bridge.firewall.name, bridge.network.pk, bridge.machines)
            for bridge in effect.could_join
        ] == [
            ("shop-fw", "shop", 3),
            ("shop-fw-2", "shop", 3),
        ]
        assert (effect.machines, effect.machines_by_project) == (3, {"shop": 3})
        assert [own.name for own in effect.own_firewalls] == ["own-fw"] and effect.allowed

    def test_changes_the_configurations_that_it_says(self, fra: World, firewall: Firewall) -> None:
        join(firewall, net("storage"))
        effect = share_effect(net("shop"))
        foreseen = {change.firewall.pk: change.after for change in effect.changes}
        before = rendered([firewall.pk])
        net("shop").share("ada")
        after = rendered([firewall.pk])
        assert foreseen == {pk: files for pk, files in after.items() if files != before[pk]}

    def test_of_a_shared_network_again_changes_nothing_and_is_allowed(self, fra: World) -> None:
        effect = share_effect(net("storage"))
        assert effect.allowed and effect.changes == ()

    def test_says_which_rule_forbids_it(self, fra: World) -> None:
        effect = share_effect(fra.internet)
        assert [violation.code for violation in effect.violations] == [
            "not_private"
        ] and not effect.could_join

    def test_asks_the_same_number_of_questions_however_many_there_are(
        self, fra: World, firewall: Firewall
    ) -> None:
        fra.firewall("other", fra.shop, fra.private("net", fra.shop))
        few = queries(lambda: share_effect(net("shop")))
        for number in range(4):
            fra.firewall(f"own-{number}", fra.shop, net("shop"))
            fra.firewall(f"other-{number}", fra.shop, fra.private(f"net{number}", fra.shop))
        assert queries(lambda: share_effect(net("shop"))) == few


class TestChoices:
    @pytest.fixture
    def choices(self, fra: World, firewall: Firewall) -> dict[str, tuple[bool, str]]:
        fra.private("other", fra.shop)
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
        return {
            choice.item.pk: (choice.allowed, choice.reason) for choice in join_choices(firewall)
        }

    def test_say_why_not(self, choices: dict[str, tuple[bool, str]]) -> None:
        assert choices["storage"] == (True, "")
        assert (
            "(R6)" in choices["internet-fra"][1]
            and "(R5)" in choices["shop"][1]
            and "(R5)" in choices["other"][1]
        )
        assert "(R2)" in choices["far"][1] and "(R7)" in choices["mpls"][1]
        assert "super-fra" not in choices and "underlay-fra" not in choices

    def test_are_what_joining_decides(
        self, choices: dict[str, tuple[bool, str]], firewall: Firewall
    ) -> None:
        for id, (allowed, reason) in choices.items():
            try:
                join_preview(firewall, net(id))
                assert allowed
            except ValidationError as error:
                assert not allowed and reason in error.messages

    def test_are_the_same_from_the_network(
        self, choices: dict[str, tuple[bool, str]], firewall: Firewall
    ) -> None:
        for id, chosen in choices.items():
            found = {
                choice.item: (choice.allowed, choice.reason) for choice in firewall_choices(net(id))
            }
            assert found[firewall] == chosen

    def test_ask_the_same_number_of_questions_however_many_there_are(
        self, fra: World, firewall: Firewall
    ) -> None:
        few = (
            queries(lambda: firewall_choices(net("storage"))),
            queries(lambda: join_choices(firewall)),
        )
        for number in range(4):
            fra.private(f"shared{number}", fra.storage, shared=True)
            fra.firewall(f"other-{number}", fra.shop, fra.private(f"net{number}", fra.shop))
        assert (
            queries(lambda: firewall_choices(net("storage"))),
            queries(lambda: join_choices(firewall)),
        ) == few


class TestPreviews:
    def kept(self) -> list[Any]:
        return [model.objects.count() for model in (Attachment, Address, Revision)]

    def test_of_joining_show_what_joining_does(self, fra: World, firewall: Firewall) -> None:
        before = self.kept()
        seen = join_preview(firewall, net("storage"), addresses=[ip_address("10.128.4.9")])
        assert self.kept() == before and connection.needs_rollback is False
        assert (
            seen.addresses == (ip_address("10.128.4.9"),)
            and "+" in seen.change.diffs["/etc/nftables.conf"]
        )
        join(firewall, net("storage"), addresses=[ip_address("10.128.4.9")])
        assert rendered([firewall.pk])[firewall.pk] == seen.change.after

    def test_of_leaving_show_what_leaving_does(self, fra: World, firewall: Firewall) -> None:
        join(firewall, net("storage"))
        before = self.kept()
        seen = leave_preview(firewall, net("storage"))
        assert self.kept() == before and seen.addresses == (ip_address("10.128.4.1"),)
        leave(firewall, net("storage"))
        assert rendered([firewall.pk])[firewall.pk] == seen.change.after

    def test_refuse_with_the_words_of_the_deed(self, fra: World, firewall: Firewall) -> None:
        with pytest.raises(ValidationError) as refused:
            join_preview(firewall, net("storage"), addresses=[ip_address("10.9.9.9")])
        assert "addresses" in refused.value.error_dict


def test_a_diff_says_what_patch_reads() -> None:
    found = unified(
        {"/a": "one\ntwo", "/same": "x\n", "/gone": "y\n"},
        {"/a": "one\nthree\n", "/same": "x\n"},
        "applied",
        "wanted",
    )
    assert list(found) == ["/a", "/gone"]
    assert (
        found["/a"]
        == "--- /a\tapplied\n+++ /a\twanted\n@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+three\n"
    )
