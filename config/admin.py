"""Where Django's admin looks for what an app registers; it is done in `config.access`."""

from config.access import admin

__all__ = ["admin"]
