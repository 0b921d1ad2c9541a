"""A form of the admin that was open while somebody else changed the row is refused, as REST does.

REST refuses a write whose If-Match names an older state.
"""

from typing import Any

import pytest

from firewalls.models import Firewall, Rule
from networks.models import Network, Partition, Project
from tests.test_admin import page, staff
from tests.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def fra() -> World:
    fra = world()
    shop = fra.private("shop", fra.shop, labels={"tier": "web"})
    rule = {"direction": "egress", "ports": ["443"]}
    fra.firewall("fw", fra.shop, shop, fra.internet, rules=[rule])
    return fra


def opened(model: str, key: object) -> dict[str, Any]:
    """All that the page of a row would send, with what it remembers to have shown."""
    response = staff().get(page(model, "change", key))
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    values: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            values[field.html_name] = "" if value is None or value is False else str(value)
            if field.field.show_hidden_initial:
                values[field.html_initial_name] = _hidden(field)
    return values


def _hidden(field: Any) -> str:
    html = field.as_hidden(only_initial=True)
    _, has_value, rest = html.partition('value="')
    text = rest.partition('"')[0] if has_value else ""
    return str(text.replace("&quot;", '"'))


def saved(model: str, key: object, values: dict[str, Any], **changes: object) -> str:
    """What is said against it; nothing where it was saved."""
    response = staff().post(page(model, "change", key), {**values, **changes})
    return "" if response.status_code == 302 else response.content.decode()


STALE = "was changed since this page was opened"


@pytest.mark.usefixtures("fra")
class TestAStaleForm:
    @pytest.mark.parametrize("mine", [{"name": "mine"}, {"description": "mine"}])
    def test_is_refused_whatever_it_changes(self, mine: dict[str, str]) -> None:
        values = opened("networks_project", "shop")
        Project.objects.filter(pk="shop").update(name="theirs")
        said = saved("networks_project", "shop", values, **mine)
        assert f"Name {STALE}, and is theirs now" in said
        row = Project.objects.get(pk="shop")
        assert (row.name, row.description) == ("theirs", "")

    def test_stays_refused_until_the_page_is_opened_again(self) -> None:
        values = opened("networks_partition", "fra")
        Partition.objects.filter(pk="fra").update(ntp_servers=["ntp"], auto_push=True)
        for _ in range(2):
            said = saved("networks_partition", "fra", values, description="mine")
            assert said.count(STALE) == 2
        again = opened("networks_partition", "fra")
        assert saved("networks_partition", "fra", again, description="mine") == ""
        row = Partition.objects.get(pk="fra")
        assert (row.ntp_servers, row.auto_push, row.description) == (["ntp"], True, "mine")

    def test_of_a_network_and_its_labels(self) -> None:
        values = opened("networks_network", "shop")
        Network.objects.filter(pk="shop").update(labels={"tier": "db"})
        assert f"Labels {STALE}" in saved("networks_network", "shop", values, description="mine")

    def test_of_a_firewall_its_machine_and_its_rules(self) -> None:
        firewall = Firewall.objects.get()
        values = opened("firewalls_firewall", firewall.pk)
        firewall.machine.name = "theirs"
        firewall.machine.save()
        assert f"Name {STALE}" in saved("firewalls_firewall", firewall.pk, values, port="2222")
        values = opened("firewalls_firewall", firewall.pk)
        Rule.objects.update(ports=["80"])
        assert f"Ports {STALE}" in saved("firewalls_firewall", firewall.pk, values, port="2222")
        firewall.refresh_from_db()
        assert firewall.port == 22 and Rule.objects.get().ports == ["80"]


@pytest.mark.usefixtures("fra")
@pytest.mark.parametrize("model", ["networks_partition", "networks_network", "firewalls_firewall"])
def test_a_form_that_nobody_was_quicker_than_is_saved(model: str) -> None:
    keys = {"networks_partition": "fra", "networks_network": "shop"}
    key = keys.get(model, Firewall.objects.get().pk)
    assert saved(model, key, opened(model, key)) == ""
