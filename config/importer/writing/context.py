"""What writing objects needs to know beside the object."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from config.importer.writing.known import Known
from config.importer.writing.picking import GivenAddresses


class Differs(Exception):
    """Something would have to be written, and this was only a look."""


@dataclass
class Context:
    """`by`: who imports. `unrendered`: firewalls whose configuration is noted once all is in."""

    by: str
    known: Known
    given: GivenAddresses
    unrendered: set[UUID] = field(default_factory=set)
    only_looks: bool = False

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Whoever begins to write meanwhile ends with Differs: so no savepoint is needed."""
        self.only_looks = True
        try:
            yield
        finally:
            self.only_looks = False

    def before_writing(self) -> None:
        """To be called by whoever is about to write, or to change a row that is known."""
        if self.only_looks:
            raise Differs
