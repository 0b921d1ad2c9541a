"""Who may do what over REST: Django's own permissions, which mean the same at every door."""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

READING = {"list": "view", "retrieve": "view", "metadata": "view"}
VERBS = READING | {"create": "add", "partial_update": "change", "destroy": "delete"}


class RolePermission(BasePermission):
    """Ask for the permission that the view names for this action; else for the model's own one."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        action = getattr(view, "action", None) or method_of(request)
        special: dict[str, str] = getattr(view, "permissions", {})
        if action in special:
            return request.user.has_perm(special[action])
        verb = VERBS.get(action)
        queryset = getattr(view, "queryset", None)
        if verb is None or queryset is None:
            return True  # It is no method of this view, which answers 405 by itself.
        return request.user.has_perm(codename(verb, queryset.model))


def method_of(request: Request) -> str:
    """The method of a view without actions, by which it may name permissions and parameters."""
    method = (request.method or "").lower()
    return "get" if method in ("head", "options") else method


def codename(verb: str, model: Any) -> str:
    """`networks.add_network`."""
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
