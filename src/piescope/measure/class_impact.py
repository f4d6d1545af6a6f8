"""Which classes pay: PIEs counted by true class, and classes whose recall falls by more than the mean accuracy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, TypedDict, cast

import numpy as np
from jaxtyping import Float, Int64, Integer, Num
from scipy.special import gammaln

from piescope.axes import Array, ExampleLabels, ExampleMask, ModelLabels
from piescope.measure.arrays import class_ids, same_length, to_numpy
from piescope.measure.class_recalls import (
    NEGLIGIBLE,
    ChangeSpread,
    RightAnswers,
    differences,
    right_answers,
    rows_of_classes,
    satterthwaite,
    spread_of,
    variance_of_mean,
)
from piescope.measure.flips import adjusted_p_values
from piescope.measure.intervals import CONFIDENCE, FEWEST_UNITS, combined_variance
from piescope.measure.moderation import moderated_shares

NO_IMPACT = 1e-10
"""In percentage points: an impact of 0 but for rounding."""


def class_counts(mask: ExampleMask, labels: ExampleLabels, num_classes: int) -> Int64[np.ndarray, " classes"]:
    """How many marked examples (PIEs, say) each true class has.

    Args:
        mask: ``[examples]``.
        labels: ``[examples]``, true class ids.
        num_classes: classes are ``range(num_classes)``.

    Returns:
        ``[classes]`` counts that sum to the number of marked examples.

    Raises:
        ValueError: other lengths, or class ids out of range.

    Example:
        >>> class_counts(np.array([True, False, True]), np.array([0, 0, 2]), 3).tolist()
        [1, 0, 1]
    """
    marked = to_numpy(mask).astype(bool)
    truth = class_ids(labels, "labels", 1, num_classes)
    same_length(mask=marked, labels=truth)
    return np.bincount(truth[marked], minlength=num_classes)


def same_class_probability(counts: Num[Array, "*rows classes"]) -> Float[np.ndarray, "*rows"] | float:
    """How likely two different marked examples are of one class: low where the marked spread evenly over classes.

    ``sum_c n_c (n_c - 1) / (n (n - 1))`` (Simpson 1949). Unlike an entropy of shares it is unbiased for any number of
    marked examples, so few PIEs do not look uneven for being few. With 10 equal classes an even spread gives just
    under 0.1.

    Args:
        counts: ``[..., classes]``, marked examples of each (`class_counts`).

    Returns:
        ``[...]``, 0 to 1; NaN where fewer than two examples are marked.

    Example:
        >>> round(float(same_class_probability(np.array([2, 1]))), 4)
        0.3333
    """
    of_class = np.asarray(counts, np.float64)
    total = of_class.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (of_class * (of_class - 1)).sum(-1) / (total * (total - 1))
    return np.where(total >= 2, shares, np.nan)[()]


ClassImpact = TypedDict(
    "ClassImpact",
    {
        "class": int,
        "examples": int,
        "dense_recall": float | None,
        "pruned_recall": float | None,
        "change": float | None,
        "impact": float | None,
        "low": float | None,
        "high": float | None,
        "effect_size": float | None,
        "p_value": float | None,
        "q_value": float | None,
        "reason": str,
    },
)
"""A row of `class_impact`."""


def _example_variance(answers: RightAnswers, values: Float[np.ndarray, " examples"]) -> Float[np.ndarray, " present"]:
    """Within each class; around zero for a class of one example, which is too large on average, never too small."""
    centre = np.where(answers.sizes > 1, answers.means(values), 0.0)
    return answers.sums((values - answers.spread(centre)) ** 2) / np.maximum(answers.sizes - 1, 1)


def _interaction(answers: RightAnswers, group: Float[np.ndarray, "models examples"]) -> Float[np.ndarray, " present"]:
    """What a model and an example do together to the variance of an example's mean over models, per class."""
    recalls = answers.means(group)
    left = group - group.mean(0) - answers.spread(recalls - recalls.mean(0))
    freedom = (len(group) - 1) * np.maximum(answers.sizes - 1, 1)
    return np.asarray(answers.sums((left**2).sum(0)) / freedom / len(group))


def _over_models(answers: RightAnswers, group: Float[np.ndarray, "models examples"]) -> Float[np.ndarray, " present"]:
    """Variance of the mean impact over models; 0 where it is but for rounding, and of a class of one example."""
    variance = variance_of_mean(answers.means(group) - group.mean(1, keepdims=True))
    return np.where((variance > NEGLIGIBLE) & (answers.sizes > 1), variance, 0.0)


