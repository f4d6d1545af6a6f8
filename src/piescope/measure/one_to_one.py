"""One model against one, on average over all pairs: how many labels flip, and how many would flip by seeds alone.

A vote of several models is better than any of them, so a vote and a single model are not alike: a further model of the
same recipe "loses" against the vote. Alike are single models: the mean over all pairs of a model of one side and one of
the other, with the same mean over pairs within one side beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy import special

from piescope.axes import ModelLabels
from piescope.measure.intervals import CONFIDENCE, combined_variance
from piescope.measure.pies import votes

FEWEST = 3
"""Models of a side below which nothing tells how much its flips vary from model to model."""


Numbers = Float[np.ndarray, "*rows"] | float


class Excess(NamedTuple):
    """Flips of one model against one beyond those that seeds alone make; examples.

    Attributes:
        observed: of the two sides against each other, mean over pairs.
        floor: of the side with several models among itself, mean over pairs.
        value: observed minus floor.
        error: standard error of the value; NaN where it cannot be had.
        freedom: degrees of freedom of its t distribution.
        low: of the value's interval; NaN where it cannot be had.
        high: of the value's interval.
        p_value: of "there are no more (and no fewer) than seeds alone make", two-sided; NaN where it cannot be had.
    """

    observed: float
    floor: float
    value: float
    error: float
    freedom: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class FlipSums:
    """Sums over examples of one kind of flip; sums of disjoint blocks add up with ``+``.

    ``several`` are the models of the side that tells what seeds do, ``others`` those of the other side. The excess of a
    model is its mean over ``several`` minus the mean over pairs among these.

    Attributes:
        examples: how many.
        observed: flips, mean over pairs of one of ``several`` and one of ``others``.
        floor: flips among ``several``, mean over pairs.
        squares: sum over examples of the squared mean excess of ``others``.
        others: ``[others]``, excess of each.
        others_within: sum over examples of the squared deviations of ``others`` from their mean.
        several: ``[models]``, excess of each against the rest, as if it were the other side; NaN for fewer than 3.
        several_within: sum over examples and models of its squares.

    Example:
        >>> dense, copy = np.array([[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 2, 1]]), np.array([[0, 1, 2, 2]])
        >>> found = FlipSums.of_changes(dense, copy, 3)
        >>> round(found.observed, 2), round(found.floor, 2), round(found.excess().value, 2)
        (2.33, 1.33, 1.0)
    """

    examples: int
    observed: float
    floor: float
    squares: float
    others: Float[np.ndarray, " others"]
    others_within: float
    several: Float[np.ndarray, " models"]
    several_within: float

    @staticmethod
    def of_changes(several: ModelLabels, others: Integer[Any, "others examples"], num_classes: int) -> FlipSums:
        """Flips from any label to another one.

        Args:
            several: ``[models, examples]``, class ids.
            others: ``[others, examples]``, class ids.
            num_classes: classes are ``range(num_classes)``.

        Raises:
            ValueError: fewer than 2 models in ``several``, or class ids out of range.
        """
        models = _several(len(np.asarray(several)))
        counted = votes(several, num_classes)
        alike, same = (np.take_along_axis(counted, np.asarray(side).T, axis=1).T for side in (several, others))
        pairs = alike.sum(0) - models  # of models that agree: twice the unordered ones
        floor = 1 - pairs / (models * (models - 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = 1 - (pairs - 2 * (alike - 1)) / ((models - 1) * (models - 2.0))
        return _summed(1 - same / models, floor, 1 - (alike - 1) / (models - 1) - rest)

    @staticmethod
    def of_losses(several: Bool[Any, "models examples"], others: Bool[Any, "others examples"]) -> FlipSums:
        """Flips from right to wrong: one of ``several`` is right and one of ``others`` is wrong.

        Of the other direction (one of ``others`` is right, one of ``several`` is wrong) with both masks turned.

        Args:
            several: who is right.
            others: likewise.

        Raises:
            ValueError: fewer than 2 models in ``several``.
        """
        models = _several(len(several))
        right = several.sum(0, dtype=np.int64)
        left = right - several  # right ones among the rest
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = left * (models - 1 - left) / ((models - 1) * (models - 2.0))
        floor = right * (models - right) / (models * (models - 1))
        return _summed(~others * (right / models), floor, ~several * (left / (models - 1)) - rest)

    def __add__(self, other: FlipSums) -> FlipSums:
        return FlipSums(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})

    def excess(self, confidence: float = CONFIDENCE) -> Excess:
        """Flips beyond those that seeds alone make, with an interval over models and examples.

        One model on the other side is one further run: it may differ from ``several`` as much as any of these differs
        from the rest. Each of them takes its place in turn; their spread ``s`` gives the error of one further run,
        ``s sqrt(1 + 1/models)`` with ``models - 1`` degrees of freedom. The interval is the wider of two: this, over
        runs on these very examples, and the two-way interval over runs and examples
        (`piescope.measure.intervals.combined_variance`); the p-value is the larger of both. Several models on the other
        side: the two-way interval, over the models of both sides and examples.

        What is random: seeds and examples. Assumed: the models of a side are independent runs of one recipe; a copy
        that was made from one of ``several`` is closer to that one, and belongs against it alone.

        Args:
            confidence: two-sided, above 0 and below 1.

        Returns:
            the excess in examples; no interval for fewer than 3 models in ``several``.

        Source: the jackknife of a U-statistic (Arvesen 1969, https://doi.org/10.1214/aoms/1177697287).
        """
        found = self._errors()
        error, freedom = found[0] if len(found) == 1 else wider(*found)
        value = self.observed - self.floor
        reach = float(special.stdtrit(freedom, (1 + confidence) / 2)) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            p_values = [2 * special.stdtr(freedom, -np.abs(value) / error) for error, freedom in found if error > 0]
        p_value = float(max(p_values, default=np.nan))
        return Excess(self.observed, self.floor, value, error, freedom, value - reach, value + reach, p_value)

    def _errors(self) -> list[tuple[float, float]]:
        """Standard errors with their degrees of freedom: one, or those of both intervals."""
        models, others, examples = len(self.several), len(self.others), self.examples
        if models < FEWEST or examples < 2:
            return [(np.nan, np.nan)]
        value = self.observed - self.floor
        over_examples = max(0.0, self.squares - value**2 / examples) * examples / (examples - 1)
        # with a model left out of both its own place and the rest, deviations are models / (models - 1) as large
        scale = ((models - 1) / models) ** 2 / (models - 1) / models
        over_models, both = scale * float((self.several**2).sum()), scale * self.several_within
        if others > 1:
            over_seeds = np.array([over_models, float(self.others.var(ddof=1)) / others])
            both += self.others_within / (others - 1) / others
            variance, freedom = combined_variance(over_examples, float(examples), over_seeds, [models, others], both)
            return [_known(float(variance), float(freedom))]
        run = over_models * (models + 1)
        variance, freedom = combined_variance(
            over_examples, float(examples), np.array([run]), [models], both * (models + 1)
        )
        return [_known(float(variance), float(freedom)), _known(run, models - 1.0)]


def wider(one: tuple[Numbers, Numbers], other: tuple[Numbers, Numbers]) -> Any:
    """Of two standard errors with their degrees of freedom the pair whose 95 % interval is the wider one.

    Args:
        one: ``(error, freedom)``, numbers or arrays; NaN where there is none.
        other: likewise.

    Returns:
        ``(error, freedom)``, number for number.

    Example:
        >>> error, freedom = wider((1.0, 1e6), (0.8, 3.0))
        >>> float(error), float(freedom)
        (0.8, 3.0)
    """
    reaches = [np.nan_to_num(special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error) for error, freedom in (one, other)]
    takes = reaches[1] > reaches[0]
    return tuple(np.where(takes, second, first)[()] for first, second in zip(one, other, strict=True))


def _known(variance: float, freedom: float) -> tuple[float, float]:
    return (float(np.sqrt(variance)), freedom) if variance > 0 else (np.nan, np.nan)


def _several(models: int) -> int:
    if models < 2:
        raise ValueError(f"several holds {models} model; expected at least 2, to compare them with each other")
    return models


def _summed(observed: np.ndarray, floor: np.ndarray, rest: np.ndarray) -> FlipSums:
    """Sums of a block: flips of each of the others, of pairs of several, and the excess of each of several."""
    excess = observed - floor
    mean = excess.mean(0)
    return FlipSums(
        observed.shape[1],
        float(observed.mean(0).sum()),
        float(floor.sum()),
        float((mean**2).sum()),
        excess.sum(1),
        float(((excess - mean) ** 2).sum()),
        rest.sum(1),
        float((rest**2).sum()),
    )
