"""One rule, every door: the same refusal, word by word, through the ORM, a form, REST and the admin."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from django.db import models, transaction

from firewalls.models import Attachment, Firewall
from networks.allocation import allocate
from networks.models import Address, Network, Prefix
from tests.doors import DOORS, Refusal
from tests.world import network, world

pytestmark = pytest.mark.django_db


class Scene:
    """A partition with everything in it that the cases speak of, and another one."""

    def __init__(self) -> None:
        self.fra = fra = world()
        self.muc = world("muc", "10.132.0.0/14", "10.5.0.0/16", number=1)
        self.shop, self.other = fra.private("shop", fra.shop), fra.private("other", fra.shop)
        self.storage = fra.private("storage", fra.storage, shared=True)
        self.far = self.muc.private("far", fra.storage, shared=True)
        self.mpls = network("mpls", "external", "100.127.129.0/24", vrf=104055, partition=fra.partition, project=fra.storage)
        self.firewall = fra.firewall("shop-fw", fra.shop, self.shop, fra.internet)
        self.owner = fra.firewall("storage-fw", fra.storage, self.storage)
        allocate(self.other, project=fra.shop)

    def private(self, **changes: Any) -> dict[str, Any]:
        """A private network that would be fine."""
        fra = self.fra
        fine = {"id": "new", "name": "new", "kind": "private", "partition": fra.partition, "project": fra.shop, "parent": fra.pool}
        return {**fine, "vrf": 77, **changes}


class Case(NamedTuple):
    """What is tried at a door, and the refusal: field and code, and the sentences in their order."""

    attempt: Callable[[Any, Scene], Refusal]
    refused: dict[str, list[str]]
    sentences: list[str]
    not_at: str = ""  # doors where it cannot even be asked for


SHARED = "Only a private network can be shared (R1)."
PARENT = "A private network, and only a private one, is the child of a super network (R1)."
CASES = {
    "share a super network": Case(lambda door, s: door.share(s.fra.pool), {"shared": ["not_private"]}, [SHARED]),
    "share an underlay": Case(lambda door, s: door.share(s.fra.fabric), {"shared": ["not_private"]}, [SHARED]),
    "share an external network": Case(lambda door, s: door.share(s.fra.internet), {"shared": ["not_private"]}, [SHARED]),
    "make a shared external network": Case(
        lambda door, s: door.make(id="new", name="new", kind="external", vrf=77, shared=True), {"shared": ["not_private"]}, [SHARED]
    ),
    "un-share": Case(
        lambda door, s: door.unshare(s.storage), {"shared": ["cannot_unshare"]}, ["A shared network stays shared (R3)."], "admin"
    ),
    "join across partitions": Case(
        lambda door, s: door.join(s.firewall, s.far), {"network": ["other_partition"]},
        ["far is in partition muc and is used only there, not in fra (R2)."],
    ),
    "a second private unshared network": Case(
        lambda door, s: door.join(s.firewall, s.other), {"network": ["second_unshared"]},
        ["other is private and not shared; a firewall joins shared or external networks only (R5)."],
    ),
    "join the own primary": Case(
        lambda door, s: door.join(s.owner, s.storage), {"network": ["own_primary"]}, ["storage is the primary network already (R6)."]
    ),
    "join twice": Case(
        lambda door, s: door.join(s.firewall, s.fra.internet), {"network": ["joined_already"]},
        ["The firewall has joined this network already (R6)."],
    ),
    "join a super network": Case(
        lambda door, s: door.join(s.firewall, s.fra.pool), {"network": ["not_explicit"]},
        ["super-fra is a super network, which is never given explicitly (R8)."],
    ),
    "join an external network of another project": Case(
        lambda door, s: door.join(s.firewall, s.mpls), {"network": ["other_project"]}, ["mpls serves project storage-team alone (R7)."]
    ),
    "a private network without a partition": Case(
        lambda door, s: door.make(**s.private(partition=None, parent=None)), {"partition": ["no_partition"], "parent": ["parent_mismatch"]},
        ["A private, super or underlay network belongs to exactly one partition (R2).", PARENT],
    ),
    "a private network without a parent": Case(
        lambda door, s: door.make(**s.private(parent=None)), {"parent": ["parent_mismatch"]}, [PARENT], "rest admin"  # they find it
    ),
    "a private network without a project": Case(
        lambda door, s: door.make(**s.private(project=None)), {"project": ["project_mismatch"]},
        ["A private network belongs to a project; a super or underlay network to none (R7)."],
    ),
    "a private network in the pool of another partition": Case(
        lambda door, s: door.make(**s.private(parent=s.muc.pool)), {"parent": ["other_partition"]},
        ["super-muc is the super network of another partition (R2)."],
    ),
    "a private network in a private one": Case(
        lambda door, s: door.make(**s.private(parent=s.shop)), {"parent": ["parent_not_super"]},
        ["shop is no super network; a private network is carved from one (R1)."],
    ),
    "a super network beside another": Case(
        lambda door, s: door.make(id="new", name="new", kind="super", partition=s.fra.partition), {"kind": ["second_super"]},
        ["This partition already has a super network (R8)."],
    ),
    "a VRF id twice": Case(
        lambda door, s: door.make(**s.private(vrf=104009)), {"vrf": ["vrf_taken"]}, ["Another network already has this VRF id (R14)."]
    ),
    "overlapping prefixes": Case(
        lambda door, s: door.add_prefix(s.shop, "10.128.4.0/23"), {"cidr": ["overlap"]},
        ["This prefix overlaps a prefix of this or another network (R13)."],
    ),
    "a prefix outside the super network": Case(
        lambda door, s: door.add_prefix(s.shop, "10.9.0.0/22"), {"cidr": ["outside_super"]},
        ["10.9.0.0/22 lies outside the super network's prefixes (10.128.0.0/14) (R13)."],
    ),
    "a prefix with host bits": Case(
        lambda door, s: door.add_prefix(s.shop, "10.128.64.1/22"), {"cidr": ["invalid_prefix"]},
        ["10.128.64.1/22 has host bits set; the prefix is 10.128.64.0/22."],
    ),
    "an address that is taken": Case(
        lambda door, s: door.take(s.other, s.fra.shop, "10.128.4.1"), {"address": ["taken"]}, ["This address is already taken (R12)."]
    ),
    "an address that is never handed out": Case(
        lambda door, s: door.take(s.other, s.fra.shop, "10.128.7.255"), {"address": ["reserved"]},
        ["10.128.7.255 is the network, broadcast or anycast address of 10.128.4.0/22 and is never handed out (R12)."],
    ),
    "an address outside the network": Case(
        lambda door, s: door.take(s.other, s.fra.shop, "10.9.9.9"), {"address": ["outside_network"]},
        ["10.9.9.9 lies in no prefix of other (10.128.4.0/22) (R11)."],
    ),
    "an address for another project": Case(
        lambda door, s: door.take(s.other, s.fra.analytics, "10.128.4.9"), {"project": ["other_project"]},
        ["other belongs to project shop and is not shared (R7)."],
    ),
}  # fmt: skip
TABLES: list[type[models.Model]] = [Network, Prefix, Address, Firewall, Attachment]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene, built once for all cases, in a transaction that every test's own one is nested in."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Scene()
        transaction.set_rollback(True)


@pytest.fixture
def scene(built: Scene, db: None) -> Scene:
    return deepcopy(built)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_a_broken_rule_is_refused_with_the_same_words(scene: Scene, name: str, door: str) -> None:
    case = CASES[name]
    before = [list(table.objects.order_by("pk").values()) for table in TABLES]  # type: ignore[attr-defined]
    refusal = case.attempt(DOORS[door](), scene)
    if door not in case.not_at.split():
        assert {field: [code for code, _ in said] for field, said in refusal.items()} == case.refused
        assert sorted(sentence for said in refusal.values() for _, sentence in said) == sorted(case.sentences)
        assert [list(table.objects.order_by("pk").values()) for table in TABLES] == before  # type: ignore[attr-defined]


@pytest.mark.parametrize("door", DOORS)
def test_what_keeps_the_rules_is_let_through(scene: Scene, door: str) -> None:
    way = DOORS[door]()
    assert way.share(scene.other) == {} and Network.objects.get(pk="other").shared
    assert way.join(scene.firewall, scene.storage) == {} and scene.firewall.attachments.filter(network=scene.storage).exists()
    assert way.make(**scene.private()) == {} and Network.objects.get(pk="new").parent_id == "super-fra"
    assert way.add_prefix(scene.shop, "10.128.64.0/22") == {} and scene.shop.prefixes.count() == 2
    assert way.take(scene.other, scene.fra.shop, "10.128.4.9") == {} and Address.objects.filter(address="10.128.4.9").exists()


def test_the_admin_offers_no_way_back_from_sharing(scene: Scene) -> None:
    assert DOORS["admin"]().unshare(scene.storage) == {}
    assert Network.objects.get(pk="storage").shared


def test_the_admin_notes_who_shared_and_why(scene: Scene) -> None:
    DOORS["admin"]()._changed(scene.shop, shared="on", shared_reason="for all")
    shared = Network.objects.get(pk="shop")
    assert (shared.shared, shared.shared_by, shared.shared_reason) == (True, "support", "for all")
