"""The shape of the house: imports point one way, files and functions stay small, tasks start after the commit."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "firewalls", "machines", "networks")
DOORS = {"forms", "views", "api", "admin", "tasks", "receivers"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 30


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (
            path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts
        )


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [
        f.name for f in functions if (f.end_lineno or 0) - f.body[0].lineno >= LONGEST_FUNCTION
    ] == []


def test_tasks_start_after_the_commit() -> None:
    bare = re.compile(r"\.(delay|apply_async)\(")
    assert [str(path) for path in sources() if bare.search(path.read_text())] == []


def test_doors_do_not_import_doors_of_another_kind() -> None:
    """A door may build on the same door of a lower app (its base classes), never on another one. All may wake tasks."""
    for path in sources():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] == "config" or not DOORS & set(parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
            foreign = (
                len(names) > 1
                and names[0] in APPS
                and names[1] in DOORS - {"forms", "tasks"}
                and names[1] not in parts
            )
            assert not foreign, f"{path} imports {'.'.join(names)}"


def test_no_file_names_a_package_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if name.startswith("requirements") or name in ("Makefile", "pyproject.toml", ".ci/run"):
            assert not re.search(
                r"https?://|--(extra-)?index-url|--find-links", (ROOT / name).read_text()
            ), name


def test_each_process_of_a_test_run_has_servers_of_its_own(var: Path) -> None:
    assert var == settings.VAR
