"""Dumps to import in tests, and the state of the database to compare."""

import shutil
from pathlib import Path
from typing import Any

from django.apps import apps

DATA = Path(__file__).parents[1] / "data"
DUMP, ODD = DATA / "dump", DATA / "odd"
APPS = ("networks", "machines", "firewalls")


def copy(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the dump with text replaced, each change as file, old, new."""
    target = folder / "dump"
    shutil.copytree(DUMP, target)
    for name, old, new in changes:
        text = (target / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (target / name).write_text(text.replace(old, new, 1))
    return target


def contents() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the product."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            rows[model._meta.label] = list(model._default_manager.order_by("pk").values())
    return rows
