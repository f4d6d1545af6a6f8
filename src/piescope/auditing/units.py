"""What a limit is asked of: all examples, a class or a group, with the drop that was seen and the bounds that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from scipy import special

from piescope import wording
from piescope.measure.drops import drop_bounds
from piescope.store.audit_answers import ClassChange, GroupChange
from piescope.store.audit_record import AuditRecord

LEVEL = 0.05
"""How often "kept" may be said of what lies at the limit or beyond it."""


# what rounding leaves between two means of the same examples, in percent or points; far below one example of a billion
ROUNDING = 1e-9


LONGEST_NAME = 40


_Bounds = Callable[[float], tuple[float, float]]
"""Of a drop, given the one-sided level."""


@dataclass(frozen=True)
class Unit:
    """A class or a group, and how much it lost.

    Attributes:
        name: of the class, or column and value.
        examples: how many it has.
        drop: what it lost, in points; negative where it gained.
        bounds: of the drop, given the one-sided level.
        flips: examples lost and gained, where the bounds come from them.
        by_seeds: seeds alone may have done it: only what they do not explain breaks a budget.
        p_value: of "nothing changed", two-sided; None: not known.
    """

    name: str
    examples: int
    drop: float
    bounds: _Bounds
    flips: tuple[int, int] | None
    by_seeds: bool = False
    p_value: float | None = None

    def is_beyond(self, limit: float, tests: int) -> bool:
        """Whether it lost more than a limit, and more than seeds alone explain (at 5 % over so many tests)."""
        if self.drop <= limit + ROUNDING:
            return False
        is_clear = self.p_value is None or self.p_value / 2 <= LEVEL / tests
        return not self.by_seeds or (self.drop > 0 and is_clear and self.bounds(LEVEL / tests)[0] > 0)


def units(audit: AuditRecord, rows: Sequence[ClassChange | GroupChange]) -> list[Unit]:
    """Classes or groups of an audit; drops are impacts with the sign turned.

    Example:
        >>> row = ClassChange(name="cat", examples=50, impact=-4.0, correct_to_wrong=3, wrong_to_correct=1)
        >>> (cat,) = units(AuditRecord(n_examples=50, changed=4, classes=[row]), [row])
        >>> cat.drop, round(cat.bounds(0.05)[1], 1)
        (4.0, 13.1)
    """
    return [_unit(audit, row) for row in rows]


def _unit(audit: AuditRecord, row: ClassChange | GroupChange) -> Unit:
    name = wording.printable(row.name, LONGEST_NAME)
    lost, gained = row.correct_to_wrong, row.wrong_to_correct
    if not row.examples or row.impact is None or lost is None or gained is None:
        return Unit(name, 0, 0.0, _unknown, None)
    one_to_one, counts = _is_one_to_one(audit), (lost, gained, row.examples)
    bounds, flips = _bounds(one_to_one, counts, row.impact, row.error, row.freedom)
    drop = drop_of_counts(*counts) if one_to_one else -row.impact
    return Unit(name, row.examples, drop, bounds, flips, _has_seeds(audit), row.p_value)


def whole(audit: AuditRecord) -> Unit:
    """All examples as one class: the change of accuracy, as a drop with its bounds.

    Raises:
        ValueError: there are no true labels.

    Example:
        >>> from piescope.store.audit_answers import AccuracyChange, Flips
        >>> flips = Flips(correct_to_wrong=3, wrong_to_correct=1)
        >>> audit = AuditRecord(n_examples=200, changed=4, accuracy=AccuracyChange(change=-1.0), flips=flips)
        >>> whole(audit).drop, round(whole(audit).bounds(0.05)[1], 1)
        (1.0, 3.4)
    """
    accuracy, flips = audit.accuracy, audit.flips
    if accuracy is None or flips is None or accuracy.change is None:
        raise ValueError("an audit without true labels has no change of accuracy")
    one_to_one, change = _is_one_to_one(audit), accuracy.change
    counts = (flips.correct_to_wrong or 0, flips.wrong_to_correct or 0, audit.n_examples)
    bounds, counted = _bounds(one_to_one, counts, change, accuracy.change_error, accuracy.change_freedom)
    drop = drop_of_counts(*counts) if one_to_one else -change
    return Unit("accuracy", audit.n_examples, drop, bounds, counted, _has_seeds(audit), accuracy.change_p)


def _is_one_to_one(audit: AuditRecord) -> bool:
    return audit.inputs.dense.n_models == audit.inputs.compressed.n_models == 1


def _has_seeds(audit: AuditRecord) -> bool:
    """Whether dense models tell what seeds alone do to a comparison of one model with one."""
    return audit.seeds is not None and audit.seeds.side == "dense"


def drop_of_counts(lost: float, gained: float, examples: int) -> float:
    """A quotient of whole numbers is rounded once, and so is a limit: what equals it is equal."""
    return 100 * (lost - gained) / examples


def quantile(level: float, freedom: float) -> float:
    """How many standard errors a one-sided bound lies off."""
    return float(special.stdtrit(freedom, 1 - level))


def _bounds(
    one_to_one: bool, counts: tuple[float, float, int], impact: float, error: float | None, freedom: float | None
) -> tuple[_Bounds, tuple[int, int] | None]:
    """The bounds of a drop, and the examples lost and gained if they come from those."""
    if not one_to_one and error is not None and freedom is not None:
        return _t_bounds(impact, error, freedom, counts[2]), None
    # no interval of a population: nothing varied between its models, so that modal labels tell all; or else unknown
    lost, gained = round(counts[0]), round(counts[1])
    if one_to_one or ((lost, gained) == counts[:2] and abs(drop_of_counts(*counts) + impact) <= ROUNDING):
        return _counted_bounds(lost, gained, counts[2]), (lost, gained)
    return _unknown, None


def _unknown(_: float) -> tuple[float, float]:
    return -100.0, 100.0


def _counted_bounds(lost: int, gained: int, examples: int) -> _Bounds:
    return partial(_bounds_of_counts, lost, gained, examples)


@lru_cache(maxsize=4096)  # of a thousand classes most have the counts of some other
def _bounds_of_counts(lost: int, gained: int, examples: int, level: float) -> tuple[float, float]:
    low, high = drop_bounds(lost, gained, examples, level)
    return float(low), float(high)


def _t_bounds(impact: float, error: float, freedom: float, examples: int) -> _Bounds:
    def bounds(level: float) -> tuple[float, float]:
        _, least = drop_bounds(0, 0, examples, level)
        reach = max(quantile(level, freedom) * error, float(least))
        return max(-impact - reach, -100.0), min(-impact + reach, 100.0)

    return bounds
