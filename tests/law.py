"""The law and its holders, read from the code: what holds each rule (R1 to R16).

A function of a `rules` module names its rules in its docstring, a constraint in its sentence, a
trigger in its SQL.
"""

import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
APPS = ("networks", "machines", "firewalls")
RULES = range(1, 17)
_RULE = re.compile(r"\bR(\d+)(?: to R?(\d+))?\b")
_ROW = re.compile(r"^\| R(\d+) \| (.*) \|$", re.M)
_NAME = re.compile(r"`([^`]+)`")


def cited(text: str) -> set[int]:
    """The rules that a text names: `R2, R5 to R7` are 2, 5, 6 and 7."""
    pairs = ((int(first), int(last or first)) for first, last in _RULE.findall(text))
    return {number for first, last in pairs for number in range(first, last + 1)}


def holders(app: str) -> dict[int, set[str]]:
    """By rule, what holds it in this app: `rules.may_own`, `Network.vrf_is_unique`."""
    found: dict[int, set[str]] = defaultdict(set)
    for name, text in [*_functions(app), *_constraints(app), *_triggers(app)]:
        for number in cited(text):
            found[number].add(name)
    return found


def _functions(app: str) -> Iterator[tuple[str, str]]:
    """Those of the app's `rules`, a file or a folder of files, by the names that callers use."""
    rules = importlib.import_module(f"{app}.rules")
    for name, function in inspect.getmembers(rules, inspect.isfunction):
        ours = function.__module__.startswith(rules.__name__)
        if ours and not name.startswith("_"):
            yield f"rules.{name}", function.__doc__ or ""


def _constraints(app: str) -> Iterator[tuple[str, str]]:
    for model in apps.get_app_config(app).get_models():
        for constraint in model._meta.constraints:
            sentence = getattr(constraint, "violation_error_message", "")
            yield f"{model.__name__}.{constraint.name}", str(sentence)


def _triggers(app: str) -> Iterator[tuple[str, str]]:
    for model in apps.get_app_config(app).get_models():
        for trigger in getattr(model._meta, "triggers", []):
            yield f"{model.__name__}.{trigger.name}", trigger.get_func(model)


def page(app: str) -> str:
    """The app's README."""
    return (ROOT / app / "README.md").read_text()


def written(app: str) -> dict[int, set[str]]:
    """By rule, the names that the app's README gives."""
    return {int(number): set(_NAME.findall(row)) for number, row in _ROW.findall(page(app))}


def exists(app: str, name: str) -> bool:
    """Whether this is a function of the app, or a constraint or trigger of its models."""
    owner, _, member = name.rpartition(".")
    named = {name for name, _ in [*_constraints(app), *_triggers(app)]}
    if name in named:
        return True
    try:
        return callable(getattr(importlib.import_module(f"{app}.{owner}"), member, None))
    except ImportError:
        return False


def table(app: str) -> str:
    """The rows that the README needs, for whoever writes it."""
    rows = []
    for number, names in sorted(holders(app).items()):
        listed = ", ".join(f"`{name}`" for name in sorted(names))
        rows.append(f"| R{number} | {listed} |")
    return "\n".join(rows)
