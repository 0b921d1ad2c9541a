"""Rules that the database itself holds: bulk updates, fixtures and hand-written SQL meet them too.

A guard says in terms of rows what the rule of the same number says in `networks.rules`; the
constraints of the models do the rest.

Free space is kept here too: `networks_free` (see its migration) has, for every prefix, the fewest
blocks that make up what is free in it. Whoever inserts an address or a child prefix takes its block
out, and whoever deletes one gives it back. So nothing can be taken twice, and the lowest free
address is found at once however many are taken (`networks.pools` has the figures).
"""

import pgtrigger

from networks.common.triggers import Fixed, Guard, lines, refusal

NETWORK = [
    Guard(
        name="stays_shared",
        operation=pgtrigger.Update,
        condition=pgtrigger.Q(old__shared=True, new__shared=False),
        sentence="A shared network stays shared (R3).",
    ),
    Guard(
        name="sharing_is_kept",
        operation=pgtrigger.Update,
        condition=pgtrigger.Q(old__shared=True)
        & (
            pgtrigger.Q(old__shared_at__df=pgtrigger.F("new__shared_at"))
            | pgtrigger.Q(old__shared_by__df=pgtrigger.F("new__shared_by"))
            | pgtrigger.Q(old__shared_reason__df=pgtrigger.F("new__shared_reason"))
        ),
        sentence="Who shared a network, when and why is kept (R3).",
    ),
    Fixed(
        name="keeps_identity",
        fields=["kind", "partition", "parent", "vrf"],
        sentence="Kind, partition, parent and VRF id of a network are fixed when it is made.",
    ),
    Guard(
        name="is_carved_from_its_super",
        operation=pgtrigger.Insert,
        condition=pgtrigger.Q(new__kind="private"),
        unless="EXISTS (SELECT FROM networks_network pool WHERE pool.id = NEW.parent_id "
        "AND pool.kind = 'super' AND pool.partition_id = NEW.partition_id)",
        sentence="%s is not carved from the super network of its partition (R1, R2).",
        arguments=["NEW.id"],
    ),
]

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

_TAKES_ITS_SPACE = lines(
    "SELECT prefix.cidr, network.kind, network.project_id, network.id, "
    "network.kind = 'private' AND NOT network.shared AS alone INTO home",
    "    FROM networks_prefix prefix "
    "JOIN networks_network network ON network.id = prefix.network_id",
    "    WHERE prefix.id = NEW.prefix_id FOR NO KEY UPDATE OF prefix;",
    "IF NOT FOUND THEN RETURN NEW; END IF; -- the foreign key refuses it",
    refusal(
        "%s lies in a super network, which is never used directly (R8).",
        "NEW.address",
        unless="home.kind <> 'super'",
    ),
    refusal(
        "%s serves project %s (R7).",
        "home.id",
        "home.project_id",
        unless="NOT (home.alone OR home.kind = 'external') "
        "OR COALESCE(home.project_id, NEW.project_id) = NEW.project_id",
    ),
    refusal(
        "%s is not the address of one host.",
        "NEW.address",
        unless="host(NEW.address)::inet = NEW.address",
    ),
    refusal(
        "%s is taken, never handed out, or outside %s (R12).",
        "NEW.address",
        "home.cidr",
        unless="networks_take(NEW.prefix_id, NEW.address::cidr)",
    ),
    "RETURN NEW;",
)
_GIVES_ITSELF_BACK = lines(
    "PERFORM FROM networks_prefix WHERE id = OLD.prefix_id FOR NO KEY UPDATE;",
    "IF FOUND THEN PERFORM networks_give_back(OLD.prefix_id, OLD.address::cidr); END IF;",
    "RETURN NULL;",
)
# The tables of the apps above tell which networks a machine is in; only SQL may read them here.
_HOME = lines(
    "NEW.machine_id IS NULL OR EXISTS (",
    "    SELECT FROM networks_prefix prefix "
    "JOIN machines_machine machine ON machine.id = NEW.machine_id",
    "    WHERE prefix.id = NEW.prefix_id AND (machine.primary_id = prefix.network_id OR EXISTS (",
    "        SELECT FROM firewalls_attachment joined "
    "WHERE joined.firewall_id = machine.id AND joined.network_id = prefix.network_id)))",
)
_MACHINE_CHANGES = pgtrigger.UpdateOf("machine_id")  # type: ignore[no-untyped-call]
ADDRESS = [
    pgtrigger.Trigger(
        name="takes_its_space",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=_TAKES_ITS_SPACE,
        declare=[("home", "record")],
    ),
    Guard(
        name="is_where_its_machine_is",
        operation=pgtrigger.Insert | _MACHINE_CHANGES,
        unless=_HOME,
        sentence="%s is in a network that its machine is not in (R4).",
        arguments=["NEW.address"],
    ),
    Fixed(
        name="address_is_fixed",
        fields=["address", "prefix"],
        sentence="An address is not changed (R12).",
    ),
    Guard(
        name="is_on_no_machine",
        operation=pgtrigger.Delete,
        unless="OLD.machine_id IS NULL",
        sentence="%s is on a machine; free that first (R15).",
        arguments=["OLD.address"],
    ),
    # Endpoints are an app above this one as well.
    Guard(
        name="serves_no_endpoint",
        operation=_MACHINE_CHANGES,
        condition=pgtrigger.Q(old__machine__df=pgtrigger.F("new__machine")),
        unless="NOT EXISTS (SELECT FROM firewalls_endpoint endpoint "
        "WHERE endpoint.address_id = OLD.id)",
        sentence="%s still has endpoints; remove them first (R15).",
        arguments=["OLD.address"],
    ),
    pgtrigger.Trigger(
        name="gives_itself_back",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        func=_GIVES_ITSELF_BACK,
    ),
    refilled("addresses_after_truncate"),
]
