"""What firewalls have beyond machines: the networks they joined, and their rules."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from config.importer.findings import Remark
from config.importer.kinds import RulesDoc
from config.importer.kinds.rules import ListedRule
from config.importer.writing.allocated import UsedNetwork, ephemeral_unless_reserved
from config.importer.writing.context import Context
from config.importer.writing.rows import Saved
from firewalls.allocation import join, replace_rules
from firewalls.models import Firewall, Rule
from networks.common.violations import counted
from networks.rules import UNDERLAY

Rules = list[dict[str, Any]]  # the fields of each row, without firewall and position
_NAMES = {"sources": "from", "destinations": "to"}  # of a rule's fields in documents
_COMPARED = ("direction", "protocol", "ports", "sources", "destinations", "comment")


def rule_values(rules: Sequence[ListedRule]) -> Rules:
    """The rules as fields of rows. Raises ValidationError naming each rule and field at fault."""
    errors: dict[str, Any] = {}
    of_others = {"firewall", "position"}
    for rule in rules:
        row = Rule(**rule.values)
        try:
            row.clean_fields(of_others)
            row.validate_constraints(of_others)
        except ValidationError as error:
            for name, of_field in error.error_dict.items():
                errors[f"{rule.path}.{_NAMES.get(name, name)}"] = of_field
    if errors:
        raise ValidationError(errors)
    return [rule.values for rule in rules]


def judge_rules(doc: RulesDoc) -> Saved:
    """Judge rules that belong to no firewall; they are kept out, so nothing is saved."""
    rules = rule_values(list(doc.listed("")))
    return Saved(passed_over=f"{counted(len(rules), 'rule')} of no firewall: valid, and kept out")


def join_missing(
    firewall: Firewall, networks: Sequence[UsedNetwork], saved: Saved, context: Context
) -> None:
    """Join what the firewall has not joined yet; what the document does not list stays joined."""
    present = {row.network_id: row.network.kind for row in firewall.attachments.all()}
    joined = {*present, firewall.machine.primary_id}
    missing = [network for network in networks if network.row.pk not in joined]
    if missing:
        context.before_writing()
    for network in context.given.completed(missing):
        with ephemeral_unless_reserved(network.addresses):
            join(firewall, network.row, addresses=network.addresses, by=context.by)
        saved.changes.append(f"networks: {network.row.pk} joined")
    unlisted = sorted(joined - {network.row.pk for network in networks})
    # Some dumps leave the underlay out; that a firewall has one is no news.
    for id in unlisted:
        if present.get(id) == UNDERLAY:
            continue
        reason = f"The network {id} is not in the files; it stays joined."
        saved.remarks.append(Remark("allocation.networks", reason))


def replace_differing_rules(
    firewall: Firewall, rules: Sequence[ListedRule] | None, saved: Saved, context: Context
) -> None:
    """Nothing is changed where the document says nothing of rules."""
    if rules is None:
        return
    # Each direction by itself has its order.
    rows = sorted(firewall.rules.all(), key=lambda row: (row.direction, row.position))
    present = [{name: getattr(row, name) for name in _COMPARED} for row in rows]
    if present != [rule.values for rule in rules]:
        context.before_writing()
        replace_rules(firewall, rule_values(rules))
        saved.changes.append(f"firewall_rules: now {len(rules)}")
