"""Judges what a transaction has changed, right before it is committed.

One after the other, from here to the commit: each sees what those before it have committed, so two
that are right by themselves cannot break a law together. Nobody is waited for under this lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection

from firewalls.intent.laws import loading, wording
from firewalls.intent.laws.loading import Changed
from firewalls.models import Breach as Row
from firewalls.models import Law, Unjudged
from firewalls.reachability import Partition
from firewalls.reachability.laws import (
    Box,
    Breach,
    Key,
    beyond,
    broken_between,
    pairs_from,
    pairs_into,
)
from networks.common.violations import counted
from networks.common.warnings import warn

_LOCK = "SELECT pg_advisory_xact_lock(8214002), set_config('firewalls.noted', '', true)"
_NOTES = "DELETE FROM firewalls_unjudged RETURNING id, kind, about"
CODE = "breaks_law"


class BrokenLaw(ValidationError):
    """A change breaks a law: which one, and by which flow."""

    def __init__(self, sentences: Sequence[str]) -> None:
        errors = [ValidationError(sentence, code=CODE) for sentence in sentences]
        super().__init__({NON_FIELD_ERRORS: errors})


class _Judging:
    """Whether this process judges."""

    on = True


def let_go() -> None:
    """Judge nothing from now on, and let go what is noted: a migration is of no release."""
    _Judging.on = False


def take_up() -> None:
    """Judge again."""
    _Judging.on = True


def judge() -> None:
    """Judge what was noted in this transaction. Raises BrokenLaw.

    What breaks a law that only warns is noted with it; so is what a law finds that is new.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    notes = list(Unjudged.objects.raw(_NOTES))
    if notes and _Judging.on:
        _judge(list(Law.objects.order_by("pk")), loading.changed(notes))


def judge_all() -> None:
    """Judge everything anew and refuse nothing: what is so, is so."""
    laws = list(Law.objects.order_by("pk"))
    if laws:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        _judge(laws, Changed(frozenset(), frozenset(law.pk for law in laws)))


def _judge(laws: list[Law], changed: Changed) -> None:
    court = _court(laws, changed)
    verdicts = [court.verdict(law) for law in laws]
    names = wording.names_of(one for verdict in verdicts for one in verdict.new.values())
    worse = [verdict for verdict in verdicts if verdict.new]
    if refused := [one.sentence(names) for one in worse if one.refuses]:
        raise BrokenLaw(refused)
    for verdict in worse:
        warn(verdict.sentence(names))
    for verdict in verdicts:
        verdict.keep(names)


@dataclass(frozen=True)
class Verdict:
    """What breaks a law now, of what was judged; and what did before."""

    law: Law
    is_new: bool
    found: dict[Key, Breach]
    before: dict[Key, Row]

    @cached_property
    def new(self) -> dict[Key, Breach]:
        """What did not break it before, or not as far: each with a flow that did not."""
        return {key: part for key, one in self.found.items() for part in self._new_of(key, one)[:1]}

    def _new_of(self, key: Key, one: Breach) -> list[Breach]:
        before = self.before.get(key)
        known = [Box(*map(tuple, box)) for box in before.boxes] if before else []
        return [part for part in one.parts if beyond(part.boxes, known)]

    @property
    def refuses(self) -> bool:
        """A law that is broken as it is written is taken, to be kept from then on."""
        return self.law.refuses and not self.is_new

    def sentence(self, names: wording.Names) -> str:
        """What is broken, and by which flow."""
        first, *others = self.new.values()
        broken = "The law is broken already:" if self.is_new else "This breaks the law"
        more = f" So does {counted(len(others), 'more flow')}." if others else ""
        cure = "" if self.is_new else " Leave out what lets it come to that, or change the law."
        return f'{broken} "{self.law.sentence}": {wording.sentence(first, names)}{more}{cure}'

    def keep(self, names: wording.Names) -> None:
        """Write down what breaks it, since when; and forget what does no more."""
        gone = [row.pk for key, row in self.before.items() if key not in self.found]
        if gone:
            Row.objects.filter(pk__in=gone).delete()
        for key, one in self.found.items():
            row = self.before.get(key)
            if row is None:
                _row(one, names).save()
            elif row.boxes != _kept(one):
                row.boxes = _kept(one)
                row.save(update_fields=["boxes"])


@dataclass(frozen=True)
class Court:
    """What laws are judged by, between whom, and what was known to break them."""

    partition: Partition
    changed: Changed
    into: dict[str, set[str]]
    before: list[Row]

    def verdict(self, law: Law) -> Verdict:
        is_new = law.pk in self.changed.laws
        if not (is_new or self.changed.networks):
            return Verdict(law, is_new, {}, {})
        value = law.value
        known = self.partition.networks
        whole = known.keys() if is_new else self.changed.networks & known.keys()
        pairs = {pair for source in whole for pair in pairs_from(self.partition, value, source)}
        for target, sources in self.into.items() if not is_new else ():
            pairs |= pairs_into(self.partition, value, target, sources)
        targets = [one for one in whole if value.is_target(known[one])]
        found = broken_between(self.partition, value, pairs, targets)
        before = {_key(row): row for row in self.before if row.law_id == law.pk}
        judged = {key: row for key, row in before.items() if is_new or self._is_judged(row, pairs)}
        return Verdict(law, is_new, {one.key: one for one in found}, judged)

    def _is_judged(self, row: Row, pairs: set[tuple[str, str]]) -> bool:
        """Whatever of a network that has changed was found to break it is found again, or gone."""
        ends = {row.source, row.target} & self.changed.networks
        return bool(ends) or (row.source, row.target) in pairs


def _court(laws: list[Law], changed: Changed) -> Court:
    targets = loading.targets_of(laws)
    into = {one: loading.sources_into(one) for one in sorted(targets & changed.networks)}
    sources = set(changed.networks).union(*into.values())
    if changed.laws:
        sources |= loading.everywhere()
    partition = loading.load(sources, targets)
    return Court(partition, changed, into, list(Row.objects.order_by("pk")))


def _key(row: Row) -> Key:
    return row.law_id, row.source, row.target, row.version, row.protocol


def _kept(one: Breach) -> list[list[list[int]]]:
    return [[list(ends) for ends in box] for box in one.boxes]


def _row(one: Breach, names: wording.Names) -> Row:
    return Row(
        law_id=one.law,
        source=one.source,
        target=one.target,
        version=one.version,
        protocol=one.protocol,
        outside=one.outside,
        boxes=_kept(one),
        sentence=wording.sentence(one, names),
        path=wording.path(one),
    )
