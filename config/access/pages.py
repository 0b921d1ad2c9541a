"""Who may read pages: those who have a role, as with the API. What takes more, each page asks."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

APPS_THAT_ASK_THEMSELVES = {"admin"}
PAGES_FOR_ALL = {"logout"}


class RoleRequiredMiddleware(LoginRequiredMiddleware):
    """Send strangers to log in, and refuse those who are logged in but have no role."""

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
            return to_login
        if _needs_role(request) and not request.user.has_perm("networks.view_network"):
            roles = "a viewer, an operator or an admin"
            raise PermissionDenied(f"You have no role here yet. Ask an admin to make you {roles}.")
        return None


def _needs_role(request: HttpRequest) -> bool:
    page = request.resolver_match
    if page is None:
        return True
    return page.app_name not in APPS_THAT_ASK_THEMSELVES and page.url_name not in PAGES_FOR_ALL
