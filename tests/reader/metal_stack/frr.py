"""Reads frr.conf as metal-networker writes it, of a firewall or of a machine: FRR 8, 9 and 10."""

import re
from ipaddress import ip_network

from tests.reader import frr
from tests.reader.frr import Context, Routing
from tests.reader.metal_stack.account import Account

FAMILIES = {"ip": 4, "ipv6": 6}
STEP = 5  # between the sequence numbers that FRR gives by itself
# Lines that say nothing of who imports what.
_WITHOUT_MEANING = re.compile(
    r"frr version \S+|log syslog \w+|debug bgp [\w-]+|line vty|allow-reserved-ranges"
    r"|no bgp enforce-first-as|bgp as-path access-list SELF permit \^\$"
)
# The same of the router in no VRF, whose neighbours hear of no network.
_OF_THE_FABRIC = re.compile(
    r"neighbor \S+ (peer-group|remote-as (external|internal)|timers \d+ \d+|activate)"
    r"|neighbor \S+ (interface peer-group \S+|route-map \S+ (in|out))"
    r"|bgp listen range \S+ peer-group \S+|redistribute kernel"
)


def read(text: str, account: Account) -> Routing:
    """Read a whole frr.conf; what is not understood is in the account."""
    routing, context = Routing(), Context()
    for number, line in account.lines(text):
        if not line.startswith(" "):
            context = Context()
        if not _understood(routing, line.strip(), context):
            account.not_read(number, line)
    return routing


def _understood(routing: Routing, statement: str, context: Context) -> bool:
    try:
        return (
            _spelled_otherwise(routing, statement, context)
            or bool(_WITHOUT_MEANING.fullmatch(statement))
            or (not context.router and bool(_OF_THE_FABRIC.fullmatch(statement)))
            or frr.understood(routing, statement, context)
        )
    except (ValueError, KeyError):  # no number, no prefix, no family
        return False


def _spelled_otherwise(routing: Routing, statement: str, context: Context) -> bool:
    """What we write in other words, or in another order."""
    match statement.split():
        case ["neighbor", name, "interface", "peer-group", _] if not context.router:
            routing.uplinks.add(name)
        case ["import", "vrf", name] if context.router:
            routing.imports.setdefault((context.router, context.family), []).append(name)
        case ["set", "community", "additive", *communities] if context.clause:
            context.clause.communities = frozenset(communities)
        case [("ip" | "ipv6") as family, "prefix-list", name, *entry]:
            return _in_lists(routing, family, name, entry)
        case _:
            return False
    return True


def _in_lists(routing: Routing, family: str, name: str, entry: list[str]) -> bool:
    """Its number may be missing, and its prefix may have host bits: FRR sees to both."""
    if entry[0] != "seq":
        entries = routing.lists.get((FAMILIES[family], name), [])
        last = max((one.sequence for one in entries), default=0)
        entry = ["seq", str(last // STEP * STEP + STEP), *entry]
    *before, prefix = entry[:4]
    words = (*before, str(ip_network(prefix, strict=False)), *entry[4:])
    return frr.understood(routing, " ".join((family, "prefix-list", name, *words)), Context())
