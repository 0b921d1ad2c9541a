"""What firewalls have beyond machines: the networks they joined, and their rules."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from config.importer.kinds import RulesDoc
from config.importer.kinds.rules import ListedRule
from config.importer.writing.allocated import UsedNetwork, ephemeral_unless_reserved
from config.importer.writing.rows import Saved
from firewalls.allocation import join, replace_rules
from firewalls.intent import revisions
from firewalls.models import Firewall, Rule
from networks.common.violations import counted
from networks.models import Network
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
    note = f"{counted(len(rules), 'rule')} of no firewall: valid, and kept out"
    return Saved(is_kept_out=True, notes=[note])


def join_missing(
    firewall: Firewall, networks: Sequence[UsedNetwork], saved: Saved, by: str
) -> None:
    """Join what the firewall has not joined yet; what the document does not list stays joined."""
    joined = set(firewall.attachments.values_list("network_id", flat=True))
    joined.add(firewall.machine.primary_id)
    for network in networks:
        if network.row.pk in joined:
            continue
        with ephemeral_unless_reserved(network.ips):
            join(firewall, network.row, auto=not network.ips, addresses=network.ips, by=by)
        saved.changes.append(f"networks: {network.row.pk} joined")
    unlisted = sorted(joined - {network.row.pk for network in networks})
    # Some dumps leave the underlay out; that a firewall has one is no news.
    rows = Network.objects.filter(pk__in=unlisted).exclude(kind=UNDERLAY)
    for id in rows.values_list("pk", flat=True):
        saved.notes.append(f"network {id} is not in the file; it stays joined")


def replace_differing_rules(firewall: Firewall, rules: Rules | None, saved: Saved) -> None:
    """Nothing is changed where the document says nothing of rules."""
    if rules is None:
        return
    rows = sorted(firewall.rules.all(), key=lambda row: row.position)
    present = [{name: getattr(row, name) for name in _COMPARED} for row in rows]
    if present != rules:
        replace_rules(firewall, rules)
        saved.changes.append(f"firewall_rules: now {len(rules)}")


def refresh_changed(firewall: Firewall, saved: Saved, by: str) -> None:
    if saved.changes:
        revisions.refresh([firewall.pk], cause=f"{firewall.name} was imported again", by=by)
