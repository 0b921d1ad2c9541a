"""An SSH connection to a firewall and to nobody else: the pinned host key is the only one that counts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import asyncssh

MOST_BYTES = 8_000_000  # what a firewall may say in answer to one command
CHUNK = 65_536
# What a push costs here is mostly packets: AES-GCM is one call of OpenSSL for each, ChaCha20 five. The others are for boxes that want them.
CIPHERS = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
]
KINDS = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
]


class TransportError(Exception):
    """The firewall was not reached, or would not talk; `unreachable` where it did not answer at all.

    `offered_key` is the host key that it showed and that is not the pinned one. `here`: it was not even asked.
    """

    def __init__(
        self, message: str, *, unreachable: bool = False, offered_key: str = "", here: bool = False
    ) -> None:
        super().__init__(message)
        self.unreachable, self.offered_key, self.here = unreachable, offered_key, here


@dataclass(frozen=True, slots=True)
class Target:
    """Where a firewall's SSH answers, and the only host key that is accepted there."""

    name: str
    host: str
    port: int
    user: str
    host_key: str
    practice: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds: for a connection, a whole apply, a short answer, a sign of life, past a rollback, and to ask again."""

    connect: float = 10
    apply: float = 300
    answer: float = 30
    keepalive: float = 5
    after_rollback: float = 30  # FRR takes a while to go back
    again: float = 1


@asynccontextmanager
async def connected(
    target: Target, key_path: Path | None, timeouts: Timeouts
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection for as long as the block runs; without a key path the SSH agent's keys are offered. Raises TransportError."""
    connection = await _connect(target, key_path, timeouts)
    try:
        yield connection
    finally:
        # Not close(): that waits until the other side has agreed, and the other side may be gone.
        connection.abort()
        await connection.wait_closed()


class _Client(asyncssh.SSHClient):
    """Takes no host key but the pinned one; remembers which one was shown instead."""

    def __init__(self) -> None:
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.offered = key
        return False


async def _connect(
    target: Target, key_path: Path | None, timeouts: Timeouts
) -> asyncssh.SSHClientConnection:
    keys, agent, pinned, client = (
        _client_keys(key_path),
        () if key_path is None else None,
        _pinned(target),
        _Client(),
    )
    try:
        async with asyncio.timeout(timeouts.connect):
            return await asyncssh.connect(
                target.host,
                target.port,
                username=target.user,
                client_keys=keys,
                agent_path=agent,
                config=[],
                known_hosts=([pinned] if pinned else [], [], []),
                server_host_key_algs=_kinds(pinned),
                preferred_auth="publickey",
                encryption_algs=CIPHERS,
                keepalive_interval=timeouts.keepalive,
                client_factory=lambda: client,
            )
    except asyncssh.HostKeyNotVerifiable as error:
        raise _stranger(target, client.offered) from error
    except asyncssh.PermissionDenied as error:
        raise TransportError(
            f"{target} does not accept the key of this product for user {target.user}."
        ) from error
    except TimeoutError as error:
        raise TransportError(
            f"{target} does not answer: nothing was heard for {timeouts.connect:g} seconds",
            unreachable=True,
        ) from error
    except (OSError, asyncssh.Error) as error:
        raise TransportError(f"{target} does not answer: {error}", unreachable=True) from error


def _stranger(target: Target, offered: asyncssh.SSHKey | None) -> TransportError:
    """It answers, but with a key that nobody has confirmed: either none is pinned yet, or another one is."""
    line = " ".join(offered.export_public_key().decode().split()[:2]) if offered else ""
    shown = fingerprint(line) if line else "none of the pinned kind"
    if target.host_key:
        reason = f"{target} shows another host key than the pinned one ({shown}). Find out why before anything is sent."
    else:
        reason = f"{target} has no pinned host key yet; it shows {shown}. Confirm this fingerprint before anything is sent."
    return TransportError(reason, offered_key=line)


def fingerprint(host_key: str) -> str:
    """How people compare a host key: `SHA256:…`, as ssh-keygen -l prints it. Raises ValueError."""
    return str(asyncssh.import_public_key(host_key).get_fingerprint())


def _kinds(pinned: asyncssh.SSHKey | None) -> list[str]:
    """The pinned kind of host key first; others too, so that a box that has none of it is told apart from one that hangs up."""
    return sorted(
        KINDS, key=lambda kind: pinned is not None and kind.encode() not in pinned.sig_algorithms
    )


def _client_keys(path: Path | None) -> list[asyncssh.SSHKey] | tuple[()]:
    try:
        return [_read(path, _version(path))] if path else ()
    except (OSError, asyncssh.KeyImportError) as error:
        raise TransportError(
            f"The product's own SSH key cannot be read from {path}: {error}", here=True
        ) from error


def _version(path: Path) -> tuple[int, int, int, int]:
    """Another one for every content that the file has had. Raises OSError."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=8)
def _read(path: Path, version: tuple[int, int, int, int]) -> asyncssh.SSHKey:
    return asyncssh.read_private_key(path)


_parsed = lru_cache(maxsize=4096)(asyncssh.import_public_key)


def _pinned(target: Target) -> asyncssh.SSHKey | None:
    if not target.host:
        raise TransportError(
            f"{target.name} has no management address yet; enter it first.", here=True
        )
    try:
        return _parsed(target.host_key) if target.host_key else None
    except asyncssh.KeyImportError as error:
        raise TransportError(
            f"The pinned host key of {target.name} is no OpenSSH public key; enter it again.",
            here=True,
        ) from error


async def run_command(
    connection: asyncssh.SSHClientConnection, target: Target, command: str, given: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """Run a command with something on its standard input; what it says, as it comes. Raises TransportError."""
    said = 0
    try:
        process = await connection.create_process(command, encoding=None)
        with suppress(BrokenPipeError):  # it may have refused already; what it says comes next
            process.stdin.write(given)
            process.stdin.write_eof()
        while chunk := await process.stdout.read(CHUNK):
            said += len(chunk)
            if said > MOST_BYTES:
                raise TransportError(
                    f"{target} said more than {MOST_BYTES:,} bytes; that is no applier."
                )
            yield chunk
        complaint = (await process.stderr.read(2000)).decode(errors="replace").strip()
    except (OSError, asyncssh.Error) as error:
        raise TransportError(
            f"The connection to {target} was lost: {error or 'it was cut'}", unreachable=True
        ) from error
    if complaint and not said:
        raise TransportError(f"{target} said: {complaint}")


async def output_of(
    target: Target, command: str, key_path: Path | None, timeouts: Timeouts
) -> bytes:
    """The whole answer to a short command, from a connection of its own. Raises TransportError."""
    async with connected(target, key_path, timeouts) as connection:
        try:
            async with asyncio.timeout(timeouts.answer):
                return b"".join([chunk async for chunk in run_command(connection, target, command)])
        except TimeoutError as error:
            raise TransportError(
                f"{target} did not answer within {timeouts.answer:g} seconds.", unreachable=True
            ) from error
