"""A partition with everything that the cases speak of, and one with both address families."""

from typing import Any
from uuid import uuid4

from firewalls.models import Endpoint
from networks.allocation import allocate
from networks.models import Address, Carried, Network, Partition, Project
from tests.world import network, world


class Scene:
    def __init__(self) -> None:
        self.fra = fra = world()
        self.muc = muc = world(
            "muc", "10.132.0.0/14", "10.5.0.0/16", v6="2001:db8:132::/48", number=1
        )
        self.shop = fra.private("shop", fra.shop)
        self.other = fra.private("other", fra.shop)
        self.storage = fra.private("storage", fra.storage, shared=True)
        self.backup = fra.private("backup", fra.storage, shared=True)
        self.far = muc.private("far", fra.storage, shared=True)
        self.dual = muc.private("dual", fra.shop)
        self.bare = Network(
            id="bare",
            kind="private",
            partition=fra.partition,
            project=fra.shop,
            parent=fra.pool,
            vrf=70,
        )
        self.bare.save()
        self.full = fra.private("full", fra.storage, shared=True, prefix_length={4: 30})
        self.link = fra.private("link", fra.shop, prefix_length={4: 31})
        self.mpls = network(
            "mpls",
            "external",
            "100.127.129.0/24",
            vrf=104055,
            partition=fra.partition,
            project=fra.storage,
        )
        self.second = network(
            "second", "external", "198.51.100.0/24", vrf=104056, partition=muc.partition
        )
        self._poor_partitions()
        self._things()
        self._published()

    def _poor_partitions(self) -> None:
        self.empty = Partition(id="ber", name="BER")  # with neither super network nor underlay
        self.empty.save()
        self.poolless = Partition(id="ham", name="HAM")
        self.poolless.save()
        network(
            "super-ham",
            "super",
            "10.136.0.0/16",
            partition=self.poolless,
            default_child_prefix_length={"4": 22},
        )
        pool = Network.objects.get(pk="super-ham")
        self.port = network(
            "port",
            "private",
            "10.136.0.0/22",
            vrf=71,
            partition=self.poolless,
            project=self.fra.shop,
            parent=pool,
        )

    def _things(self) -> None:
        fra = self.fra
        self.firewall = fra.firewall("shop-fw", fra.shop, self.shop, fra.internet)
        self.owner = fra.firewall("storage-fw", fra.storage, self.storage)
        self.machine = fra.machine("shop-web", fra.shop, self.other)
        # Reserved by another project, and by the shop.
        allocate(self.storage, project=fra.analytics, ip=self.ip(self.storage, 77))
        allocate(self.storage, project=fra.shop, ip=self.ip(self.storage, 78))
        self._freed()
        for _ in range(2):
            allocate(self.full, project=fra.storage)

    def _freed(self) -> None:
        """A firewall that was freed and may still run: what it may have is kept back."""
        box = uuid4()
        of = {"box": box, "firewall": "freed-fw", "machine": box}
        allocate(self.storage, project=self.fra.storage, ip=self.ip(self.storage, 80))
        for number in (79, 80):
            Carried(address=self.ip(self.storage, number), network="storage", **of).save()
        Carried(asn=4_200_000_077, **of).save()
        Carried(vrf=4077, **of).save()

    def _published(self) -> None:
        """A firewall that publishes a machine behind it, which has IPv4 alone.

        The shared network where it is published has both address families.
        """
        team = Project(id="media-team", name="media-team")
        team.save()
        self.lan = self.muc.private("lan", team, prefix_length={4: 24})
        self.media = self.muc.private("media", self.fra.storage, shared=True)
        self.consumer = self.muc.firewall("media-fw", team, self.lan, self.media)
        self.behind = self.muc.machine("media-web", team, self.lan)
        Endpoint(
            address=self.own(self.media), port=443, machine=self.behind, target_port=8443
        ).save()

    def own(self, net: Network, version: int = 4) -> Address:
        """The consumer's address there."""
        return self.consumer.machine.addresses.get(prefix__network=net, address__family=version)

    def ip(self, net: Network, number: int, version: int = 4) -> Any:
        return net.prefixes.get(cidr__family=version).cidr.network_address + number

    def private(self, **changes: Any) -> dict[str, Any]:
        """A private network that would be fine."""
        fra = self.fra
        fine = {
            "id": "new",
            "name": "new",
            "kind": "private",
            "partition": fra.partition,
            "project": fra.shop,
            "parent": fra.pool,
        }
        return {**fine, "vrf": 77, **changes}

    def external(self, **changes: Any) -> dict[str, Any]:
        return {"id": "new", "name": "new", "kind": "external", "vrf": 77, **changes}
