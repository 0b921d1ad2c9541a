"""Where Django looks for an app's models; they live in `config.access`."""

from config.access.models import Token

__all__ = ["Token"]
