"""Pages are read by those who have a role, as the API is. What more than reading takes, each page asks itself."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

ASK_THEMSELVES = {"admin"}  # the apps whose views do
FOR_ALL = {"logout"}


class RoleRequiredMiddleware(LoginRequiredMiddleware):
    """Send strangers to log in, and refuse those who are logged in but have no role."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: Any,
        view_kwargs: Any,
    ) -> HttpResponseBase | None:
        stopped: HttpResponseBase | None = super().process_view(
            request, view_func, view_args, view_kwargs
        )
        if stopped is not None or not getattr(view_func, "login_required", True):
            return stopped
        found = request.resolver_match
        asked = found is not None and (
            found.app_name in ASK_THEMSELVES or found.url_name in FOR_ALL
        )
        if not asked and not request.user.has_perm("networks.view_network"):
            raise PermissionDenied(
                "You have no role here yet. Ask an admin to make you a viewer, an operator or an admin."
            )
        return None
