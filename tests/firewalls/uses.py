"""Made-up firewalls and shared networks, for pictures of them."""

from hypothesis import strategies as st

from firewalls.picture.values import SEVERITY, Consumer, Guard, Join, Service, Uses

NAMES = st.text("abcdefghij-", min_size=1, max_size=40)


def service(key: str, **fields: object) -> Service:
    made = {"project": "storage-team", "tenant": "", "prefixes": ("10.128.0.0/22",), "vrf": 3982}
    return Service(key, **(made | fields))  # type: ignore[arg-type] # fields of it


def consumer(key: str, *networks: str, **fields: object) -> Consumer:
    made = {
        "name": f"{key}-fw",
        "state": "in_sync",
        "network": key,
        "project": "shop",
        "tenant": "",
        "machines": 2,
        "joins": tuple(Join(network, ("10.128.0.9",)) for network in networks),
    }
    return Consumer(key, **(made | fields))  # type: ignore[arg-type] # fields of it


@st.composite
def uses(draw: st.DrawFn, prefix: str = "", most: int = 14) -> Uses:
    """Up to so many firewalls, and half as many shared networks; some guard the same network."""
    numbers = draw(st.lists(st.integers(0, 99), unique=True, max_size=most // 2))
    networks = [f"{prefix}net-{number}" for number in numbers]
    firewalls = []
    for number in range(draw(st.integers(0, most))):
        joined = draw(st.lists(st.sampled_from(networks), unique=True)) if networks else []
        home = draw(st.integers(0, number))
        firewalls.append(
            consumer(
                f"{prefix}fw-{number}",
                name=prefix + draw(NAMES),
                network=f"{prefix}home-{home}",
                project=f"{prefix}team-{home % 3}",
                tenant=["", f"{prefix}cedar"][home % 2],
                state=draw(st.sampled_from(SEVERITY)),
                outside=tuple(draw(st.lists(NAMES, max_size=4))),
                joins=tuple(Join(one, draw(_ADDRESSES)) for one in sorted(joined)),
            )
        )
    guard = Guard("g", "store-fw", "in_sync", ("internet",))
    return Uses(tuple(firewalls), tuple(service(one, guards=(guard,)) for one in networks))


_ADDRESSES = st.sampled_from(
    [("10.128.0.1",), ("10.128.255.254", "2001:db8:128:44::2"), ("2001:db8:128:44::2",), ()]
)
