"""What packets must show, as data: who reaches whom, and which routes a switch must know or not.

Every refusal has its control: the same port of the same target answers the leaf that it is plugged
into, so that silence means what it says. `appears_as` names whose address the target sees:
`fw-shop@storage` is the address of that firewall in that network.
"""

from dataclasses import dataclass, replace

from tests.lab.topology import LEAVES


@dataclass(frozen=True)
class Connection:
    """A connection that is tried. It must be refused where it has no `appears_as`.

    `page`: the target is a proxy, asked for the page of this host; that host sees `appears_as`.
    """

    source: str
    target: str
    appears_as: str = ""
    port: int = 80
    version: int = 4
    page: str = ""

    @property
    def control(self) -> "Connection":
        """What shows that a refusal is one: the target answers its own leaf."""
        return replace(self, source=OWN_LEAF, appears_as=OWN_LEAF, page="")


@dataclass(frozen=True)
class Route:
    """Whether switches know, in the VRF of a network, a route to another network's prefixes.

    `to` "default" is a default route.
    """

    switches: tuple[str, ...]
    network: str
    to: str
    known: bool
    version: int = 4


@dataclass(frozen=True)
class Scenario:
    """A sentence of the proposal, and how packets prove it.

    `counted` names a firewall and two networks: its rule from the one to the other counts every one
    of the connections. `faults` are put into the plan to see the scenario fail. They are put there
    together with those of all others, for to load a configuration is what takes time; so it must
    fail where no other fault shows: in a line of its problems that contains `shown_by`.
    """

    number: int
    title: str
    connections: tuple[Connection, ...]
    routes: tuple[Route, ...] = ()
    counted: tuple[str, str, str] | None = None
    faults: tuple[str, ...] = ()
    shown_by: str = ""


