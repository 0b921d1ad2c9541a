"""Machines and firewalls: allocated as anybody else's, with the ids, AS numbers and addresses their documents give."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError

from config.importer.machines import MachineDoc, NetworkUse, RuleDoc, RulesDoc
from config.importer.saving import Saved, differing, existing
from firewalls.allocation import NewFirewall, create_firewall, join, replace_rules
from firewalls.intent import revisions
from firewalls.models import Firewall, Rule
from machines import rules as machine_rules
from machines.allocation import Order, Request, assign_address, create_machine, wanted_networks
from machines.models import Machine
from networks.common.addressing import IP, prefix_of
from networks.common.validation import enforce
from networks.common.violations import Violation, counted
from networks.models import Address, Network, Partition, Project
from networks.rules import UNDERLAY

_RULE_FIELDS = {"sources": "from", "destinations": "to"}


class Use:
    """A network of the allocation with its row."""

    def __init__(self, doc: NetworkUse) -> None:
        self.network = existing(Network, doc.network, doc.field)
        self.ips, self.primary = doc.ips, doc.primary
        prefixes = [prefix.cidr for prefix in self.network.prefixes.all()]
        for ip in doc.ips:
            if prefix_of(ip, prefixes) is None:
                where = ", ".join(map(str, prefixes))
                field = doc.field.removesuffix("networkid") + "ips"
                enforce(
                    [
                        Violation(
                            field,
                            "outside_network",
                            f"{ip} lies in no prefix of {doc.network} ({where}) (R11).",
                        )
                    ]
                )

    @property
    def request(self) -> Request:
        return Request(self.network, auto=not self.ips, primary=self.primary)


def machine(doc: MachineDoc, by: str) -> Saved:
    """Allocate the machine or firewall, or bring the one there is up to the document; nothing is taken away from it."""
    uses = [Use(use) for use in doc.networks]
    rules = rule_values(doc.rules) if doc.rules is not None else None
    row = Machine.objects.filter(pk=doc.uuid).select_related("firewall").first()
    if row is None:
        _create(doc, uses, rules or [], by)
        return Saved(created=True)
    return _update(doc, row, uses, rules, by)


def _create(doc: MachineDoc, uses: list[Use], rules: list[dict[str, Any]], by: str) -> None:
    fabric = [use for use in uses if use.network.kind == UNDERLAY] if doc.firewall else []
    others = [use for use in uses if use not in fabric]
    ips = [ip for use in others for ip in use.ips]
    common: dict[str, Any] = {
        "name": doc.name,
        "partition": existing(Partition, doc.partition, "partition"),
        "project": existing(Project, doc.project, "project"),
        "networks": [use.request for use in others],
        "addresses": ips,
        "labels": doc.labels,
        "id": doc.uuid,
        "asn": doc.asn,
    }
    loopbacks = [ip for use in fabric for ip in use.ips]
    with _picked([*ips, *loopbacks]):
        if doc.firewall:
            create_firewall(NewFirewall(**common, rules=rules, loopbacks=loopbacks), by=by)
        else:
            create_machine(Order(**common))


@contextmanager
def _picked(ips: Sequence[IP]) -> Iterator[None]:
    """What an allocation lists was picked for it, unless it was reserved before or its own document says more (R16)."""
    reserved = list(Address.objects.filter(address__in=list(ips)).values_list("pk", flat=True))
    yield
    for address in (
        Address.objects.filter(address__in=list(ips))
        .exclude(pk__in=reserved)
        .exclude(kind=Address.Kind.EPHEMERAL)
    ):
        address.kind = Address.Kind.EPHEMERAL
        address.save()


def _update(
    doc: MachineDoc, row: Machine, uses: list[Use], rules: list[dict[str, Any]] | None, by: str
) -> Saved:
    if doc.firewall != hasattr(row, "firewall"):
        is_now, shall = ("a machine", "a firewall") if doc.firewall else ("a firewall", "a machine")
        enforce(
            [
                Violation(
                    "role",
                    "identity",
                    f"{row.name} is {is_now}; free it before it becomes {shall}.",
                )
            ]
        )
    values: dict[str, Any] = {
        "name": doc.name,
        "labels": doc.labels,
        "partition_id": existing(Partition, doc.partition, "partition").pk,
        "project_id": existing(Project, doc.project, "project").pk,
        "primary_id": _primary(doc, uses),
    }
    saved = Saved(changes=differing(row, values | ({"asn": doc.asn} if doc.asn else {})))
    if saved.changes:
        row.save()
    if doc.firewall:
        _join(row.firewall, uses, saved, by)
    _bring(row, uses, saved)
    if rules is not None and doc.firewall:
        _replace(row.firewall, rules, saved)
    if saved.changes and doc.firewall:
        revisions.refresh([row.pk], cause=f"{row.name} was imported again", by=by)
    return saved


def _primary(doc: MachineDoc, uses: list[Use]) -> str:
    wanted = wanted_networks(
        [use.request for use in uses if use.network.kind != UNDERLAY or not doc.firewall]
    )
    violations = [*machine_rules.valid_request(wanted)]
    if not doc.firewall:
        violations += machine_rules.one_network(wanted)
    enforce(violations)
    primary, found = machine_rules.primary_of(wanted, doc.project)
    enforce(found)
    assert primary is not None
    return primary.id


def _join(firewall: Firewall, uses: list[Use], saved: Saved, by: str) -> None:
    joined = set(firewall.attachments.values_list("network_id", flat=True)) | {
        firewall.machine.primary_id
    }
    for use in (use for use in uses if use.network.pk not in joined):
        with _picked(use.ips):
            join(firewall, use.network, auto=not use.ips, addresses=use.ips, by=by)
        saved.changes.append(f"networks: {use.network.pk} joined")
    gone = sorted(joined - {use.network.pk for use in uses})
    # Some dumps leave the underlay out; that a firewall has one is no news.
    kept = Network.objects.filter(pk__in=gone).exclude(kind=UNDERLAY).values_list("pk", flat=True)
    saved.notes += [f"network {id} is not in the file; it stays joined" for id in kept]


def _bring(row: Machine, uses: list[Use], saved: Saved) -> None:
    have = {address.address for address in row.addresses.all()}
    for use in uses:
        for ip in (ip for ip in use.ips if ip not in have):
            with _picked([ip]):
                assign_address(row, use.network, ip)
            saved.changes.append(f"addresses: {ip} added")
    listed = {ip for use in uses for ip in use.ips}
    fixed = {use.network.pk for use in uses if use.ips}
    for address in row.addresses.select_related("prefix"):
        if address.address not in listed and address.prefix.network_id in fixed:
            saved.notes.append(f"address {address} is not in the file; it stays")


def _replace(firewall: Firewall, rules: list[dict[str, Any]], saved: Saved) -> None:
    names = ("direction", "protocol", "ports", "sources", "destinations", "comment")
    ordered = sorted(firewall.rules.all(), key=lambda rule: rule.position)
    if [{name: getattr(rule, name) for name in names} for rule in ordered] != rules:
        replace_rules(firewall, rules)
        saved.changes.append(f"firewall_rules: now {len(rules)}")


def rule_values(rules: Sequence[RuleDoc]) -> list[dict[str, Any]]:
    """The rules as fields of rows. Raises ValidationError naming each rule and field at fault."""
    values: list[dict[str, Any]] = []
    errors: dict[str, Any] = {}
    for rule in rules:
        values.append({"direction": rule.direction} | rule.values)
        try:
            Rule(**values[-1]).clean_fields(exclude={"firewall", "position"})
        except ValidationError as error:
            errors |= {
                f"{rule.field}.{_RULE_FIELDS.get(name, name)}": found
                for name, found in error.error_dict.items()
            }
    if errors:
        raise ValidationError(errors)
    return values


def rules_only(doc: RulesDoc) -> Saved:
    """Judge rules that belong to no firewall; they are kept out, so nothing is saved."""
    rule_values(doc.rules)
    return Saved(notes=[f"{counted(len(doc.rules), 'rule')} of no firewall: valid, and kept out"])
