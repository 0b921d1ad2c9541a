"""Puts the answer together."""

from collections.abc import Iterable

from firewalls.reachability.answering import answer
from firewalls.reachability.internet.own import by_firewall, ways_out
from firewalls.reachability.internet.proxies import (
    Those,
    by_proxy,
    home_of,
    is_in_reach,
    proxy_remedies,
)
from firewalls.reachability.internet.values import Access, InternetAccess, Proxy, access_of
from firewalls.reachability.questions import Internet, Question, versions_of
from firewalls.reachability.values import Partition


def internet_access(
    partition: Partition, those: Those, proxies: Iterable[Proxy] = ()
) -> InternetAccess:
    """How a machine, or the machines of a network, get to the internet, and what to do if not."""
    network, versions = home_of(those), versions_of(partition, those)
    ways = tuple(ways_out(partition, network, versions))
    near = [
        one
        for one in proxies
        if is_in_reach(partition, network, one) and versions & set(one.versions)
    ]
    outward = {version for way in ways for version in way.versions}
    proxied = {version for one in near for version in one.versions}
    access = access_of(versions, outward, proxied)
    if access is Access.HTTP_PROXY:
        return by_proxy(partition, those, near)
    question = Question(those, Internet())
    if access is Access.OWN_FIREWALL:
        return by_firewall(partition, ways, question)
    outside = answer(partition, question)
    return InternetAccess(
        access,
        warnings=tuple(dict.fromkeys(one.message for one in outside.blockers)),
        remedies=(*outside.remedies, *proxy_remedies(partition, network)),
    )
