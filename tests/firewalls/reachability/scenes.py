"""The partitions that the written cases are about."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

from tests.firewalls.reachability.building import Scene, egress, ingress

V4 = {
    "shop": "10.128.64.0/22",
    "pay": "10.128.68.0/22",
    "lab": "10.128.72.0/22",
    "storage": "10.128.0.0/22",
    "backup": "10.128.4.0/22",
}
V6 = {
    "shop": "2001:db8:64::/64",
    "pay": "2001:db8:68::/64",
    "storage": "2001:db8:1::/64",
    "cold": "2001:db8:2::/64",
}
HTTPS = egress("443", to=("0.0.0.0/0",))


def networks() -> Scene:
    """What there is to join, with machines in it, and no firewall yet."""
    scene = Scene()
    for name in ("shop", "pay", "lab"):
        scene.network(name, V4[name])
    for name in ("storage", "backup"):
        scene.network(name, V4[name], shared=True)
    scene.external("internet", "203.0.113.0/24", to=("0.0.0.0/0",))
    scene.external("mpls", "100.127.129.0/24", to=("100.64.0.0/16",), nat=False)
    scene.network("far", "10.129.0.0/22", partition="ams", shared=True)
    for name, network in (("web", "shop"), ("app", "shop"), ("till", "pay"), ("test", "lab")):
        scene.machine(name, network)
    for name, network in (("disk", "storage"), ("tape", "backup"), ("away", "far")):
        scene.machine(name, network)
    return scene


def one_consumer() -> Scene:
    """shop-fw has joined storage and the internet."""
    return networks().firewall("shop-fw", "shop", "storage", "internet", rules=(HTTPS,))


def two_consumers() -> Scene:
    return one_consumer().firewall("pay-fw", "pay", "storage")


def no_external() -> Scene:
    return networks().firewall("shop-fw", "shop", "storage")


def nothing_joined() -> Scene:
    return networks().firewall("shop-fw", "shop")


def chain() -> Scene:
    """pay is shared and joined by shop-fw; its own firewall has joined storage."""
    scene = networks()
    scene.networks["pay"] = replace(scene.networks["pay"], shared=True)
    return scene.firewall("pay-fw", "pay", "storage").firewall("shop-fw", "shop", "pay")


def own_firewall() -> Scene:
    """storage has a firewall of its own, which leads outside."""
    rules = (HTTPS, ingress("22"))
    return one_consumer().firewall("storage-fw", "storage", "internet", rules=rules)


def owner_and_consumer() -> Scene:
    """storage was shared later: its own firewall goes on consuming backup."""
    return networks().firewall("storage-fw", "storage", "backup")


def narrowed() -> Scene:
    """Egress rules name parts of storage."""
    rules = (egress("2049", to=("10.128.0.8/29",)), egress("443", to=("0.0.0.0/0",)))
    return networks().firewall("shop-fw", "shop", "storage", "internet", rules=rules)


def narrowed_by_source() -> Scene:
    """Only web may use storage on one port."""
    rules = (egress("2049", to=("10.128.0.0/22",), of=("10.128.64.10/32",)),)
    return networks().firewall("shop-fw", "shop", "storage", rules=rules)


def published() -> Scene:
    """web serves storage at port 8080 of shop-fw's address there."""
    return two_consumers().endpoint("shop-fw", "storage", "web", ports=(8080, 80))


def published_bgp() -> Scene:
    return two_consumers().endpoint("shop-fw", "storage", "web", ports=(8080, 179))


def published_with_sibling() -> Scene:
    """The same, and a second firewall that is alike: replies may take that one."""
    scene = published()
    return scene.firewall("shop-fw-2", "shop", "storage", "internet", rules=(HTTPS,))


def published_with_unlike_sibling() -> Scene:
    """The same, and a second firewall that has not joined storage: replies take the first."""
    return published().firewall("shop-fw-2", "shop", "internet", rules=(HTTPS,))


def rules_outside() -> Scene:
    rules = (
        egress("443", "8000-8100", to=("0.0.0.0/0",)),
        egress("25", to=("198.51.100.0/24",)),
        egress("53", protocol="udp"),
        ingress("22", of=("192.0.2.0/24",)),
    )
    return networks().firewall("shop-fw", "shop", "internet", rules=rules)


def rules_of_one_source() -> Scene:
    rules = (egress("443", to=("0.0.0.0/0",), of=("10.128.64.10/32",)),)
    return networks().firewall("shop-fw", "shop", "internet", rules=rules)


def no_rules() -> Scene:
    return networks().firewall("shop-fw", "shop", "internet")


