"""Running connections: the kernel forgets those whose way through the firewall is gone.

The rules end by themselves what they no longer let through. But as long as the kernel keeps a
connection, it translates its packets as before, and a sender of UDP that never pauses would not
find where an endpoint leads now. So it is asked, in one message for each mark that the connections
of such a way bear; a table of a million is read without copying it here.
"""

from __future__ import annotations

import os
import struct

from .remarks import remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The kernel's numbers, from linux/netlink.h, nfnetlink.h and nfnetlink_conntrack.h. `socket` would
# cost 7 ms for its enums.
AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER = 16, 3, 12
DELETE = 1 << 8 | 2  # the subsystem of connections, and its message
REQUEST_AND_ANSWER = 1 | 4
MARK, MASK = 8, 21
ALL_BITS = 0xFFFFFFFF
HEADER = 16  # bytes before what a message says
SECONDS = 10


def ways(text: str) -> dict[str, set[int]]:
    """The marks that the chains of a rule set give to connections, by the name of the chain."""
    chains: dict[str, set[int]] = {}
    chain = ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["chain"]:
            chain = words[1]
        elif " ct mark set " in line:
            mark = line.partition(" ct mark set ")[2].split()[0]
            chains.setdefault(chain, set()).add(int(mark, 16))
    return chains


def forget_gone(before: str, after: str) -> None:
    """Forget the connections of chains that one rule set has and the next one has not."""
    old, new = ways(before), ways(after)
    gone = {mark for chain, marks in old.items() if chain not in new for mark in marks}
    ended = gone.difference(*new.values())
    if not ended:
        return
    try:
        _forget(sorted(ended))
    except OSError as error:
        remark(f"The kernel could not be asked to forget ended connections: {error.strerror}")


def _forget(marks: Iterable[int]) -> None:
    """Raises OSError."""
    import _socket

    kernel = _socket.socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
    kernel.settimeout(SECONDS)
    for mark in marks:
        kernel.send(_request(mark))
        (error,) = struct.unpack_from("=i", kernel.recv(4096), HEADER)
        if error:
            raise OSError(-error, os.strerror(-error))
    kernel.close()


def _request(mark: int) -> bytes:
    attributes = b"".join(
        struct.pack("=HH", 8, kind) + struct.pack(">I", value)
        for kind, value in ((MARK, mark), (MASK, ALL_BITS))
    )
    body = struct.pack("=BBH", 0, 0, 0) + attributes
    return struct.pack("=IHHII", HEADER + len(body), DELETE, REQUEST_AND_ANSWER, 0, 0) + body
