"""Can it be shipped? One verdict for every audit: safe, harm shown, or too few to tell; and why.

With budgets they say what may be lost. Without any, two limits do that a statistician would sign: a loss of more than
`ACCURACY_LIMIT` points of accuracy, or of more than `CLASS_LIMIT` points in any class or group, must be excluded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scipy import special

from piescope.auditing.sample_sizes import enough_for_drop
from piescope.auditing.units import LEVEL, Unit, units, whole

Answer = Literal["safe", "harm shown", "too few to tell", "no true labels", "in doubt"]
Where = Literal["accuracy", "class", "group"]

ACCURACY_LIMIT = 1.0
"""Points of accuracy: a larger loss must be excluded before anything is called safe."""

CLASS_LIMIT = 3.0
"""Points that any class or group may lose, likewise."""

DOUBTS = ("side_relabelled", "labels_relabelled", "no_shared_names", "near_chance", "one_file")
"""Warnings that leave no number of the audit to be trusted."""

CLEAR = 0.05
"""Harm is shown of a class or group whose q-value is at most this."""


@dataclass(frozen=True)
class Harm:
    """A loss beyond chance.

    Attributes:
        where: of what.
        name: of the class or group; empty for the accuracy.
        change: observed, in points.
    """

    where: Where
    name: str
    change: float


@dataclass(frozen=True)
class Unsettled:
    """A loss that the sample is too small to exclude.

    Attributes:
        where: of what.
        name: of the class or group; empty for the accuracy.
        examples: how many there are.
        change: observed, in points.
        bound: down to which change fits with the sample, one-sided 95 %.
        limit: the largest loss that would be safe, in points.
        enough: of how many examples as many flips would settle it, one way or the other; None: that cannot be told.
    """

    where: Where
    name: str
    examples: int
    change: float
    bound: float
    limit: float
    enough: int | None


@dataclass(frozen=True)
class Verdict:
    """Can it be shipped?

    Attributes:
        answer: ``safe``: losses beyond the limits are excluded; ``harm shown``: they are not, and something lost
            beyond chance; ``too few to tell``: neither; ``no true labels``: nothing tells which change is a loss. With
            budgets: all kept, one broken, one undecided. ``in doubt``: a warning says that no number can be trusted.
        judged_by: by which limits.
        accuracy_limit: points; None: budgets judge.
        class_limit: points, of classes and groups; None: budgets judge.
        accuracy_bound: the change of accuracy that still fits, one-sided 95 %, in points; None: it is not known.
        class_bound: the lowest of the classes', each one-sided 95 %.
        group_bound: the lowest of the groups'.
        harms: what lost beyond chance, worst first; the accuracy first of all.
        unsettled: what decides that it is too few, largest possible loss first.
        empty_classes: classes without any example, of which nothing is said.
        enough: of how many examples as many flips would settle it all; None: that cannot be told.
    """

    answer: Answer
    judged_by: Literal["budgets", "limits"]
    accuracy_limit: float | None
    class_limit: float | None
    accuracy_bound: float | None
    class_bound: float | None
    group_bound: float | None
    harms: tuple[Harm, ...]
    unsettled: tuple[Unsettled, ...]
    empty_classes: int
    enough: int | None

    def content(self) -> dict[str, Any]:
        """As audit.json holds it."""
        held = asdict(self)
        return {**held, "harms": list(held["harms"]), "unsettled": list(held["unsettled"])}


def verdict_of(audit: Mapping[str, Any]) -> Verdict:
    """Can it be shipped? From the numbers of audit.json alone, after its budgets are judged.

    **Safe**: a one-sided 95 % bound excludes a loss of more than 1 point of accuracy, and one of more than 3 points in
    every class and every group. As all of them must pass, a model that loses more anywhere is called safe in at most
    5 % of samples (intersection-union). A loss that is clear and small is safe, too, and is told.

    **Harm shown**: not safe, and the accuracy fell (two-sided 95 %), or a class or group lost beyond chance (q at most
    0.05, Benjamini and Hochberg over classes, and over groups). Of models that lose nothing it is said in about 2.5 %
    of audits for the accuracy, and as often at most for the classes, and for the groups.

    **Too few to tell**: neither; with how many examples would settle it, if flips stayed as frequent as they are.

    Args:
        audit: the content of an audit.json; ``budgets`` decide if there are any.

    Source: Berger 1982, https://doi.org/10.1080/00401706.1982.10487790 (intersection-union).

    Example:
        >>> audit = {"n_examples": 500, "changed": 3, "accuracy": None, "classes": [], "groups": [], "budgets": []}
        >>> verdict_of(audit).answer
        'no true labels'
    """
    all_of = None if audit["accuracy"] is None or not audit["n_examples"] else whole(audit)
    tables: dict[Where, list[Unit]] = {}
    if all_of is not None:
        tables = {"class": units(audit, "classes"), "group": units(audit, "groups")}
    harms = _harms(audit)
    unsettled = _unsettled(audit, all_of, tables)
    budgets = [row["verdict"] for row in audit["budgets"]]
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
        enough=None if budgets else _enough(unsettled, int(audit["n_examples"])),
    )


def _by_budgets(audit: Mapping[str, Any], verdicts: Sequence[str]) -> Answer:
    if "broken" in verdicts:
        return "harm shown"
    if any(_is_doubt(row) for row in audit.get("warnings") or ()):
        return "in doubt"
    return "too few to tell" if "undecided" in verdicts else "safe"


def _by_limits(
    audit: Mapping[str, Any], all_of: Unit | None, harms: Sequence[Harm], unsettled: Sequence[Unsettled]
) -> Answer:
    if any(_is_doubt(row) for row in audit.get("warnings") or ()):
        return "in doubt"
    if all_of is None:
        return "no true labels"
    if not unsettled:
        return "safe"
    return "harm shown" if harms else "too few to tell"


def _is_doubt(row: Mapping[str, Any]) -> bool:
    """A copy that guesses is what compression may do, and harm, if no other order of its rows can be why.

    So is a copy that answers one class only; a dense model that does so was most likely not read as what it is.
    """
    if row["kind"] == "near_chance" and row["side"] == "compressed":
        return not row["has_sure_rows"]
    if row["kind"] == "one_answer":
        return bool(row["side"] == "dense")
    return row["kind"] in DOUBTS


def doubted(rows: list[dict[str, Any]], warnings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Judged budgets, of which none is kept where a warning says that no number can be trusted.

    Example:
        >>> doubted([{"verdict": "kept", "reason": ""}], [{"kind": "one_file"}])[0]["verdict"]
        'undecided'
    """
    if not any(_is_doubt(row) for row in warnings):
        return rows
    reason = "a warning says that the numbers may be about something else than the compression"
    return [{**row, "verdict": "undecided", "reason": reason} if row["verdict"] == "kept" else row for row in rows]


