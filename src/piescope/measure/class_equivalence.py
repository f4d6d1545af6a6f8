"""Which classes are shown to keep their recall, where a large p-value of a loss would show nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, cast

import numpy as np
from jaxtyping import Float, Integer

from piescope.axes import Array, ExampleLabels, ModelLabels
from piescope.measure.class_recalls import differences, right_answers, rows_of_classes, spread_of

LEVEL = 0.05
"""Of each of the two one-sided tests."""


ClassEquivalence = TypedDict(
    "ClassEquivalence",
    {
        "class": int,
        "examples": int,
        "change": float | None,
        "low": float | None,
        "high": float | None,
        "p_lost": float | None,
        "p_equivalent": float | None,
        "equivalent": bool | None,
        "lost_less": bool | None,
        "reason": str,
    },
)
"""A row of `class_equivalence`."""


def _verdicts(p_values: Float[np.ndarray, " present"]) -> np.ndarray:
    """True, False, or NaN where there is no p-value."""
    return np.array([p if p != p else p <= LEVEL for p in p_values.tolist()], dtype=object)


def class_equivalence(
    dense: ModelLabels,
    pruned: Integer[Array, "other examples"],
    labels: ExampleLabels,
    num_classes: int,
    margin: float = 1.0,
    paired: bool = False,
) -> list[ClassEquivalence]:
    """Which classes are shown to keep their recall: two one-sided t-tests (TOST) of each class's change.

    A large p-value of a difference shows nothing; this asks the other way round. Welch's t-tests, or paired ones.

    Random: seeds; the test set is held fixed, so this speaks about these test examples. Assumed: recalls over models
    near enough to normal for a t-test. Not for fewer than 3 models a group, and not with a margin chosen after a look
    at the changes.

    Args:
        dense: ``[models, examples]``, predicted class ids of the unpruned models.
        pruned: ``[other, examples]``, of the pruned ones; as many if ``paired``.
        labels: ``[examples]``, true class ids.
        num_classes: classes are ``range(num_classes)``.
        margin: the smallest change of recall that would matter, in percentage points, above 0.
        paired: pruned model k belongs to dense model k (one seed, or pruned from it).

    Returns:
        one row a class, worst change first (ties by id), classes without examples last with None for numbers:
        ``class``, ``examples``; ``change`` of the recall (mean over models, pruned minus dense) and ``low`` and
        ``high`` of its 90 % interval, in percentage points; ``p_lost``, one-sided, small: shown to have lost less than
        the margin; ``p_equivalent``, small: shown to have neither lost nor gained the margin; ``equivalent``
        (``p_equivalent`` up to 0.05: just when the interval lies within ± margin); ``lost_less`` (``p_lost`` up to
        0.05); ``reason``: why there is no interval, else empty. All but change and reason are None where a group has
        one model or no model's recall differs from another's of its group (paired: all pairs change alike): without
        spread there is no test. p-values are of one class each; for all classes at once see `no_class_lost_more`.

    Raises:
        ValueError: margin not above 0, other numbers of examples, no models or examples, class ids out of range, or
            other numbers of models where ``paired``.

    Source: Schuirmann 1987, https://doi.org/10.1007/BF01068419 (TOST); Welch 1947.

    Example:
        >>> example = np.arange(100)
        >>> dense = np.stack([example < wrong for wrong in (10, 11, 12)]).astype(int)
        >>> pruned = np.stack([example < wrong for wrong in (11, 11, 13)]).astype(int)
        >>> (row,) = class_equivalence(dense, pruned, np.zeros(100, int), num_classes=2, margin=3.0)[:1]
        >>> round(row["change"], 2), round(row["low"], 2), round(row["high"], 2), row["equivalent"]
        (-0.67, -2.56, 1.22, True)
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}; expected above 0, in percentage points of recall (1.0, say)")
    answers = right_answers(dense, pruned, labels, num_classes)
    recalls = answers.recalls
    spread = spread_of([differences(recalls)] if paired else recalls)
    change = recalls[1].mean(0) - recalls[0].mean(0)
    reach = spread.reach(1 - 2 * LEVEL)
    p_lost, p_gained = spread.p_above(margin + change), spread.p_above(margin - change)
    p_equivalent = np.maximum(p_lost, p_gained)
    columns = {
        "change": change,
        "low": change - reach,
        "high": change + reach,
        "p_lost": p_lost,
        "p_equivalent": p_equivalent,
        "equivalent": _verdicts(p_equivalent),
        "lost_less": _verdicts(p_lost),
        "reason": spread.why_not,
    }
    return cast(list[ClassEquivalence], rows_of_classes(answers, num_classes, columns, change))


def no_class_lost_more(rows: Sequence[ClassEquivalence]) -> bool | None:
    """Is every class shown to have lost less than the margin?

    All classes must pass at 5 %, each on its own, so the chance of a wrong True is at most 5 % however many classes
    there are: an intersection-union test needs no correction (it is strict instead: one noisy class withholds it).

    Args:
        rows: of `class_equivalence`.

    Returns:
        True if every class's ``lost_less`` is True; None if any is None (a class without examples or spread, say) or
        there are no rows; else False, which does not show that a class did lose more.

    Source: Berger 1982, https://doi.org/10.1080/00401706.1982.10487790 (intersection-union tests).

    Example:
        >>> no_class_lost_more([{"lost_less": True}, {"lost_less": False}])
        False
    """
    verdicts = [row["lost_less"] for row in rows]
    if not verdicts or None in verdicts:
        return None
    return all(verdicts)
