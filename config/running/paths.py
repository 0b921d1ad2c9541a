"""Addresses that are read as others: without their final slash, or with a NUL."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponseBase

API = "/api"
NUL, ENCODED_NUL = "\0", "%00"


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


class NoNul:
    """Middleware: no page, the admin's among them, is asked about a NUL, which PostgreSQL refuses.

    The API refuses it by itself, with the name of the parameter.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(f"{API}/"):
            if NUL in request.path_info:
                raise Http404
            query = request.META.get("QUERY_STRING", "")
            request.META["QUERY_STRING"] = query.replace(ENCODED_NUL, "").replace(NUL, "")
        return self.get_response(request)
