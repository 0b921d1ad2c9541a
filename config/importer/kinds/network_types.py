"""How metal-stack says of what kind a network is, and what is merely like it."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from networks.rules import EXTERNAL, PRIVATE, SUPER, UNDERLAY

CHILD_SHARED, NAMESPACED = "child-shared", "super-namespaced"
# API v2's names of a network's kind, which metal-api has beside its flags by now.
TYPES = {
    "super": SUPER,
    NAMESPACED: SUPER,
    "underlay": UNDERLAY,
    "external": EXTERNAL,
    "child": PRIVATE,
    CHILD_SHARED: PRIVATE,
}
NAT_TYPES = {"none": False, "ipv4-masq": True}
# What decides of which kind a network is, and whose.
_DECIDING = (
    "networktype",
    "parentnetworkid",
    "partitionid",
    "privatesuper",
    "projectid",
    "shared",
    "underlay",
)
# The same in documents of API v2.
_V2 = {
    "type": "networktype",
    "parent_network": "parentnetworkid",
    "parent": "parentnetworkid",
    "partition": "partitionid",
    "project": "projectid",
}


def misread(unknown: Collection[str], *, says_its_kind: bool) -> Iterator[tuple[str, str]]:
    """Fields that nobody knows, where the network would be taken for another one without them.

    One with a type or a parent may do without: only what it is, or whose, must not be guessed.
    """
    for name in unknown:
        meant = _V2.get(name) or _nearest(name)
        if meant and not (says_its_kind and meant == "networktype"):
            reason = f"Nobody knows this field; is {meant} meant? It decides what the network is"
            yield name, f"{reason} and whose, so it is not left out."


def _nearest(name: str) -> str:
    spelled = name.lower().replace("_", "").replace("-", "")
    return next(iter(get_close_matches(spelled, _DECIDING, 1, 0.8)), "")
