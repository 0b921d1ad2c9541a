"""What is tried at every door, and the refusal it meets: field, code, and the broken rule."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.doors.refusals import IN_USE, Refusal
from tests.doors.scene import Scene


class Case(NamedTuple):
    """`by`: what refuses: functions by their path, constraints as `Model:name`.

    `not_at`: doors that do not offer it, or where something else refuses it first.
    """

    attempt: Callable[[Any, Scene], Refusal]
    refused: dict[str, list[str]]
    by: str
    not_at: str = ""


def on(field: str, code: str) -> dict[str, list[str]]:
    return {field: [code]}


IN = {field: [code for code, _ in errors] for field, errors in IN_USE.items()}
NR, MR, FR = "networks.rules.", "machines.rules.", "firewalls.rules."
ONE_UNSHARED = f"{MR}primary_of {MR}unshared_once"
NETWORK_USED, PREFIX_USED = f"{NR}network_unused on_delete", f"{NR}prefix_unused on_delete"
SHARED = on("shared", "not_private")
PARENT, BOUND = on("parent", "parent_mismatch"), on("partition", "no_partition")

R1 = {
    "share a super network": Case(
        lambda d, s: d.share(s.fra.pool), SHARED, "Network:shared_is_private"
    ),
    "share an underlay": Case(
        lambda d, s: d.share(s.fra.fabric), SHARED, "Network:shared_is_private"
    ),
    "share an external network": Case(
        lambda d, s: d.share(s.fra.internet), SHARED, "Network:shared_is_private"
    ),
    "share a project's external network": Case(
        lambda d, s: d.share(s.mpls), SHARED, "Network:shared_is_private"
    ),
    "make a shared external network": Case(
        lambda d, s: d.make(**s.external(shared=True)), SHARED, "Network:shared_is_private"
    ),
    "make a shared super network": Case(
        lambda d, s: d.make(id="new", name="new", kind="super", partition=s.empty, shared=True),
        SHARED,
        "Network:shared_is_private",
    ),
    "make a shared underlay": Case(
        lambda d, s: d.make(id="new", name="new", kind="underlay", partition=s.empty, shared=True),
        SHARED,
        "Network:shared_is_private",
    ),
    "a private network without a parent": Case(  # REST and the admin find it
        lambda d, s: d.make(**s.private(parent=None)),
        PARENT,
        "Network:parent_iff_private",
        "rest admin",
    ),
    "a private network in a private one": Case(
        lambda d, s: d.make(**s.private(parent=s.shop)),
        on("parent", "parent_not_super"),
        NR + "child_of",
    ),
    "a private network in an external one": Case(
        lambda d, s: d.make(**s.private(parent=s.fra.internet)),
        on("parent", "parent_not_super"),
        NR + "child_of",
    ),
    "an external network with a parent": Case(
        lambda d, s: d.make(**s.external(parent=s.fra.pool)), PARENT, "Network:parent_iff_private"
    ),
    "an underlay with a parent": Case(
        lambda d, s: d.make(
            id="new", name="new", kind="underlay", partition=s.empty, parent=s.fra.pool
        ),
        PARENT,
        "Network:parent_iff_private",
    ),
}
R2 = {
    "a private network without a partition": Case(
        lambda d, s: d.make(**s.private(partition=None, parent=None)),
        BOUND | PARENT,
        "Network:partition_where_bound Network:parent_iff_private",
    ),
    "a super network without a partition": Case(
        lambda d, s: d.make(id="new", name="new", kind="super"),
        BOUND,
        "Network:partition_where_bound",
    ),
    "an underlay without a partition": Case(
        lambda d, s: d.make(id="new", name="new", kind="underlay"),
        BOUND,
        "Network:partition_where_bound",
    ),
    "a private network in the pool of another partition": Case(
        lambda d, s: d.make(**s.private(parent=s.muc.pool)),
        on("parent", "other_partition"),
        NR + "child_of",
    ),
    "join across partitions": Case(
        lambda d, s: d.join(s.firewall, s.far),
        on("network", "other_partition"),
        MR + "in_partition",
    ),
    "join an external network of another partition": Case(
        lambda d, s: d.join(s.firewall, s.second),
        on("network", "other_partition"),
        MR + "in_partition",
    ),
    "a machine in a network of another partition": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, partition=s.muc.partition),
        on("networks", "other_partition"),
        MR + "in_partition",
    ),
    "a firewall in a network of another partition": Case(
        lambda d, s: d.firewall(s.fra.shop, s.dual, partition=s.fra.partition),
        on("networks", "other_partition"),
        MR + "in_partition",
    ),
    "a firewall with a shared network of another partition": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.far),
        on("networks", "other_partition"),
        MR + "in_partition",
    ),
    "a firewall with an external network of another partition": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.second),
        on("networks", "other_partition"),
        MR + "in_partition",
    ),
}
R3 = {
    "un-share": Case(
        lambda d, s: d.unshare(s.storage),
        on("shared", "cannot_unshare"),
        NR + "stays_shared",
        "admin",
    ),
    "another reason for a sharing of old": Case(
        lambda d, s: d.change(s.storage, shared_reason="why not"),
        on("shared_reason", "kept"),
        NR + "sharing_is_kept",
        "rest admin",
    ),
    "since when it is shared, though it is not": Case(
        lambda d, s: d.change(s.shop, shared_at=s.storage.shared_at),
        on("shared", "unknown_since"),
        "Network:shared_knows_since_when",
        "form rest admin",
    ),
    "a reason for sharing what is not shared": Case(
        lambda d, s: d.make(**s.private(shared_reason="for all")),
        on("shared_reason", "not_shared"),
        "Network:reason_is_of_sharing",
    ),
}
R4 = {
    "a machine in two networks": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, s.storage),
        on("networks", "several_networks"),
        MR + "one_network",
        "form admin",
    ),
    "a machine in a private and an external network": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, s.fra.internet),
        on("networks", "several_networks"),
        MR + "one_network",
        "form admin",
    ),
    "a machine that moves to another network": Case(
        lambda d, s: d.change(s.machine, primary=s.shop),
        on("primary", "identity"),
        MR + "keeps_identity",
        "rest admin",
    ),
    "a machine that moves to another project": Case(
        lambda d, s: d.change(s.machine, project=s.fra.analytics),
        {"project": ["identity"], "primary": ["other_project"]},
        MR + "keeps_identity " + MR + "primary_is_own",
        "rest admin",
    ),
    "an address on a machine that is not in its network": Case(
        lambda d, s: d.change(
            s.storage.prefixes.get().addresses.get(address=s.ip(s.storage, 78)), machine=s.machine
        ),
        on("machine", "not_there"),
        NR + "machine_is_in_network",
        "rest admin",
    ),
    "an address on a firewall that has not joined its network": Case(
        lambda d, s: d.change(
            s.storage.prefixes.get().addresses.get(address=s.ip(s.storage, 78)),
            machine=s.firewall.machine,
        ),
        on("machine", "not_there"),
        NR + "machine_is_in_network",
        "rest admin",
    ),
}
R5 = {
    "a second private unshared network": Case(
        lambda d, s: d.join(s.firewall, s.other),
        on("network", "second_unshared"),
        MR + "unshared_once",
    ),
    "a firewall with two private unshared networks": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.other),
        on("networks", "second_unshared"),
        ONE_UNSHARED,
    ),
    "a firewall with two private unshared networks and a shared one": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.storage, s.other),
        on("networks", "second_unshared"),
        ONE_UNSHARED,
    ),
    "two unshared networks, one of them marked primary": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.other, primary=s.shop),
        on("networks", "second_unshared"),
        ONE_UNSHARED,
    ),
    "several shared networks of its own project": Case(
        lambda d, s: d.firewall(s.fra.storage, s.storage, s.backup),
        on("networks", "ambiguous_primary"),
        MR + "primary_of",
    ),
    "only shared networks of others": Case(
        lambda d, s: d.firewall(s.fra.shop, s.storage, s.backup),
        on("networks", "no_primary"),
        MR + "primary_of",
    ),
    "publish a machine that lives elsewhere": Case(
        lambda d, s: d.publish(s.own(s.media), s.machine),
        on("machine", "not_behind"),
        FR + "behind",
    ),
    "publish another firewall": Case(
        lambda d, s: d.publish(s.own(s.media), s.firewall.machine),
        on("machine", "firewall"),
        FR + "behind",
    ),
}
R6 = {
    "join the own primary": Case(
        lambda d, s: d.join(s.owner, s.storage),
        on("network", "own_primary"),
        MR + "not_its_primary",
    ),
    "join twice": Case(
        lambda d, s: d.join(s.firewall, s.fra.internet),
        on("network", "joined_already"),
        "Attachment:joins_once",
    ),
    "turn what was joined into something else": Case(
        lambda d, s: d.change(
            s.firewall.attachments.get(network=s.fra.internet), network=s.storage
        ),
        on("network", "identity"),
        MR + "keeps_attachment",
        "rest admin",
    ),
    "leave the primary network": Case(
        lambda d, s: d.leave(s.firewall, s.shop), IN, MR + "may_leave", "form admin"
    ),
    "publish in a network that is not joined": Case(
        lambda d, s: d.publish(s.own(s.lan), s.behind),
        on("address", "not_joined"),
        FR + "at_own_shared_address",
    ),
    "publish at an address that is on no firewall": Case(  # REST asks for the firewall
        lambda d, s: d.publish(s.machine.addresses.get(), s.behind),
        on("address", "not_there"),
        FR + "at_own_shared_address",
        "rest",
    ),
}
R7 = {
    "a machine in another project's network": Case(
        lambda d, s: d.machine(s.fra.analytics, s.shop),
        on("networks", "other_project"),
        MR + "primary_is_own",
    ),
    "a machine in another project's shared network": Case(
        lambda d, s: d.machine(s.fra.shop, s.storage),
        on("networks", "other_project"),
        MR + "primary_is_own",
    ),
    "a firewall in another project's network": Case(
        lambda d, s: d.firewall(s.fra.analytics, s.shop),
        on("networks", "other_project"),
        MR + "primary_is_own",
    ),
    "a firewall whose marked primary is another project's": Case(
        lambda d, s: d.firewall(s.fra.shop, s.storage, s.backup, primary=s.backup),
        on("networks", "other_project"),
        MR + "primary_is_own",
    ),
    "join another project's external network": Case(
        lambda d, s: d.join(s.firewall, s.mpls),
        on("network", "other_project"),
        MR + "external_serves",
    ),
    "a firewall with another project's external network": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.mpls),
        on("networks", "other_project"),
        MR + "external_serves",
    ),
    "a private network without a project": Case(
        lambda d, s: d.make(**s.private(project=None)),
        on("project", "project_mismatch"),
        "Network:project_where_owned",
    ),
    "a super network with a project": Case(
        lambda d, s: d.make(
            id="new", name="new", kind="super", partition=s.empty, project=s.fra.shop
        ),
        on("project", "project_mismatch"),
        "Network:project_where_owned",
    ),
    "an underlay with a project": Case(
        lambda d, s: d.make(
            id="new", name="new", kind="underlay", partition=s.empty, project=s.fra.shop
        ),
        on("project", "project_mismatch"),
        "Network:project_where_owned",
    ),
    "an address of another project's private network": Case(
        lambda d, s: d.allocate(s.other, s.fra.analytics, str(s.ip(s.other, 9))),
        on("project", "other_project"),
        NR + "may_own",
    ),
    "an address of another project's external network": Case(
        lambda d, s: d.allocate(s.mpls, s.fra.shop, "100.127.129.9"),
        on("project", "other_project"),
        NR + "may_own",
    ),
    "give a network in use to another project": Case(
        lambda d, s: d.change(s.other, project=s.fra.analytics),
        on("project", "project_in_use"),
        NR + "keeps_project",
    ),
}
R8 = {
    "join a super network": Case(
        lambda d, s: d.join(s.firewall, s.fra.pool),
        on("network", "not_explicit"),
        MR + "not_explicit",
    ),
    "join another partition's underlay": Case(
        lambda d, s: d.join(s.firewall, s.muc.fabric, auto=True),
        on("network", "not_explicit"),
        MR + "not_explicit",
        "orm form",
    ),
    "a machine in a super network": Case(
        lambda d, s: d.machine(s.fra.shop, s.fra.pool),
        {"networks": ["not_explicit", "no_private"]},
        MR + "not_explicit",
    ),
    "a machine in the underlay": Case(
        lambda d, s: d.machine(s.fra.shop, s.fra.fabric),
        {"networks": ["not_explicit", "no_private"]},
        MR + "not_explicit",
    ),
    "a firewall that asks for the underlay": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.fra.fabric),
        on("networks", "not_explicit"),
        MR + "not_explicit",
    ),
    "a firewall that asks for the super network": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.fra.pool),
        on("networks", "not_explicit"),
        MR + "not_explicit",
    ),
    "an address of a super network": Case(
        lambda d, s: d.allocate(s.fra.pool, s.fra.shop, "10.128.200.9"),
        on("network", "super_given"),
        NR + "allocatable",
        "form",
    ),
    "an address of the underlay": Case(
        lambda d, s: d.allocate(s.fra.fabric, s.fra.shop, "10.4.0.9"),
        on("network", "underlay_given"),
        NR + "allocatable",
        "orm form",
    ),
    "a super network beside another": Case(
        lambda d, s: d.make(id="new", name="new", kind="super", partition=s.fra.partition),
        on("kind", "second_super"),
        "Network:one_super_per_partition",
    ),
    "an underlay beside another": Case(
        lambda d, s: d.make(id="new", name="new", kind="underlay", partition=s.fra.partition),
        on("kind", "second_underlay"),
        "Network:one_underlay_per_partition",
    ),
    "a private network where there is no super network": Case(
        lambda d, s: d.carve(name="new", partition=s.empty, project=s.fra.shop),
        on("partition", "no_super"),
        "networks.allocation.super_network",
        "form",
    ),
    "a firewall where there is no underlay": Case(
        lambda d, s: d.firewall(s.fra.shop, s.port),
        on("partition", "no_underlay"),
        "firewalls.allocation.underlay",
    ),
    "a firewall where there is no super network": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, partition=s.empty),
        on("partition", "no_super"),
        "firewalls.allocation.super_network",
    ),
}
R9 = {
    "a firewall with one network twice": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.storage, s.storage),
        on("networks", "not_distinct"),
        MR + "distinct",
        "form admin",
    ),
    "a machine with one network twice": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, s.shop),
        {"networks": ["not_distinct", "several_networks"]},
        MR + "distinct",
        "form admin",
    ),
    "a machine with an external network only": Case(
        lambda d, s: d.machine(s.fra.shop, s.mpls),
        on("networks", "no_private"),
        MR + "one_private",
    ),
    "a firewall with an external network only": Case(
        lambda d, s: d.firewall(s.fra.storage, s.mpls),
        on("networks", "no_private"),
        MR + "one_private",
    ),
}
R10 = {
    "a machine that brings no address": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, auto=False),
        on("addresses", "no_address"),
        MR + "address_per_family",
        "form admin",
    ),
    "a firewall that brings no address": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, auto=False),
        on("addresses", "no_address"),
        MR + "address_per_family",
        "form admin",
    ),
    "join without an address": Case(
        lambda d, s: d.join(s.firewall, s.storage, auto=False),
        on("addresses", "no_address"),
        MR + "address_per_family",
        "form admin",
    ),
    "bring no address of two families": Case(
        lambda d, s: d.machine(s.fra.shop, s.dual, auto=False),
        {"addresses": ["no_address", "no_address"]},
        MR + "address_per_family",
        "form admin",
    ),
    "bring IPv4 alone to a network with both": Case(
        lambda d, s: d.machine(s.fra.shop, s.dual, addresses=str(s.ip(s.dual, 9))),
        on("addresses", "no_address"),
        MR + "address_per_family",
    ),
    "bring IPv6 alone to a network with both": Case(
        lambda d, s: d.machine(s.fra.shop, s.dual, addresses=str(s.ip(s.dual, 9, 6))),
        on("addresses", "no_address"),
        MR + "address_per_family",
    ),
    "a firewall that brings IPv4 alone to a network with both": Case(
        lambda d, s: d.firewall(s.fra.shop, s.dual, addresses=str(s.ip(s.dual, 9))),
        on("addresses", "no_address"),
        MR + "address_per_family",
    ),
    "a machine in a network without a prefix": Case(
        lambda d, s: d.machine(s.fra.shop, s.bare),
        on("networks", "no_prefix"),
        MR + "address_per_family",
    ),
    "an address of a network without a prefix": Case(
        lambda d, s: d.allocate(s.bare, s.fra.shop),
        on("network", "no_prefix"),
        "networks.rules.has_prefix",
        "form",
    ),
    "an address of a family that the network lacks": Case(
        lambda d, s: d.allocate(s.shop, s.fra.shop, version=6),
        on("network", "no_prefix"),
        "networks.rules.has_prefix",
        "form",
    ),
    "publish by IPv6 a machine that has none": Case(
        lambda d, s: d.publish(s.own(s.media, 6), s.behind),
        on("machine", "no_address"),
        FR + "same_family",
    ),
    "grow by a family without room for those who are there": Case(
        lambda d, s: d.add_prefix(s.lan, "2001:db8:132:99::1/128"),
        on("cidr", "exhausted"),
        NR + "exhausted",
        "form admin",
    ),
}
R11 = {
    "a machine that brings an address from elsewhere": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, addresses="10.9.9.9"),
        on("addresses", "outside_networks"),
        MR + "inside_networks",
    ),
    "a firewall that brings an address from elsewhere": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.fra.internet, addresses="203.0.114.9"),
        on("addresses", "outside_networks"),
        MR + "inside_networks",
    ),
    "join with an address from elsewhere": Case(
        lambda d, s: d.join(s.firewall, s.storage, "10.9.9.9"),
        on("addresses", "outside_networks"),
        MR + "inside_networks",
        "form",
    ),
    "join with an address of another project": Case(
        lambda d, s: d.join(s.firewall, s.storage, str(s.ip(s.storage, 77))),
        on("addresses", "other_project"),
        MR + "may_use_address",
        "form",
    ),
    "join with an address on another machine": Case(
        lambda d, s: d.join(
            s.firewall, s.storage, str(s.owner.machine.addresses.get(prefix__network="storage"))
        ),
        on("addresses", "other_project"),
        MR + "may_use_address",
        "form",
    ),
    "a firewall with an address of another project": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.storage, addresses=str(s.ip(s.storage, 77))),
        on("addresses", "other_project"),
        MR + "may_use_address",
    ),
    "an address outside the network": Case(
        lambda d, s: d.allocate(s.other, s.fra.shop, "10.9.9.9"),
        on("address", "outside_network"),
        NR + "in_network",
    ),
    "an IPv6 address in an IPv4 network": Case(
        lambda d, s: d.allocate(s.other, s.fra.shop, "2001:db8::9"),
        on("address", "outside_network"),
        NR + "in_network",
    ),
    "give an address on a machine to another project": Case(
        lambda d, s: d.change(
            s.owner.machine.addresses.get(prefix__network="storage"), project=s.fra.shop
        ),
        on("machine", "other_project"),
        NR + "same_project",
        "admin",
    ),
}
R12 = {
    "an address that is taken": Case(
        lambda d, s: d.allocate(s.other, s.fra.shop, str(s.ip(s.other, 1))),
        on("address", "taken"),
        "Address:address_is_used_once",
    ),
    "the network address": Case(
        lambda d, s: d.allocate(s.other, s.fra.shop, str(s.ip(s.other, 0))),
        on("address", "reserved"),
        NR + "address_fits",
    ),
    "the broadcast address": Case(
        lambda d, s: d.allocate(s.other, s.fra.shop, str(s.ip(s.other, 1023))),
        on("address", "reserved"),
        NR + "address_fits",
    ),
    "the subnet-router anycast address": Case(
        lambda d, s: d.allocate(s.dual, s.fra.shop, str(s.ip(s.dual, 0, 6))),
        on("address", "reserved"),
        NR + "address_fits",
    ),
    "a machine that brings the network address": Case(
        lambda d, s: d.machine(s.fra.shop, s.shop, addresses=str(s.ip(s.shop, 0))),
        on("addresses", "reserved"),
        NR + "address_fits",
    ),
    "a machine that brings an address on another machine": Case(
        lambda d, s: d.machine(s.fra.shop, s.other, addresses=str(s.machine.addresses.get())),
        on("addresses", "taken"),
        MR + "may_use_address",
    ),
    "turn an address into another one": Case(
        lambda d, s: d.change(s.machine.addresses.get(), address=str(s.ip(s.other, 99))),
        on("address", "identity"),
        NR + "keeps_address",
        "admin",
    ),
    "an address of a full network": Case(
        lambda d, s: d.allocate(s.full, s.fra.shop),
        on("network", "exhausted"),
        "networks.allocation.addresses.next_address",
        "form",
    ),
    "join a full network": Case(
        lambda d, s: d.join(s.firewall, s.full, auto=True),
        on("network", "exhausted"),
        "networks.allocation.addresses.next_address",
        "orm form",
    ),
    "a firewall with a full network": Case(
        lambda d, s: d.firewall(s.fra.shop, s.shop, s.full),
        on("networks", "exhausted"),
        "networks.allocation.addresses.next_address",
    ),
}
R13 = {
    "child prefixes larger than their super network": Case(
        lambda d, s: d.change(s.fra.pool, default_child_prefix_length={"4": 8}),
        on("default_child_prefix_length", "too_short"),
        NR + "lengths_fit",
        "form admin",  # they would send it as a text
    ),
    "overlap another network": Case(
        lambda d, s: d.add_prefix(s.shop, "10.128.4.0/23"),
        on("cidr", "overlap"),
        "Prefix:child_prefixes_do_not_overlap",
    ),
    "overlap the network itself": Case(
        lambda d, s: d.add_prefix(s.shop, "10.128.0.0/24"),
        on("cidr", "overlap"),
        "Prefix:child_prefixes_do_not_overlap",
    ),
    "overlap an external network": Case(
        lambda d, s: d.add_prefix(s.mpls, "203.0.113.128/25"),
        on("cidr", "overlap"),
        "Prefix:top_prefixes_do_not_overlap",
    ),
    "overlap the underlay": Case(
        lambda d, s: d.add_prefix(s.mpls, "10.4.128.0/24"),
        on("cidr", "overlap"),
        "Prefix:top_prefixes_do_not_overlap",
    ),
    "overlap a super network": Case(
        lambda d, s: d.add_prefix(s.fra.fabric, "10.128.0.0/16"),
        on("cidr", "overlap"),
        "Prefix:top_prefixes_do_not_overlap",
    ),
    "a super network that overlaps another": Case(
        lambda d, s: d.add_prefix(s.muc.pool, "10.128.0.0/9"),
        on("cidr", "overlap"),
        "Prefix:top_prefixes_do_not_overlap",
    ),
    "a prefix outside the super network": Case(
        lambda d, s: d.add_prefix(s.shop, "10.9.0.0/22"),
        on("cidr", "outside_super"),
        NR + "inside_super_network",
    ),
    "an IPv6 prefix outside the super network": Case(
        lambda d, s: d.add_prefix(s.dual, "2001:db8:999::/64"),
        on("cidr", "outside_super"),
        NR + "inside_super_network",
    ),
    "an IPv6 prefix where the super network has none": Case(
        lambda d, s: d.add_prefix(s.shop, "2001:db8:132:5::/64"),
        on("cidr", "outside_super"),
        NR + "inside_super_network",
    ),
    "a prefix larger than the super network's": Case(
        lambda d, s: d.add_prefix(s.shop, "10.128.0.0/13"),
        on("cidr", "outside_super"),
        NR + "inside_super_network",
    ),
    "turn a prefix into another one": Case(
        lambda d, s: d.change(s.shop.prefixes.get(), cidr="10.128.200.0/22"),
        on("cidr", "identity"),
        NR + "keeps_prefix",
        "rest admin",
    ),
    "a child prefix longer than any address": Case(
        lambda d, s: d.carve(
            name="new", partition=s.fra.partition, project=s.fra.shop, prefix_length={4: 13}
        ),
        on("prefix_length", "exhausted"),
        "networks.allocation.prefixes.next_child",
        "form admin",
    ),
    "a child prefix of a family that the pool lacks": Case(
        lambda d, s: d.carve(
            name="new", partition=s.fra.partition, project=s.fra.shop, prefix_length={6: 64}
        ),
        on("prefix_length", "exhausted"),
        "networks.allocation.carve networks.rules.no_room",
        "form admin",
    ),
    "grow by more than there is": Case(
        lambda d, s: d.grow(s.shop, 14),
        on("prefix_length", "exhausted"),
        "networks.allocation.prefixes.next_child",
        "form admin",
    ),
    "child prefixes longer than any address": Case(
        lambda d, s: d.make(
            id="new",
            name="new",
            kind="super",
            partition=s.empty,
            default_child_prefix_length={"4": 99},
        ),
        on("default_child_prefix_length", "invalid_lengths"),
        NR + "child_lengths",
    ),
}
R14 = {
    "a VRF id twice": Case(
        lambda d, s: d.make(**s.private(vrf=104009)),
        on("vrf", "vrf_taken"),
        "Network:vrf_is_unique",
    ),
    "an external network with a VRF id of a private one": Case(
        lambda d, s: d.make(**s.external(vrf=s.shop.vrf)),
        on("vrf", "vrf_taken"),
        "Network:vrf_is_unique",
    ),
    "a private network without a VRF id": Case(  # REST and the admin pick one
        lambda d, s: d.make(**s.private(vrf=None)),
        on("vrf", "vrf_mismatch"),
        "Network:vrf_where_routed",
        "rest admin",
    ),
    "a super network with a VRF id": Case(
        lambda d, s: d.make(id="new", name="new", kind="super", partition=s.empty, vrf=77),
        on("vrf", "vrf_mismatch"),
        "Network:vrf_where_routed",
    ),
    "an underlay with a VRF id": Case(
        lambda d, s: d.make(id="new", name="new", kind="underlay", partition=s.empty, vrf=77),
        on("vrf", "vrf_mismatch"),
        "Network:vrf_where_routed",
    ),
    "another VRF id for a network": Case(
        lambda d, s: d.change(s.shop, vrf=4711),
        on("vrf", "identity"),
        NR + "keeps_identity",
        "admin",
    ),
}
R15 = {
    "remove a network with addresses": Case(
        lambda d, s: d.remove(s.shop), IN, NETWORK_USED, "form"
    ),
    "remove a super network with children": Case(
        lambda d, s: d.remove(s.fra.pool), IN, NETWORK_USED, "form"
    ),
    "remove a network that a firewall joined": Case(
        lambda d, s: d.remove(s.fra.internet), IN, NETWORK_USED, "form"
    ),
    "remove a network with reserved addresses": Case(
        lambda d, s: d.remove(s.full), IN, NETWORK_USED, "form"
    ),
    "remove an address on a machine": Case(
        lambda d, s: d.remove(s.machine.addresses.get()), IN, NR + "address_unused", "form"
    ),
    "take an address off a machine": Case(
        lambda d, s: d.change(s.machine.addresses.get(), machine=None),
        on("machine", "in_use"),
        NR + "stays_on_machine",
        "rest admin",
    ),
    "remove a prefix with addresses": Case(
        lambda d, s: d.remove(s.shop.prefixes.get()), IN, PREFIX_USED, "form"
    ),
    "remove a pool with children": Case(
        lambda d, s: d.remove(s.fra.pool.prefixes.get()), IN, PREFIX_USED, "form"
    ),
    "remove a partition with networks": Case(
        lambda d, s: d.remove(s.poolless), IN, "on_delete", "form"
    ),
    "remove a project with networks": Case(
        lambda d, s: d.remove(s.fra.shop), IN, "on_delete", "form"
    ),
    "remove a project with an address": Case(
        lambda d, s: d.remove(s.fra.analytics), IN, "on_delete", "form"
    ),
    "leave a network in which something is published": Case(
        lambda d, s: d.leave(s.consumer, s.media), IN, "firewalls.allocation.endpoints_unused"
    ),
    "free a machine that is published": Case(lambda d, s: d.free(s.behind), IN, "on_delete"),
    "remove what was joined, with addresses in it": Case(  # elsewhere, that is leaving
        lambda d, s: d.remove(s.firewall.attachments.get(network=s.fra.internet)),
        IN,
        MR + "attachment_unused",
        "form rest admin",
    ),
}
# The scene has a firewall that was freed and may still run with these. They are refused by the
# database, and only then explained: so a form alone does not say so before it is saved.
R16 = {
    "allocate an address that a freed firewall may have": Case(
        lambda d, s: d.allocate(s.storage, s.fra.storage, str(s.ip(s.storage, 79))),
        on("address", "kept_back"),
        NR + "kept_back",
        "form",
    ),
    "a machine at a reserved address that it may have": Case(
        lambda d, s: d.machine(s.fra.storage, s.storage, addresses=str(s.ip(s.storage, 80))),
        on("addresses", "kept_back"),
        NR + "kept_back",
    ),
    "a network with a VRF id that it may have": Case(
        lambda d, s: d.make(**s.private(vrf=4077)),
        on("vrf", "kept_back"),
        NR + "kept_back",
        "form",
    ),
}
CASES: dict[str, dict[str, Case]] = {
    "R1": R1,
    "R2": R2,
    "R3": R3,
    "R4": R4,
    "R5": R5,
    "R6": R6,
    "R7": R7,
    "R8": R8,
    "R9": R9,
    "R10": R10,
    "R11": R11,
    "R12": R12,
    "R13": R13,
    "R14": R14,
    "R15": R15,
    "R16": R16,
}
