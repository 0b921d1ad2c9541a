"""What one row of a network can tell by itself, or its keys can (R1 to R3, R7, R8, R14).

Rules that need other rows, or the row's past, are in `networks.rules`, and again for raw SQL in
`networks.guards`.
"""

from django.db.models import BaseConstraint, Q

from networks.common.validation import Check, ChoiceCheck, Unique

ONE_PER_PARTITION = ("one_super_per_partition", "one_underlay_per_partition")
NETWORK: list[BaseConstraint] = [
    ChoiceCheck(name="network_labels_are_an_object", condition=Q(labels__contains={})),
    Check(
        field="shared",
        name="shared_is_private",
        condition=Q(shared=False) | Q(kind="private"),
        violation_error_code="not_private",
        violation_error_message="Only a private network can be shared (R1).",
    ),
    Check(
        field="shared",
        name="shared_knows_since_when",
        condition=Q(shared=False, shared_at=None) | Q(shared=True, shared_at__isnull=False),
        violation_error_code="unknown_since",
        violation_error_message="A shared network knows since when it is shared (R3).",
    ),
    Check(
        field="shared_reason",
        name="reason_is_of_sharing",
        condition=Q(shared=True) | Q(shared_reason=""),
        violation_error_code="not_shared",
        violation_error_message="Why a network is shared is kept of a shared one; "
        "share it, or leave the reason out (R3).",
    ),
    Check(
        field="partition",
        name="partition_where_bound",
        condition=Q(kind="external") | Q(partition__isnull=False),
        violation_error_code="no_partition",
        violation_error_message="A private, super or underlay network "
        "belongs to exactly one partition (R2).",
    ),
    Check(
        field="parent",
        name="parent_iff_private",
        condition=Q(kind="private", parent__isnull=False) | (~Q(kind="private") & Q(parent=None)),
        violation_error_code="parent_mismatch",
        violation_error_message="A private network, and only a private one, "
        "is the child of a super network (R1).",
    ),
    Check(
        field="project",
        name="project_where_owned",
        condition=Q(kind="external")
        | Q(kind="private", project__isnull=False)
        | Q(kind__in=["super", "underlay"], project=None),
        violation_error_code="project_mismatch",
        violation_error_message="A private network belongs to a project; "
        "a super or underlay network to none (R7).",
    ),
    Check(
        field="vrf",
        name="vrf_where_routed",
        condition=Q(kind__in=["private", "external"], vrf__isnull=False)
        | Q(kind__in=["super", "underlay"], vrf=None),
        violation_error_code="vrf_mismatch",
        violation_error_message="A private or external network has a VRF id; "
        "a super or underlay network has none (R14).",
    ),
    Unique(
        field="vrf",
        name="vrf_is_unique",
        fields=["vrf"],
        violation_error_code="vrf_taken",
        violation_error_message="Another network already has this VRF id (R14).",
    ),
    Unique(
        field="kind",
        name="one_super_per_partition",
        fields=["partition"],
        condition=Q(kind="super"),
        violation_error_code="second_super",
        violation_error_message="This partition already has a super network (R8).",
    ),
    Unique(
        field="kind",
        name="one_underlay_per_partition",
        fields=["partition"],
        condition=Q(kind="underlay"),
        violation_error_code="second_underlay",
        violation_error_message="This partition already has an underlay network (R8).",
    ),
]
