"""Secrets are made once, whoever starts at the same time."""

import secrets
from functools import partial
from pathlib import Path

import pytest

from config.running.kept_secrets import kept_secret
from tests.threads import at_once

STARTERS, ROUNDS = 8, 20


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    secret = kept_secret(path, 30)
    assert len(secret) == 40 and kept_secret(path, 30) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_second_starter_that_comes_in_between_wins_and_both_have_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    of_the_second: list[str] = []

    def interrupted(size: int) -> str:
        monkeypatch.undo()
        of_the_second.append(kept_secret(path, size))
        return "the first one's"

    monkeypatch.setattr(secrets, "token_urlsafe", interrupted)
    assert [kept_secret(path, 30)] == of_the_second
    assert list(tmp_path.iterdir()) == [path]


def test_all_who_start_at_once_have_the_same_secret(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        path = tmp_path / str(number) / "secret"
        (secret, *others) = at_once(*[partial(kept_secret, path, 30)] * STARTERS)
        assert secret and set(others) == {secret}
