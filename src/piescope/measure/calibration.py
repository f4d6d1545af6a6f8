"""Does a model know when it is wrong? Expected calibration error and reliability diagrams, summed up block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from piescope.axes import Array
from piescope.measure.arrays import same_length, to_numpy

BINS = 15
"""Of equal width, as in Guo et al. 2017."""

SLACK = 1e-6
"""So far outside of 0 to 1 a rounded probability may lie."""


@dataclass(frozen=True)
class CalibrationSums:
    """What the calibration of some models on some examples comes down to; add the sums of blocks of examples.

    Bins are ``(low, high]`` of equal width, the first with 0. Compared are confidences as they are given: a float32 one
    just above an edge is above it.

    Attributes:
        examples: ``[models, bins]``, how many predictions are so confident.
        confidence: ``[models, bins]``, sum of their confidences.
        right: ``[models, bins]``, how many of them are right.

    Source: Naeini et al. 2015, https://doi.org/10.1609/aaai.v29i1.9602; Guo et al. 2017,
    https://arxiv.org/abs/1706.04599, equation 3.

    Example:
        >>> first = CalibrationSums.of(np.array([[0.9, 0.8]]), np.array([[True, False]]), bins=2)
        >>> second = CalibrationSums.of(np.array([[0.7, 0.3]]), np.array([[True, False]]), bins=2)
        >>> round((first + second).ece, 6)
        17.5
        >>> (first + second).bins[0]
        {'low': 0.0, 'high': 0.5, 'examples': 1.0, 'confidence': 30.0, 'accuracy': 0.0}
    """

    examples: Float[np.ndarray, "models bins"]
    confidence: Float[np.ndarray, "models bins"]
    right: Float[np.ndarray, "models bins"]

    @classmethod
    def of(
        cls, confidence: Float[Array, "models examples"], right: Bool[Array, "models examples"], bins: int = BINS
    ) -> CalibrationSums:
        """The sums of one block.

        Args:
            confidence: ``[models, examples]``, probability of the predicted label, 0 to 1.
            right: ``[models, examples]``, whether that label is the true one.
            bins: of equal width, 1 or more.

        Raises:
            ValueError: NaN, confidences outside of 0 to 1 (percent, logits), other shapes, or no bins.
        """
        stated, happened = to_numpy(confidence), to_numpy(right)
        if stated.ndim != 2 or stated.shape != happened.shape:
            raise ValueError(
                f"confidence has shape {list(stated.shape)} and right {list(happened.shape)}; "
                "expected [models, examples] of both"
            )
        if bins < 1:
            raise ValueError(f"bins is {bins}; expected 1 or more")
        _check(stated, happened)
        models = len(stated)
        # bin i is (edges[i], edges[i + 1]]: as many inner edges lie below the confidence
        inner = np.arange(1, bins) / bins
        cells = (np.searchsorted(inner, stated, side="left") + np.arange(models)[:, None] * bins).ravel()

        def summed(values: np.ndarray | None) -> np.ndarray:
            weights = None if values is None else values.ravel()
            return np.bincount(cells, weights, minlength=models * bins).reshape(models, bins).astype(np.float64)

        return cls(summed(None), summed(stated), summed(happened))

    def __add__(self, other: CalibrationSums) -> CalibrationSums:
        """The sums over both blocks; ValueError where they have other models or bins."""
        if self.examples.shape != other.examples.shape:
            raise ValueError(
                f"sums are [models, bins] = {list(self.examples.shape)} and {list(other.examples.shape)}; "
                "expected blocks of the same models in the same bins"
            )
        return CalibrationSums(
            self.examples + other.examples, self.confidence + other.confidence, self.right + other.right
        )

    @property
    def model_ece(self) -> Float[np.ndarray, " models"]:
        """``[models]``, each model's expected calibration error in percent, 0 to 100; NaN without examples."""
        with np.errstate(invalid="ignore"):
            return np.asarray(100 * np.abs(self.right - self.confidence).sum(1) / self.examples.sum(1))

    @property
    def ece(self) -> float:
        """Mean of the models' expected calibration errors, in percent: that of no ensemble and no pool of them."""
        return float(self.model_ece.mean()) if len(self.examples) else float("nan")

    @property
    def mean_confidence(self) -> float:
        """In percent, over models and examples; above `accuracy`: overconfident. NaN without examples."""
        return _percent(self.confidence.sum(), self.examples.sum())

    @property
    def accuracy(self) -> float:
        """In percent, over models and examples. NaN without examples."""
        return _percent(self.right.sum(), self.examples.sum())

    @property
    def bins(self) -> list[dict[str, float | None]]:
        """The reliability diagram of all models together, a row per bin.

        ``low`` and ``high`` are the bin's edges (0 to 1), ``examples`` how many the average model has there (they sum
        to the number of examples), ``confidence`` and ``accuracy`` their means in percent, None in an empty bin.
        """
        models, bins = self.examples.shape
        sums = zip(self.examples.sum(0), self.confidence.sum(0), self.right.sum(0), strict=True)
        return [
            {
                "low": index / bins,
                "high": (index + 1) / bins,
                "examples": float(count / max(models, 1)),
                "confidence": _percent(confidence, count) if count else None,
                "accuracy": _percent(right, count) if count else None,
            }
            for index, (count, confidence, right) in enumerate(sums)
        ]


def expected_calibration_error(
    confidence: Float[Array, " examples"], right: Bool[Array, " examples"], bins: int = BINS
) -> float:
    """How far one model's confidence is from its accuracy, in percent: 0 (it knows) to 100.

    ``ECE = sum_b n_b / n |accuracy_b - confidence_b|`` over bins of equal width. It is above 0 also for a perfectly
    calibrated model, by about ``40 sqrt(bins / examples)`` percent or less: 1.5 for 15 bins and 10,000 examples.

    Args:
        confidence: ``[examples]``, probability of the predicted label, 0 to 1.
        right: ``[examples]``, whether that label is the true one.
        bins: of equal width, ``(low, high]``.

    Returns:
        percent; NaN without examples.

    Raises:
        ValueError: NaN, confidences outside of 0 to 1, other shapes, or no bins.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3.

    Example:
        >>> round(expected_calibration_error(np.array([0.95, 0.95, 0.6, 0.6]), np.array([1, 1, 1, 0], dtype=bool)), 6)
        7.5
    """
    stated, happened = to_numpy(confidence), to_numpy(right)
    if stated.ndim != 1 or happened.ndim != 1:
        raise ValueError(
            f"confidence has shape {list(stated.shape)} and right {list(happened.shape)}; expected [examples] of both"
        )
    same_length(confidence=stated, right=happened)
    return CalibrationSums.of(stated[None], happened[None], bins).ece


def _check(confidence: np.ndarray, right: np.ndarray) -> None:
    if not np.issubdtype(confidence.dtype, np.floating):
        raise ValueError(f"confidence holds {confidence.dtype}; expected probabilities, floats of 0 to 1")
    if right.dtype != bool and not np.isin(right, (0, 1)).all():
        raise ValueError("right holds other values than 0 and 1; expected True or False per prediction, not labels")
    if not confidence.size:
        return
    low, high = float(confidence.min()), float(confidence.max())
    if np.isnan(low):
        raise ValueError(f"{int(np.isnan(confidence).sum())} confidences are NaN; leave the diverged model out")
    slack = max(SLACK, 2 * float(np.finfo(confidence.dtype).eps))
    if low < -slack or high > 1 + slack:
        raise ValueError(f"confidences lie in {low:.6g} to {high:.6g}; expected 0 to 1, not percent and not logits")


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole else float("nan")
