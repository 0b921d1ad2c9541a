"""Bodies of requests: nothing in them is ignored, at no level of nesting.

A key that nobody reads may be a misspelled one, and what was meant by it would be left out in
silence: a rule whose `from` is misspelled would let everybody in.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, TypeVar

from rest_framework import serializers
from rest_framework.request import Request

from networks.common.api.errors import printable
from networks.common.api.etags import etag
from networks.common.limits import at_most
from networks.common.violations import no_such

Row = TypeVar("Row")

MOST_NAMED = 10  # of the keys that are refused in one answer


class TextList(serializers.ListField):
    """A list of values: those beyond its limit are not even looked at."""

    def to_internal_value(self, data: Any) -> Any:
        refuse_many(data, self.max_length)
        return super().to_internal_value(data)


class ObjectList(serializers.ListSerializer[Any]):
    """The same of objects, which say how many of them a list may have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_length: int | None = getattr(self.child, "most", None)  # the schema has it too

    def to_internal_value(self, data: Any) -> Any:
        refuse_many(data, self.max_length)
        return super().to_internal_value(data)


def refuse_many(data: Any, limit: int | None) -> None:
    """Refuse a list of more than its limit. Raises ValidationError."""
    if limit is not None and isinstance(data, list):
        for violation in at_most("", data, limit):
            raise serializers.ValidationError(violation.message, violation.code)


class Body(serializers.Serializer[Row]):
    """An object in a request, each key of which is read, or refused with the nearest known one.

    What is shown and not set may be sent back as it is shown, so that a client may read, change and
    send the whole; with If-Match also what has moved by itself since. So may the keys of
    `made_with`, which only making a row takes.
    """

    made_with: tuple[str, ...] = ()
    most: ClassVar[int | None] = None  # in one list

    class Meta:
        list_serializer_class: type[serializers.ListSerializer[Any]] = ObjectList

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # which refuses it
        refused = dict(islice(self._refused(data), MOST_NAMED))
        if refused:
            raise serializers.ValidationError(refused)
        return super().to_internal_value({key: data[key] for key in data.keys() & self.settable})

    @cached_property
    def settable(self) -> frozenset[str]:
        """The keys that this request may set."""
        made_with = () if self.instance is None else self.made_with
        return frozenset(
            name
            for name, field in self.fields.items()
            if not field.read_only and name not in made_with
        )

    def _refused(self, data: Mapping[str, Any]) -> Iterator[tuple[str, serializers.ErrorDetail]]:
        for key in sorted(data.keys() - self.settable):
            if key not in self.fields:
                yield printable(key), serializers.ErrorDetail(self._unknown(key), "unknown_key")
            elif not self._has_moved(key) and not self._is_shown(key, data[key]):
                yield key, self._not_set(key)

    def _unknown(self, key: str) -> str:
        # What a field is called in the product is a good guess, too: `sources` for `from`.
        spellings = {str(self.fields[name].source): name for name in self.settable}
        return no_such("key", key, spellings | {name: name for name in self.settable})

    def _not_set(self, key: str) -> serializers.ErrorDetail:
        if key in self.made_with:
            reason = f"{key} is given when this is made, and not changed later; leave it out."
            return serializers.ErrorDetail(reason, "identity")
        return serializers.ErrorDetail(f"{key} is shown, and not set; leave it out.", "read_only")

    def _has_moved(self, key: str) -> bool:
        """Whether it may be otherwise by now than it was read, which its If-Match leaves open."""
        if self.instance is None:
            return False
        view, request = self.context.get("view"), self.context.get("request")
        return key in getattr(view, "moving", ()) and "If-Match" in getattr(request, "headers", ())

    def _is_shown(self, key: str, value: object) -> bool:
        """Whether it is what the row shows already."""
        return key in self._shown and etag(self._shown[key]) == etag(value)

    @cached_property
    def _shown(self) -> Mapping[str, Any]:
        return {} if self.instance is None else self.to_representation(self.instance)


def refuse_any_body(request: Request) -> None:
    """Refuse what is sent along with a request that takes nothing. Raises ValidationError."""
    if not request.data:
        return
    if not isinstance(request.data, Mapping):
        raise serializers.ValidationError("Nothing is sent with this request.", "unknown_key")
    reason = "There is no such key here; nothing is sent with this request."
    refused = (printable(key) for key in islice(request.data, MOST_NAMED))
    error = serializers.ErrorDetail(reason, "unknown_key")
    raise serializers.ValidationError(dict.fromkeys(refused, error))