def _lowest(found: Sequence[Unit]) -> float | None:
    return min((-unit.bounds(LEVEL)[1] for unit in found if unit.examples), default=None)


def _harms(audit: Mapping[str, Any]) -> tuple[Harm, ...]:
    accuracy, harms = audit["accuracy"], []
    if accuracy is not None and accuracy["change"] is not None:
        high = (accuracy["change_interval"] or (None, None))[1]
        if high is not None and high < 0:
            harms.append(Harm("accuracy", "", accuracy["change"]))
    rows: list[tuple[Where, str, Mapping[str, Any]]] = [("class", row["class"], row) for row in audit["classes"]]
    rows += [("group", f"{row['column']} = {row['value']}", row) for row in audit["groups"]]
    found = [Harm(where, str(name), row["impact"]) for where, name, row in rows if _is_harm(row)]
    return (*harms, *sorted(found, key=lambda harm: (harm.where, harm.change)))


def _is_harm(row: Mapping[str, Any]) -> bool:
    return row["impact"] is not None and row["impact"] < 0 and row["q_value"] is not None and row["q_value"] <= CLEAR


def _unsettled(
    audit: Mapping[str, Any], all_of: Unit | None, tables: Mapping[Where, Sequence[Unit]]
) -> tuple[Unsettled, ...]:
    """All whose loss is not shown to be within its limit."""
    if all_of is None:
        return ()
    asked: list[tuple[Where, Unit, float, int]] = [("accuracy", all_of, ACCURACY_LIMIT, 1)]
    for where, found in tables.items():
        there = [unit for unit in found if unit.examples]
        asked += [(where, unit, CLASS_LIMIT, len(there)) for unit in there]
    open_ones = []
    for where, unit, limit, tests in asked:
        bound = unit.bounds(LEVEL)[1]
        if bound > limit:
            name = "" if where == "accuracy" else unit.name
            enough = _settling(unit, limit, tests)
            open_ones.append(Unsettled(where, name, unit.examples, -unit.drop + 0.0, -bound, limit, enough))
    return tuple(sorted(open_ones, key=lambda each: (each.where != "accuracy", each.bound)))


def _settling(unit: Unit, limit: float, tests: int) -> int | None:
    """Of how many examples it could be told that the loss is within the limit, or that it is beyond chance."""
    if unit.flips is None:
        return None
    if unit.drop < limit:
        return enough_for_drop(unit, limit)
    lost, gained = unit.flips
    deviations = float(-special.ndtri(CLEAR / tests / 2))
    return max(unit.examples, math.ceil(unit.examples * deviations**2 * (lost + gained) / (lost - gained) ** 2))


def _enough(unsettled: Sequence[Unsettled], examples: int) -> int | None:
    """In all, if classes and groups keep their shares; two digits."""
    needed = [None if each.enough is None else each.enough * examples / each.examples for each in unsettled]
    known = [each for each in needed if each is not None]
    if not known or len(known) < len(needed):
        return None
    digits = 10 ** max(0, math.floor(math.log10(max(known))) - 1)
    return math.ceil(max(known) / digits) * digits
