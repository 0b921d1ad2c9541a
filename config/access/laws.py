"""Pages say what laws refuse, and what they warn of."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from config.access.idempotency import API
from config.access.pages import page_before
from firewalls.intent.laws import BrokenLaw
from networks.common.warnings import warned


class LawsMiddleware:
    """For pages alone: the API has its own words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with warned() as sentences:
            response = self.get_response(request)
        for sentence in sentences if not request.path.startswith(API) else ():
            messages.warning(request, sentence)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Where a page has no form to say it on, the page before says it."""
        if not isinstance(error, BrokenLaw) or request.path.startswith(API):
            return None
        for sentence in error.messages:
            messages.error(request, sentence)
        before = page_before(request)
        return HttpResponseRedirect(request.path if before == "/" else before)
