"""Rules about what firewalls join that the database itself holds (see networks.guards)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard, lines

_MAY_JOIN = """
EXISTS (
    SELECT FROM networks_network joined \
JOIN machines_machine machine ON machine.id = NEW.firewall_id
    WHERE joined.id = NEW.network_id AND joined.id <> machine.primary_id \
AND (joined.shared OR joined.kind IN ('external', 'underlay'))
    AND COALESCE(joined.partition_id, machine.partition_id) = machine.partition_id
    AND (joined.kind <> 'external' \
OR COALESCE(joined.project_id, machine.project_id) = machine.project_id))
"""
_HAS_NO_ADDRESS = """
NOT EXISTS (
    SELECT FROM networks_address address \
JOIN networks_prefix prefix ON prefix.id = address.prefix_id
    WHERE address.machine_id = OLD.firewall_id AND prefix.network_id = OLD.network_id)
"""
_LOWEST_FREE_PLACE = """
SELECT min(candidate) FROM (
    SELECT 1 AS candidate
    UNION SELECT place + 1 FROM firewalls_attachment WHERE firewall_id = NEW.firewall_id
) places WHERE candidate NOT IN (
    SELECT place FROM firewalls_attachment WHERE firewall_id = NEW.firewall_id)
"""
ATTACHMENT = [
    pgtrigger.Trigger(
        name="has_a_place",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"NEW.place := ({_LOWEST_FREE_PLACE}); RETURN NEW;",
    ),
    Guard(
        name="may_join",
        operation=pgtrigger.Insert,
        unless=_MAY_JOIN,
        sentence="%s is no further network that this firewall may join (R2, R5 to R8).",
        arguments=["NEW.network_id"],
    ),
    Fixed(
        name="attachment_is_fixed",
        fields=["firewall", "network", "place"],
        sentence="What a firewall joined is left, and another one joined; it is not changed (R6).",
    ),
    Guard(
        name="has_no_address_left",
        operation=pgtrigger.Delete,
        unless=_HAS_NO_ADDRESS,
        sentence="The firewall still has addresses in %s (R15).",
        arguments=["OLD.network_id"],
    ),
]

_IS_AT_ITS_FIREWALLS = """
EXISTS (
    SELECT FROM networks_address address
    JOIN networks_prefix prefix ON prefix.id = address.prefix_id
    JOIN networks_network network ON network.id = prefix.network_id AND network.shared
    JOIN firewalls_attachment joined \
ON joined.firewall_id = address.machine_id AND joined.network_id = network.id
    WHERE address.id = NEW.address_id)
"""
_LEADS_BEHIND_IT = """
EXISTS (
    SELECT FROM networks_address address \
JOIN machines_machine firewall ON firewall.id = address.machine_id
    JOIN machines_machine machine \
ON machine.id = NEW.machine_id AND machine.primary_id = firewall.primary_id
    JOIN networks_address own \
ON own.machine_id = machine.id AND family(own.address) = family(address.address)
    JOIN networks_prefix home ON home.id = own.prefix_id AND home.network_id = machine.primary_id
    WHERE address.id = NEW.address_id \
AND NOT EXISTS (SELECT FROM firewalls_firewall other WHERE other.machine_id = machine.id))
"""
_MOVED = pgtrigger.UpdateOf("address_id", "machine_id")  # type: ignore[no-untyped-call]
_WRITTEN = pgtrigger.Insert | _MOVED
ENDPOINT = [
    Guard(
        name="is_at_its_firewalls_address",
        operation=_WRITTEN,
        unless=_IS_AT_ITS_FIREWALLS,
        sentence="An endpoint is at a firewall's own address "
        "in a shared network that it has joined (R6).",
    ),
    Guard(
        name="leads_behind_its_firewall",
        operation=_WRITTEN,
        unless=_LEADS_BEHIND_IT,
        sentence="An endpoint leads to a machine behind its firewall, "
        "with an address of the same family (R5, R10).",
    ),
]

GIVES_ALL_BACK = lines(
    "DELETE FROM networks_carried WHERE box = OLD.id;",
    "DELETE FROM firewalls_sshaccess WHERE retired_id = OLD.id;",
    "RETURN OLD;",
)
FIREWALL = [
    # The shell writes it down with more; this is for whoever deletes the row by hand.
    pgtrigger.Trigger(
        name="retires",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        func=lines(
            "INSERT INTO firewalls_retired (id, name, partition, project, network, "
            'host, port, "user", host_key, practice, files, steps)',
            "    SELECT machine.id, machine.name, machine.partition_id, machine.project_id, "
            "machine.primary_id, OLD.host, OLD.port, OLD.user, OLD.host_key, OLD.practice, "
            "'{}', '[]'",
            "    FROM machines_machine machine WHERE machine.id = OLD.machine_id",
            "    AND EXISTS (SELECT FROM networks_carried WHERE box = OLD.machine_id)",
            "    ON CONFLICT DO NOTHING;",
            # How it is reached goes with it, as it is known there by the same id.
            "UPDATE firewalls_sshaccess SET firewall_id = NULL, retired_id = OLD.machine_id",
            "    WHERE firewall_id = OLD.machine_id",
            "    AND EXISTS (SELECT FROM firewalls_retired WHERE id = OLD.machine_id);",
            "DELETE FROM firewalls_sshaccess WHERE firewall_id = OLD.machine_id;",
            "RETURN OLD;",
        ),
    ),
]
SSH_ACCESS = [
    pgtrigger.Trigger(
        name="seen",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func="INSERT INTO firewalls_jumpobservation (access_id) VALUES (NEW.id); RETURN NULL;",
    ),
    pgtrigger.Trigger(
        name="seen_no_more",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        func="DELETE FROM firewalls_jumpobservation WHERE access_id = OLD.id; RETURN OLD;",
    ),
]
