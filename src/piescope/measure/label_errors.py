"""Which labels are likely wrong? Where the models confidently see another class: confident learning, with a margin.

Only the dense side is asked. It is the better witness; an example whose label looks wrong only to the compressed models
is what compression harms, and would be hidden by asking them. So label errors and damage can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from piescope.axes import Array, ExampleLabels
from piescope.measure.arrays import class_ids, same_length, to_numpy

LEAST_CONFIDENCE = 0.85
"""No example is suspected below it, however unsure the models are of the class otherwise."""

FEWEST_VOTERS = 5
"""Models that must vote, where there are only labels: with fewer, not even all of them reach `LEAST_CONFIDENCE`."""

LEAST_ACCURACY = 80.0
"""Percent of labels that the models should get right: below, many of what is suspected are errors of the models."""

RULE = (
    "The dense models see another class, with a probability of at least 0.85 and no less than they typically give "
    "to examples of that class that they get right."
)
"""The rule of `suspected` in a sentence."""

SATURATED = 1e-6
"""Probabilities count as no nearer to 0 or 1 than this: beyond it, it is the number format that speaks."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class Thresholds:
    """How sure the models are of each class when they look at examples of it; add the sums of blocks of examples.

    Confident learning takes the mean probability as threshold. That finds most wrong labels, and with them many errors
    of the models: of overconfident models above all, whose errors are confident too. `needed` is stricter: as sure as
    they typically are of examples of the class that they get right (more than half of the probability), where typical
    is the mean of log odds. A model whose logits are too large by some factor is too sure on both sides of that.

    Attributes:
        examples: ``[classes]``, how many have this label.
        probability: ``[classes]``, sum of the probabilities of that label.
        recognised: ``[classes]``, how many of them have more than half of the probability on it.
        log_odds: ``[classes]``, sum of the log odds of the recognised ones.

    Source: Northcutt, Jiang and Chuang 2021, https://doi.org/10.1613/jair.1.12125 (mean probability).

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> found = Thresholds.of(np.array([0.9, 0.96, 0.03, 0.8, 0.6]), labels, num_classes=2)
        >>> found.mean_probability.round(3).tolist(), found.needed.round(3).tolist()
        ([0.63, 0.7], [0.936, 0.85])
    """

    examples: Float[np.ndarray, " classes"]
    probability: Float[np.ndarray, " classes"]
    recognised: Float[np.ndarray, " classes"]
    log_odds: Float[np.ndarray, " classes"]

    @classmethod
    def of(cls, true_probability: Float[Array, " examples"], labels: ExampleLabels, num_classes: int) -> Thresholds:
        """The sums of one block.

        Args:
            true_probability: ``[examples]``, of the given label: a model's, the mean over a population, or of votes
                (`vote_probability`).
            labels: ``[examples]``, the labels as given.
            num_classes: classes are ``range(num_classes)``.

        Raises:
            ValueError: NaN, probabilities outside of 0 to 1, class ids out of range, or other numbers of examples.
        """
        probability = _probabilities(true_probability, "true_probability")
        given = class_ids(labels, "labels", 1, num_classes)
        same_length(true_probability=probability, labels=given)
        right = probability > 0.5
        sure = special.logit(np.clip(probability[right], 0.5, 1 - SATURATED))

        def summed(classes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
            return np.bincount(classes, weights, minlength=num_classes).astype(np.float64)

        return cls(summed(given), summed(given, probability), summed(given[right]), summed(given[right], sure))

    def __add__(self, other: Thresholds) -> Thresholds:
        """The sums over both blocks; ValueError where they have other classes."""
        if self.examples.shape != other.examples.shape:
            raise ValueError(
                f"sums are of {len(self.examples)} and {len(other.examples)} classes; expected the same classes"
            )
        return Thresholds(
            self.examples + other.examples,
            self.probability + other.probability,
            self.recognised + other.recognised,
            self.log_odds + other.log_odds,
        )

    @property
    def mean_probability(self) -> Float[np.ndarray, " classes"]:
        """``[classes]``, confident learning's thresholds, 0 to 1; NaN for a class without examples."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.probability / self.examples)

    @property
    def needed(self) -> Float[np.ndarray, " classes"]:
        """``[classes]``, probability from which another label is suspected to be this class.

        Never below `mean_probability` or `LEAST_CONFIDENCE`; infinite for a class that has no examples, or none that is
        recognised: the models then do not know it.
        """
        with np.errstate(invalid="ignore"):
            typical = special.expit(self.log_odds / self.recognised)
            needed = np.maximum(np.maximum(typical, self.mean_probability), LEAST_CONFIDENCE)
        return np.where(self.recognised > 0, needed, np.inf)


def suspected(
    predicted_label: ExampleLabels, confidence: Float[Array, " examples"], labels: ExampleLabels, thresholds: Thresholds
) -> Bool[np.ndarray, " examples"]:
    """Examples whose label is likely wrong: the models see another class, as surely as they see its own examples.

    An example is suspected when the predicted label is another one and its probability is at least the class's
    `Thresholds.needed`. This is part of what confident learning flags.

    How often it is right depends on how often labels are wrong at all, so rank and look; it is a hint, never a proof.
    In simulations of 10,000 examples of 10 classes, 2 % of labels wrong, models that get 90 % right: 99 % of a
    calibrated model's suspects are wrong labels, and 40 % of all wrong labels are found; with 2.5 times the logits it
    is 90 % and 56 % (confident learning itself: 50 % and 76 %, and 27 % and 90 %). Of votes of 30 models 81 % or more
    and three quarters, of 5 models, by how alike they are, 51 to 84 % and eight in ten. Of 10,000 right labels about
    none, or 10 with 2.5 times the logits, are suspected. Not for models below `LEAST_ACCURACY`: where 60 % of labels
    are right, a third of the suspects are wrong labels, or a fifth. Not for examples that the models were trained on:
    they have learnt the wrong labels. A class that models always take for another looks like wrong labels.

    Args:
        predicted_label: ``[examples]``, class ids: the label with the highest probability.
        confidence: ``[examples]``, its probability, of the same kind as went into the thresholds.
        labels: ``[examples]``, the labels as given.
        thresholds: of all examples.

    Returns:
        ``[examples]``, True where the label is likely wrong.

    Raises:
        ValueError: NaN, probabilities outside of 0 to 1, class ids out of range, or other numbers of examples.

    Source: Northcutt, Jiang and Chuang 2021, https://doi.org/10.1613/jair.1.12125; the margin is ours.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> thresholds = Thresholds.of(np.array([0.9, 0.96, 0.03, 0.95, 0.9, 0.2]), labels, num_classes=2)
        >>> predicted, confidence = np.array([0, 0, 1, 1, 1, 0]), np.array([0.9, 0.96, 0.97, 0.95, 0.9, 0.8])
        >>> suspected(predicted, confidence, labels, thresholds).tolist()
        [False, False, True, False, False, False]
    """
    classes = len(thresholds.examples)
    seen = class_ids(predicted_label, "predicted_label", 1, classes)
    given = class_ids(labels, "labels", 1, classes)
    sure = np.clip(_probabilities(confidence, "confidence"), SATURATED, 1 - SATURATED)
    same_length(predicted_label=seen, confidence=sure, labels=given)
    # the mean probability of a class may lie closer to 1 than any clipped one
    needed = np.where(np.isinf(thresholds.needed), np.inf, np.minimum(thresholds.needed, 1 - SATURATED))
    return np.asarray((seen != given) & (sure >= needed[seen] - ROUNDING))


def vote_probability(share: Float[Array, "*examples"], models: int) -> Float[np.ndarray, "*examples"]:
    """The probability of a label that a share of votes speaks for: Laplace's ``(votes + 1) / (models + 2)``.

    For models of which only labels are known. A vote of one is 2/3, of 3 out of 5 is 0.57, of 5 out of 5 is 0.86, of 30
    out of 30 is 0.97: few models cannot be confident, however united.

    Args:
        share: of the models, 0 to 1, any shape.
        models: how many voted, 1 or more.

    Raises:
        ValueError: NaN, shares outside of 0 to 1, or no models.

    Example:
        >>> vote_probability(np.array([0.6, 1.0]), 5).round(3).tolist()
        [0.571, 0.857]
    """
    if models < 1:
        raise ValueError(f"models is {models}; expected 1 or more")
    return np.asarray((_probabilities(share, "share") * models + 1) / (models + 2))


def _probabilities(values: Any, name: str) -> np.ndarray:
    array = to_numpy(values)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{name} holds {array.dtype}; expected probabilities, floats of 0 to 1")
    # half precision may end a little above 1
    slack = max(SATURATED, 2 * float(np.finfo(array.dtype).eps))
    array = array.astype(np.float64)
    if np.isnan(array).any():
        raise ValueError(f"{int(np.isnan(array).sum())} of {name} are NaN; leave the diverged model out")
    if array.size and (array.min() < -slack or array.max() > 1 + slack):
        raise ValueError(f"{name} lies in {array.min():.6g} to {array.max():.6g}; expected 0 to 1")
    return array
