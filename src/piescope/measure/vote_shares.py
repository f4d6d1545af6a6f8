"""How do all models of a kind vote on an example? The distribution of their shares, by maximum likelihood.

Votes of few models look firmer or looser than those of all: five that agree may be luck, and so may three against two.
What all examples show together says how often: where none is on the edge, three against two is luck, too.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from piescope.axes import ModelLabels
from piescope.measure.arrays import class_ids
from piescope.measure.modal_chances import modal_chances
from piescope.measure.pies import votes

STEPS = 1000
"""Of expectation and maximisation; the sums that are asked for hardly move after it."""

LIKELIEST = np.concatenate([1 - np.geomspace(1e-4, 0.02, 6), 1 - np.linspace(0.03, 0.7, 24)])
"""Shares of the likeliest label that are thought of."""

SECOND = (1.0, 0.75, 0.5)
"""Shares of the rest that the second label has; the others have what is left in equal parts."""

MOST_LABELS = 6
"""Of which chances to be modal are computed, the likeliest two among them; more hardly ever win."""

NEGLIGIBLE = 1e-8
"""A chance that is none."""

FINE = 10**6
"""Votes in which shares are written for `modal_chances`."""


def expected_disagreement(
    labels: ModelLabels, num_classes: int, sizes: tuple[int, int]
) -> Float[np.ndarray, " examples"]:
    """The chance that two groups of further models have different modal labels, of each example.

    Examples are taken as drawn from one distribution of shares: that of the likeliest label, of the second, and of all
    others in equal parts. It is the one on a grid under which the votes that were seen are likeliest; an example's
    chance is its mean given the example's own votes, so their sum is what the distribution says of all.

    In simulations the sum is right to 10 % from 5 models on, also where no example is near the edge, and varies 1.2 to
    1.5 times as much as the jackknife's (docs/signal.md).

    Args:
        labels: ``[models, examples]``, class ids.
        num_classes: classes are ``range(num_classes)``.
        sizes: models of the two groups.

    Returns:
        ``[examples]``, 0 to 1.

    Raises:
        ValueError: fewer than 2 models or classes, no examples, or class ids out of range.

    Source: Kiefer and Wolfowitz 1956, https://doi.org/10.1214/aoms/1177728066 (the likelihood of a mixture); Dempster,
    Laird and Rubin 1977 (the steps); Robbins 1956 (an example's mean given its votes).

    Example:
        >>> generator = np.random.default_rng(0)
        >>> labels = (generator.random((5, 4000)) < generator.uniform(0, 0.3, 4000)).astype(int)
        >>> bool(0.07 < expected_disagreement(labels, 2, (5, 5)).mean() < 0.1)  # 0.08 of all models
        True
    """
    given = class_ids(labels, "labels", 2, num_classes)
    if len(given) < 2 or num_classes < 2 or not given.shape[1]:
        found = f"labels are {list(given.shape)} of {num_classes} classes"
        raise ValueError(f"{found}; expected at least 2 models, an example and 2 classes")
    cast = votes(given, num_classes)
    order = np.argsort(-cast, axis=1, kind="stable")
    ranked = np.take_along_axis(cast, order, axis=1)
    ranked = ranked[:, : max(2, int((ranked > 0).sum(1).max()))]
    # how likely the first label has the smaller id of the two, to which ties go
    is_smaller = np.where(ranked[:, 1] > 0, order[:, 0] < order[:, 1], 1 - order[:, 0] / (num_classes - 1))
    patterns, kind, counts = np.unique(ranked, axis=0, return_inverse=True, return_counts=True)
    shapes = _shapes(num_classes)
    likely = _likelihoods(patterns, shapes, num_classes)
    weights = np.full(len(shapes), 1 / len(shapes))
    for _ in range(STEPS):
        weights = weights * (counts / (likely @ weights) @ likely) / counts.sum()
    given_votes = likely * weights / (likely @ weights)[:, None]
    smaller, larger = (given_votes @ _differ(shapes, num_classes, sizes, place) for place in (0, 1))
    kind = kind.reshape(-1)
    found = is_smaller * smaller[kind] + (1 - is_smaller) * larger[kind]
    return np.where(found < NEGLIGIBLE, 0.0, found)


def _shapes(classes: int) -> Float[np.ndarray, "shapes 3"]:
    """Shares of the first label, the second, and all others together; none of these is above the second's."""
    first, of_rest = (grid.ravel() for grid in np.meshgrid(LIKELIEST, SECOND, indexing="ij"))
    second = np.minimum((1 - first) * of_rest, first)
    others = 1 - first - second
    possible = others <= 1e-9 if classes == 2 else others / (classes - 2) <= second + 1e-9
    return np.unique(np.stack([first, second, np.maximum(others, 0.0)], axis=1)[possible].round(9), axis=0)


def _likelihoods(
    patterns: Int64[np.ndarray, "patterns places"], shapes: np.ndarray, classes: int
) -> Float[np.ndarray, "patterns shapes"]:
    """Of votes, the most frequent label first: any two labels, also those without a vote, may be the likeliest two."""
    with np.errstate(divide="ignore"):
        first, second, other = np.log(shapes[:, 0]), np.log(shapes[:, 1]), np.log(shapes[:, 2] / max(classes - 2, 1))
    other = np.maximum(other, -1e3)  # of two classes there are no others, and no votes for them
    width, models = patterns.shape[1], patterns[0].sum()
    unseen = classes - (patterns > 0).sum(1)
    likely = np.zeros((len(patterns), len(shapes)))
    padded = np.concatenate(
        [patterns, np.zeros((len(patterns), 1), np.int64)], axis=1
    )  # the last place: without a vote
    for one in range(width + 1):
        for two in range(width + 1):
            if one == two < width:
                continue
            ways = unseen * (unseen - 1) if one == two else unseen if width in (one, two) else np.ones_like(unseen)
            is_there = [(padded[:, place] > 0) | (place == width) for place in (one, two)]
            some = np.flatnonzero(is_there[0] & is_there[1] & (ways > 0))
            of_one, of_two = padded[some, one, None], padded[some, two, None]
            power = of_one * first + of_two * second + (models - of_one - of_two) * other
            likely[some] += ways[some, None] * np.exp(power)
    return likely


def _differ(shapes: np.ndarray, classes: int, sizes: tuple[int, int], place: int) -> Float[np.ndarray, " shapes"]:
    """The chance that the modal labels of two groups differ, the likeliest label first by its id, or second."""
    count = min(classes, MOST_LABELS)
    shares = np.zeros((len(shapes), count))
    shares[:, place], shares[:, 1 - place] = shapes[:, 0], shapes[:, 1]
    shares[:, 2:] = shapes[:, 2:] / max(count - 2, 1)
    one, other = (modal_chances(np.rint(shares * FINE).astype(np.int64), size) for size in sizes)
    return np.asarray(1 - (one * other).sum(1))
