"""Ids in the addresses of pages; whatever cannot be one is not found, without a query."""


class IdConverter:
    """`<id:pk>` in a path."""

    regex = "[A-Za-z0-9._-]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
