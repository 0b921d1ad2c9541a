"""Who may do what: Django's own permissions, asked by the view's action, so that roles mean the same at every door."""

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
        method = (request.method or "").lower()
        action = getattr(view, "action", None) or (
            "get" if method in ("head", "options") else method
        )
        special: dict[str, str] = getattr(view, "permissions", {})
        if action in special:
            return request.user.has_perm(special[action])
        verb, model = VERBS.get(action), getattr(getattr(view, "queryset", None), "model", None)
        # An action without a verb is no method of this view: it answers 405 by itself.
        return verb is None or model is None or request.user.has_perm(codename(verb, model))


def codename(verb: str, model: Any) -> str:
    """`networks.add_network`."""
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
