"""A gunicorn worker that no client can hold up: requests are read, and answers kept, by one loop.

gunicorn forks, watches and ends the processes; in each, waitress reads whole requests before a
thread sees them, and keeps answers until they are fetched. So a client that sends half a request,
or never reads, costs a connection and no thread. What takes too long is ended here, and if there
are too many connections, those that have been silent longest go first.
"""

import os
import time
from typing import Any
from weakref import WeakKeyDictionary

from django.utils.module_loading import import_string
from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel

MIB = 1024 * 1024
CONNECTIONS = 800  # of a process, which may have 1024 files open where nobody says otherwise
CROWDED = 600
HEADERS_SECONDS, REQUEST_SECONDS, SILENT_SECONDS = 15, 90, 60
NEW_SECONDS = 2.0  # a request that was on its way when its connection was accepted is here by then
CHANNEL = "config.running.refusing.Channel"  # only once Django is there, which is after this file
OPTIONS: dict[str, Any] = {
    "asyncore_use_poll": True,
    "connection_limit": CONNECTIONS,
    "channel_timeout": SILENT_SECONDS,
    "max_request_header_size": 64 * 1024,
    "max_request_body_size": 16 * MIB,  # above what Django takes; the rest is answered 413
    "outbuf_high_watermark": 1024 * MIB,  # no thread waits for who does not read: it is on disk
    "clear_untrusted_proxy_headers": False,  # HTTPS=1 says that they may be trusted
    "ident": None,
}


class BufferingWorker(Worker):  # type: ignore[misc]
    """One process of the web server: `--worker-class config.running.buffering.BufferingWorker`."""

    def run(self) -> None:
        """Answer until gunicorn says stop; then what has begun is finished."""
        sockets = [listener.sock for listener in self.sockets]
        channels: dict[int, wasyncore.dispatcher] = {}
        server = create_server(
            self.wsgi, map=channels, sockets=sockets, threads=self.cfg.threads, **OPTIONS
        )
        for listener in channels.values():
            listener.channel_class = import_string(CHANNEL)
        patience = Patience()
        while self.alive and os.getppid() == self.ppid:
            self._turn(channels)
            patience.end_what_stalls(_connections(channels), time.monotonic())
        _stop_listening(channels)
        deadline = time.time() + self.cfg.graceful_timeout
        while (now := time.time()) < deadline and any(
            _is_busy(channel, now) for channel in _connections(channels)
        ):
            self._turn(channels)
        server.task_dispatcher.shutdown()

    def _turn(self, channels: dict[int, wasyncore.dispatcher]) -> None:
        """Read and write what can be, half a second at most, and tell gunicorn that it lives."""
        wasyncore.loop(timeout=0.5, use_poll=True, map=channels, count=1)
        self.notify()


class Patience:
    """How long which connections have been waited for."""

    def __init__(self) -> None:
        self.begun: WeakKeyDictionary[HTTPChannel, tuple[int, float]] = WeakKeyDictionary()
        self.due = 0.0

    def end_what_stalls(self, connections: list[HTTPChannel], now: float) -> None:
        """Close connections whose request takes too long to come, and the most silent of a crowd.

        Looks once a second, and at once where there are too many.
        """
        if now < self.due and len(connections) <= CROWDED:
            return
        self.due = now + 1
        waiting = [channel for channel in connections if not channel.requests]
        for channel in waiting:
            channel.will_close |= self._is_late(channel, now)
        excess = max(0, len(connections) - CROWDED)
        for channel in sorted(waiting, key=lambda one: one.last_activity)[:excess]:
            channel.will_close = True

    def _is_late(self, channel: HTTPChannel, now: float) -> bool:
        """Whether its request, of which not all is there, began too long ago."""
        request = channel.request
        if request is None:
            self.begun.pop(channel, None)
            return False
        which, since = self.begun.get(channel, (0, now))
        if which != id(request):
            self.begun[channel] = id(request), (since := now)
        limit = REQUEST_SECONDS if request.headers_finished else HEADERS_SECONDS
        return bool(now - since > limit)


def _connections(channels: dict[int, wasyncore.dispatcher]) -> list[HTTPChannel]:
    return [channel for channel in channels.values() if isinstance(channel, HTTPChannel)]


def _is_busy(channel: HTTPChannel, now: float) -> bool:
    """Whether it is being answered, has not fetched all of its answer, or is about to ask."""
    has_asked = channel.last_activity > channel.creation_time
    is_new = not has_asked and now - channel.creation_time < NEW_SECONDS
    return bool(is_new or channel.requests or channel.total_outbufs_len)


def _stop_listening(channels: dict[int, wasyncore.dispatcher]) -> None:
    """Accept no more; the rest of a listener goes on, by which threads say that they are done."""
    for listener in [one for one in channels.values() if one.accepting]:
        listener.accepting = False
        listener.del_channel()
        listener.socket.close()
