"""What firewalls may still have is handed to nobody else (R16).

A row of `networks_carried` says that one firewall may have an address, a VRF id or an AS number in
its configuration. The address is out of its prefix's free space for as long as that row is there,
also when nobody has the address any more.
"""

import pgtrigger

from networks.common.triggers import Fixed, lines, refusal
from networks.guards.numbers import CARRIED_NUMBER
from networks.guards.prefixes import refilled

CARRIED_ADDRESS = "SELECT FROM networks_carried WHERE address = NEW.address"
IS_ITS_OWN = "address = NEW.address AND machine = NEW.machine_id"
MAY_BE_USED_ELSEWHERE = refusal(
    "%s may still be on a firewall that it was taken off (R12, R16).",
    "NEW.address",
    unless="NOT EXISTS (SELECT FROM networks_carried WHERE address = NEW.address "
    "AND machine IS DISTINCT FROM NEW.machine_id)",
)

# The prefix is locked before anybody looks whether the address is free, as everywhere.
_HOME = (
    "SELECT prefix_id INTO home FROM networks_address WHERE address = {row}.address;",
    "IF home IS NULL THEN",
    "    SELECT id INTO home FROM networks_prefix WHERE child AND cidr >>= {row}.address;",
    "END IF;",
    "IF home IS NULL THEN",
    "    SELECT prefix.id INTO home FROM networks_prefix prefix "
    "JOIN networks_network network ON network.id = prefix.network_id",
    "        WHERE NOT prefix.child AND prefix.cidr >>= {row}.address AND network.kind <> 'super';",
    "END IF;",
    "PERFORM FROM networks_prefix WHERE id = home FOR NO KEY UPDATE;",
)
_TAKES = lines(
    "IF NEW.asn IS NOT NULL THEN",
    refusal(
        "AS number %s is another machine's by now (R16).",
        "NEW.asn",
        unless="NOT EXISTS "
        "(SELECT FROM machines_machine WHERE asn = NEW.asn AND id <> NEW.machine)",
    ),
    "    IF NOT EXISTS (SELECT FROM machines_machine WHERE asn = NEW.asn) "
    "THEN NEW.left_at := now(); END IF;",
    "ELSIF NEW.vrf IS NOT NULL THEN",
    "    IF NOT EXISTS (SELECT FROM networks_network WHERE vrf = NEW.vrf) "
    "THEN NEW.left_at := now(); END IF;",
    "ELSE",
    *(line.format(row="NEW") for line in _HOME),
    "    SELECT machine_id INTO holder FROM networks_address WHERE address = NEW.address;",
    "    IF FOUND THEN",
    # Where an endpoint leads is whoever's it is.
    "        NEW.machine := COALESCE(NEW.machine, holder);",
    refusal(
        "%s is another machine's by now (R12, R16).",
        "NEW.address",
        unless="COALESCE(holder = NEW.machine, true)",
    ),
    "        IF holder IS NULL THEN NEW.left_at := now(); END IF;",
    "        RETURN NEW;",
    "    END IF;",
    "    NEW.left_at := now();",
    f"    IF EXISTS ({CARRIED_ADDRESS}) THEN",
    refusal(
        "%s may still be on another firewall (R12, R16).",
        "NEW.address",
        unless="NOT EXISTS (SELECT FROM networks_carried WHERE address = NEW.address "
        "AND machine IS DISTINCT FROM NEW.machine)",
    ),
    "    ELSIF home IS NOT NULL THEN",
    refusal(
        "%s is never handed out (R12).",
        "NEW.address",
        unless="networks_take(home, NEW.address::cidr)",
    ),
    "    END IF;",
    "END IF;",
    "RETURN NEW;",
)
_GIVES_BACK = lines(
    "IF OLD.address IS NULL THEN RETURN NULL; END IF;",
    *(line.format(row="OLD") for line in _HOME),
    "IF home IS NOT NULL",
    "    AND NOT EXISTS (SELECT FROM networks_address WHERE address = OLD.address)",
    "    AND NOT EXISTS (SELECT FROM networks_carried WHERE address = OLD.address)",
    "THEN PERFORM networks_give_back(home, OLD.address::cidr); END IF;",
    "RETURN NULL;",
)
CARRIED = [
    pgtrigger.Trigger(
        name="is_nobody_elses",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=_TAKES,
        declare=[("home", "bigint"), ("holder", "uuid")],
    ),
    pgtrigger.Trigger(
        name="gives_its_address_back",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        func=_GIVES_BACK,
        declare=[("home", "bigint")],
    ),
    Fixed(
        name="carried_is_fixed",
        fields=["box", "address", "vrf", "asn", "machine"],
        sentence="What a firewall may have is written down anew, not changed (R16).",
    ),
    refilled("carried_after_truncate"),
    *CARRIED_NUMBER,
]
