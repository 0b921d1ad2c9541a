"""Address arithmetic, against the plainest way to say the same."""

from ipaddress import IPv4Address, IPv4Network, collapse_addresses, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.common.addressing import (
    capacity,
    contains,
    first_usable,
    free_space,
    last_usable,
    parse_cidr,
    prefix_of,
    usable,
)

POOL = ip_network("10.0.0.0/24")
HOSTS = st.integers(int(POOL.network_address), int(POOL.broadcast_address))
CHILDREN = st.sets(
    st.builds(
        lambda host, length: IPv4Network((host, length), strict=False), HOSTS, st.integers(26, 32)
    ),
    max_size=8,
)


@given(CHILDREN)
def test_what_is_left_and_what_is_taken_make_up_the_pool(taken: set[IPv4Network]) -> None:
    free = free_space([POOL], taken)
    taken_hosts = {host for cidr in taken for host in range(int(cidr[0]), int(cidr[-1]) + 1)}
    free_hosts = [host for cidr in free for host in range(int(cidr[0]), int(cidr[-1]) + 1)]
    assert len(free_hosts) == len(set(free_hosts)) == POOL.num_addresses - len(taken_hosts)
    assert not taken_hosts & set(free_hosts)
    assert list(collapse_addresses(free)) == free == sorted(free)  # type: ignore[type-var]


def test_families_are_kept_apart() -> None:
    pools = [ip_network("10.0.0.0/30"), ip_network("2001:db8::/126")]
    assert free_space(pools, [ip_network("10.0.0.0/31"), ip_network("2001:db8::/127")]) == [
        ip_network("10.0.0.2/31"),
        ip_network("2001:db8::2/127"),
    ]
    assert not contains(pools[0], pools[1]) and not contains(pools[1], pools[0])


@given(st.integers(24, 32).map(lambda length: IPv4Network((int(POOL[0]), length))))
def test_usable_addresses_are_as_many_as_the_capacity_says(prefix: IPv4Network) -> None:
    hosts = [
        host
        for host in (IPv4Address(n) for n in range(int(prefix[0]), int(prefix[-1]) + 1))
        if usable(prefix, host)
    ]
    assert len(hosts) == capacity(prefix)
    assert (hosts[0], hosts[-1]) == (first_usable(prefix), last_usable(prefix))
    assert set(hosts) == set(prefix.hosts())


def test_ipv6_keeps_the_anycast_address_only() -> None:
    prefix = ip_network("2001:db8::/64")
    assert not usable(prefix, ip_address("2001:db8::")) and usable(
        prefix, ip_address("2001:db8::ffff:ffff:ffff:ffff")
    )
    assert usable(ip_network("2001:db8::/127"), ip_address("2001:db8::"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10.0.0.7/24", "the prefix is 10.0.0.0/24"),
        ("2001:db8::1/64", "the prefix is 2001:db8::/64"),
        ("ten", "is not a prefix"),
    ],
)
def test_a_prefix_spelled_otherwise_is_refused_with_the_right_spelling(
    text: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_cidr(text)


def test_an_address_is_at_home_in_one_prefix_or_none() -> None:
    prefixes = [ip_network("10.0.0.0/24"), ip_network("10.0.1.0/24")]
    assert prefix_of(ip_address("10.0.1.9"), prefixes) == prefixes[1]
    assert prefix_of(ip_address("2001:db8::1"), prefixes) is None
