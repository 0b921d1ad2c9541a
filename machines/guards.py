"""Rules about machines that the database itself holds (see networks.guards)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard

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
]
