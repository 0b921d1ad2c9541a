"""What was read, what was not, and what was found, in lines to be printed."""

from collections.abc import Iterator

from firewalls.reachability.audits import Connection, Exposure
from tests.reader.metal_stack.reading import Reading


def report(reading: Reading) -> Iterator[str]:
    """First what it finds, for judging names lines too; but the lines are printed first."""
    found = list(_found(reading))
    for account in reading.accounts:
        yield f"{account.file}: {account.read} of {account.count} lines read"
        yield from (f"  not read: {line}" for line in account.unread)
        yield from (f"  read, not judged: {line}" for line in account.unjudged)
    if not reading.rules.chains:
        yield "no rules: nothing is said of what passes, nor of what the firewall answers"
    yield from found or ["found: nothing"]


def _found(reading: Reading) -> Iterator[str]:
    audit = reading.audit
    yield from (f"found: {_exposure(one)}" for one in audit.exposures)
    yield from (f"found: {_connection(one)}" for one in audit.leaks)
    yield from (f"found: {one}" for one in reading.beyond_the_audit())
    expected = [one for one in audit.connections if not one.is_leak]
    yield from (f"as it should be: {_connection(one)}" for one in expected)


def _exposure(one: Exposure) -> str:
    owner = f" of {one.owner}" if one.owner else ""
    return f"{one.name} announces {one.prefix}{owner} into {one.network}"


def _connection(one: Connection) -> str:
    rules = "; ".join(via.rule for via in one.via)
    return f"{one.source.id} {one.meaning}: {one.target.id}, {one.verdict}, by {rules}"
