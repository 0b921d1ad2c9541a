"""What would lock us out is refused, or asked twice, before it is sent."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from firewalls.configuration.ways_in import Hazard, Reached, hazards, ways_in
from firewalls.intent import revisions
from firewalls.models import Firewall, Observation, Push, Revision, SshAccess, Survey, Takeover
from firewalls.pushing import asking, carrying, claiming, lockout, preparing
from firewalls.pushing.asking import USUAL, Wish
from networks.models import Activity, Carried
from tests.firewalls.situations import CONSUMER, SITUATIONS
from tests.world import World, world

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
NEW = ways_in(render(plan(CONSUMER)))
DIRECT = Reached("192.0.2.7", 22, (ip_address("192.0.2.250"),))
MGMT = "/etc/systemd/network/05-mgmt.network"


def found(reached: Reached, **facts: Any) -> list[Hazard]:
    new = ways_in(render(plan(replace(CONSUMER, **facts)))) if facts else NEW
    return list(hazards(new, reached))


def codes(reached: Reached, **facts: Any) -> list[str]:
    return [f"{one.code}{'!' if one.is_certain else ''}" for one in found(reached, **facts)]


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_read_off_the_files_is_what_was_rendered(name: str) -> None:
    facts = SITUATIONS[name]
    read = ways_in(render(plan(facts)))
    accepted = {cidr for one in plan(facts).access.management for cidr in one.prefixes}
    assert read.accepted == accepted and read.ports == ({22} if accepted else set())
    assert read.refused == {net.vrf for net in (facts.primary, *facts.shared)}
    assert facts.router_id in read.own


class TestWhatIsKnown:
    def test_nothing_against_a_firewall_that_the_management_prefixes_reach(self) -> None:
        assert codes(DIRECT) == []

    def test_no_management_prefix_at_all(self) -> None:
        for host in ("192.0.2.7", "fw.example", "127.0.0.1"):
            assert codes(replace(DIRECT, host=host), management_prefixes=()) == ["no_management!"]

    def test_none_of_the_family_of_its_address(self) -> None:
        assert codes(Reached("2001:db8::7", 22)) == ["no_way_in!"]
        both = (*CONSUMER.management_prefixes, ip_network("2001:db8::/48"))
        assert codes(Reached("2001:db8::7", 22), management_prefixes=both) == []

    def test_none_for_a_link_local_address(self) -> None:
        link = Reached("fe80::7%eth0", 22)
        assert codes(link, management_prefixes=(ip_network("2001:db8::/48"),)) == ["no_way_in!"]
        assert codes(link, management_prefixes=(ip_network("fe80::/64"),)) == []

    def test_none_with_our_address_in_it_where_its_own_is_not_there_either(self) -> None:
        far = Reached("198.51.100.7", 22, (ip_address("10.0.0.1"),))
        assert codes(far) == ["not_from_here"]
        assert codes(replace(far, sources=(ip_address("192.0.2.1"),))) == []
        assert codes(replace(far, host="192.0.2.7")) == []  # translated, in their network
        assert codes(replace(far, sources=())) == []

    def test_a_port_that_the_rules_do_not_accept(self) -> None:
        assert codes(replace(DIRECT, port=2222)) == ["other_port"]

    def test_nothing_of_ports_and_sources_behind_a_forward_or_a_name(self) -> None:
        for host in ("127.0.0.1", "fw.example"):
            assert codes(Reached(host, 2222, (ip_address("10.0.0.1"),))) == []

    def test_an_own_address_in_a_network_of_machines(self) -> None:
        primary = CONSUMER.primary.addresses[0]
        assert codes(replace(DIRECT, host=str(primary)))[0] == "address_of_tenants"
        assert codes(replace(DIRECT, host=str(CONSUMER.router_id))) == []
        outside = CONSUMER.externals[0].addresses[0]
        assert codes(replace(DIRECT, host=str(outside))) == []

    def test_an_own_address_that_goes(self) -> None:
        outside = str(CONSUMER.externals[0].addresses[0])
        own = Reached(outside, 22, (ip_address("192.0.2.250"),), is_own=True)
        assert codes(own) == []
        assert codes(own, externals=()) == ["address_taken_away!"]

    def test_a_unit_that_makes_way_with_the_management_address(self) -> None:
        unit = "[Match]\nName=lan0\n\n[Network]\nAddress=192.0.2.7/24\n"
        reached = replace(DIRECT, others={MGMT: unit}, making_way=frozenset({MGMT}))
        assert codes(reached) == ["address_taken_away!"]
        assert codes(replace(reached, making_way=frozenset())) == []
        kept = {MGMT: unit, "/etc/systemd/network/06-x.network": unit}
        assert codes(replace(reached, others=kept)) == []
        dynamic = {MGMT: "[Match]\nName=lan0\n\n[Network]\nDHCP=yes\n"}
        assert codes(replace(reached, others=dynamic)) == ["address_may_go"]
        static = {MGMT: "[Match]\nName=lan0\n\n[Network]\nAddress=192.0.2.8/24\n"}
        assert codes(replace(reached, others=static)) == []


@pytest.fixture
def fra(published: list[str]) -> World:
    fra = world()
    fra.private("shop", fra.shop)
    return fra


def firewall(fra: World, name: str = "fw", **fields: Any) -> Firewall:
    home = fra.pool.children.get()
    options = {"host": "192.0.2.7", "host_key": ONE} | fields
    return fra.firewall(name, fra.shop, home, fra.internet, **options)


def managed_from(fra: World, *prefixes: str) -> None:
    fra.partition.management_prefixes = list(prefixes)
    fra.partition.save()
    revisions.refresh(Firewall.objects.values_list("pk", flat=True), "prefixes")


def wanted(wall: Firewall) -> Firewall:
    return Firewall.objects.get(pk=wall.pk)


def refused(wall: Firewall, wish: Wish = USUAL, revision: Revision | None = None) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        asking.ask(wanted(wall), by="ada", wish=wish, revision=revision)
    errors = caught.value.error_dict
    return {f"{field} {error.code}" for field, some in errors.items() for error in some}


def sent(wall: Firewall) -> str:
    """Why its push is not sent when a worker has it; empty if it is."""
    (push,) = claiming.claim_pushes(10)
    jobs = preparing.prepare([push])
    push.refresh_from_db()
    assert bool(jobs) == (push.state == Push.State.RUNNING)
    return push.error


def applied(wall: Firewall) -> None:
    row = wanted(wall)
    Observation.objects.filter(pk=wall.pk).update(applied=row.wanted, checked_at=Now())


MEANT = Wish(may_lock_out=True, reason="the port is forwarded")


@pytest.mark.django_db
class TestAPush:
    def test_that_lets_nobody_in_is_refused_for_good_at_the_door(self, fra: World) -> None:
        wall = firewall(fra)
        managed_from(fra)
        assert refused(wall) == {"management no_management"}
        assert refused(wall, MEANT) == {"management no_management"}
        assert not Push.objects.exists()

    def test_and_by_the_worker_whoever_has_queued_it(self, fra: World) -> None:
        wall = firewall(fra)
        managed_from(fra)
        Push.objects.enqueue(wall, by="reconcile")
        assert sent(wall).startswith("It was not sent, for it would lock us out. Its rules would")
        assert not Carried.objects.exists()  # nothing was begun

    def test_that_may_lock_out_is_sent_once_a_person_has_said_that_it_is_meant(
        self, fra: World
    ) -> None:
        wall = firewall(fra, port=2222)
        assert refused(wall) == {"confirm other_port"}
        assert refused(wall, replace(MEANT, reason="")) == {"reason required"}
        push = asking.ask(wanted(wall), by="ada", wish=MEANT)
        row = Activity.objects.filter(kind="choice", about__contains=[f"firewall:{wall.pk}"]).get()
        assert row.reason == MEANT.reason and row.changes["may_lock_out"] == (None, True)
        assert push.choice.chosen_by == "ada" and sent(wall) == ""

    def test_that_may_lock_out_is_not_sent_where_nobody_has(self, fra: World) -> None:
        wall = firewall(fra, port=2222)
        Push.objects.enqueue(wall, by="reconcile")
        reason = sent(wall)
        assert reason.startswith("It was not sent, for it may lock us out. Its SSH is reached")
        assert reason.endswith(lockout.ASK_AGAIN)

    def test_from_an_address_outside_of_the_prefixes_is_not_sent(
        self, fra: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sources = [ip_address("10.0.0.1")]
        monkeypatch.setattr(lockout, "_sources", lambda firewall: sources)
        wall = firewall(fra, host="198.51.100.7")
        asking.ask(wanted(wall), by="ada")  # the door does not know where workers are
        assert "reached from" in sent(wall)

    def test_through_a_jump_host_in_the_prefixes_is_sent(self, fra: World) -> None:
        wall = firewall(fra, host="198.51.100.7")
        jump = {"jump_host": "192.0.2.3", "jump_user": "jump", "jump_key": TWO}
        SshAccess(partition=fra.partition, **jump).save()
        asking.ask(wanted(wall), by="ada")
        assert sent(wall) == ""

    def test_is_not_asked_twice_where_its_ways_in_let_us_in_now(self, fra: World) -> None:
        wall, other = firewall(fra, port=2222), firewall(fra, "other", port=2222)
        assert refused(other) == {"confirm other_port"}
        applied(wall)
        asking.ask(wanted(wall), by="ada")
        asking.ask(wanted(other), by="ada")  # one of its partition has proven it
        managed_from(fra, "192.0.2.0/25")
        assert refused(wall) == {"confirm other_port"}

    def test_nor_is_a_silent_firewall_a_proof(self, fra: World) -> None:
        wall = firewall(fra, port=2222)
        applied(wall)
        Observation.objects.update(unreachable_since=Now())
        assert refused(wall) == {"confirm other_port"}

    def test_that_takes_its_management_address_away_is_refused(self, fra: World) -> None:
        wall = firewall(fra, "fw", host="")
        (outside,) = wall.machine.addresses.filter(prefix__network=fra.internet)
        Firewall.objects.update(host=str(outside.address))
        row = wanted(wall)
        assert row.wanted is not None
        for one in carrying.carried([(row, row.wanted.files)]):
            one.save()
        applied(wall)
        asking.ask(row, by="ada")
        left = {path: text for path, text in row.wanted.files.items() if "bridge104009" not in path}
        old = Revision.objects.create(firewall=row, number=9, digest="x", files=left, cause="x")
        assert refused(wall, MEANT, old) == {"management address_taken_away"}

    def test_that_replaces_the_unit_of_its_management_address_is_refused(self, fra: World) -> None:
        wall = firewall(fra)
        unit = "[Match]\nName=lan0\n\n[Network]\nAddress=192.0.2.7/24\n"
        texts = {"files": {}, "now": {}, "cut": [], "surveyed_at": Now()}
        Survey.objects.create(firewall=wall, units={MGMT: unit}, **texts)
        Takeover.objects.create(firewall=wall)
        assert refused(wall, MEANT) == {"management address_taken_away"}
        row = wanted(wall)
        row.uplinks = ["lan1", "lan2"]
        row.save()
        revisions.refresh([wall.pk], "uplinks")
        assert asking.ask(wanted(wall), by="ada")

    def test_to_a_practice_firewall_or_back_to_what_it_had_is_not_judged(self, fra: World) -> None:
        managed_from(fra)
        wall, real = firewall(fra, "practice", practice=True), firewall(fra, "real")
        asking.ask(wanted(wall), by="ada")
        had = Revision.objects.create(firewall=real, number=0, digest="x", files={}, cause="x")
        asking.ask(wanted(real), by="ada", revision=had)

    def test_of_many_takes_as_many_queries_as_of_few(self, fra: World) -> None:
        some = [wanted(firewall(fra, f"fw-{n}", port=2222)) for n in range(8)]
        applied(some[0])
        counts = []
        for few in (some[1:3], some[1:]):
            rows = Firewall.objects.select_related("wanted", "observation").filter(
                pk__in=[one.pk for one in few]
            )
            rows = rows.select_related("machine__partition__ssh_access", "ssh_access")
            orders = [lockout.Order(row, row.wanted) for row in rows if row.wanted]
            with CaptureQueriesContext(connection) as queries:
                assert lockout.hazards_of_each(orders) == [[]] * len(few)
            counts.append(len(queries))
        assert counts[0] == counts[1]
