"""Who may read pages: those who have a role, as with the API. What takes more, each page asks."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from config.access import drafts

SAFE = ("GET", "HEAD", "OPTIONS")
APPS_THAT_ASK_THEMSELVES = {"admin"}
PAGES_FOR_ALL = {"logout", "password"}


class LoggedOut(PermissionDenied):
    """Something was to be done by somebody who is not logged in any more.

    `kept`: what was typed is in the form again once they are.
    """

    def __init__(self, login_url: str, *, kept: bool) -> None:
        super().__init__("Log in first.")
        self.login_url = login_url
        self.kept = kept


class RoleRequiredMiddleware(LoginRequiredMiddleware):
    """Send strangers to log in, and refuse those who are logged in but have no role."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """To the login and back; what was posted is not done, which is said, and kept."""
        if request.method not in SAFE:
            page = page_before(request)
            kept = drafts.keep(request, page)
            if request.headers.get("HX-Request") != "true":
                raise LoggedOut(redirect_to_login(page).url, kept=kept)
        return super().handle_no_permission(request, view_func)

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: Any,
        view_kwargs: Any,
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            # Who asks is not looked up: such pages answer also while the database does not.
            return None
        to_login: HttpResponseBase | None = super().process_view(
            request, view_func, view_args, view_kwargs
        )
        if to_login is not None:
            return _whole_page(request) or to_login
        if _needs_role(request) and not request.user.has_perm("networks.view_network"):
            roles = "a viewer, an operator or an admin"
            raise PermissionDenied(f"You have no role here yet. Ask an admin to make you {roles}.")
        return None


def _needs_role(request: HttpRequest) -> bool:
    page = request.resolver_match
    if page is None:
        return True
    return page.app_name not in APPS_THAT_ASK_THEMSELVES and page.url_name not in PAGES_FOR_ALL


def _whole_page(request: HttpRequest) -> HttpResponse | None:
    """The login for a browser that asked for a part of a page: it is no part of that page."""
    if request.headers.get("HX-Request") != "true":
        return None
    url = redirect_to_login(_address(request.headers.get("HX-Current-URL", ""))).url
    return HttpResponse(status=HTTPStatus.FORBIDDEN, headers={"HX-Redirect": url})


def page_before(request: HttpRequest) -> str:
    """The address, on this server, of the page from which the request came."""
    return _address(request.headers.get("Referer", ""))


def _address(url: str) -> str:
    """Path and query alone, so that it never leads to another server."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    query = f"?{parts.query}" if parts.query else ""
    return f"/{parts.path.lstrip('/')}{query}"
