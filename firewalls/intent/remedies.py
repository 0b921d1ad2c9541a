"""Where a remedy is done: the page, with what it is about filled in."""

from urllib.parse import urlencode

from django.urls import reverse

from firewalls.reachability import Remedy

FIREWALL_PAGES = {"push": "firewalls:push", "endpoint": "firewalls:publish_endpoint"}
NETWORK_PAGES = {
    "share": "firewalls:share",
    "publish": "firewalls:publish_in",
    "proxy": "machines:http_proxy",
}


def url_of(remedy: Remedy) -> str:
    """The page where a remedy is done."""
    if remedy.action == "join":
        return reverse("firewalls:confirm_join", args=[remedy.firewall, remedy.network])
    if remedy.action == "rule" and remedy.rule:
        url = reverse("firewalls:add_rule", args=[remedy.firewall])
        return f"{url}?{urlencode(_fields(remedy))}"
    if remedy.action in NETWORK_PAGES or not remedy.firewall:
        name = NETWORK_PAGES.get(remedy.action, "networks:detail")
        return reverse(name, args=[remedy.network])
    return reverse(FIREWALL_PAGES.get(remedy.action, "firewalls:detail"), args=[remedy.firewall])


def _fields(remedy: Remedy) -> dict[str, str]:
    """What the page of a new rule asks for."""
    rule = remedy.rule
    assert rule is not None
    return {
        "direction": rule.direction,
        "protocol": rule.protocol,
        "ports": ", ".join(rule.ports),
        "destinations": ", ".join(map(str, rule.destinations)),
    }
