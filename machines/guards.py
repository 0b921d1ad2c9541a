"""Rules about machines that the database itself holds (see networks.guards)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard
from networks.guards import numbered

MACHINE = [
    Guard(
        name="lives_in_its_own",
        operation=pgtrigger.Insert,
        unless="EXISTS (SELECT FROM networks_network home "
        "WHERE home.id = NEW.primary_id AND home.kind = 'private' "
        "AND home.partition_id = NEW.partition_id AND home.project_id = NEW.project_id)",
        sentence="%s is no private network of the machine's partition and project (R2, R5, R7).",
        arguments=["NEW.primary_id"],
    ),
    Fixed(
        name="machine_keeps_home",
        fields=["partition", "project", "primary"],
        sentence="Partition, project and primary network of a machine "
        "are fixed when it is allocated (R4).",
    ),
    Guard(
        name="asn_is_on_no_other_firewall",
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("asn"),  # type: ignore[no-untyped-call]
        unless="NOT EXISTS (SELECT FROM networks_carried carried "
        "WHERE carried.asn = NEW.asn AND carried.box <> NEW.id)",
        sentence="AS number %s may still be on a firewall that was freed (R16).",
        arguments=["NEW.asn"],
    ),
    pgtrigger.Trigger(
        name="leaves_its_asn",
        when=pgtrigger.After,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func="UPDATE networks_carried carried SET left_at = now() "
        "WHERE carried.asn = OLD.asn AND carried.left_at IS NULL AND NOT EXISTS ("
        "SELECT FROM machines_machine machine WHERE machine.asn = OLD.asn); RETURN NULL;",
    ),
    *numbered("asn"),
]

_OF_NETWORK = pgtrigger.UpdateOf("network_id")  # type: ignore[no-untyped-call]
HTTP_PROXY = [
    Guard(
        name="is_of_a_private_network",
        operation=pgtrigger.Insert | _OF_NETWORK,
        unless="EXISTS (SELECT FROM networks_network home "
        "WHERE home.id = NEW.network_id AND home.kind = 'private')",
        sentence="%s is no private network, so no machine there uses an HTTP proxy.",
        arguments=["NEW.network_id"],
    ),
]
