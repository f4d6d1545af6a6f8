"""How sure is a number that comes from some models and some examples? Both are resampled, one after the other.

The estimate of a study with other seeds and other test images of the same kind would differ. Its variance is the sum of
two: over draws of seeds with replacement (examples as they are), and over draws of examples (seeds as they are). What
is due to a model and an example together stands in both, so the sum is on the safe side, by less than if both were
drawn at once, where it would stand in three times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Num
from scipy import stats

from piescope.measure.intervals import CONFIDENCE


@dataclass(frozen=True)
class Draws:
    """How often each seed and each example counts.

    Row 0 counts each once: it is what was observed. The first half of the other rows draws seeds and counts each
    example once; the second half the other way round.

    Attributes:
        models: ``[1 + 2 * draws, models]``, whole numbers.
        examples: ``[1 + 2 * draws, examples]``, whole numbers.
    """

    models: Float[np.ndarray, "rows models"]
    examples: Float[np.ndarray, "rows examples"]


def two_way_draws(models: int, examples: int, draws: int, seed: int = 0) -> Draws:
    """Draws of seeds, then of examples, with replacement.

    One draw of seeds serves all arms: models of one seed belong together (equal initial weights and data order, and
    one-shot models descend from dense ones), so differences between arms keep what their models share.

    Args:
        models: seeds.
        examples: test examples.
        draws: how many of each.
        seed: of the generator.

    Raises:
        ValueError: a number below 1.

    Source: the variances of resampling both at once and one at a time are those of Owen 2007,
    https://arxiv.org/abs/0712.1111.

    Example:
        >>> drawn = two_way_draws(models=3, examples=5, draws=2)
        >>> drawn.models.shape, drawn.examples.sum(1).tolist()
        ((5, 3), [5.0, 5.0, 5.0, 5.0, 5.0])
        >>> drawn.examples[:3].tolist() == [[1.0] * 5] * 3, drawn.models[3:].tolist() == [[1.0] * 3] * 2
        (True, True)
    """
    if min(models, examples, draws) < 1:
        raise ValueError(f"models {models}, examples {examples}, draws {draws}: expected at least 1 of each")
    generator = np.random.default_rng(seed)
    drawn = [generator.multinomial(count, np.full(count, 1 / count), size=draws) for count in (models, examples)]
    ones = [np.ones((1 + draws, count)) for count in (models, examples)]
    seeds = np.concatenate([ones[0][:1], drawn[0], ones[0][1:]])
    return Draws(seeds.astype(np.float32), np.concatenate([ones[1], drawn[1]]).astype(np.float32))


def drawn_means(
    values: Num[Any, "models examples"], weights: Num[Any, "rows models"]
) -> Float[np.ndarray, "rows examples"]:
    """The mean over models of each example in each draw of models.

    A draw may leave out all models that ``values`` has (it may have fewer than were drawn from): its row is NaN.
    """
    used = np.asarray(weights, np.float32)[:, : len(values)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (used @ np.asarray(values, np.float32)) / used.sum(1, keepdims=True)


@dataclass(frozen=True)
class ResampledEstimate:
    """A number, how sure it is, and on which side of zero it lies.

    Attributes:
        value: as observed; NaN where it is not defined.
        error: standard error; NaN where it cannot be had (one model, too few PIEs).
        low: of the 95 % interval.
        high: of the 95 % interval.
        p_positive: one-sided p-value of "it is not above 0"; small: it is above.
        p_negative: one-sided p-value of "it is not below 0"; small: it is below.
    """

    value: float
    error: float
    low: float
    high: float
    p_positive: float
    p_negative: float


def estimate(rows: Float[Any, " rows"], models: int) -> ResampledEstimate:
    """The observed value (row 0) with a t interval around it.

    Its spread over the draws is the standard error. Where draws differ from what was observed on average (a modal
    label of fewer different models is noisier), that is no matter: the interval is for what studies of this size give.

    Args:
        rows: the statistic of each row of `Draws`, ``[1 + 2 * draws]``.
        models: seeds that were drawn from; ``models - 1`` degrees of freedom.

    Returns:
        NaN intervals and p-values of 1 where there is one model, no spread, or a draw in ten has no value.

    Raises:
        ValueError: no whole number of draws of each kind.

    Example:
        >>> found = estimate(np.array([2.0, 1.0, 3.0, 2.5, 1.5]), models=5)
        >>> round(found.value, 2), round(found.error, 2), round(found.low, 2)
        (2.0, 1.58, -2.39)
    """
    if len(rows) < 5 or len(rows) % 2 == 0:
        raise ValueError(f"{len(rows)} rows; expected 1 + 2 * draws, at least 2 draws")
    observed, drawn = float(rows[0]), np.asarray(rows[1:], float).reshape(2, -1)
    usable = [of_kind[np.isfinite(of_kind)] for of_kind in drawn]
    enough = min(len(of_kind) for of_kind in usable) >= max(2.0, 0.9 * drawn.shape[1])
    error = float(np.sqrt(sum(of_kind.var(ddof=1) for of_kind in usable))) if enough else np.nan
    known = np.isfinite(observed) and models > 1 and error > 0
    if not known:
        return ResampledEstimate(observed, np.nan, np.nan, np.nan, 1.0, 1.0)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, models - 1)) * error
    above = float(stats.t.sf(observed / error, models - 1))
    return ResampledEstimate(observed, error, observed - reach, observed + reach, above, 1 - above)
