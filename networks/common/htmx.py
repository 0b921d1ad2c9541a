"""One view, two answers: the whole page, or the named part that htmx asked to replace."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    parts: Collection[str] = (),
    status: int = 200,
) -> HttpResponse:
    """Render the template, or only the one of its `parts` that `HX-Target` names."""
    part = target(request)
    name = f"{template}#{part}" if part in parts else template
    response = render(request, name, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def target(request: HttpRequest) -> str:
    """The id of the element that htmx will replace; empty for a whole page."""
    htmx = request.htmx  # type: ignore[attr-defined]
    if not htmx or htmx.history_restore_request:
        return ""
    return (htmx.target or "").rpartition("#")[2]  # htmx 4 says "tag#id"
