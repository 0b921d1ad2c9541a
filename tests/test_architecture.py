"""The shape of the house: imports point one way, files and functions stay small."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from django.conf import settings

from tests import counting
from tests.counting import ROOT, Source, length

COLUMNS = 100
SOURCES = list(counting.sources())
# Files that import each other in a circle must know why: a firewall's state is computed from its
# pushes and from what was seen of it, and these and a revision are of a firewall.
ROWS = ("firewall", "states", "push", "revision", "observation")
CIRCLE = {f"firewalls.models.{name}" for name in ROWS}
DOORS = {"forms", "views", "api", "admin", "tasks", "receivers"}  # all may wake tasks
MOST_ROOMS = {"firewalls": 23, "networks": 19, "config": 17}


def python_files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if "/migrations/" not in name and (ROOT / name).exists():
            yield ROOT / name


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_files_import_each_other_in_no_circle_but_the_ones_explained() -> None:
    graph = grimp.build_graph(*counting.APPS, exclude_type_checking_imports=True)
    circles: set[str] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if ".migrations" not in module and graph.chain_exists(imported, module):
                circles |= {module, imported}
    assert circles == CIRCLE


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_files_and_functions_are_small(source: Source) -> None:
    assert source.lines <= counting.LONGEST_FILE
    long = [f.name for f in source.functions() if length(f) > counting.LONGEST_FUNCTION]
    assert long == []


def test_the_code_is_plain_as_counted_at_the_width_of_others() -> None:
    figures = counting.figures(counting.reformatted(SOURCES))
    assert figures["lines of a function, median"] <= 7
    assert figures["lines of a function, 90th percentile"] <= 20
    assert figures["files over 250 lines, %"] <= 5
    assert figures["syntax nodes a line"] <= 5.8
    assert figures["typed returns, %"] == 100


def test_lines_have_at_most_a_hundred_columns_and_none_escapes_the_formatter() -> None:
    spared = re.compile("# fmt: (skip|off)" + r"|noqa: E501")
    for path in python_files():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= COLUMNS, f"{path}:{number}"
            assert path == Path(__file__) or not spared.search(line), f"{path}:{number}"


@pytest.mark.parametrize("app", MOST_ROOMS)
def test_a_folder_has_no_more_rooms_than_one_can_take_in(app: str) -> None:
    rooms = [
        path
        for path in (ROOT / app).iterdir()
        if path.name != "__pycache__" and path.suffix != ".md"
    ]
    assert len(rooms) <= MOST_ROOMS[app]


def test_every_folder_says_what_belongs_there() -> None:
    for package in {path.parent for path in python_files() if path.is_relative_to(ROOT)}:
        if "tests" in package.parts or package == ROOT:
            continue
        says = (package / "__init__.py").read_text().startswith('"""')
        assert says or (package / "README.md").exists(), package


def test_tasks_start_after_the_commit() -> None:
    bare = re.compile(r"\.(delay|apply_async)\(")
    assert [source.name for source in SOURCES if bare.search(source.text)] == []


def test_doors_do_not_import_doors_of_another_kind_not_even_of_another_app() -> None:
    """A door may build on the same door of a lower app (its base classes), never on another one."""
    for source in SOURCES:
        app, *rooms = Path(source.name).with_suffix("").parts
        if app == "config" or not DOORS & set(rooms):
            continue
        for node in ast.walk(ast.parse(source.text)):
            names = (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
            door = names[1] if len(names) > 1 and names[0] in counting.APPS else ""
            assert door not in DOORS - {"forms", "tasks", *rooms}, f"{source.name}: {names}"


def test_no_file_names_a_package_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    registry = re.compile(r"https?://|--(extra-)?index-url|--find-links")
    for name in tracked:
        if name.startswith("requirements") or name in ("Makefile", "pyproject.toml", ".ci/run"):
            assert not registry.search((ROOT / name).read_text()), name


def test_each_process_of_a_test_run_has_servers_of_its_own(var: Path) -> None:
    assert var == settings.VAR
