"""What passes through a firewall: its rules, one more or all anew."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from firewalls.intent import revisions
from firewalls.models import Firewall, Rule, lock_firewall
from networks.common.audit import audited_as
from networks.common.limits import MOST_RULES, at_most
from networks.common.validation import enforce, reported_about


@audited_as(lambda arguments: f"{arguments['rule'].firewall} was given a rule")
@transaction.atomic
def add_rule(rule: Rule, *, by: str = "") -> None:
    """Add it as the last of its direction. Raises ValidationError."""
    firewall = rule.firewall
    lock_firewall(firewall)
    own = firewall.rules.filter(direction=rule.direction)
    rule.position = 1 + (own.aggregate(last=Max("position"))["last"] or 0)
    rule.save(force_insert=True)
    revisions.refresh([firewall.pk], cause=f"{firewall.name} was given a rule", by=by)


@audited_as(lambda arguments: f"the rules of {arguments['firewall']} were replaced")
@transaction.atomic
def replace_rules(firewall: Firewall, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Give the firewall these rules, in this order, instead of those it has.

    Each is a mapping of a rule's fields, its direction among them.
    """
    for direction in Rule.Direction.values:
        own = [values for values in wanted if values["direction"] == direction]
        enforce(at_most("rules", own, MOST_RULES))
    firewall.rules.all().delete()
    places: Counter[str] = Counter()
    for values in wanted:
        direction = values["direction"]
        places[direction] += 1
        place = places[direction]
        with reported_about(f"{direction.capitalize()} rule {place}", "rules"):
            Rule(firewall=firewall, position=place, **values).save()
