"""Partitions and projects in metal-api's shapes."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from config.importer.findings import Remark
from config.importer.kinds.fields import NO_FIELDS, Address, FilledText, Items, Text
from config.importer.kinds.shape import Doc, Shape
from config.importer.kinds.texts import DESCRIPTION, NAME, tidy, untidy


class DnsServer(Shape):
    ip: Address


class NtpServer(Shape):
    address: FilledText


class PartitionDoc(Doc):
    """A partition."""

    MARKS = frozenset(
        {
            "bootconfig",
            "mgmtserviceaddress",
            "privatenetworkprefixlength",
            "dns_servers",
            "ntp_servers",
        }
    )
    NOT_KEPT = frozenset(
        {
            "bootconfig",
            "mgmtserviceaddress",
            "labels",
            "privatenetworkprefixlength",
            "created",
            "changed",
        }
    )

    id: FilledText
    name: Text = ""
    description: Text | None = None
    dns_servers: Annotated[list[DnsServer], Items] | None = None
    ntp_servers: Annotated[list[NtpServer], Items] | None = None

    @property
    def own_id(self) -> str:
        return self.id

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the row that the document says something about."""
        values: dict[str, Any] = {"name": tidy(self.name, NAME) or self.id}
        if self.description is not None:
            values["description"] = tidy(self.description, DESCRIPTION)
        if self.dns_servers is not None:
            values["dns_servers"] = [server.ip for server in self.dns_servers]
        if self.ntp_servers is not None:
            values["ntp_servers"] = [server.address for server in self.ntp_servers]
        return values

    def remarks(self) -> Iterator[Remark]:
        yield from untidy("name", self.name, NAME)
        yield from untidy("description", self.description or "", DESCRIPTION)


class ProjectMeta(Shape):
    """Where apiv1 keeps a project's id."""

    NOT_KEPT = frozenset({"labels", "annotations"})
    REPEATED = frozenset({"kind", "apiversion", "version", "created_time", "updated_time"})

    id: FilledText


class ProjectDoc(Doc):
    """A project."""

    MARKS = frozenset({"meta", "tenant_id", "quotas"})
    NOT_KEPT = frozenset({"quotas"})
    NAMES = {"tenant": "tenant_id", "id": "meta.id"}

    # Judged where it is missing too, so that what is missing is its id.
    meta: ProjectMeta = Field(default=NO_FIELDS, validate_default=True)
    name: Text = ""
    description: Text | None = None
    tenant_id: Text | None = None

    @property
    def own_id(self) -> str:
        return self.meta.id

    @property
    def values(self) -> dict[str, Any]:
        """The fields of the row that the document says something about."""
        values: dict[str, Any] = {"name": tidy(self.name, NAME) or self.meta.id}
        if self.description is not None:
            values["description"] = tidy(self.description, DESCRIPTION)
        if self.tenant_id is not None:
            values["tenant"] = tidy(self.tenant_id, NAME)
        return values

    def remarks(self) -> Iterator[Remark]:
        yield from untidy("name", self.name, NAME)
        yield from untidy("tenant_id", self.tenant_id or "", NAME)
        yield from untidy("description", self.description or "", DESCRIPTION)
