"""Where servers are that are not run here: `DATABASE_URL` and `REDIS_URL`, judged when read."""

from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config.running.environment import env

ENGINE = "networks.common.postgres"
DATABASE_SCHEMES = ("postgres", "postgresql", "pgsql")
DATABASE_EXAMPLE = "postgresql://user:password@host:5432/name"
BROKER_SCHEMES = ("redis", "rediss", "redis+socket")
BROKER_EXAMPLE = "redis://host:6379/0, rediss://host:6379/0 or redis+socket:///path"


def database(name: str, default: str) -> Any:
    """The PostgreSQL database that this variable names, as Django wants it told.

    Raises ImproperlyConfigured, without the password that may be in there.
    """
    url = env(name, default)
    if not _is_of(url, DATABASE_SCHEMES):
        reason = "for the rules live in its constraints and triggers"
        raise _wrong(name, f"names no PostgreSQL database, {reason}", DATABASE_EXAMPLE)
    with suppress(ValueError):
        parsed = dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
        return {**parsed, "ENGINE": ENGINE}
    hint = "has parts that are not written as in a URL (%2F for a slash)"
    raise _wrong(name, hint, DATABASE_EXAMPLE)


def broker_url(name: str, default: str) -> str:
    """The Valkey (or Redis) that this variable names. Raises ImproperlyConfigured."""
    url = env(name, default)
    parts = _parts(url)
    if parts is None or parts.scheme not in BROKER_SCHEMES:
        raise _wrong(name, "names no Valkey or Redis server", BROKER_EXAMPLE)
    if parts.scheme != "redis+socket" and not parts.hostname:
        raise _wrong(name, "names no host", BROKER_EXAMPLE)
    return url


def _is_of(url: str, schemes: tuple[str, ...]) -> bool:
    return url.partition("://")[0] in schemes


def _parts(url: str) -> SplitResult | None:
    with suppress(ValueError):
        parts = urlsplit(url)
        _ = parts.port  # read here: it is judged only then
        return parts
    return None


def _wrong(name: str, what: str, example: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} {what}; write it as {example}.")
