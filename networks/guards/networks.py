"""What stays of a network, and where a private one is carved from (R1 to R3, R14)."""

import pgtrigger

from networks.common.triggers import Fixed, Guard
from networks.guards.numbers import numbered

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
    Guard(
        name="vrf_is_on_no_firewall",
        operation=pgtrigger.Insert,
        unless="NEW.vrf IS NULL OR NOT EXISTS ("
        "SELECT FROM networks_carried carried WHERE carried.vrf = NEW.vrf)",
        sentence="VRF id %s of a network that was removed may still be on a firewall (R14, R16).",
        arguments=["NEW.vrf"],
    ),
    pgtrigger.Trigger(
        name="leaves_its_vrf",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        func="UPDATE networks_carried SET left_at = now() "
        "WHERE vrf = OLD.vrf AND left_at IS NULL; RETURN NULL;",
    ),
    *numbered("vrf"),
]
