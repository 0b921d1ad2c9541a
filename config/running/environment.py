"""What is set by environment variables. A bad value stops the start with one sentence."""

import os

from django.core.exceptions import ImproperlyConfigured

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
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name}={value} is not a number.")
    return int(value)


def env_list(name: str, default: str = "") -> list[str]:
    items = (item.strip() for item in env(name, default).split(","))
    return [item for item in items if item]
