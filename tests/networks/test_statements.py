"""Rows read without the ORM are the rows that it reads."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from networks.common.statements import Statement, by_key
from networks.models import Network, Prefix
from tests.world import world

OURS = ("config", "firewalls", "machines", "networks")


def _values(row: models.Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.django_db
def test_every_kind_of_row_reads_as_by_the_orm() -> None:
    """With both address families, labels, lists of prefixes, times and ids of all kinds."""
    call_command("demo", verbosity=0)
    read = set()
    for model in (
        model
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if model._meta.managed
    ):
        rows: list[models.Model] = list(model._default_manager.all()[:50])
        for row in rows:
            key = model._meta.pk.get_db_prep_value(row.pk, connection)
            (found,) = by_key(model).rows(key)
            assert type(found) is model and _values(found) == _values(row)
            assert found._state.adding is False and found._state.db == row._state.db
        read |= {model} if rows else set()
    assert {"network", "prefix", "address", "firewall", "machine", "activity"} <= {
        model._meta.model_name for model in read
    }


@pytest.mark.django_db
def test_what_is_not_there_is_not_found() -> None:
    assert by_key(Network).rows("nowhere") == []


@pytest.mark.django_db
def test_the_rest_of_the_statement_chooses_and_orders() -> None:
    fra = world(v6="2001:db8::/32")
    statement = Statement(Prefix, "WHERE network_id = ANY(%s) ORDER BY cidr DESC")
    assert statement.rows([fra.pool.pk]) == list(fra.pool.prefixes.order_by("-cidr"))