OWN_LEAF = "own leaf"
STEADY = (
    Scenario(
        1,
        "A consumer reaches the shared network by its own firewall, and the internet as before",
        (
            Connection("shop1", "storage1", "fw-shop@storage"),
            Connection("shop1", "internet", "fw-shop@internet"),
        ),
        (Route(LEAVES, "shop", "default", known=True),),
        faults=("fw-shop no-import shop storage",),
        shown_by="shop1 → storage1:80 (IPv4)",
    ),
    Scenario(
        2,
        "Several consumers, an owner firewall, the internet: each its own way",
        (
            Connection("web1", "backup1", "fw-web@backup"),
            Connection("batch1", "backup1", "fw-batch@backup"),
            Connection("web1", "internet", "fw-web@internet"),
            Connection("backup1", "internet", "fw-backup@internet"),
        ),
        faults=("fw-backup no-import backup internet",),
        shown_by="backup1 → internet:80 (IPv4)",
    ),
    Scenario(
        5,
        "A shared network sees its consumers' shared addresses only, and learns no private prefix",
        (
            Connection("shop1", "storage1", "fw-shop@storage"),
            Connection("shop1", "storage1", "fw-shop@storage", version=6),
            Connection("web1", "storage1", "fw-web@storage"),
            Connection("batch1", "storage1", "fw-batch@storage"),
        ),
        (
            *(
                Route(LEAVES, "storage", private, known=False)
                for private in ("shop", "web", "batch")
            ),
            Route(LEAVES, "storage", "shop", known=False, version=6),
            Route(LEAVES, "storage", "storage", known=True),
        ),
        faults=("fw-web no-translation storage",),
        shown_by="web1 → storage1:80 (IPv4)",
    ),
    Scenario(
        6,
        "Isolation: from shared networks, between them, between consumers, out through a consumer",
        (
            Connection("storage1", "shop1"),
            Connection("storage1", "shop1", version=6),
            Connection("storage1", "web1"),
            Connection("storage1", "batch1"),
            Connection("backup1", "web1"),
            Connection("shop1", "web1"),
            Connection("web1", "batch1"),
            Connection("batch1", "shop1"),
            Connection("storage1", "backup1"),
            Connection("backup1", "storage1"),
            Connection("storage1", "internet"),
            Connection("storage1", "fw-web@storage", port=22),
            Connection("shop1", "fw-shop@shop", port=22),
        ),
        faults=("fw-batch no-no-export", "fw-batch open storage batch"),
        shown_by="storage1 → batch1:80 (IPv4): answered",
    ),
    Scenario(
        7,
        "no-export in both directions: neither prefix is announced where it was imported",
        (Connection("batch1", "storage1", "fw-batch@storage"),),
        (
            Route(LEAVES, "batch", "storage", known=False),
            Route(LEAVES, "storage", "batch", known=False),
            Route(LEAVES, "batch", "batch", known=True),
            Route(LEAVES, "storage", "storage", known=True),
        ),
        faults=("fw-batch no-no-export",),
        shown_by="to storage in batch",
    ),
    Scenario(
        8,
        "Without an external network, machines reach the shared network, and nothing else",
        (Connection("batch1", "storage1", "fw-batch@storage"), Connection("batch1", "internet")),
        (Route(LEAVES, "batch", "default", known=True),),
        faults=("fw-batch no-default",),
        shown_by="knows no IPv4 route to default in batch",
    ),
    Scenario(
        9,
        "A shared network without a firewall of its own fetches a page through an endpoint",
        (
            Connection("storage1", "fw-web@storage", "fw-web@internet", port=3128, page="internet"),
            Connection("web1", "fw-web@storage", "fw-web@internet", port=3128, page="internet"),
            Connection("storage1", "internet"),
        ),
        faults=("fw-web no-endpoints",),
        shown_by="storage1 → fw-web@storage:3128 (IPv4)",
    ),
    Scenario(
        10,
        "What a shared network with a firewall of its own sends outside is counted there",
        (Connection("backup1", "internet", "fw-backup@internet"),),
        counted=("fw-backup", "backup", "internet"),
        faults=("fw-backup no-import backup internet",),
        shown_by="fw-backup backup internet: 0 counted",
    ),
    Scenario(
        11,
        "IPv6 beside IPv4: the same, with its own prefixes and addresses",
        (
            Connection("shop1", "storage1", "fw-shop@storage", version=6),
            Connection("shop1", "internet", "fw-shop@internet", version=6),
            Connection("shop1", "storage1", "fw-shop@storage"),
            Connection("storage1", "shop1", version=6),
            Connection("storage1", "internet", version=6),
        ),
        (
            Route(LEAVES, "shop", "default", known=True, version=6),
            Route(LEAVES, "storage", "shop", known=False, version=6),
        ),
        faults=("fw-shop no-ipv6",),
        shown_by="shop1 → internet:80 (IPv6)",
    ),
    Scenario(
        12,
        "A firewall that joined two shared networks reaches both, with an address in each",
        (
            Connection("web1", "storage1", "fw-web@storage"),
            Connection("web1", "backup1", "fw-web@backup"),
            Connection("storage1", "backup1"),
            Connection("backup1", "storage1"),
        ),
        faults=("fw-web no-import web backup", "fw-web no-import backup web"),
        shown_by="web1 → backup1:80 (IPv4)",
    ),
)
SHARED_LATER = Scenario(
    3,
    "A network is shared while in use: a second project joins, and reaches nothing behind it",
    (
        Connection("web1", "shop1", "fw-web@shop"),
        Connection("web1", "internet", "fw-web@internet"),
        Connection("shop1", "storage1", "fw-shop@storage"),
        Connection("web1", "storage1", "fw-web@storage"),
        Connection("shop1", "internet", "fw-shop@internet"),
        Connection("shop1", "web1"),
        Connection("batch1", "shop1"),
    ),
    (Route(LEAVES, "shop", "web", known=False), Route(LEAVES, "web", "shop", known=False)),
)
LEFT = Scenario(
    4,
    "Left again: the path is gone, and everything else is as before",
    (
        Connection("web1", "shop1"),
        Connection("web1", "internet", "fw-web@internet"),
        Connection("web1", "storage1", "fw-web@storage"),
        Connection("shop1", "storage1", "fw-shop@storage"),
    ),
    (Route(LEAVES, "web", "shop", known=False), Route(LEAVES, "shop", "shop", known=True)),
)
INTERNET_GONE = Scenario(
    17,
    "While the internet's default route is withdrawn, machines reach what their firewall joined",
    (
        Connection("shop1", "storage1", "fw-shop@storage"),
        Connection("web1", "backup1", "fw-web@backup"),
        Connection("batch1", "backup1", "fw-batch@backup"),
        Connection("shop1", "internet"),
        Connection("backup1", "internet"),
    ),
    (
        Route(LEAVES, "shop", "default", known=True),
        Route(LEAVES, "web", "default", known=True),
        Route(LEAVES, "backup", "default", known=False),
    ),
)
INTERNET_BACK = Scenario(
    17,
    "Once it is announced again, the internet is reached as before",
    (
        Connection("shop1", "internet", "fw-shop@internet"),
        Connection("web1", "internet", "fw-web@internet"),
        Connection("backup1", "internet", "fw-backup@internet"),
        Connection("shop1", "storage1", "fw-shop@storage"),
    ),
)
EXTERNAL_JOINED = Scenario(
    24,
    "A network whose firewall joins the internet has a way there, and what it had before",
    (
        Connection("batch1", "internet", "fw-batch@internet"),
        Connection("batch1", "storage1", "fw-batch@storage"),
        Connection("batch1", "backup1", "fw-batch@backup"),
        Connection("storage1", "internet"),
    ),
    (Route(LEAVES, "batch", "default", known=True),),
)
EXTERNAL_LEFT = Scenario(
    24,
    "Left again, the way to the internet is gone, and that to shared networks is as before",
    (
        Connection("batch1", "internet"),
        Connection("batch1", "storage1", "fw-batch@storage"),
        Connection("batch1", "backup1", "fw-batch@backup"),
    ),
    (Route(LEAVES, "batch", "default", known=True),),
)
# What a change of one firewall's networks has nothing to do with: to neighbours and beyond the
# spine, by single and by several paths, through this firewall and through others, in both families,
# and to an endpoint.
UNRELATED = [
    Connection("web1", "internet"),
    Connection("web1", "storage1"),
    Connection("web1", "backup1"),
    Connection("shop1", "internet"),
    Connection("shop1", "internet", version=6),
    Connection("shop1", "storage1"),
    Connection("shop1", "storage1", version=6),
    Connection("storage1", "fw-web@storage", port=3128),
    Connection("batch1", "backup1"),
    Connection("backup1", "internet"),
]
FAULTS = tuple(dict.fromkeys(fault for scenario in STEADY for fault in scenario.faults))
