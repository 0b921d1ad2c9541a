"""Addresses: each is taken out of its prefix, and given back there (R4, R7, R8, R12, R15)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard, lines, refusal
from networks.guards.carried import CARRIED_ADDRESS, IS_ITS_OWN, MAY_BE_USED_ELSEWHERE
from networks.guards.prefixes import refilled

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
    f"IF NOT EXISTS ({CARRIED_ADDRESS}) THEN",
    refusal(
        "%s is taken, never handed out, or outside %s (R12).",
        "NEW.address",
        "home.cidr",
        unless="networks_take(NEW.prefix_id, NEW.address::cidr)",
    ),
    "    RETURN NEW;",
    "END IF;",
    # It was never given back, so its place is taken already: for whose it was, it is there.
    MAY_BE_USED_ELSEWHERE,
    f"UPDATE networks_carried SET left_at = NULL WHERE {IS_ITS_OWN};",
    "RETURN NEW;",
)
_GIVES_ITSELF_BACK = lines(
    "PERFORM FROM networks_prefix WHERE id = OLD.prefix_id FOR NO KEY UPDATE;",
    "UPDATE networks_carried SET left_at = COALESCE(left_at, now()) WHERE address = OLD.address;",
    # What a firewall may still have is given back once it has not (networks.guards.carried).
    "IF NOT FOUND THEN PERFORM networks_give_back(OLD.prefix_id, OLD.address::cidr); END IF;",
    "RETURN NULL;",
)
_MOVES = lines(
    "PERFORM FROM networks_prefix WHERE id = NEW.prefix_id FOR NO KEY UPDATE;",
    f"IF NEW.machine_id IS NOT NULL AND EXISTS ({CARRIED_ADDRESS}) THEN",
    MAY_BE_USED_ELSEWHERE,
    "END IF;",
    "UPDATE networks_carried SET left_at = CASE "
    "WHEN machine = NEW.machine_id THEN NULL ELSE COALESCE(left_at, now()) END",
    "    WHERE address = NEW.address;",
    "RETURN NEW;",
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
        name="is_on_no_other_firewall",
        when=pgtrigger.Before,
        operation=_MACHINE_CHANGES,
        condition=pgtrigger.Q(old__machine__df=pgtrigger.F("new__machine")),
        func=_MOVES,
    ),
    pgtrigger.Trigger(
        name="gives_itself_back",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        func=_GIVES_ITSELF_BACK,
    ),
    refilled("addresses_after_truncate"),
]
