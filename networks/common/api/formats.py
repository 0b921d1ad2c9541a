"""What the API reads and writes: JSON for programs, pages for people with a browser."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BrowsableAPIRenderer


class Json(JSONParser):
    """JSON, also when it is nested deeper than the reader can follow."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - it is nested too deeply.") from error


class Browsable(BrowsableAPIRenderer):
    """DRF's pages, as strict as every other.

    Only their style attributes are let through, which place a few things in them.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        assert renderer_context is not None
        # As django-csp's decorator csp_update sets it; but a renderer is no view to decorate.
        renderer_context["response"]._csp_update = {"style-src-attr": ["'unsafe-inline'"]}
        return super().render(data, accepted_media_type, renderer_context)

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        # Where Pygments happens to be installed, DRF would put a style element into the page.
        return super().get_context(data, accepted_media_type, renderer_context) | {
            "code_style": None
        }
