"""HTTP proxies that machines without a way of their own may use."""

from collections.abc import Iterable, Iterator

from firewalls.configuration.values import of_family
from firewalls.reachability.answering import answer
from firewalls.reachability.answers import Answer, Remedy, Verdict
from firewalls.reachability.assuming import is_stale, not_in_sync
from firewalls.reachability.internet.values import Access, InternetAccess, Proxy, ProxyInReach
from firewalls.reachability.questions import (
    AnAddress,
    AnEndpoint,
    AnyOf,
    Internet,
    Question,
    TheMachine,
)
from firewalls.reachability.values import EXTERNAL, TCP, Partition
from networks.common.addressing import IP, Cidr

OPERATOR = "operator"
Those = TheMachine | AnyOf


def home_of(those: Those) -> str:
    """The network that they live in."""
    return those.machine.network if isinstance(those, TheMachine) else those.network


def is_in_reach(partition: Partition, network: str, proxy: Proxy) -> bool:
    """Whether it is in the network, or in one that a firewall of the network has joined.

    What an operator has named is named for the network.
    """
    return not proxy.firewall or proxy.network in _near(partition, network)


def _near(partition: Partition, network: str) -> set[str]:
    """The network, and what its firewalls have joined."""
    joined = {one for guard in partition.guards_of.get(network, ()) for one in guard.vrfs}
    return {network, *joined}


def by_proxy(partition: Partition, those: Those, proxies: Iterable[Proxy]) -> InternetAccess:
    """Those that answer come first; among them, what an operator has named."""
    found = [_tried(partition, those, proxy) for proxy in proxies]
    order = list(Verdict)
    found.sort(key=lambda one: (order.index(one.verdict), one.proxy.firewall, one.proxy.url))
    return InternetAccess(
        Access.HTTP_PROXY,
        proxies=tuple(found),
        warnings=found[0].warnings,
        assumptions=tuple(
            f"Where {one.proxy.host} is, and who reaches it, is not known here."
            for one in found
            if one.proxy.address is None
        ),
        direct=_direct(partition, home_of(those)),
    )


def _tried(partition: Partition, those: Those, proxy: Proxy) -> ProxyInReach:
    """Asked of the plans: whether it is reached, and gets to the internet itself."""
    address = proxy.address
    if address is None:
        return ProxyInReach(proxy, Verdict.UNKNOWN)
    there = answer(partition, Question(those, _place(proxy, address), proxy.port))
    verdicts = [one.verdict for one in there.families if one.version == address.version]
    warnings = [*_in_the_way(partition, there, address.version), *_onward(partition, proxy)]
    verdict = verdicts[0] if verdicts else Verdict.UNREACHABLE
    return ProxyInReach(proxy, verdict, tuple(dict.fromkeys(warnings)))


def _place(proxy: Proxy, address: IP) -> AnEndpoint | AnAddress:
    return AnEndpoint(address, proxy.port, TCP) if proxy.firewall else AnAddress(address)


def _in_the_way(partition: Partition, there: Answer, version: int) -> Iterator[str]:
    """What is in the way of this family, and firewalls on it that run something else."""
    yield from (one.message for one in there.blockers if one.version == version)
    stale = {not_in_sync(guard) for guard in partition.guards if is_stale(guard)}
    yield from (one for one in there.assumptions if one in stale)


def _onward(partition: Partition, proxy: Proxy) -> Iterator[str]:
    """Why it does not get there itself. Whatever the family: proxies lead from one to the other."""
    if proxy.machine is None:
        return
    outside = answer(partition, Question(TheMachine(proxy.machine), Internet()))
    if outside.verdict is Verdict.UNREACHABLE:
        why = outside.blockers[0].message
        yield f"The proxy on {proxy.machine.name} has no way to the internet itself: {why}"


def _direct(partition: Partition, network: str) -> tuple[Cidr, ...]:
    """What is reached without it: the network, and the shared ones that its firewalls joined."""
    prefixes = tuple(
        cidr
        for one in _near(partition, network)
        if partition.networks[one].kind != EXTERNAL
        for cidr in partition.networks[one].prefixes
    )
    return (*of_family(prefixes, 4), *of_family(prefixes, 6))


def proxy_remedies(partition: Partition, network: str) -> Iterator[Remedy]:
    """Publishing one in a shared network that the machines come to, or naming one elsewhere."""
    for one in sorted(_near(partition, network)):
        if partition.networks[one].shared:
            message = f"Publish an HTTP proxy in {one}: it runs behind a firewall that joined it."
            yield Remedy("publish", message, OPERATOR, network=one)
    message = f"Name the address at which the machines of {network} reach an HTTP proxy."
    yield Remedy("proxy", message, OPERATOR, network=network)
