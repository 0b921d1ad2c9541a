"""A change that breaks a law is refused before it is committed, whoever makes it and however."""

import pytest

from firewalls.allocation import join, leave
from firewalls.intent.laws import BrokenLaw
from firewalls.models import Breach, Firewall, Law, Unjudged
from networks.models import Network
from tests.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """shop-fw has joined storage and the internet; pay-fw may join storage."""

    def __init__(self) -> None:
        self.fra: World = world()
        self.shop = self.fra.private("shop", self.fra.shop)
        self.pay = self.fra.private("pay", self.fra.analytics)
        self.storage = self.fra.private("storage", self.fra.storage, shared=True)
        self.web = self.fra.machine("web", self.fra.shop, self.shop)
        self.till = self.fra.machine("till", self.fra.analytics, self.pay)
        self.disk = self.fra.machine("disk", self.fra.storage, self.storage)
        self.shop_fw = self.fra.firewall(
            "shop-fw", self.fra.shop, self.shop, self.storage, self.fra.internet
        )
        self.pay_fw = self.fra.firewall("pay-fw", self.fra.analytics, self.pay)


@pytest.fixture
def scene(published: list[str]) -> Scene:
    return Scene()


def only(scene: Scene, **fields: object) -> Law:
    law = Law(kind="only", projects=["shop"], to_network=scene.storage, **fields)
    law.save()
    return law


def joined(firewall: Firewall, network: Network) -> bool:
    return firewall.attachments.filter(network=network).exists()


def test_a_join_that_breaks_a_law_is_refused_with_the_flow_that_does(scene: Scene) -> None:
    only(scene, protocol="tcp", port=2049)
    with pytest.raises(BrokenLaw) as refused:
        join(scene.pay_fw, scene.storage)
    (sentence,) = refused.value.messages
    assert 'breaks the law "only shop reaches storage on tcp/2049"' in sentence
    assert "till (10.128.4.1) of pay reaches disk (10.128.8.1) of storage on tcp/2049" in sentence
    assert "pay-fw" in sentence
    assert not joined(scene.pay_fw, scene.storage)
    assert not Breach.objects.exists() and not Unjudged.objects.exists()
    leave(scene.shop_fw, scene.storage)
    join(scene.shop_fw, scene.storage)


def test_what_no_law_is_about_costs_nothing(scene: Scene) -> None:
    join(scene.pay_fw, scene.storage)
    assert not Unjudged.objects.exists()
