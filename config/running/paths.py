"""Addresses that may be spelled in two ways."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

API = "/api"


class FinalSlash:
    """Middleware: an address of the API without its final slash is the one with it.

    Django would redirect to that, and most clients turn a redirected POST into a GET, which reads a
    list where something was to be made.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path == API or (path.startswith(f"{API}/") and not path.endswith("/")):
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)
