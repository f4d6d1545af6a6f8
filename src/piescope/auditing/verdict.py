"""Can it be shipped? One verdict for every audit: safe, harm shown, or too few to tell; and why.

With budgets they say what may be lost. Without any, two limits do that a statistician would sign: a loss of more than
`ACCURACY_LIMIT` points of accuracy, or of more than `CLASS_LIMIT` points in any class or group, must be excluded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from piescope.auditing.sample_sizes import Sizes, counts_in, enough, enough_for_drop
from piescope.auditing.units import LEVEL, Unit, units, whole
from piescope.measure.flips import change_p
from piescope.store.audit_answers import CLEAR, ImpactRow
from piescope.store.audit_inputs import (
    AuditWarning,
    LabelsRelabelled,
    NearChance,
    NoSharedNames,
    OneAnswer,
    OneFile,
    SideRelabelled,
)
from piescope.store.audit_record import Answer, AuditRecord, BudgetRow, Harm, Unsettled, Verdict, Where

ACCURACY_LIMIT = 1.0
"""Points of accuracy: a larger loss must be excluded before anything is called safe."""

CLASS_LIMIT = 3.0
"""Points that any class or group may lose, likewise."""

DOUBTS = (SideRelabelled, LabelsRelabelled, NoSharedNames, NearChance, OneFile)
"""Warnings that leave no number of the audit to be trusted."""


def verdict_of(audit: AuditRecord) -> Verdict:
    """Can it be shipped? From the numbers of audit.json alone, after its budgets are judged.

    **Safe**: a one-sided 95 % bound excludes a loss of more than 1 point of accuracy, and one of more than 3 points in
    every class and every group. As all of them must pass, a model that loses more anywhere is called safe in at most
    5 % of samples (intersection-union). A loss that is clear and small is safe, too, and is told.

    **Harm shown**: not safe, and the accuracy fell (two-sided 95 %), or a class or group lost beyond chance (q at most
    0.05, Benjamini and Hochberg over classes, and over groups). Of models that lose nothing it is said in about 2.5 %
    of audits for the accuracy, and as often at most for the classes, and for the groups.

    **Too few to tell**: neither; with how many examples would settle it, if flips stayed as frequent as they are.

    Args:
        audit: what was found; ``budgets`` decide if there are any.

    Source: Berger 1982, https://doi.org/10.1080/00401706.1982.10487790 (intersection-union).

    Example:
        >>> verdict_of(AuditRecord(n_examples=500, changed=3)).answer
        'no true labels'
    """
    all_of = None if audit.accuracy is None or not audit.n_examples else whole(audit)
    tables: dict[Where, list[Unit]] = {}
    if all_of is not None:
        tables = {"class": units(audit, audit.classes), "group": units(audit, audit.groups)}
    harms = _harms(audit)
    unsettled = _unsettled(audit, all_of, tables)
    budgets = [row.verdict for row in audit.budgets]
    return Verdict(
        answer=_by_budgets(audit, budgets) if budgets else _by_limits(audit, all_of, harms, unsettled),
        judged_by="budgets" if budgets else "limits",
        accuracy_limit=None if budgets else ACCURACY_LIMIT,
        class_limit=None if budgets else CLASS_LIMIT,
        accuracy_bound=None if all_of is None else -all_of.bounds(LEVEL)[1],
        class_bound=_lowest(tables.get("class", [])),
        group_bound=_lowest(tables.get("group", [])),
        harms=harms,
        unsettled=() if budgets else unsettled,
        empty_classes=sum(not unit.examples for unit in tables.get("class", [])),
        enough=None if budgets else _enough(unsettled, audit.n_examples),
    )


def _by_budgets(audit: AuditRecord, verdicts: Sequence[str]) -> Answer:
    if "broken" in verdicts:
        return "harm shown"
    if is_doubted(audit.warnings):
        return "in doubt"
    return "too few to tell" if "undecided" in verdicts else "safe"


def _by_limits(
    audit: AuditRecord, all_of: Unit | None, harms: Sequence[Harm], unsettled: Sequence[Unsettled]
) -> Answer:
    if is_doubted(audit.warnings):
        return "in doubt"
    if all_of is None:
        return "no true labels"
    if not unsettled:
        return "safe"
    return "harm shown" if harms else "too few to tell"


def is_doubted(warnings: Sequence[AuditWarning]) -> bool:
    """Whether one of them says that no number can be trusted."""
    return any(map(_is_doubt, warnings))


def _is_doubt(warning: AuditWarning) -> bool:
    """A copy that guesses is what compression may do, and harm, if no other order of its rows can be why.

    So is a copy that answers one class only; a dense model that does so was most likely not read as what it is.
    """
    if isinstance(warning, NearChance) and warning.side == "compressed":
        return not warning.has_sure_rows
    if isinstance(warning, OneAnswer):
        return warning.side == "dense"
    return isinstance(warning, DOUBTS)


def doubted(rows: Sequence[BudgetRow], warnings: Sequence[AuditWarning]) -> tuple[BudgetRow, ...]:
    """Judged budgets, of which none is kept where a warning says that no number can be trusted.

    Example:
        >>> row = BudgetRow(budget="max_flips", limit=3, observed=2, unit="examples", verdict="kept")
        >>> doubted([row], [OneFile(name="dense.csv")])[0].verdict
        'undecided'
    """
    if not is_doubted(warnings):
        return tuple(rows)
    changed = {
        "verdict": "undecided",
        "reason": "a warning says that the numbers may be about something else than the compression",
    }
    return tuple(row.model_copy(update=changed) if row.verdict == "kept" else row for row in rows)


def _lowest(table: Sequence[Unit]) -> float | None:
    return min((-unit.bounds(LEVEL)[1] for unit in table if unit.examples), default=None)


def _harms(audit: AuditRecord) -> tuple[Harm, ...]:
    accuracy, harms = audit.accuracy, list[Harm]()
    if accuracy is not None and accuracy.change is not None and accuracy.change_interval is not None:
        high = accuracy.change_interval[1]
        if high is not None and high < 0:
            harms.append(Harm(where="accuracy", name="", change=accuracy.change))
    lost = [Harm(where="class", name=row.name, change=row.impact) for row in audit.classes if _is_harm(row)]
    lost += [Harm(where="group", name=row.name, change=row.impact) for row in audit.groups if _is_harm(row)]
    return (*harms, *sorted(lost, key=lambda harm: (harm.where, harm.change)))


def _is_harm(row: ImpactRow) -> bool:
    return row.is_clear and row.change < 0


def _unsettled(
    audit: AuditRecord, all_of: Unit | None, tables: Mapping[Where, Sequence[Unit]]
) -> tuple[Unsettled, ...]:
    """All whose loss is not shown to be within its limit."""
    if all_of is None:
        return ()
    asked: list[tuple[Where, Unit, float, int]] = [("accuracy", all_of, ACCURACY_LIMIT, 1)]
    for where, every in tables.items():
        there = [unit for unit in every if unit.examples]
        asked += [(where, unit, CLASS_LIMIT, len(there)) for unit in there]
    open_ones = []
    for where, unit, limit, tests in asked:
        bound = unit.bounds(LEVEL)[1]
        if bound > limit:
            name = "" if where == "accuracy" else unit.name
            enough = _settling(unit, limit, tests)
            known = {"examples": unit.examples, "change": -unit.drop + 0.0, "bound": -bound, "limit": limit}
            open_ones.append(Unsettled(where=where, name=name, enough=enough, **known))
    return tuple(sorted(open_ones, key=lambda unsettled: (unsettled.where != "accuracy", unsettled.bound)))


def _settling(unit: Unit, limit: float, tests: int) -> int | None:
    """Of how many examples it could be told that the loss is within the limit, or that it is beyond chance."""
    if unit.flips is None:
        return None
    if unit.drop < limit:
        return enough_for_drop(unit, limit)
    lost, gained = unit.flips

    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        counts = (counts_in(count / unit.examples, sizes) for count in (lost, gained))
        return np.asarray(change_p(*counts) <= CLEAR / tests)

    return enough(shown, unit.examples)


def _enough(unsettled: Sequence[Unsettled], examples: int) -> int | None:
    """In all, if classes and groups keep their shares; two digits."""
    known = [row.enough * examples / row.examples for row in unsettled if row.enough is not None]
    if not known or len(known) < len(unsettled):
        return None
    digits = 10 ** max(0, math.floor(math.log10(max(known))) - 1)
    return math.ceil(max(known) / digits) * digits
