"""How likely is each label to be the one that most of K models give, when each model votes as a population does?

A modal label jumps when one vote more decides it; its chance does not. So what would be with other models of the same
kind can be computed instead of drawn, and a model's weight in it is a smooth number.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer
from scipy import stats

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids
from piescope.measure.pies import pie_mask, votes

BLOCK = 2**17
"""Numbers of a kind that are held at once: no more than a cache takes."""

NEGLIGIBLE = 1e-14
"""A chance that is left out."""


def modal_chances(counts: Integer[Array, "rows classes"], models: int) -> Float[np.ndarray, "rows classes"]:
    """The chance of each label to be the modal one of so many independent models that vote by these shares.

    Exact up to rounding, for the rule of ties of `modal_label` (the smallest id wins). Votes for classes are taken as
    independent Poisson counts, given their sum: label c wins with m votes where none before it has as many and none
    behind it more.

    Args:
        counts: ``[rows, classes]``, votes; a row's shares are its votes over their sum.
        models: 1 or more.

    Returns:
        ``[rows, classes]``; rows sum to 1. The time grows with rows x classes with votes x models ** 3.

    Raises:
        ValueError: no models, or a row without votes.

    Source: Poissonisation of the multinomial (Levin 1981, https://doi.org/10.1214/aos/1176345593).

    Example:
        >>> modal_chances(np.array([[1, 1], [2, 1]]), models=2).round(3).tolist()
        [[0.75, 0.25], [0.889, 0.111]]
    """
    votes_of = np.asarray(counts, np.int64)
    if models < 1 or (votes_of.sum(1) < 1).any():
        raise ValueError(f"{models} models, and rows of {votes_of.sum(1).min(initial=0)} votes; expected 1 or more")
    order = np.argsort(votes_of == 0, axis=1, kind="stable")[:, : int((votes_of > 0).sum(1).max(initial=1))]
    held, chances = np.take_along_axis(votes_of, order, 1), np.zeros(votes_of.shape)
    alike = np.argsort((held / held.sum(1, keepdims=True)).max(1), kind="stable")
    for block in np.array_split(alike, max(1, len(alike) * order.shape[1] * models // BLOCK)):
        found = np.zeros((len(block), votes_of.shape[1]))
        np.put_along_axis(found, order[block], _chances(held[block], models), 1)
        chances[block] = found
    return chances


def _chances(counts: np.ndarray, models: int) -> np.ndarray:
    classes = counts.shape[1]
    rates = counts.T * (models / counts.sum(1))
    likely = stats.poisson.pmf(np.arange(models + 1)[:, None, None], rates)  # [votes, classes, rows]
    top, found = rates.max(0), np.zeros(rates.shape)
    enough = stats.poisson.cdf(np.arange(models + 1), top.min()) > NEGLIGIBLE  # the largest count is hardly ever less
    possible = likely.sum(1).max(1) > NEGLIGIBLE
    for most in np.flatnonzero(enough & possible & (np.arange(models + 1) * classes >= models)).tolist():
        rest = models - most + 1  # others have 0 to models - most votes together
        nothing = np.zeros((rest, len(counts)))
        nothing[0] = 1.0
        before = [nothing]  # those with smaller ids may not have as many
        for label in range(classes - 1):
            before.append(_added(before[-1], likely[:most, label]))
        behind = nothing
        for label in range(classes - 1, -1, -1):
            found[label] += likely[most, label] * np.einsum("vr,vr->r", before[label], behind[::-1])
            behind = _added(behind, likely[: most + 1, label])
    return np.asarray((found / found.sum(0)).T)


def _added(chances: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """Chances of each sum of votes, ``[sums, rows]``, with another class's votes added; larger sums are left out."""
    sums = chances * likely[0]
    for votes_of_class in range(1, min(len(likely), len(chances))):
        sums[votes_of_class:] += likely[votes_of_class] * chances[:-votes_of_class]
    return np.asarray(sums)


def _kinds(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows of counts, and which of them each row is. `numpy.unique` along an axis is slow."""
    base = int(rows.max(initial=0)) + 1
    key = np.zeros(len(rows), np.int64)
    for column in rows.T:
        if key.max(initial=0) >= 2**62 // base:
            key = np.unique(key, return_inverse=True)[1]
        key = key * base + column
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    return rows[first], kind


class ModalChances:
    """The modal label of so many models that vote as a population does: its chances, also with a model left out.

    Example:
        >>> chances = ModalChances(np.array([[0, 1], [0, 1], [1, 1]]), num_classes=2, models=1)
        >>> chances.whole.round(2).tolist(), chances.without(2).tolist()
        ([[0.67, 0.33], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    """

    def __init__(self, predictions: ModelLabels, num_classes: int, models: int) -> None:
        labels = class_ids(predictions, "predictions", 2, num_classes)
        counts = votes(labels, num_classes)
        order = np.argsort(counts == 0, axis=1, kind="stable")
        # which class a vote is for matters for nothing but ties
        kinds, self._kind = _kinds(np.take_along_axis(counts, order, 1))
        self._order = order[:, : int((kinds > 0).sum(1).max(initial=1))]
        kinds = kinds[:, : self._order.shape[1]]
        self._classes, self._whole = num_classes, modal_chances(kinds, models)
        self._lost = None
        if len(labels) > 1:
            row, place = np.nonzero(kinds)
            fewer = kinds[row]
            fewer[np.arange(len(row)), place] -= 1
            self._fewer, lost = modal_chances(fewer, models), np.zeros(kinds.shape, np.int64)
            lost[row, place] = np.arange(len(row))
            rank = (self._order == labels[..., None]).argmax(-1)
            self._lost = lost[self._kind, rank]

    def _placed(self, chances: np.ndarray) -> np.ndarray:
        placed = np.zeros((len(chances), self._classes))
        np.put_along_axis(placed, self._order, chances, 1)
        return placed

    @property
    def whole(self) -> Float[np.ndarray, "examples classes"]:
        """``[examples, classes]``, by the votes of all models."""
        return self._placed(self._whole[self._kind])

    def without(self, model: int) -> Float[np.ndarray, "examples classes"]:
        """Likewise, by the votes of all others; an only model stays, as there are no others."""
        return self.whole if self._lost is None else self._placed(self._fewer[self._lost[model]])


def disagreement(
    one: Float[Array, "examples classes"], other: Float[Array, "examples classes"]
) -> Float[np.ndarray, " examples"]:
    """``[examples]``, the chance that two independent groups have different modal labels, from the chances of each.

    Example:
        >>> disagreement(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).tolist()
        [1.0, 0.5]
    """
    return np.asarray(1.0 - (np.asarray(one) * np.asarray(other)).sum(-1))


def varied_pies(
    dense: tuple[np.ndarray, ModalChances], pruned: tuple[np.ndarray, ModalChances], num_classes: int, seeds: int
) -> Float[np.ndarray, "rows examples"]:
    """PIEs of each example as observed (1 or 0), and without each seed, for `smooth_interval`.

    Model k of both populations is of seed k. What moves without it is the chance of being a PIE, which does not jump;
    seeds that neither population has move nothing.

    Args:
        dense: ``[models, examples]``, and the chances of as many models.
        pruned: likewise.
        num_classes: classes are ``range(num_classes)``.
        seeds: rows after the first.

    Example:
        >>> before, after = np.array([[0, 1], [0, 1], [0, 1]]), np.array([[0, 1], [1, 1], [1, 1]])
        >>> sides = [(labels, ModalChances(labels, 2, 3)) for labels in (before, after)]
        >>> varied_pies(sides[0], sides[1], num_classes=2, seeds=3).round(2).tolist()
        [[1.0, 0.0], [1.26, 0.0], [0.76, 0.0], [0.76, 0.0]]
    """
    rows = [pie_mask(dense[0], pruned[0], num_classes).astype(np.float64)]
    chance = disagreement(dense[1].whole, pruned[1].whole)
    for seed in range(seeds):
        one, other = (
            chances.without(seed) if seed < len(labels) else chances.whole for labels, chances in (dense, pruned)
        )
        rows.append(rows[0] + disagreement(one, other) - chance)
    return np.stack(rows)
