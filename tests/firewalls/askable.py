"""A small partition to ask in: who reaches whom, and what was pushed."""

from ipaddress import ip_network

from firewalls.intent import revisions
from firewalls.models import Firewall, Observation, Rule
from tests.world import World, world


class Place:
    """shop has joined storage and the internet, pay has joined nothing."""

    def __init__(self) -> None:
        self.fra: World = world()
        self.storage = self.fra.private("storage", self.fra.storage)
        self.storage.share(by="somebody")
        self.shop = self.fra.private("shop", self.fra.shop)
        self.pay = self.fra.private("pay", self.fra.analytics)
        self.web = self.fra.machine("web", self.fra.shop, self.shop)
        self.till = self.fra.machine("till", self.fra.analytics, self.pay)
        self.disk = self.fra.machine("disk", self.fra.storage, self.storage)
        self.shop_fw = self.fra.firewall(
            "shop-fw", self.fra.shop, self.shop, self.storage, self.fra.internet
        )
        self.pay_fw = self.fra.firewall("pay-fw", self.fra.analytics, self.pay)
        Rule(
            firewall=self.shop_fw,
            direction="egress",
            position=0,
            protocol="tcp",
            ports=["443"],
            destinations=[ip_network("0.0.0.0/0")],
        ).save()


def pushed(firewall: Firewall) -> None:
    """As if what is wanted had been confirmed."""
    revisions.refresh([firewall.pk], cause="a test")
    wanted = Firewall.objects.get(pk=firewall.pk).wanted
    Observation.objects.filter(firewall=firewall).update(applied=wanted)
