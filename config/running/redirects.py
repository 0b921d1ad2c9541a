"""Redirects that lose nothing of what was sent."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase

SAFE = ("GET", "HEAD", "OPTIONS")


class SameMethod:
    """Middleware: whoever is sent to another address for good goes there by the same method.

    After a 301, to HTTPS or to the final slash, a client goes on with a GET, and what was posted is
    lost in silence. After a 308 (RFC 9110) it posts it there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        moved = response.status_code == HTTPStatus.MOVED_PERMANENTLY
        if moved and request.method not in SAFE:
            response.status_code = HTTPStatus.PERMANENT_REDIRECT
        return response
