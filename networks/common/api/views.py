"""Views of rows: writes are whole or nothing, decide on locked rows, and answer what is stored."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404, HttpResponseBase
from django.http.request import HttpRequest, RawPostDataException
from rest_framework import serializers, status, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from networks.common.api.etags import etag, must_match, unchanged
from networks.common.api.queries import LISTS, StrictView
from networks.common.locking import lock_keys, repeated_if_deadlocked
from networks.common.postgres import judge_now
from networks.common.warnings import warned

Row = TypeVar("Row", bound=models.Model)
ERROR = 400


class WholeWrites(StrictView):
    """A view whose write requests are one transaction each: an error takes everything back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in SAFE_METHODS:
            return super().dispatch(request, *args, **kwargs)
        dispatch = super().dispatch

        def whole() -> HttpResponseBase:
            with warned() as sentences:
                response = self._judged(dispatch(request, *args, **kwargs))
            if response.status_code >= ERROR:
                transaction.set_rollback(True)
            elif sentences and isinstance(getattr(response, "data", None), dict):
                warnings = [{"code": "breaks_law", "message": one} for one in sentences]
                response.data = {**response.data, "warnings": warnings}
            return response

        return repeated_if_deadlocked(whole)

    def _judged(self, response: HttpResponseBase) -> Any:
        """The answer, or that a law is broken by it."""
        try:
            if response.status_code < ERROR:
                judge_now()
        except ValidationError as error:
            return self.finalize_response(self.request, self.handle_exception(error))
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Keep the body of whoever may send one, for a request that has to be done again."""
        super().initial(request, *args, **kwargs)
        with suppress(RawPostDataException):  # a form, whose values are kept
            _ = request.body

    def read(self, request: Request, data: Any, moving: Collection[str] = ()) -> Response:
        """Answer a read, or 304 if the client has it already."""
        tag = etag(data, moving)
        if unchanged(request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})


class ReadViewSet(WholeWrites, viewsets.GenericViewSet[Row]):
    """List and read rows of one model."""

    lookup_url_kwarg = "id"
    search_fields: ClassVar[list[str]] = []
    ordering_fields: ClassVar[dict[str, str]] = {}  # the name in the URL: the column
    moving: ClassVar[tuple[str, ...]] = ()

    def read_by(self, action: str) -> Iterable[str]:
        if action != "list":
            return super().read_by(action)
        filterset = getattr(self, "filterset_class", None)
        return LISTS.union(getattr(filterset, "base_filters", ()))

    def list(self, request: Request, **kwargs: str) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert self.paginator is not None
        answer = self.get_paginated_response(self.get_serializer(page, many=True).data)
        return self.read(request, answer.data)

    def retrieve(self, request: Request, **kwargs: str) -> Response:
        return self.read(request, self.get_serializer(self.get_object()).data, self.moving)

    def locked(self, request: Request) -> Row:
        """The row of this path, locked and then read.

        Raises Stale if the client has decided on an older state.
        """
        if not self.lock(self.get_object()):
            raise Http404
        row = self.get_object()
        must_match(request, self.tag(row))
        return row

    def matching(self, request: Request) -> Row:
        """The row of this path as it is now, for what locks rows itself.

        Raises Stale if the client has decided on an older state.
        """
        row = self.get_object()
        must_match(request, self.tag(row))
        return row

    def lock(self, row: Row) -> bool:
        """Keep others from changing the row until this request ends; False if it is gone."""
        return bool(lock_keys(type(row), [row.pk]))

    def tag(self, row: Row) -> str:
        return etag(self.get_serializer(row).data, self.moving)


class RowViewSet(ReadViewSet[Row]):
    """List, read, make, change and remove rows of one model."""

    def create(self, request: Request, **kwargs: str) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.instance = row = self.stored(self.make(serializer))
        response = self.shown(serializer.data, status.HTTP_201_CREATED)
        key = {str(self.lookup_url_kwarg): getattr(row, self.lookup_field)}
        response["Location"] = self.reverse_action("detail", kwargs=key)
        return response

    def partial_update(self, request: Request, **kwargs: str) -> Response:
        row = self.locked(request)
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        self.change(serializer)
        return self.answer(row)

    def destroy(self, request: Request, **kwargs: str) -> Response:
        self.remove(self.locked(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def make(self, serializer: serializers.BaseSerializer[Row]) -> Row:
        return serializer.save()

    def change(self, serializer: serializers.BaseSerializer[Row]) -> None:
        serializer.save()

    def remove(self, row: Row) -> None:
        row.delete()

    def answer(self, row: Row, code: int = status.HTTP_200_OK) -> Response:
        """Show the row as it is stored now."""
        return self.shown(self.get_serializer(self.stored(row)).data, code)

    def shown(self, data: Any, code: int) -> Response:
        return Response(data, code, headers={"ETag": etag(data, self.moving)})

    def stored(self, row: Row) -> Row:
        """The row anew, with what the database knows of it."""
        return self.get_queryset().get(pk=row.pk)
