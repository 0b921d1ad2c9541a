"""A world with a row of each kind to ask about."""

from firewalls.models import Endpoint, Revision, SshAccess, Window
from machines.models import HttpProxy
from networks.allocation import allocate
from networks.models import Activity
from tests.world import world


def scene() -> dict[str, list[str]]:
    """The ids of rows by the resource that has them, and by the names of keys that name them."""
    fra = world(v6="2001:db8:128::/48")
    shop = fra.private("shop", fra.shop)
    storage = fra.private("storage", fra.storage, shared=True)
    fra.private("other", fra.shop)
    firewall = fra.firewall("fw", fra.shop, shop, storage, uplinks=["swp1"], host="192.0.2.7")
    machine = fra.machine("web", fra.shop, shop)
    free = allocate(shop, project=fra.shop)
    at = firewall.machine.addresses.get(prefix__network="storage", prefix__cidr__family=4)
    Endpoint(address=at, port=80, machine=machine, target_port=80).save()
    Window(partition=fra.partition, begins="01:00", ends="02:00").save()
    SshAccess(partition=fra.partition).save()
    HttpProxy(network=storage, host="proxy.example.org", port=3128).save()
    return {
        "partitions": ["fra"],
        "projects": ["shop", "storage-team"],
        "networks": ["shop", "storage", "other", "super-fra", "internet-fra"],
        "ip-addresses": [str(free), str(at)],
        "machines": [str(machine.pk)],
        "firewalls": [str(firewall.pk)],
        "partition": ["fra"],
        "project": ["shop", "storage-team"],
        "network": ["shop", "storage", "internet-fra"],
        "cidr": ["10.128.0.0/22"],
    } | _numbered()


def _numbered() -> dict[str, list[str]]:
    kinds = {
        "endpoints": Endpoint,
        "maintenance-windows": Window,
        "ssh-access": SshAccess,
        "http-proxies": HttpProxy,
        "revisions": Revision,
        "activity": Activity,
    }
    return {
        name: [str(row.pk) for row in kind._default_manager.all()[:5]]
        for name, kind in kinds.items()
    }
