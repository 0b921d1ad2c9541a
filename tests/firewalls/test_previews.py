"""What previews of sharing, joining and leaving say is what happens, and they change nothing."""

from ipaddress import ip_address
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from firewalls.allocation import join, leave
from firewalls.intent.revisions import rendered
from firewalls.models import Attachment, Firewall, Revision
from firewalls.previews import join_preview, leave_preview, share_preview
from networks.allocation import grow
from networks.models import Address, Network
from tests.networks.test_api import queries
from tests.world import World, world

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
        preview = share_preview(analytics)
        assert [
            (bridge.firewall.name, bridge.network.pk, bridge.machines)
            for bridge in preview.could_join
        ] == [
            ("shop-fw", "shop", 3),
            ("shop-fw-2", "shop", 3),
        ]
        assert (preview.machines, preview.machines_by_project) == (3, {"shop": 3})
        assert [own.name for own in preview.own_firewalls] == ["own-fw"] and preview.allowed

    def test_changes_the_configurations_that_it_says(self, fra: World, firewall: Firewall) -> None:
        join(firewall, net("storage"))
        preview = share_preview(net("shop"))
        foreseen = {change.firewall.pk: change.after for change in preview.effect.changes()}
        before = rendered([firewall.pk])
        net("shop").share("ada")
        after = rendered([firewall.pk])
        assert foreseen == {pk: files for pk, files in after.items() if files != before[pk]}

    def test_would_say_so_if_it_changed_a_configuration(
        self, fra: World, firewall: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It changes none today, so here it is made to grow the network besides."""
        share = Network.share

        def share_and_grow(network: Network, by: str, reason: str = "") -> None:
            share(network, by, reason)
            grow(net(network.pk), prefix_length=24)

        monkeypatch.setattr(Network, "share", share_and_grow)
        (change,) = share_preview(net("shop")).effect.changes()
        assert change.firewall == firewall and "/etc/nftables.conf" in change.diffs

    def test_is_not_done_and_the_network_at_hand_does_not_say_so(self, fra: World) -> None:
        network = net("shop")
        share_preview(network)
        assert not network.shared and not net("shop").shared

    def test_of_a_shared_network_again_changes_nothing_and_is_allowed(self, fra: World) -> None:
        preview = share_preview(net("storage"))
        assert preview.allowed and list(preview.effect.changes()) == []

    def test_says_which_rule_forbids_it(self, fra: World) -> None:
        preview = share_preview(fra.internet)
        assert [violation.code for violation in preview.violations] == ["not_private"]
        assert not preview.could_join and not connection.needs_rollback

    def test_takes_the_same_number_of_queries_however_many_there_are(
        self, fra: World, firewall: Firewall
    ) -> None:
        def preview() -> None:
            list(share_preview(net("shop")).effect.changes())

        fra.firewall("other", fra.shop, fra.private("net", fra.shop))
        few = queries(preview)
        for number in range(4):
            fra.firewall(f"own-{number}", fra.shop, net("shop"))
            fra.firewall(f"other-{number}", fra.shop, fra.private(f"net{number}", fra.shop))
        assert queries(preview) == few


class TestJoiningAndLeaving:
    def counts(self) -> list[Any]:
        return [model.objects.count() for model in (Attachment, Address, Revision)]

    def test_joining_shows_what_it_does(self, fra: World, firewall: Firewall) -> None:
        before = self.counts()
        preview = join_preview(firewall, net("storage"), addresses=[ip_address("10.128.4.9")])
        assert self.counts() == before and connection.needs_rollback is False
        assert preview.result == (ip_address("10.128.4.9"),)
        (change,) = preview.changes()
        assert change.firewall == firewall and "+" in change.diffs["/etc/nftables.conf"]
        join(firewall, net("storage"), addresses=[ip_address("10.128.4.9")])
        assert rendered([firewall.pk])[firewall.pk] == change.after

    def test_joining_shows_the_addresses_that_would_be_picked(
        self, fra: World, firewall: Firewall
    ) -> None:
        preview = join_preview(firewall, net("storage"))
        join(firewall, net("storage"))
        own = firewall.machine.addresses.filter(prefix__network="storage")
        assert preview.result == tuple(own.values_list("address", flat=True))

    def test_leaving_shows_what_it_does(self, fra: World, firewall: Firewall) -> None:
        join(firewall, net("storage"))
        before = self.counts()
        preview = leave_preview(firewall, net("storage"))
        assert self.counts() == before and preview.result == (ip_address("10.128.4.1"),)
        (change,) = preview.changes()
        leave(firewall, net("storage"))
        assert rendered([firewall.pk])[firewall.pk] == change.after

    def test_what_is_refused_is_refused_in_the_same_words(
        self, fra: World, firewall: Firewall
    ) -> None:
        def joining(action: Any) -> dict[str, list[str]]:
            with pytest.raises(ValidationError) as refused:
                action(firewall, net("storage"), addresses=[ip_address("10.9.9.9")])
            return refused.value.message_dict

        assert "addresses" in joining(join_preview)
        assert joining(join_preview) == joining(join)

    def test_they_take_the_same_number_of_queries_however_many_there_are(
        self, fra: World, firewall: Firewall
    ) -> None:
        few = queries(lambda: join_preview(firewall, net("storage")).diffs())
        for number in range(4):
            home = fra.private(f"net{number}", fra.shop)
            fra.firewall(f"other-{number}", fra.shop, home, net("storage"))
            fra.firewall(f"own-{number}", fra.shop, net("shop"))
        assert queries(lambda: join_preview(firewall, net("storage")).diffs()) == few
