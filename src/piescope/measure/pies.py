"""What is a PIE? Pruning Identified Exemplars by modal label (Hooker et al. 2019)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer, Shaped

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids, same_length

BLOCK = 2**22
"""Votes that are held at once, so that memory does not grow with examples, classes or groups."""

EXACT_IN_FLOAT32 = 2**24


def votes(predictions: ModelLabels, num_classes: int) -> Int64[np.ndarray, "examples classes"]:
    """How many models of a population give each label to each example.

    Args:
        predictions: ``[models, examples]``, class ids.
        num_classes: classes are ``range(num_classes)``.

    Returns:
        ``[examples, classes]`` counts; each row sums to the number of models.

    Raises:
        ValueError: no models, or class ids out of range.

    Example:
        >>> votes(np.array([[0, 1], [0, 2], [1, 2]]), 3).tolist()
        [[2, 1, 0], [0, 1, 2]]
    """
    labels = class_ids(predictions, "predictions", 2, num_classes)
    models, examples = labels.shape
    if models == 0:
        raise ValueError("predictions hold no models; expected [models, examples] with at least one model")
    cells = labels + np.arange(examples) * num_classes
    return np.bincount(cells.ravel(), minlength=examples * num_classes).reshape(examples, num_classes)


def modal_label(
    predictions: ModelLabels, num_classes: int, ties: Literal["smallest", "largest"] = "smallest"
) -> Int64[np.ndarray, " examples"]:
    """The label that most models of a population give to each example.

    Args:
        predictions: ``[models, examples]``, class ids.
        num_classes: classes are ``range(num_classes)``.
        ties: which of equally frequent labels wins: the smallest id (the paper's code) or the largest (Hooker et al.).

    Returns:
        ``[examples]``, class ids.

    Raises:
        ValueError: no models, class ids out of range, or an unknown rule for ties.

    Source: Corti et al. 2022, section 2, y^M_{i,t}.

    Example:
        >>> modal_label(np.array([[0, 1], [0, 2]]), 3).tolist()
        [0, 1]
        >>> modal_label(np.array([[0, 1], [0, 2]]), 3, ties="largest").tolist()
        [0, 2]
    """
    counts = votes(predictions, num_classes)
    if ties == "smallest":
        return counts.argmax(1)
    if ties == "largest":
        return num_classes - 1 - counts[:, ::-1].argmax(1)
    raise ValueError(f"ties is {ties!r}; expected 'smallest' or 'largest'")


def group_modal_labels(
    predictions: ModelLabels, groups: Shaped[Array, "groups models"], num_classes: int
) -> Integer[np.ndarray, "groups examples"]:
    """The modal label of each example in many groups of models at once; ties go to the smallest class id.

    Args:
        predictions: ``[models, examples]``, class ids.
        groups: how often each model counts in each group: whole numbers, 0 for models that are not in it.
        num_classes: classes are ``range(num_classes)``.

    Returns:
        ``[groups, examples]``, class ids; 0 where a group is empty.

    Raises:
        ValueError: class ids out of range, or groups of other models.

    Example:
        >>> group_modal_labels(np.array([[0, 1], [1, 1], [1, 0]]), np.array([[1, 1, 1], [3, 0, 0]]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    labels = class_ids(predictions, "predictions", 2, num_classes)
    models, examples = labels.shape
    counts = np.asarray(groups, np.float32)
    if counts.ndim != 2 or counts.shape[1] != models:
        raise ValueError(f"groups have shape {list(counts.shape)}; expected [groups, {models}], a column per model")
    if 0 < models < num_classes:  # then each example has at most so many labels: votes are counted for those alone
        ranks, held = _ranked(labels)
        modal = held[group_modal_labels(ranks, counts, models), np.arange(examples)]
        modal[counts.sum(1) == 0] = 0
        return modal.astype(np.uint8 if num_classes <= 256 else np.int32)
    modal = np.zeros((len(counts), examples), np.uint8 if num_classes <= 256 else np.int32)
    # votes * classes + (the smaller the id, the more): its largest over classes holds the modal label, ties resolved
    tie_break = np.arange(num_classes - 1, -1, -1, dtype=np.float32)[:, None]
    if counts.sum(1).max(initial=0) * num_classes >= EXACT_IN_FLOAT32:
        raise ValueError(f"{num_classes} classes times the models of a group; expected below {EXACT_IN_FLOAT32:,}")
    weights = np.concatenate([counts * num_classes, np.ones((len(counts), 1), np.float32)], axis=1)
    block = max(1, BLOCK // ((models + 1) * num_classes))
    rows = max(1, BLOCK // (num_classes * min(block, examples or 1)))
    for start in range(0, examples, block):
        part = labels[:, start : start + block]
        width = part.shape[1]
        voted = np.zeros((models + 1, num_classes, width), np.float32)
        voted[np.arange(models)[:, None], part, np.arange(width)] = 1
        voted[models] = tie_break
        flat = voted.reshape(models + 1, -1)
        for row in range(0, len(counts), rows):
            best = (weights[row : row + rows] @ flat).reshape(-1, num_classes, width).max(1)
            modal[row : row + rows, start : start + block] = num_classes - 1 - np.mod(best, num_classes)
    return modal


def _ranked(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of each example's labels among those that it has, in their order; and the label of each rank, or 0."""
    order = labels.argsort(axis=0)
    ordered = np.take_along_axis(labels, order, 0)
    steps = np.zeros_like(labels)
    np.cumsum(ordered[1:] != ordered[:-1], axis=0, out=steps[1:])
    ranks, held = np.empty_like(labels), np.zeros_like(labels)
    np.put_along_axis(ranks, order, steps, 0)
    np.put_along_axis(held, steps, ordered, 0)
    return ranks, held


def vote_margin(predictions: ModelLabels, num_classes: int) -> Float[np.ndarray, " examples"]:
    """Share of models for the modal label minus share for the runner-up: 0 (a tie) to 1 (all of one mind).

    Example:
        >>> vote_margin(np.array([[0, 1], [0, 1], [0, 2], [1, 2]]), 3).tolist()
        [0.5, 0.0]
    """
    counts = votes(predictions, num_classes)
    if num_classes == 1:
        return np.ones(len(counts))
    top = np.partition(counts, num_classes - 2, axis=1)[:, -2:]
    return (top[:, 1] - top[:, 0]) / counts.sum(1)


def vote_entropy(predictions: ModelLabels, num_classes: int) -> Float[np.ndarray, " examples"]:
    """Entropy of the votes in bits: 0 (all of one mind) to log2(min(classes, models)); high: models disagree.

    Of the votes as counted, which few models understate: compare it between populations of one size only.

    Example:
        >>> vote_entropy(np.array([[0, 1], [0, 2]]), 3).tolist()
        [0.0, 1.0]
    """
    counts = votes(predictions, num_classes)
    share = counts / counts.sum(1, keepdims=True)
    return np.abs(np.where(counts > 0, share * np.log2(np.where(counts > 0, share, 1.0)), 0.0).sum(1))


def modal_ties(predictions: ModelLabels, num_classes: int) -> Bool[np.ndarray, " examples"]:
    """Examples whose modal label is shared with another, so that the rule for ties decided.

    Example:
        >>> modal_ties(np.array([[0, 1], [0, 2]]), 3).tolist()
        [False, True]
    """
    counts = votes(predictions, num_classes)
    return (counts == counts.max(1, keepdims=True)).sum(1) > 1


def pie_mask(
    dense: ModelLabels, pruned: Integer[Array, "other examples"], num_classes: int
) -> Bool[np.ndarray, " examples"]:
    """Pruning Identified Exemplars: examples whose modal label differs between two populations.

    Args:
        dense: ``[models, examples]``, class ids of the unpruned population.
        pruned: ``[other, examples]``, class ids of the pruned one; the populations may differ in size.
        num_classes: classes are ``range(num_classes)``.

    Returns:
        ``[examples]``, True for a PIE. Ties go to the smallest class id on both sides.

    Raises:
        ValueError: other numbers of examples, an empty population, or class ids out of range.

    Source: Corti et al. 2022, equation 1; Hooker et al. 2019, https://arxiv.org/abs/1911.05248.

    Example:
        >>> dense = np.array([[0, 1, 2], [0, 1, 2], [0, 0, 2]])
        >>> pruned = np.array([[0, 0, 2], [1, 0, 2], [0, 1, 1]])
        >>> pie_mask(dense, pruned, num_classes=3).tolist()
        [False, True, False]
    """
    same_length(dense=class_ids(dense, "dense", 2), pruned=class_ids(pruned, "pruned", 2))
    return modal_label(dense, num_classes) != modal_label(pruned, num_classes)


def taxicab_distance(
    dense: ModelLabels, pruned: Integer[Array, "other examples"], num_classes: int
) -> Float[np.ndarray, " examples"]:
    """How far apart the votes of two populations are, whichever label leads: 0 (alike) to 2 (no label in common).

    ``sum_c |share of dense models for c - share of pruned models for c|``. Two populations of few models are apart by
    luck alone: compare it with that of two dense populations of as many models.

    Source: Hooker et al. 2019, https://arxiv.org/abs/1911.05248.

    Example:
        >>> taxicab_distance(np.array([[0, 1], [0, 1]]), np.array([[0, 0], [1, 0]]), 2).tolist()
        [1.0, 2.0]
    """
    same_length(dense=class_ids(dense, "dense", 2), pruned=class_ids(pruned, "pruned", 2))
    counts = [votes(side, num_classes) for side in (dense, pruned)]
    shares = [side / side.sum(1, keepdims=True) for side in counts]
    return np.asarray(np.abs(shares[0] - shares[1]).sum(1))


def rescued_mask(
    dense: ModelLabels, pruned: Integer[Array, "other examples"], labels: Integer[Array, " examples"], num_classes: int
) -> Bool[np.ndarray, " examples"]:
    """Examples that the dense population gets wrong and the pruned one right, by modal label (the paper's Figure 6).

    Example:
        >>> rescued_mask(np.array([[1, 1]]), np.array([[0, 1]]), np.array([0, 1]), 2).tolist()
        [True, False]
    """
    truth = class_ids(labels, "labels", 1, num_classes)
    same_length(labels=truth, dense=class_ids(dense, "dense", 2), pruned=class_ids(pruned, "pruned", 2))
    return (modal_label(dense, num_classes) != truth) & (modal_label(pruned, num_classes) == truth)
