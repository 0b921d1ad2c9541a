"""Adding a rule to a firewall: first what would change, then the change."""

from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from firewalls.allocation import add_rule as add
from firewalls.forms import RuleForm
from firewalls.intent.flows import flows
from firewalls.models import Firewall, Rule
from firewalls.previews import rule_preview
from firewalls.views.joining import done
from networks.common.htmx import page


def add_rule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a rule would change, as far as it is written; posted, the rule itself."""
    if not request.user.has_perm("firewalls.add_rule"):
        raise PermissionDenied("Adding a rule takes the role operator.")
    firewall = get_object_or_404(Firewall.objects.with_relations().with_state(), pk=pk)
    posted = request.method == "POST"
    rule = Rule(firewall=firewall, position=1 + firewall.rules.count())
    given = request.POST if posted else request.GET
    form = RuleForm(given if "direction" in given else None, instance=rule)
    context: dict[str, object] = {"firewall": firewall, "form": form}
    if form.is_valid():
        try:
            if posted:
                add(rule, by=request.user.get_username())
                push = "push" in request.POST
                return done(request, firewall, f"{firewall} has another rule", push)
            effect = rule_preview(rule)
            context |= {"diffs": effect.diffs().pop(firewall, {}), "flows": flows(effect)}
        except ValidationError as error:
            form.add_error(None, error)
    status = 422 if form.errors else 200
    return page(request, "firewalls/add_rule.html", context, status=status)
