"""What the packets must show, as data: who talks to whom and what must be seen, and what a routing table knows or must never know.

Every refusal has its control: the same port of the same target answers somebody who is near it, so that silence means what
it says. `seen_as` names whose address the target sees: `fw-shop@storage` is the address of that firewall in that network.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Talk:
    """One connection. Refused where nobody is seen. `page`: asked of a proxy, whose answer is what the page's host saw."""

    source: str
    target: str
    seen_as: str = ""
    port: int = 80
    version: int = 4
    page: str = ""

    @property
    def near(self) -> "Talk":
        """The control of a refusal: the target answers the leaf that it is plugged into."""
        return replace(self, source="near", seen_as="near", page="")


@dataclass(frozen=True)
class Route:
    """Whether switches that have a VRF of this network know a route to another network's prefixes there ("default": a way out)."""

    where: tuple[str, ...]
    network: str
    to: str
    known: bool
    version: int = 4


@dataclass(frozen=True)
class Scenario:
    """A sentence of the proposal, and how packets prove it.

    `faults` are taken into the plan to see it fail, together with those of all the others, for to load a configuration is what takes
    time; so it must fail where no other fault shows: in a line of its problems that has the words `shown_by`.
    """

    number: int
    title: str
    talks: tuple[Talk, ...]
    routes: tuple[Route, ...] = ()
    counted: tuple[str, str, str] | None = (
        None  # firewall, from, to: its rule counts every one of the talks
    )
    faults: tuple[str, ...] = ()
    shown_by: str = ""


LEAVES = ("leaf1", "leaf2")
STEADY = (
    Scenario(
        1,
        "One consumer reaches the shared network through its own firewall, and the internet as before",
        (
            Talk("shop1", "storage1", "fw-shop@storage"),
            Talk("shop1", "internet", "fw-shop@internet"),
        ),
        (Route(LEAVES, "shop", "default", known=True),),
        faults=("fw-shop no-import shop storage",),
        shown_by="shop1 → storage1:80 (IPv4)",
    ),
    Scenario(
        2,
        "Several consumers, an owner firewall, the internet: each its own way",
        (
            Talk("web1", "backup1", "fw-web@backup"),
            Talk("batch1", "backup1", "fw-batch@backup"),
            Talk("web1", "internet", "fw-web@internet"),
            Talk("backup1", "internet", "fw-backup@internet"),
        ),
        faults=("fw-backup no-import backup internet",),
        shown_by="backup1 → internet:80 (IPv4)",
    ),
    Scenario(
        5,
        "A shared network sees its consumers' shared addresses only, and the fabric never learns a private prefix there",
        (
            Talk("shop1", "storage1", "fw-shop@storage"),
            Talk("shop1", "storage1", "fw-shop@storage", version=6),
            Talk("web1", "storage1", "fw-web@storage"),
            Talk("batch1", "storage1", "fw-batch@storage"),
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
        "Isolation: from the shared network, between consumers, between shared networks, out through a consumer",
        (
            Talk("storage1", "shop1"),
            Talk("storage1", "shop1", version=6),
            Talk("storage1", "web1"),
            Talk("storage1", "batch1"),
            Talk("backup1", "web1"),
            Talk("shop1", "web1"),
            Talk("web1", "batch1"),
            Talk("batch1", "shop1"),
            Talk("storage1", "backup1"),
            Talk("backup1", "storage1"),
            Talk("storage1", "internet"),
            Talk("storage1", "fw-web@storage", port=22),
            Talk("shop1", "fw-shop@shop", port=22),
        ),
        faults=("fw-batch no-no-export", "fw-batch open storage batch"),
        shown_by="storage1 → batch1:80 (IPv4): answered",
    ),
    Scenario(
        7,
        "no-export in both directions: neither prefix is announced where it was imported",
        (Talk("batch1", "storage1", "fw-batch@storage"),),
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
        "A firewall without external network: its machines reach the shared network, and nothing else",
        (Talk("batch1", "storage1", "fw-batch@storage"), Talk("batch1", "internet")),
        (Route(LEAVES, "batch", "default", known=True),),
        faults=("fw-batch no-default",),
        shown_by="knows no IPv4 route to default in batch",
    ),
    Scenario(
        9,
        "A machine in a shared network without own firewall fetches a page through the endpoint of an HTTP proxy",
        (
            Talk("storage1", "fw-web@storage", "fw-web@internet", port=3128, page="internet"),
            Talk("storage1", "internet"),
        ),
        faults=("fw-web no-endpoints",),
        shown_by="storage1 → fw-web@storage:3128 (IPv4)",
    ),
    Scenario(
        10,
        "Own firewall: everything that the shared network's machines send outside goes through it, and is counted there",
        (Talk("backup1", "internet", "fw-backup@internet"),),
        counted=("fw-backup", "backup", "internet"),
        faults=("fw-backup no-import backup internet",),
        shown_by="fw-backup backup internet: 0 counted",
    ),
    Scenario(
        11,
        "IPv6 beside IPv4: the same, with its own prefixes and addresses",
        (
            Talk("shop1", "storage1", "fw-shop@storage", version=6),
            Talk("shop1", "internet", "fw-shop@internet", version=6),
            Talk("shop1", "storage1", "fw-shop@storage"),
            Talk("storage1", "shop1", version=6),
            Talk("storage1", "internet", version=6),
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
            Talk("web1", "storage1", "fw-web@storage"),
            Talk("web1", "backup1", "fw-web@backup"),
            Talk("storage1", "backup1"),
            Talk("backup1", "storage1"),
        ),
        faults=("fw-web no-import web backup", "fw-web no-import backup web"),
        shown_by="web1 → backup1:80 (IPv4)",
    ),
)
SHARED_LATER = Scenario(
    3,
    "A network with machines is shared while in use: a second project joins, and reaches it and nothing behind it",
    (
        Talk("web1", "shop1", "fw-web@shop"),
        Talk("shop1", "storage1", "fw-shop@storage"),
        Talk("web1", "storage1", "fw-web@storage"),
        Talk("shop1", "internet", "fw-shop@internet"),
        Talk("shop1", "web1"),
        Talk("batch1", "shop1"),
    ),
    (Route(LEAVES, "shop", "web", known=False), Route(LEAVES, "web", "shop", known=False)),
)
LEFT = Scenario(
    4,
    "Left again: the path is gone, and everything else is as before",
    (
        Talk("web1", "shop1"),
        Talk("web1", "storage1", "fw-web@storage"),
        Talk("shop1", "storage1", "fw-shop@storage"),
    ),
    (Route(LEAVES, "web", "shop", known=False), Route(LEAVES, "shop", "shop", known=True)),
)
FAULTS = tuple(dict.fromkeys(fault for scenario in STEADY for fault in scenario.faults))
