"""What to know before the first push to a firewall: for one, for a list, and how many there are.

The sentences are `configuration.cautions`; here is how the database finds those that they are said
of, which a test holds against them.
"""

from django.db.models import Count, Exists, OuterRef, Q, TextChoices
from django.db.models.fields.json import KT

from firewalls.configuration.cautions import LABELS, TABLE, Caution, Circumstances, cautions
from firewalls.device.applier.survey import RULES
from firewalls.models import Attachment, Firewall, FirewallQuerySet, Rule, Survey
from networks.models import Network

SEEN = "has_controller_table"  # what `annotated` adds to each row
_NEW = Q(observation__applied=None)


class Code(TextChoices):
    """What is said of several together."""

    NO_MANAGEMENT = (
        "no_management",
        "would accept SSH from nowhere, as there are no management prefixes",
    )
    FIREWALL_CONTROLLER = (
        "firewall_controller",
        "may be managed by Kubernetes' firewall-controller",
    )
    NO_EGRESS = (
        "no_egress",
        "would let no machine open a connection outside, as there is no egress rule",
    )


def annotated(rows: FirewallQuerySet) -> FirewallQuerySet:
    """With what is needed of what was seen on each, which is long."""
    return rows.annotate(**{SEEN: _with_table()})


def of(firewall: Firewall) -> list[Caution]:
    """Before its first push; nothing afterwards.

    Without a query where the row is `annotated`, and its partition, networks and rules came along.
    """
    if firewall.observation.applied_id is not None:
        return []
    partition = firewall.machine.partition
    joined = firewall.attachments.all()
    known = Circumstances(
        partition=partition.pk,
        is_managed_from_somewhere=bool(partition.management_prefixes) or firewall.practice,
        externals=tuple(sorted(one.network_id for one in joined if one.role == "external")),
        has_egress_rule=any(rule.direction == "egress" for rule in firewall.rules.all()),
        labels=firewall.machine.labels,
        has_controller_table=_has_table(firewall),
    )
    return list(cautions(known))


def condition(code: str) -> Q:
    """Of firewalls: that this is to be said of them. No firewall for another word."""
    externals = Attachment.objects.filter(network__kind=Network.Kind.EXTERNAL)
    egress = Rule.objects.filter(direction=Rule.Direction.EGRESS)
    of_row = {"firewall": OuterRef("pk")}
    conditions: dict[str, Q] = {
        Code.NO_MANAGEMENT: Q(machine__partition__management_prefixes=[], practice=False),
        Code.FIREWALL_CONTROLLER: Q(machine__labels__has_any_keys=LABELS) | Q(_with_table()),
        Code.NO_EGRESS: Exists(externals.filter(**of_row)) & ~Exists(egress.filter(**of_row)),
    }
    return _NEW & conditions[code] if code in conditions else Q(pk__in=[])


def counts() -> dict[Code, int]:
    """How many firewalls each is to be said of, where there are any; one query."""
    each = {code.value: Count("pk", filter=condition(code)) for code in Code}
    found = Firewall.objects.order_by().filter(_NEW).aggregate(**each)
    return {code: found[code.value] for code in Code if found[code.value]}


def _with_table() -> Exists:
    """That the controller's table was seen in the kernel of a firewall that has nothing of ours."""
    new = Survey.objects.filter(
        firewall=OuterRef("pk"), firewall__observation__applied=None
    ).annotate(ruleset=KT(f"now__{RULES}"))
    return Exists(new.filter(ruleset__regex=TABLE.pattern))


def _has_table(firewall: Firewall) -> bool:
    if not hasattr(firewall, SEEN):
        return annotated(Firewall.objects.filter(pk=firewall.pk)).filter(**{SEEN: True}).exists()
    return bool(getattr(firewall, SEEN))
