"""Which firewalls are drawn as one, so that a map stays one that can be read."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from firewalls.picture.choices import tenant_key
from firewalls.picture.values import SEVERITY, Consumer, Uses, behind, worst

# What one can still follow by eye; more is a matrix.
MOST_ROWS, MOST_EDGES = 30, 60


class Fold(StrEnum):
    """What is drawn as one: from nothing to all firewalls of a tenant."""

    FIREWALL = "firewall"
    SET = "set"
    PROJECT = "project"
    TENANT = "tenant"


_KEYS: dict[Fold, Callable[[Consumer], str]] = {
    Fold.FIREWALL: lambda one: one.key,
    Fold.SET: lambda one: "\n".join(sorted(one.joined)),
    Fold.PROJECT: lambda one: one.project,
    Fold.TENANT: lambda one: tenant_key(one.tenant),
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Firewalls that are drawn as one; of a single one, that one."""

    fold: Fold
    key: str
    consumers: tuple[Consumer, ...]

    @property
    def first(self) -> Consumer:
        return self.consumers[0]

    @property
    def joined(self) -> tuple[str, ...]:
        return tuple(sorted({network for one in self.consumers for network in one.joined}))

    @property
    def state(self) -> str:
        return worst(one.state for one in self.consumers)

    @property
    def machines(self) -> int:
        return behind(self.consumers)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks behind them."""
        return tuple(sorted({one.network for one in self.consumers}))

    @property
    def projects(self) -> tuple[str, ...]:
        return tuple(sorted({one.project for one in self.consumers}))

    @property
    def states(self) -> list[tuple[str, int]]:
        """How many are in which state, the worst first."""
        counts = Counter(one.state for one in self.consumers)
        return [(state, counts[state]) for state in SEVERITY if counts[state]]

    def using(self, network: str) -> tuple[Consumer, ...]:
        """Those that have joined it."""
        return tuple(one for one in self.consumers if network in one.joined)


def bundles(uses: Uses, fold: Fold) -> tuple[Bundle, ...]:
    """The firewalls, folded; by key."""
    return tuple(_bundles(uses.firewalls, fold))


def _bundles(consumers: Iterable[Consumer], fold: Fold) -> list[Bundle]:
    together: dict[str, list[Consumer]] = {}
    for one in sorted(consumers, key=lambda one: (one.name, one.key)):
        together.setdefault(_KEYS[fold](one), []).append(one)
    return [_bundle(fold, key, tuple(ones)) for key, ones in sorted(together.items())]


def _bundle(fold: Fold, key: str, consumers: tuple[Consumer, ...]) -> Bundle:
    """One that is alone with its set of networks is not folded."""
    if fold is Fold.SET:
        alone = len(consumers) == 1
        return Bundle(Fold.FIREWALL if alone else fold, consumers[0].key, consumers)
    return Bundle(fold, key, consumers)


def fits(uses: Uses, fold: Fold) -> bool:
    """Whether a map of it can still be read."""
    rows = bundles(uses, fold)
    edges = sum(len(row.joined) for row in rows)
    return max(len(rows), len(uses.services)) <= MOST_ROWS and edges <= MOST_EDGES


def fold_that_fits(uses: Uses) -> Fold | None:
    """The least folding with which a map can be read; None: it takes a matrix."""
    return next((fold for fold in Fold if fits(uses, fold)), None)
