"""`firewalls/{id}/config/` and `diff/`: the files of a firewall, and what differs between them."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.rows import FirewallRows
from firewalls.configuration.diffs import Files, unified
from firewalls.intent import revisions
from firewalls.models import Firewall, Revision

REVISION = OpenApiParameter(
    "revision", int, description="A revision's number; without it, the one wanted now."
)
SIDE = (
    "A revision's number, or `applied`, `wanted`, or `box`:"
    " what lay there when the firewall was last looked at."
)
SIDES = {"from": "applied", "to": "wanted"}  # the parameters of a diff, each with its default


class ConfigSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    digest = serializers.CharField()
    files = serializers.DictField(child=serializers.CharField())


class DiffSerializer(serializers.Serializer[Any]):
    files = serializers.DictField(
        child=serializers.CharField(), help_text="A unified diff per file that differs."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's own, so it can be no attribute."""
        sides = {name: serializers.IntegerField(allow_null=True) for name in SIDES}
        return {**sides, **super().get_fields()}


class ConfigurationView(FirewallRows):
    permissions = {"config": "firewalls.view_revision", "diff": "firewalls.view_revision"}
    filter_backends = []  # the parameters are no filters
    parameters = {"config": ("revision",), "diff": tuple(SIDES)}

    @extend_schema(parameters=[REVISION], responses=ConfigSerializer)
    def config(self, request: Request, id: str) -> Response:
        """The files of a revision, by path."""
        name = request.query_params.get("revision", "wanted")
        revision = _revision(self.get_object(), name, "revision")
        if revision is None:
            raise Http404
        data = {"revision": revision.number, "digest": revision.digest, "files": revision.files}
        return self.read(request, data)

    @extend_schema(
        parameters=[
            OpenApiParameter(name, description=SIDE, default=default)
            for name, default in SIDES.items()
        ],
        responses=DiffSerializer,
    )
    def diff(self, request: Request, id: str) -> Response:
        """What differs between two revisions, or between one and what lies on the firewall."""
        firewall = self.get_object()
        old = request.query_params.get("from", SIDES["from"])
        new = request.query_params.get("to", SIDES["to"])
        old_number, before = _side(firewall, old, "from")
        new_number, after = _side(firewall, new, "to")
        files = unified(before, after, old, new)
        return self.read(request, {"from": old_number, "to": new_number, "files": files})


def _side(firewall: Firewall, name: str, parameter: str) -> tuple[int | None, Files]:
    """The number and the files of a revision, or what lies on the firewall. Raises Http404."""
    if name == revisions.BOX:
        return None, revisions.files_on_firewall(firewall)
    revision = _revision(firewall, name, parameter)
    return (revision.number, revision.files) if revision else (None, {})


def _revision(firewall: Firewall, name: str, parameter: str) -> Revision | None:
    """The revision of this name; None for `applied` or `wanted` where there is none yet.

    Raises Http404, or ValidationError on the parameter where that is no name of a revision.
    """
    try:
        return revisions.revision_named(firewall, name)
    except ValueError as error:
        reason = f"{name!r} is no revision; give a number, applied, wanted or box."
        raise serializers.ValidationError({parameter: reason}, code="invalid_revision") from error
    except Revision.DoesNotExist as error:
        raise Http404(f"{firewall.name} has no revision {name}.") from error
