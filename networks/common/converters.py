"""Ids in the addresses of pages; whatever cannot be one is not found, without a query."""

from django.urls import register_converter


class IdConverter:
    regex = "[A-Za-z0-9._-]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
