"""The law stands in the repository, and page and code say the same of it."""

import re

import pytest

from tests import law


@pytest.mark.parametrize("app", law.APPS)
def test_the_readme_names_everything_that_holds_a_rule(app: str) -> None:
    written = law.written(app)
    missing = {
        number: names - written.get(number, set())
        for number, names in law.holders(app).items()
        if names - written.get(number, set())
    }
    assert not missing, f"{app}/README.md lacks some of these rows:\n{law.table(app)}"


@pytest.mark.parametrize("app", law.APPS)
def test_everything_that_the_readme_names_exists(app: str) -> None:
    names = {name for row in law.written(app).values() for name in row}
    assert [name for name in sorted(names) if not law.exists(app, name)] == []


def test_every_rule_is_held_somewhere_and_has_its_sentence() -> None:
    held = {number for app in law.APPS for number in law.holders(app)}
    assert held == set(law.RULES)
    sentences = re.findall(r"^- \*\*R(\d+)\*\* \S", law.page("networks"), re.M)
    assert [int(number) for number in sentences] == list(law.RULES)


@pytest.mark.parametrize("app", law.APPS)
def test_every_function_among_the_rules_names_its_rule(app: str) -> None:
    nameless = [name for name, text in law._functions(app) if not law.cited(text)]
    assert nameless == []


@pytest.mark.parametrize("app", (*law.APPS, "config"))
def test_the_readme_names_every_room(app: str) -> None:
    folder = law.ROOT / app
    plumbing = {"__init__.py", "__pycache__", "apps.py", "migrations"}
    there = {
        path.name.removesuffix(".py")
        for path in folder.iterdir()
        if path.name not in plumbing and path.suffix != ".md"
    }
    rooms = set(re.findall(r"^\| `([a-z_]+)/?` \|", law.page(app), re.M))
    assert there == rooms
