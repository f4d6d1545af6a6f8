"""How many models are enough? The PIE count and its spread with fewer models than there are, and with more.

Fewer models disagree more, so a count of few is too high, and it changes more from study to study. Both are read off
subsamples of the models that there are, and drawn out to more, where these can tell.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int64, Integer
from scipy import optimize, stats

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids, same_length
from piescope.measure.pies import group_modal_labels

DRAWS = 60
"""Subsamples of a size; all where there are no more than that."""

MOST_SIZES = 12
"""Sizes that are tried between 2 and all."""

RELIABLE = 0.8
"""Subsamples of a larger share of the models have too much in common to show how studies differ."""

FURTHEST = 20
"""How many times the models that there are a count is drawn out to; what lies beyond cannot be told from these."""

FEWEST_DRAWN_OUT = 5
"""Models from which a count is drawn out. Even numbers of models tie, and ties go to the smallest id, so counts zigzag
beside their fall: a law needs three sizes, none of them 2 (two votes are no majority)."""

TWO_SIDED = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class ReplicateCurve:
    """A PIE count as a function of the models of either population.

    Attributes:
        models: ``[sizes]``, of the subsamples, from 2 to all.
        pies: ``[sizes]``, mean count.
        spread: ``[sizes]``, standard deviation over studies with other seeds and the same examples; NaN where
            subsamples cannot tell (nearly all models).
        limit: the count with any number of models, drawn out with a rest that falls as 1 / sqrt(models), the law of a
            vote's noise when models are many.
        limit_low: with a rest that falls as models to the power of -1/4: few models are still far from that law.
        limit_high: with one that falls as 1 / models. Low and high are no interval but two guesses that the truth lay
            between in most simulated studies (tests/oracle/test_replicates.py). All three are NaN where nothing can be
            drawn out.
        spread_law: the spread is ``spread_law[0] * models ** spread_law[1]``.
        reason: why nothing is drawn out; empty where it is.
    """

    models: Int64[np.ndarray, " sizes"]
    pies: Float[np.ndarray, " sizes"]
    spread: Float[np.ndarray, " sizes"]
    limit: float
    limit_low: float
    limit_high: float
    spread_law: tuple[float, float]
    reason: str = ""

    def pies_at(self, models: int) -> float:
        """The mean count with so many models: between sizes that were tried, or drawn out.

        Args:
            models: a side, a whole number from 2.

        Returns:
            PIEs, 0 or more; NaN beyond the models that there are where nothing can be drawn out (`reason`).

        Raises:
            ValueError: fewer models than were tried (of one nobody knows), or no whole number.
        """
        self._check(models)
        if models <= self.models[-1]:
            return float(np.interp(1 / np.sqrt(models), 1 / np.sqrt(self.models[::-1]), self.pies[::-1]))
        share = math.sqrt(self.models[-1] / models)
        return float(self.limit + (self.pies[-1] - self.limit) * share)

    def spread_at(self, models: int) -> float:
        """The standard deviation of the count over studies with so many models; arguments and errors as `pies_at`."""
        self._check(models)
        scale, power = self.spread_law
        return float(scale * models**power)

    def repeat_error_at(self, models: int) -> float:
        """Relative: 95 of 100 studies with so many models have a count within this share of their mean.

        NaN where `pies_at` is, infinite where that is 0; arguments and errors as there.
        """
        count = self.pies_at(models)
        return math.inf if count == 0 else TWO_SIDED * self.spread_at(models) / count

    def error_at(self, models: int) -> float:
        """Relative: 95 of 100 studies with so many models have a count within this share of the limit.

        NaN where the limit is, infinite where that is 0; arguments and errors as `pies_at`.
        """
        off = abs(self.pies_at(models) - self.limit) + TWO_SIDED * self.spread_at(models)
        return math.inf if self.limit == 0 else off / self.limit

    def enough_to_repeat(self, error: float = 0.1) -> int | None:
        """The fewest models with which another study finds the count, within this share; None: over `furthest`.

        Raises:
            ValueError: an error that is negative, NaN or infinite.
        """
        return _fewest(self.repeat_error_at, error, self.furthest)

    @property
    def furthest(self) -> int:
        """The most models that these can speak about: those that there are where nothing can be drawn out."""
        return int(self.models[-1]) * (1 if self.reason else FURTHEST)

    def enough(self, error: float = 0.1) -> int | None:
        """The fewest models with which the count is that of any number of models, within this share, or None.

        Far more than to repeat it, or none at all: with finite numbers of models votes are close on some examples, and
        those count as PIEs. None as well where nothing can be drawn out.

        Raises:
            ValueError: an error that is negative, NaN or infinite.
        """
        return _fewest(self.error_at, error, self.furthest)

    def _check(self, models: int) -> None:
        fewest = self.models[0]
        if not models >= fewest:
            raise ValueError(f"models is {models}; expected {fewest} or more, the fewest that were tried")
        try:
            operator.index(models)
        except TypeError:
            raise ValueError(f"models is {models}; expected a whole number, an int") from None


def _fewest(error_at: Callable[[int], float], error: float, furthest: int) -> int | None:
    if not 0 <= error < math.inf:
        raise ValueError(f"error is {error}; expected a share, 0 or more (0.1 is 10 %)")
    sizes = np.unique(np.geomspace(2, furthest, 200).round().astype(int)).tolist()
    fine = next((place for place, models in enumerate(sizes) if error_at(models) <= error), None)
    if fine is None:
        return None
    between = range(sizes[max(0, fine - 1)] + (fine > 0), sizes[fine] + 1)
    return next(models for models in between if error_at(models) <= error)


def replicate_curve(
    dense: ModelLabels, pruned: Integer[Array, "models examples"], num_classes: int, seed: int = 0
) -> ReplicateCurve:
    """The PIE count with 2 models a population up to all, and what it would be with more.

    Subsamples take the same seeds of both populations, as a smaller study would. Their variance is divided by the
    share of models that a subsample leaves out, since subsamples of a finite number of models have models in common.

    What is random: seeds; the test examples are those that there are. Assumed: beyond the sizes seen, the count
    falls towards its limit as 1 / sqrt(models) and its spread as a power that is fitted; where all examples are about
    equally hard it falls faster, and limits are too low. Not for fewer than 4 models (nothing to see); of 4 the counts
    are told, and nothing is drawn out, as of counts that rise or zigzag (`limit` is NaN, `reason` says why). With
    fewer than about 8 what is drawn out is a guess at the order of magnitude.

    Args:
        dense: ``[models, examples]``, class ids.
        pruned: likewise, with as many models.
        num_classes: classes are ``range(num_classes)``.
        seed: of the subsamples.

    Returns:
        Counts of PIEs (examples) by the number of models a side.

    Raises:
        ValueError: fewer than 4 models, other numbers of models or examples.

    Source: subsampling of Politis and Romano 1994; the finite-population factor is Cochran 1977, section 2.6.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> dense, pruned = ((generator.random((12, 2000)) < 0.2).astype(int) for _ in range(2))
        >>> curve = replicate_curve(dense, pruned, num_classes=2)
        >>> curve.pies_at(3) > curve.pies_at(12) > curve.pies_at(40)
        True
    """
    return Subsamples(dense, num_classes, seed).curve(pruned)


class Subsamples:
    """The dense side, computed once for all arms."""

    def __init__(self, dense: ModelLabels, num_classes: int, seed: int = 0) -> None:
        self._dense = class_ids(dense, "dense", 2, num_classes)
        self._classes = num_classes
        models = len(self._dense)
        if models < 4:
            raise ValueError(
                f"dense holds {models} models; expected at least 4, to see how the count changes with them"
            )
        sizes = np.unique(np.linspace(2, models, min(models - 1, MOST_SIZES)).round().astype(int))
        generator = np.random.default_rng(seed)
        groups = [_subsets(models, int(size), generator) for size in sizes]
        self._sizes, self._counts = sizes, [len(members) for members in groups]
        self._groups = np.concatenate(groups)
        self._modal = group_modal_labels(self._dense, self._groups, num_classes)

    def curve(self, pruned: Integer[Array, "models examples"]) -> ReplicateCurve:
        """The curve of one arm; arguments and errors as `replicate_curve`."""
        labels = class_ids(pruned, "pruned", 2, self._classes)
        same_length(dense=self._dense, pruned=labels)
        if len(labels) != len(self._dense):
            raise ValueError(f"{len(labels)} pruned models and {len(self._dense)} dense ones; expected as many")
        counts = (group_modal_labels(labels, self._groups, self._classes) != self._modal).sum(1)
        parts = np.split(counts, np.cumsum(self._counts)[:-1])
        share = self._sizes / len(labels)
        variance = np.array([part.var(ddof=1) if len(part) > 1 else np.nan for part in parts])
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.where(share <= RELIABLE, np.sqrt(variance / (1 - share)), np.nan)
        pies = np.array([part.mean() for part in parts])
        law = _power_law(self._sizes, spread)
        drawn_out, reason = _drawn_out(self._sizes, pies, law[0] * len(labels) ** law[1])
        return ReplicateCurve(self._sizes.astype(np.int64), pies, spread, *drawn_out, law, reason)


def _subsets(models: int, size: int, generator: np.random.Generator) -> np.ndarray:
    if math.comb(models, size) <= DRAWS:
        chosen = [list(members) for members in combinations(range(models), size)]
    else:
        chosen = [generator.choice(models, size, replace=False).tolist() for _ in range(DRAWS)]
    groups = np.zeros((len(chosen), models), bool)
    np.put_along_axis(groups, np.array(chosen), True, axis=1)
    return groups


def _drawn_out(sizes: np.ndarray, pies: np.ndarray, spread: float) -> tuple[tuple[float, float, float], str]:
    """The limit, a low and a high one; NaN and the reason where there is none.

    Each is that of limit + rest / models ** power, fitted to the larger sizes; neither is negative. Of a count that
    hardly changes any more all three are its mean; of one that rises or zigzags that tells nothing.

    Args:
        sizes: ``[sizes]``, of the subsamples.
        pies: ``[sizes]``, mean counts.
        spread: of the last count over studies.
    """
    nothing = (math.nan, math.nan, math.nan)
    if sizes[-1] < FEWEST_DRAWN_OUT:
        return nothing, f"a count is drawn out from {FEWEST_DRAWN_OUT} models a side, of which here are {sizes[-1]}"
    used = sizes >= min(max(3, sizes[-1] / 3), sizes[-3])  # two votes or three are no majority
    terms = [np.stack([np.ones(used.sum()), sizes[used] ** -power], axis=1) for power in (0.5, 0.25, 1.0)]
    (limit, rest), (low, _), (high, _) = (optimize.nnls(each, pies[used])[0].tolist() for each in terms)
    if rest == 0 and abs(pies[-1] - limit) > spread:
        return nothing, "the count rises or zigzags with more models, so that no law tells where it ends"
    return (limit, low, high), ""


def _power_law(sizes: np.ndarray, spread: np.ndarray) -> tuple[float, float]:
    """Scale and power of the spread; even independent votes' noise falls as models to the power of -1/4."""
    known = np.isfinite(spread) & (spread > 0)
    if not known.any():
        return 0.0, -0.5
    logs, values = np.log(sizes[known]), np.log(spread[known])
    power = float(np.clip(np.polyfit(logs, values, 1)[0], -1.0, -0.25)) if known.sum() > 1 else -0.5
    return float(np.exp((values - power * logs).mean())), power
