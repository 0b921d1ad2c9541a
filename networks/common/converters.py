"""What may stand for an id in the address of a page; anything else is not found before a query is made."""

from django.urls import register_converter


class IdConverter:
    regex = "[A-Za-z0-9._-]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
