"""Prefixes: their space is taken out of a super network, and given back there (R13, R15)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard, lines, refusal

# The prefix that something is taken from is locked first: whoever takes or gives back there waits.
_FINDS_ITS_PLACE = lines(
    "SELECT * INTO network FROM networks_network WHERE id = NEW.network_id;",
    "IF NOT FOUND THEN RETURN NEW; END IF; -- the foreign key refuses it",
    refusal(
        "A prefix is carved from a super network if, and only if, its network is private (R13).",
        unless="NEW.child = (network.kind = 'private')",
    ),
    "IF NEW.child THEN",
    "    SELECT id INTO pool FROM networks_prefix "
    "WHERE network_id = network.parent_id AND cidr >>= NEW.cidr FOR NO KEY UPDATE;",
    "    " + refusal("%s lies outside the super network (R13).", "NEW.cidr", unless="FOUND"),
    "    "
    + refusal(
        "%s overlaps a prefix of this or another network (R13).",
        "NEW.cidr",
        unless="networks_take(pool, NEW.cidr)",
    ),
    "END IF;",
    "RETURN NEW;",
)
_OPENS_ITS_SPACE = lines(
    "PERFORM networks_open(NEW.id, NEW.cidr, kind <> 'super') "
    "FROM networks_network WHERE id = NEW.network_id;",
    # What firewalls may still have of a network that had this space before (R16).
    "PERFORM networks_take(NEW.id, carried.address::cidr) FROM ("
    "SELECT DISTINCT address FROM networks_carried WHERE address <<= NEW.cidr) AS carried",
    "    WHERE EXISTS (SELECT FROM networks_network "
    "WHERE id = NEW.network_id AND kind <> 'super');",
    "RETURN NULL;",
)
_GIVES_ITS_SPACE_BACK = lines(
    "DELETE FROM networks_free WHERE prefix_id = OLD.id;",
    "SELECT pool.id INTO pool FROM networks_prefix pool "
    "JOIN networks_network network ON network.parent_id = pool.network_id",
    "    WHERE network.id = OLD.network_id AND pool.cidr >>= OLD.cidr FOR NO KEY UPDATE OF pool;",
    "IF FOUND THEN PERFORM networks_give_back(pool, OLD.cidr); END IF;",
    "RETURN NULL;",
)


def refilled(name: str) -> pgtrigger.Trigger:
    """Count the free space anew when a whole table was emptied."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Truncate,
        func="PERFORM networks_refill(); RETURN NULL;",
    )


PREFIX = [
    pgtrigger.Trigger(
        name="finds_its_place",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=_FINDS_ITS_PLACE,
        declare=[("network", "networks_network"), ("pool", "bigint")],
    ),
    pgtrigger.Trigger(
        name="opens_its_space",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func=_OPENS_ITS_SPACE,
    ),
    Fixed(
        name="prefix_is_fixed",
        fields=["network", "cidr", "child"],
        sentence="A prefix is not changed (R13).",
    ),
    Guard(
        name="holds_no_child",
        operation=pgtrigger.Delete,
        unless="NOT EXISTS (SELECT FROM networks_prefix inner_ "
        "JOIN networks_network network ON network.id = inner_.network_id "
        "WHERE network.parent_id = OLD.network_id AND inner_.cidr <<= OLD.cidr)",
        sentence="%s still holds prefixes of networks carved from it (R15).",
        arguments=["OLD.cidr"],
    ),
    pgtrigger.Trigger(
        name="gives_its_space_back",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        func=_GIVES_ITS_SPACE_BACK,
        declare=[("pool", "bigint")],
    ),
    refilled("space_after_truncate"),
]
