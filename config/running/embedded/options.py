"""Which embedded servers to run, and where."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

DATABASE = "shared_networks"
SOCKET_PATH_LIMIT = 90  # a Unix socket's path has at most 104 (macOS) or 108 (Linux) bytes


@dataclass(frozen=True)
class Embedded:
    """A server that is False is not run here, for a real one is used. Not durable is for tests."""

    var: Path
    postgres: bool = True
    valkey: bool = True
    durable: bool = True

    @property
    def sockets(self) -> Path:
        """The folder of both sockets: inside var, or elsewhere where the path would be too long."""
        inside = self.var.resolve() / "run"
        if len(str(inside)) <= SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
            return inside
        digest = hashlib.sha256(str(inside).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"shared-networks-{os.getuid()}-{digest}"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / ".s.PGSQL.5432"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}"
