"""What was planned of a firewall is kept in the process, and never for longer than it is true."""

import psycopg
import pytest
from django.db import connection

from firewalls.intent.partitions import load_partition
from firewalls.reachability import Guard
from tests.firewalls.askable import Place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("published")]


def guard(name: str) -> Guard:
    return next(one for one in load_partition("fra").wanted.guards if one.name == name)


def test_what_another_process_changes_is_planned_anew() -> None:
    Place()
    before, other = guard("shop-fw"), guard("pay-fw")
    assert guard("shop-fw") is before
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as elsewhere:
        elsewhere.execute("DELETE FROM firewalls_rule")
    after = guard("shop-fw")
    assert before.plan and after.plan and len(after.plan.flows) < len(before.plan.flows)
    assert guard("pay-fw") is other
