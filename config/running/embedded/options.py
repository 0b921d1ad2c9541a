"""Which embedded servers to run, and where."""

from dataclasses import dataclass
from pathlib import Path

from config.running.embedded.shortcut import shortcut

DATABASE = "shared_networks"
SOCKET_PATH_LIMIT = 100  # a Unix socket's path has at most 104 (macOS) or 108 (Linux) bytes
POSTGRES, VALKEY = "postgres/.s.PGSQL.5432", "valkey/valkey.sock"


@dataclass(frozen=True)
class Embedded:
    """A server that is False is not run here, for a real one is used. Not durable is for tests.

    Each server has a folder that is its user's alone, and its socket is in there.
    """

    var: Path
    postgres: bool = True
    valkey: bool = True
    durable: bool = True

    @property
    def postgres_folder(self) -> Path:
        return self.var.resolve() / "postgres"

    @property
    def valkey_folder(self) -> Path:
        return self.var.resolve() / "valkey"

    @property
    def postgres_socket(self) -> Path:
        """How clients spell it: by a shortcut where its path would be too long."""
        return self._near() / POSTGRES

    @property
    def valkey_socket(self) -> Path:
        """How clients spell it: by a shortcut where its path would be too long."""
        return self._near() / VALKEY

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={self.postgres_socket.parent}"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}"

    def _near(self) -> Path:
        var = self.var.resolve()
        longest = max(len(str(var / socket).encode()) for socket in (POSTGRES, VALKEY))
        return var if longest <= SOCKET_PATH_LIMIT else shortcut(var)
