"""The applier as one file: the same bytes everywhere, and for an old Python."""

import ast
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from firewalls.device import applier_file
from firewalls.device.applier.speaking import PROTOCOL
from tests.firewalls.running import OLDEST

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(applier_file.PACKAGE.rglob("*.py"))


def written() -> bytes:
    """By the command, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "manage.py", "applier"], cwd=ROOT, capture_output=True, check=True
    )
    return done.stdout


def test_the_command_writes_the_same_bytes_whenever_the_sources_were_made(tmp_path: Path) -> None:
    times = {path: path.stat() for path in MODULES}
    try:
        for path in MODULES:
            os.utime(path, (1, 1))
        assert written() == applier_file.content()
    finally:
        for path, status in times.items():
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_its_version_is_its_digest_and_the_protocol_that_it_speaks(
    tmp_path: Path, python: dict[str, str]
) -> None:
    file = tmp_path / applier_file.NAME
    file.write_bytes(applier_file.content())
    done = subprocess.run(
        [python["interpreter"], str(file), "version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{hashlib.sha256(file.read_bytes()).hexdigest()}\t{PROTOCOL}\n"
    assert done.stdout.split()[0] == applier_file.digest()


def test_it_runs_by_itself_and_holds_its_sources_as_they_are() -> None:
    assert applier_file.content().startswith(b"#!/usr/bin/python3\n")
    with zipfile.ZipFile(io.BytesIO(applier_file.content())) as file:
        assert {member.compress_type for member in file.infolist()} == {zipfile.ZIP_STORED}
        for path in MODULES:
            assert (
                file.read(f"applier/{path.relative_to(applier_file.PACKAGE)}") == path.read_bytes()
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_an_old_python_and_its_standard_library_are_enough(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=OLDEST)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_its_modules_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    lengths = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in functions}
    assert len(text.splitlines()) <= 250
    assert {name: length for name, length in lengths.items() if length > 25} == {}
