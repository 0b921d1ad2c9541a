"""Taking a rule out, so that one sees which cases miss it."""

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


# What is no rule by itself, but finds that there is nothing: in its place, something that finds what is not there.
INSTEAD: dict[str, Any] = {
    "machines.rules.primary_of": lambda wanted, project: (wanted[0].net, []),
    "networks.rules.exhausted": lambda *args: Violation("cidr", "something else", ""),
    "networks.rules.no_room": lambda *args, **kwargs: Violation(
        "prefix_length", "something else", ""
    ),
    "networks.allocation.next_address": lambda pk, cidr: cidr[1],
    "networks.allocation.next_child": lambda pk, pool, length: pool,
    "networks.allocation.carve": lambda pool, family, length: pool.prefixes.get().cidr,
    "networks.allocation.super_network": any_network("super"),
    "firewalls.allocation.super_network": any_network("super"),
    "firewalls.allocation.underlay": any_network("underlay"),
}


def take_out(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    """Take out functions by their path, constraints as `Model:name`, and `on_delete`, which keeps what is referred to."""
    for name in names.split():
        if name == "on_delete":
            ours: list[type[models.Model]] = [
                *apps.get_app_config("networks").get_models(),
                Machine,
                Attachment,
                Endpoint,
            ]
            for model in ours:
                for field in (
                    f for f in model._meta.concrete_fields if isinstance(f, models.ForeignKey)
                ):
                    monkeypatch.setattr(field.remote_field, "on_delete", models.DO_NOTHING)
        elif ":" in name:
            model_name, _, constraint = name.partition(":")
            found = next(
                one for one in MODELS[model_name]._meta.constraints if one.name == constraint
            )
            monkeypatch.setattr(found, "validate", nothing)
        else:
            module, _, function = name.rpartition(".")
            assert hasattr(import_module(module), function), name
            monkeypatch.setattr(import_module(module), function, INSTEAD.get(name, nothing))