def pods() -> Scene:
    """web sends what its pods send with addresses of theirs."""
    scene = one_consumer()
    pod = replace(scene.machines["web"], name="pod", addresses=(ip_address("10.244.0.7"),))
    scene.machines["pod"] = pod
    return scene


def cannot_hide() -> Scene:
    """An external network that hides, leads outside by IPv6, and has no such address."""
    scene = dual().external("half", "198.51.100.0/24", to=("::/0",))
    return scene.firewall("shop-fw", "shop", "half", rules=(egress("443"),))


def mpls() -> Scene:
    """mpls hides nobody, and leads to its own destinations alone."""
    return networks().firewall("shop-fw", "shop", "mpls", rules=(egress("443"),))


def serving() -> Scene:
    """An external network that serves one other project alone, and one of another partition."""
    scene = networks().external("leased", "198.51.100.0/25", to=("0.0.0.0/0",))
    scene.networks["leased"] = replace(scene.networks["leased"], project="lab")
    scene.external("over-there", "198.51.100.128/25", to=("0.0.0.0/0",))
    scene.networks["over-there"] = replace(scene.networks["over-there"], partition="ams")
    return scene.firewall("shop-fw", "shop", "storage")


def alike() -> Scene:
    """Two firewalls of shop have joined the same."""
    scene = networks()
    for name in ("shop-fw", "shop-fw-2"):
        scene.firewall(name, "shop", "storage", "internet", rules=(HTTPS,))
    return scene


def alike_with_other_rules() -> Scene:
    """They have joined the same, and one lets less through."""
    scene = networks().firewall("shop-fw", "shop", "storage", "internet", rules=(HTTPS,))
    return scene.firewall("shop-fw-2", "shop", "storage", "internet")


def unlike() -> Scene:
    """One has joined storage, the other backup; both lead outside."""
    scene = networks().firewall("shop-fw", "shop", "storage", "internet", rules=(HTTPS,))
    return scene.firewall("shop-fw-2", "shop", "backup", "internet", rules=(HTTPS,))


def unlike_outside() -> Scene:
    """Both have joined storage, one leads outside."""
    scene = networks().firewall("shop-fw", "shop", "storage", "internet", rules=(HTTPS,))
    return scene.firewall("shop-fw-2", "shop", "storage")


def unlike_without_outside() -> Scene:
    scene = networks().firewall("shop-fw", "shop", "storage")
    return scene.firewall("shop-fw-2", "shop", "backup")


def unlike_and_nothing() -> Scene:
    """One of two firewalls has joined nothing."""
    scene = networks().firewall("shop-fw", "shop", "storage")
    return scene.firewall("shop-fw-2", "shop")


def dual() -> Scene:
    """shop and storage in both families, cold in IPv6, backup in IPv4."""
    scene = Scene().network("shop", V4["shop"], V6["shop"])
    scene.network("pay", V6["pay"]).network("storage", V4["storage"], V6["storage"], shared=True)
    scene.network("cold", V6["cold"], shared=True).network("backup", V4["backup"], shared=True)
    scene.external("internet", "203.0.113.0/24", to=("0.0.0.0/0",))
    scene.external("six", "2001:db8:113::/64", to=("::/0",), nat=False)
    for name, network in (("web", "shop"), ("disk", "storage"), ("ice", "cold")):
        scene.machine(name, network)
    return scene.machine("tape", "backup").machine("till", "pay")


def dual_consumer() -> Scene:
    joined = ("storage", "cold", "backup", "internet")
    return dual().firewall("shop-fw", "shop", *joined, rules=(HTTPS,))


def dual_narrowed() -> Scene:
    """A rule that names IPv4 parts narrows both families."""
    rules = (egress("2049", to=("10.128.0.0/22",)),)
    return dual().firewall("shop-fw", "shop", "storage", rules=rules)


def dual_outside() -> Scene:
    rules = (egress("443", to=("0.0.0.0/0", "::/0")),)
    return dual().firewall("shop-fw", "shop", "internet", "six", rules=rules)


def dual_published() -> Scene:
    return dual_consumer().endpoint("shop-fw", "storage", "web", ports=(8080, 80), version=6)


def never_pushed() -> Scene:
    """What was applied, where nothing was."""
    scene = one_consumer()
    scene.states["shop-fw"] = {"plan": None, "state": "new"}
    return scene


def runs_something_else() -> Scene:
    scene = one_consumer()
    scene.states["shop-fw"] = {"known": False, "plan": None, "state": "pending"}
    return scene


def pending() -> Scene:
    scene = one_consumer()
    scene.states["shop-fw"] = {"state": "pending"}
    return scene


SCENES: dict[str, Callable[[], Scene]] = {
    name: made
    for name, made in list(globals().items())
    if callable(made) and getattr(made, "__module__", "") == __name__
}
