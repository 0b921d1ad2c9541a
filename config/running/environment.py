"""What is set by environment variables. A bad value stops the start with one sentence."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from networks.common.addressing import Cidr, around

LAST_PORT = 65535
LEAST_SECRET, LEAST_VARIETY = 32, 10  # characters of a secret, and different ones among them
YES, NO = ("1", "true", "yes"), ("0", "false", "no")


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool = False) -> bool:
    value = env(name, str(default)).lower()
    if value not in YES + NO:
        raise ImproperlyConfigured(f"{name}={value} is not a yes or no; set it to 1 or 0.")
    return value in YES


def env_int(name: str, default: int) -> int:
    value = env(name, str(default))
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name}={value} is not a number.")
    return int(value)


def env_port(name: str, default: int) -> int:
    number = env_int(name, default)
    if not 1 <= number <= LAST_PORT:
        raise ImproperlyConfigured(f"{name}={number} is no port; choose one of 1 to {LAST_PORT}.")
    return number


def env_folder(name: str, default: Path) -> Path:
    """A folder that this process may write to, made for its user alone if there is none."""
    folder = Path(env(name, str(default))).resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{name}={folder} is not a folder and cannot be made: {error.strerror}"
        raise ImproperlyConfigured(f"{reason}; choose another one.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{name}={folder} may not be written to; choose another one.")
    return folder


def env_list(name: str, default: str = "") -> list[str]:
    items = (item.strip() for item in env(name, default).split(","))
    return [item for item in items if item]


def env_secret(name: str) -> str:
    """A secret that nobody guesses, or none."""
    value = env(name)
    if value and (len(value) < LEAST_SECRET or len(set(value)) < LEAST_VARIETY):
        least = f"at least {LEAST_SECRET} characters, {LEAST_VARIETY} of them different"
        raise ImproperlyConfigured(f"{name} is easily guessed; it takes {least}, made at random.")
    return value


def env_hosts(name: str, default: str) -> list[str]:
    """The names that requests may be for; each one would let anybody choose the name in links."""
    hosts = env_list(name, default)
    if "*" in hosts:
        raise ImproperlyConfigured(f"{name}=* lets in every name; list those that people type.")
    return hosts


def env_prefixes(name: str, default: str = "") -> list[Cidr]:
    try:
        return [around(text) for text in env_list(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error
