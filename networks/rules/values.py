"""Networks and addresses as the rules see them."""

from typing import Protocol

PRIVATE, SUPER, EXTERNAL, UNDERLAY = "private", "super", "external", "underlay"
EPHEMERAL, STATIC = "ephemeral", "static"
FAMILIES = {4: "IPv4", 6: "IPv6"}


class Net(Protocol):
    """What the rules need to know of a network."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def shared(self) -> bool: ...
    @property
    def vrf(self) -> int | None: ...
    @property
    def partition_id(self) -> str | None: ...
    @property
    def project_id(self) -> str | None: ...


class Stored(Net, Protocol):
    """A network as it is stored: it may be carved from a super network."""

    @property
    def parent_id(self) -> str | None: ...
