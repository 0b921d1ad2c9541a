"""Taking a rule out, so that one sees which cases miss it."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from firewalls.models import Attachment, Endpoint
from machines.models import Machine
from networks.common.violations import Violation
from networks.models import Address, Network, Prefix

MODELS: dict[str, type[models.Model]] = {
    model.__name__: model for model in (Network, Prefix, Address, Attachment)
}


def nothing(*args: Any, **kwargs: Any) -> Iterator[Any]:
    return iter(())


def any_network(kind: str) -> Any:
    return lambda partition: Network.objects.filter(kind=kind).order_by("id")[0]


# What is no rule by itself but finds nothing free: in its place, something that finds what is not
# there.
INSTEAD: dict[str, Any] = {
    "machines.rules.primary_of": lambda wanted, project: (wanted[0].net, []),
    "networks.rules.exhausted": lambda *args: Violation("cidr", "something else", ""),
    "networks.rules.no_room": lambda *args, **kwargs: Violation(
        "prefix_length", "something else", ""
    ),
    "networks.allocation.addresses.next_address": lambda pk, cidr: cidr[1],
    "networks.allocation.prefixes.next_child": lambda pk, pool, length: pool,
    "networks.allocation.carve": lambda pool, family, length: pool.prefixes.get().cidr,
    "networks.allocation.super_network": any_network("super"),
    "firewalls.allocation.super_network": any_network("super"),
    "firewalls.allocation.underlay": any_network("underlay"),
}


def take_out(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    """Take out what the names say, each in its way.

    Functions by their path, constraints as `Model:name`, and `on_delete`, by which foreign keys
    keep the row that they refer to.
    """
    for name in names.split():
        if name == "on_delete":
            take_out_foreign_keys(monkeypatch)
        elif ":" in name:
            take_out_constraint(monkeypatch, name)
        else:
            take_out_function(monkeypatch, name)


def take_out_foreign_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    ours: list[type[models.Model]] = [
        *apps.get_app_config("networks").get_models(),
        Machine,
        Attachment,
        Endpoint,
    ]
    for model in ours:
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey):
                monkeypatch.setattr(field.remote_field, "on_delete", models.DO_NOTHING)


def take_out_constraint(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model, _, constraint_name = name.partition(":")
    (constraint,) = (one for one in MODELS[model]._meta.constraints if one.name == constraint_name)
    monkeypatch.setattr(constraint, "validate", nothing)


def take_out_function(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Where the path says, and in every module below it: a folder's files call each other too."""
    place, _, name = path.rpartition(".")
    function = getattr(import_module(place), name)
    for module_name, module in list(sys.modules.items()):
        below = module_name == place or module_name.startswith(f"{place}.")
        if below and vars(module).get(name) is function:
            monkeypatch.setattr(module, name, INSTEAD.get(path, nothing))