def _two_way(answers: RightAnswers, paired: bool) -> ChangeSpread:
    """Variance of the impact over models and examples, from its weights: ``1 [its class] / n_c - 1 / n``.

    Paired: a dense model and its own pruned one are one draw, of the difference of their answers.
    """
    groups = [differences(answers.groups)] if paired else list(answers.groups)
    sizes, models = answers.sizes, [len(group) for group in groups]
    if min(models) < FEWEST_UNITS:
        nowhere = np.full(len(sizes), np.nan)
        return ChangeSpread(nowhere, nowhere, np.full(len(sizes), f"no interval of fewer than {FEWEST_UNITS} models"))
    squared_weights = (np.diag(1 / sizes) - 1 / sizes.sum()) ** 2
    per_example = sizes * _example_variance(answers, answers.pruned.mean(0) - answers.dense.mean(0))
    both = squared_weights @ (sizes * sum(_interaction(answers, group) for group in groups))
    over_examples = squared_weights @ per_example
    shares = (np.stack([recalls.mean(0) for recalls in answers.recalls]) / 100 * sizes + 0.5) / (sizes + 1)
    seeds = [moderated_shares(_over_models(answers, group), shares, sizes, len(group) - 1.0) for group in groups]
    over_models, units = np.stack([of for of, _ in seeds], axis=-1), np.stack([1 + of for _, of in seeds], axis=-1)
    known = satterthwaite(over_examples, squared_weights**2 @ (per_example**2 / np.maximum(sizes - 1, 1)))
    examples = 1.0 + np.where(over_examples > 0, known, sizes - 1.0)
    variance, freedom = combined_variance(over_examples, examples, over_models, units, both)
    # where all examples of a class change alike only others would vary, and nothing says how sure its own recall is
    is_alike = (per_example <= NEGLIGIBLE) & (variance > NEGLIGIBLE)
    reasons = ["no interval of one example", "no interval of examples that all change alike"]
    unknown = np.select([sizes == 1, is_alike], reasons, "")
    return ChangeSpread(np.where(unknown == "", variance, np.nan), freedom, unknown)


def _effect_size(
    difference: Float[np.ndarray, " present"], variance: Float[np.ndarray, " present"], freedom: int
) -> Float[np.ndarray, " present"]:
    """Difference in standard deviations, with Hedges' exact correction for few models; NaN below 2 degrees."""
    if freedom < 2:
        return np.full(len(difference), np.nan)
    correction = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    return np.asarray(correction * difference / np.sqrt(np.where(variance > NEGLIGIBLE, variance, np.nan)))


def _hedges(
    difference: Float[np.ndarray, " present"], samples: Sequence[Float[np.ndarray, "_ present"]]
) -> Float[np.ndarray, " present"]:
    """Over the standard deviation that the samples share; one sample: over its own."""
    freedoms = [len(sample) - 1 for sample in samples]
    if min(freedoms) < 1:
        return np.full(len(difference), np.nan)
    squares = sum(sample.var(0, ddof=1) * freedom for sample, freedom in zip(samples, freedoms, strict=True))
    return _effect_size(difference, np.asarray(squares) / sum(freedoms), sum(freedoms))


