"""Listening to what a transaction locks, row by row and in which order, from another connection.

After each statement the listener tries to lock every row of every table as well, and skips those
that it cannot get: these are locked, by whatever means: `SELECT FOR`, UPDATE, DELETE, a trigger,
a cascade. (A row that is merely referred to is not: that keeps nobody from changing it.)
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from django.apps import apps
from django.db import connection
from psycopg.pq import TransactionStatus

from networks.common.locking import ORDER

# What is written under the lock of another row, which is named by its column here.
BENEATH = {
    "firewalls.attachment": "firewall_id",
    "firewalls.rule": "firewall_id",
    "firewalls.revision": "firewall_id",
    "firewalls.member": "firewall_id",
    "firewalls.drift": "firewall_id",
    "firewalls.accepteddrift": "firewall_id",
    "firewalls.survey": "firewall_id",
    "firewalls.takeover": "firewall_id",
    "firewalls.needs": "firewall_id",
    "firewalls.hold": "firewall_id",
    "firewalls.applier": "firewall_id",
}
# Neither waited for by anybody nor by these: claimed with SKIP LOCKED, or written by their user.
APART = {
    "config.account",
    "config.membership",
    "config.token",
    "config.idempotentanswer",
    "firewalls.touched",
    # Of this transaction alone, and of who judges, one after the other.
    "firewalls.unjudged",
    "firewalls.breach",
    # Beneath the firewall or the partition whose it is, and the push that it was chosen for.
    "firewalls.window",
    "firewalls.choice",
    "networks.activity",
    "networks.importnote",  # written by imports, which lock everything before
    # Beneath the prefix, or the machine whose AS number, or the network whose VRF id it is.
    "networks.carried",
    "machines.httpproxy",  # beneath the network whose it is
    "firewalls.retired",
    "firewalls.sshaccess",
    # Of a cause, which is no row; whoever writes one locks nothing else.
    "firewalls.acknowledgement",
}
_PROBE = """
SELECT '{name}', {key}::text, {above}::text FROM {table} WHERE {key} NOT IN (
    SELECT {key} FROM (SELECT {key} FROM {table} FOR NO KEY UPDATE SKIP LOCKED) AS free)
"""
# Of several rows, by their keys; or none of them is waited for.
_ORDERLY = re.compile(r'ORDER BY "\w+" FOR (SHARE|NO KEY UPDATE|UPDATE)$|SKIP LOCKED')
# Those of super networks come first: networks are carved of them.
_ABOVE = {"networks.prefix": "(SELECT kind <> 'super' FROM networks_network WHERE id = network_id)"}


class Locked(NamedTuple):
    """A locked row: its model, its key, and the row above it or what it is sorted by before."""

    model: str
    key: str
    above: str

    @property
    def place(self) -> tuple[int, str, int, str]:
        """By which locks are to be taken in ascending order."""
        number = int(self.key) if self.key.isdecimal() else 0
        return ORDER.index(self.model), self.above, number, self.key


def models_listened_to() -> set[str]:
    """All that have a place: every model of ours has one, or stands apart."""
    return {*ORDER, *BENEATH, *APART}


@dataclass
class Listener:
    """What was locked so far in this transaction, and what was wrong with how."""

    watcher: "psycopg.Connection[Any]"
    held: set[Locked] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)  # the models of which any row was ever locked
    probe: str = ""

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        database = connection.connection
        if database is None or database.info.transaction_status == TransactionStatus.IDLE:
            self.held = set()
        result = execute(sql, *args)
        if database is not None and database.info.transaction_status == TransactionStatus.INTRANS:
            self.hear(str(sql))
        return result

    def hear(self, sql: str) -> None:
        now = {Locked(*row) for row in self.watcher.execute(self.probe).fetchall()}
        self.watcher.rollback()
        new = now - self.held
        self.taken |= {row.model for row in new}
        self._judge_order(sql, [row for row in new if row.model in ORDER])
        for row in new:
            if row.model in BENEATH and not _is_guarded(row, now):
                self.wrong.append(f"{row.model} {row.key} without its firewall: {sql[:300]}")
        self.held = now

    def _judge_order(self, sql: str, new: list[Locked]) -> None:
        before = [row for row in self.held if row.model in ORDER]
        if not new:
            return
        first, last = min(new, key=_place), max(before, key=_place, default=None)
        if last is not None and first.place < last.place:
            self.wrong.append(f"{first[:2]} after {last[:2]}: {sql[:300]}")
        by_model = {row.model for row in new}
        if len(new) > len(by_model) and not _ORDERLY.search(sql):
            self.wrong.append(f"several rows of {sorted(by_model)} in no order: {sql[:300]}")


def _place(row: Locked) -> tuple[int, str, int, str]:
    return row.place


def _is_guarded(row: Locked, held: set[Locked]) -> bool:
    above = {("firewalls.firewall", row.above), ("machines.machine", row.above)}
    return bool(above & {one[:2] for one in held})


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen to this thread's connection until the block ends."""
    parameters = connection.get_connection_params()
    parameters = {
        name: parameters[name]
        for name in ("host", "port", "user", "password", "dbname")
        if parameters.get(name)
    }
    with psycopg.connect(**parameters) as watcher:
        listener = Listener(watcher, probe=_probe())
        with connection.execute_wrapper(listener):
            yield listener


def _probe() -> str:
    selects = []
    for name in (*ORDER, *BENEATH):
        meta = apps.get_model(name)._meta
        assert meta.pk is not None
        above = BENEATH.get(name) or _ABOVE.get(name, "''")
        selects.append(
            _PROBE.format(name=name, key=meta.pk.column, above=above, table=meta.db_table)
        )
    return " UNION ALL ".join(selects)
