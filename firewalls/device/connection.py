"""An SSH connection to a firewall and to nobody else, and the commands that are run over it."""

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

from firewalls.device.keys import client_keys
from firewalls.device.pinning import PinnedKeyOnly, algorithms, certifying_key, pinned_key
from firewalls.device.target import Target, Timeouts, TransportError

MOST_BYTES = 8_000_000  # that a firewall may write in answer to one command
MOST_COMPLAINT = 2_000  # bytes of its standard error that are read
CHUNK = 65_536
# What a push costs here is mostly packets: AES-GCM is one call of OpenSSL for each, ChaCha20 five.
# The others are for boxes that want them.
CIPHERS = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
]
# What keeps one from connecting (errno(3)).
REASONS = {
    errno.ECONNREFUSED: "nothing listens there, or a filter refuses it",
    errno.ECONNRESET: "the connection was cut",
    errno.EHOSTUNREACH: "there is no way to it",
    errno.ENETUNREACH: "there is no way to its network",
}


@asynccontextmanager
async def connected(
    target: Target, key_path: Path | None, timeouts: Timeouts
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection for as long as the block runs. Raises TransportError.

    Without a key path the SSH agent's keys are offered.
    """
    async with _through(target, key_path, timeouts) as jump:
        connection = await _connect(target, key_path, timeouts, jump)
        async with _ended(connection):
            yield connection


def described(target: Target) -> str:
    """Where a connection leads, and what says that it leads there."""
    shown = "host key as pinned" if target.host_key else "host key as certified"
    through = f", through {target.jump.place}" if target.jump else ""
    return f"{target.user}@{target.place}{through}, {shown}"


@asynccontextmanager
async def _through(
    target: Target, key_path: Path | None, timeouts: Timeouts
) -> AsyncIterator[asyncssh.SSHClientConnection | None]:
    """A connection to the firewall's jump host, if it has one. Raises TransportError."""
    if target.jump is None:
        yield None
        return
    try:
        jump = await _connect(target.jump, key_path, timeouts, None)
    except TransportError as error:
        if error.local:
            raise
        # Whatever key the jump host has shown, it is not the firewall's, which was not asked.
        why = str(error).removesuffix(".")
        reason = f"{target.name} is behind a jump host. {why}. Nothing is known of {target.name}."
        raise TransportError(reason, unreachable=error.unreachable, jump=error) from error
    async with _ended(jump):
        yield jump


@asynccontextmanager
async def _ended(connection: asyncssh.SSHClientConnection) -> AsyncIterator[None]:
    """End the connection when the block ends."""
    try:
        yield
    finally:
        # Not close(): that waits until the other side has agreed, and the other side may be gone.
        connection.abort()
        await connection.wait_closed()


async def _connect(
    target: Target,
    key_path: Path | None,
    timeouts: Timeouts,
    jump: asyncssh.SSHClientConnection | None,
) -> asyncssh.SSHClientConnection:
    client = PinnedKeyOnly()
    options = _options(target, key_path, timeouts)
    try:
        async with asyncio.timeout(timeouts.connect):
            return await asyncssh.connect(
                target.host,
                target.port,
                tunnel=jump or (),
                client_factory=lambda: client,
                **options,
            )
    except (OSError, ValueError, asyncssh.Error) as error:
        raise _not_connected(target, client, timeouts, error) from error


def _options(target: Target, key_path: Path | None, timeouts: Timeouts) -> dict[str, Any]:
    """What asyncssh is to use, and nothing from files of this machine. Raises TransportError."""
    own_keys = client_keys(key_path)
    if not target.host:
        reason = f"{target.name} has no management address yet; enter it first."
        raise TransportError(reason, local=True)
    pinned = pinned_key(target)
    authority = None if pinned else certifying_key(target)
    return {
        "username": target.user,
        "client_keys": own_keys,
        "agent_path": () if key_path is None else None,
        "config": [],
        "known_hosts": ([pinned] if pinned else [], [authority] if authority else [], []),
        "host_key_alias": target.name,  # whom a certificate must be for
        "server_host_key_algs": algorithms(pinned, certified=authority is not None),
        "preferred_auth": "publickey",
        "encryption_algs": CIPHERS,
        "keepalive_interval": timeouts.keepalive,
    }


def _not_connected(
    target: Target, client: PinnedKeyOnly, timeouts: Timeouts, error: Exception
) -> TransportError:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return client.error(target)
    if isinstance(error, asyncssh.PermissionDenied):
        return TransportError(
            f"{target} does not accept the key of this product for user {target.user}."
        )
    if isinstance(error, TimeoutError):
        reason = f"nothing was heard for {timeouts.connect:g} seconds"
    else:
        reason = _in_words(error)
    return TransportError(f"{target} does not answer: {reason}", unreachable=True)


def _in_words(error: Exception) -> str:
    """What the operating system says, for people; what it says otherwise stays as it is."""
    number = error.errno if isinstance(error, OSError) else None
    return REASONS.get(number or 0, str(error))


async def run_command(
    connection: asyncssh.SSHClientConnection, target: Target, command: str, stdin: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """Run a command; yields its standard output as it comes. Raises TransportError."""
    received = 0
    try:
        process = await connection.create_process(command, encoding=None)
        # It may have refused already; its standard error says why.
        with suppress(BrokenPipeError):
            process.stdin.write(stdin)
            process.stdin.write_eof()
        while chunk := await process.stdout.read(CHUNK):
            received += len(chunk)
            if received > MOST_BYTES:
                reason = f"{target} said more than {MOST_BYTES:,} bytes; that is no applier."
                raise TransportError(reason)
            yield chunk
        complaint = await process.stderr.read(MOST_COMPLAINT)
    except (OSError, ValueError, asyncssh.Error) as error:
        reason = f"The connection to {target} was lost: {error or 'it was cut'}"
        raise TransportError(reason, unreachable=True) from error
    text = complaint.decode(errors="replace").strip()
    if text and not received:
        raise TransportError(f"{target} said: {text}")


async def output_of(
    target: Target, command: str, key_path: Path | None, timeouts: Timeouts
) -> bytes:
    """All that a short command writes, over a connection of its own. Raises TransportError."""
    async with connected(target, key_path, timeouts) as connection:
        try:
            async with asyncio.timeout(timeouts.answer):
                return b"".join([chunk async for chunk in run_command(connection, target, command)])
        except TimeoutError as error:
            raise TransportError(
                f"{target} did not answer within {timeouts.answer:g} seconds.", unreachable=True
            ) from error
