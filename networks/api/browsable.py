"""The API for people with a browser, under the same strict Content-Security-Policy as every page."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer


class Browsable(BrowsableAPIRenderer):
    """DRF's pages. Their templates place a few things with style attributes; nothing else is let through."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> str:
        assert renderer_context is not None
        renderer_context["response"]._csp_update = {"style-src-attr": ["'unsafe-inline'"]}
        return super().render(data, accepted_media_type, renderer_context)

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]) -> dict[str, Any]:
        # Where Pygments happens to be installed, DRF would put a style element into the page.
        return super().get_context(data, accepted_media_type, renderer_context) | {"code_style": None}
