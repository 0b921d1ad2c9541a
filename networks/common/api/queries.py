"""What stands behind the ? of a URL: nothing there is ignored, at no endpoint.

A misspelled filter would answer with everything, and so would an empty one, as `?network=$NETWORK`
in a script that has not set it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from networks.common.api.access import method_of
from networks.common.api.bodies import refuse_any_body
from networks.common.api.errors import printable
from networks.common.violations import no_such

FORMAT = "format"  # of the answer; DRF reads it for every view
PAGES = frozenset({"limit", "offset"})
LISTS = PAGES | {"ordering", "search"}
FORM = "api"  # DRF's own pages, whose form of filters sends also those that were left empty


class StrictView(APIView):
    """A view that refuses query parameters which it does not read, empty and repeated ones."""

    # By action, or method of a view without actions: the parameters that it reads.
    parameters: ClassVar[Mapping[str, Collection[str]]] = {}
    repeated: ClassVar[Collection[str]] = ()  # those that may be given several times

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "OPTIONS":
            return
        if request.method == "DELETE":
            refuse_any_body(request)
        action = getattr(self, "action", None) or method_of(request)
        kind = "filter" if action == "list" else "parameter"
        refuse_unread(request.query_params, {FORMAT, *self.read_by(action)}, kind)
        if getattr(request, "accepted_renderer", None) and request.accepted_renderer.format == FORM:
            return
        refuse_odd(request.query_params, self.repeated)

    def read_by(self, action: str) -> Iterable[str]:
        """The parameters that this action reads, beside the format."""
        return self.parameters.get(action, ())


def refuse_unread(query: QueryDict, known: Collection[str], kind: str) -> None:
    """Refuse the first parameter that is not known. Raises ValidationError."""
    for name in query.keys() - known:
        reason = no_such(kind, name, {word: word for word in known})
        raise serializers.ValidationError({printable(name): reason}, f"unknown_{kind}")


def refuse_odd(query: QueryDict, repeated: Collection[str]) -> None:
    """Refuse what is empty, and what is given twice. Raises ValidationError."""
    for name, values in query.lists():
        if not all(value.strip() for value in values):
            reason = f"{name} is empty; leave it out, or give a value."
            raise serializers.ValidationError({name: reason}, "empty")
        if len(values) > 1 and name not in repeated:
            reason = f"{name} is given {len(values)} times; give it once."
            raise serializers.ValidationError({name: reason}, "repeated")