def class_impact(
    dense: ModelLabels,
    pruned: Integer[Array, "other examples"],
    labels: ExampleLabels,
    num_classes: int,
    method: Literal["hooker", "paired", "two_way", "two_way_paired", "bootstrap"] = "hooker",
) -> list[ClassImpact]:
    """Which classes lose more, or less, recall by pruning than the mean accuracy does.

    A class's impact is the change of its recall minus the change of the mean accuracy (over all models of a group and
    all examples). Four methods say how sure it is:

    - ``"hooker"``: Welch's t-test between ``{recall_c(m) - mean accuracy}`` of the dense and of the pruned models
      (Hooker et al. 2019). Random: seeds, drawn for dense and pruned independently.
    - ``"paired"``: a paired t-test on the same; pruned model k belongs to dense model k (one seed, or pruned from it).
      Random: seeds, both models of one at once.
    - ``"two_way"``: seeds, for dense and pruned independently, and examples, drawn within their class, so that
      classes keep their sizes; both groups see the same examples. The rule of `piescope.measure.intervals`, in closed
      form, as the impact is linear in right and wrong: the variance over examples, plus that over models less what a
      model and an example do together, which stands in either. (``"bootstrap"``, its former name, still works.)
    - ``"two_way_paired"``: the same, with a pair of a dense and its own pruned model as one draw of a seed.

    Only the two-way intervals speak about new test examples. The others hold the test set fixed and take the
    mean accuracy as known. So they see too little where seeds move all classes together, and too much in a class that
    nearly all models get right: its recall hardly varies, the mean accuracy does. (In made studies with a class at
    99.7 %, where pruning did nothing, ``"hooker"`` gave it a p-value below 0.05 in 74 % of studies, ``"two_way"`` in
    5 %.) ``"two_way"`` takes the groups as independent: where a seed's dense and pruned model move together, it is too
    wide (95 to 99 % of intervals hold the truth where each keeps four fifths of one model's luck); ``"two_way_paired"``
    is wider than it need be where they do not. How much models vary in a class few of them tell badly: with a two-way
    method classes tell each other (`piescope.measure.moderation.moderated_shares`).

    Assumed: recalls over models near enough to normal for a t-test. Not for fewer than 3 models a group. With a two-way
    method a class whose examples all change alike has no interval; of others of 10 to 300 examples and recalls from 80
    to 99.9 % 92 to 100 % of intervals hold the truth (five models, 500 made studies each, ``python
    benchmarks/simulations.py --impacts``): too many where pruning does the same to all examples of a class, as a
    variance cannot be below 0.
    Impacts are relative: they sum to 0 weighted by class size, so where one class loses, others seem to gain. Whether a
    class itself lost: `class_equivalence`.

    Args:
        dense: ``[models, examples]``, predicted class ids of the unpruned models.
        pruned: ``[other, examples]``, of the pruned ones; as many only for ``"paired"`` and ``"two_way_paired"``.
        labels: ``[examples]``, true class ids.
        num_classes: classes are ``range(num_classes)``.
        method: see above.

    Returns:
        one row a class, worst impact first (ties by id), classes without examples last with None for numbers:
        ``class``, ``examples``; ``dense_recall``, ``pruned_recall`` (means over models, 0 to 100 %); ``change`` (pruned
        minus dense) and ``impact`` in percentage points, -100 to 100, negative for a loss; ``low`` and ``high`` of the
        95 % interval of the impact; ``effect_size``, Hedges' g: the impact in standard deviations over models (those
        the groups share, or that of the pairs' differences), corrected for few; ``p_value``, two-sided; ``q_value``,
        p-values after Benjamini and Hochberg over the classes that have one: where the p-values are right, calling
        those up to 0.05 leaves at most 5 % false calls on average; ``reason``: why there is no interval, else empty.

        None in the five before the reason where a group has one model (``effect_size`` also for two pairs; the others
        also for a class of one example or whose examples all change alike, and for two models a group, with a two-way
        method). Where a class varies not at all there is no test: no interval, and a p-value of 1 if the impact is 0,
        None otherwise; a few equal models do not show that others would be equal. An only class has no impact.

    Raises:
        ValueError: an unknown method, other numbers of examples, no models or examples, class ids out of range, or
            other numbers of models for the paired methods.

    Source: Hooker et al. 2019, https://arxiv.org/abs/1911.05248; Benjamini and Hochberg 1995; Cameron,
    Gelbach and Miller 2011, https://doi.org/10.1198/jbes.2010.07136 (two-way clustering); Owen 2007,
    https://arxiv.org/abs/0712.1111 (the closed forms); Hedges 1981 (effect size); Satterthwaite 1946.

    Example:
        >>> labels = np.array([0, 0, 1, 1])
        >>> dense = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 1, 1]])
        >>> pruned = np.array([[0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 0]])
        >>> worst = class_impact(dense, pruned, labels, num_classes=2)[0]
        >>> worst["class"], worst["dense_recall"], round(worst["change"], 1), round(worst["impact"], 1)
        (1, 100.0, -66.7, -33.3)
        >>> round(worst["low"], 1), round(worst["high"], 1), round(worst["p_value"], 3)
        (-105.0, 38.4, 0.184)
    """
    if method == "bootstrap":
        warnings.warn("method='bootstrap' draws nothing; its name is 'two_way'", DeprecationWarning, stacklevel=2)
        method = "two_way"
    if method not in ("hooker", "paired", "two_way", "two_way_paired"):
        raise ValueError(f"method is {method!r}; expected 'hooker', 'paired', 'two_way' or 'two_way_paired'")
    answers = right_answers(dense, pruned, labels, num_classes)
    recalls, paired = answers.recalls, method in ("paired", "two_way_paired")
    samples = [differences(recalls)] if paired else recalls
    spread = spread_of(samples) if method in ("hooker", "paired") else _two_way(answers, paired)
    dense_recall, pruned_recall = (group.mean(0) for group in recalls)
    change = pruned_recall - dense_recall
    impact = change - (answers.pruned.mean() - answers.dense.mean())
    p_values = np.where(spread.is_zero & (np.abs(impact) < NO_IMPACT), 1.0, 2 * spread.p_above(np.abs(impact)))
    reach, reason = spread.reach(CONFIDENCE), spread.why_not
    if len(answers.classes) == 1:  # its recall is the accuracy
        p_values, reach, reason = np.ones(1), np.full(1, np.nan), np.array(["the only class has no impact"])
    columns = {
        "dense_recall": dense_recall,
        "pruned_recall": pruned_recall,
        "change": change,
        "impact": impact,
        "low": impact - reach,
        "high": impact + reach,
        "effect_size": _hedges(impact, samples),
        "p_value": p_values,
        "q_value": adjusted_p_values(p_values),
        "reason": reason,
    }
    return cast(list[ClassImpact], rows_of_classes(answers, num_classes, columns, impact))
