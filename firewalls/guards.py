"""Rules about what firewalls join that the database itself holds (see networks.guards)."""

import pgtrigger

from networks.guards import Fixed, Guard

_MAY_JOIN = """
EXISTS (
    SELECT FROM networks_network joined JOIN machines_machine machine ON machine.id = NEW.firewall_id
    WHERE joined.id = NEW.network_id AND joined.id <> machine.primary_id AND (joined.shared OR joined.kind IN ('external', 'underlay'))
    AND COALESCE(joined.partition_id, machine.partition_id) = machine.partition_id
    AND (joined.kind <> 'external' OR COALESCE(joined.project_id, machine.project_id) = machine.project_id))
"""
_HAS_NO_ADDRESS = """
NOT EXISTS (
    SELECT FROM networks_address address JOIN networks_prefix prefix ON prefix.id = address.prefix_id
    WHERE address.machine_id = OLD.firewall_id AND prefix.network_id = OLD.network_id)
"""
ATTACHMENT = [
    Guard(
        name="may_join", operation=pgtrigger.Insert, unless=_MAY_JOIN,
        sentence="%s is no further network that this firewall may join (R2, R5 to R8). | NEW.network_id",
    ),
    Fixed(
        name="attachment_is_fixed", fields=["firewall", "network"],
        sentence="What a firewall joined is left, and another one joined; it is not changed (R6).",
    ),
    Guard(
        name="has_no_address_left", operation=pgtrigger.Delete, unless=_HAS_NO_ADDRESS,
        sentence="The firewall still has addresses in %s (R15). | OLD.network_id",
    ),
]  # fmt: skip
