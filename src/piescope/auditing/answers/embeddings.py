"""What compression did to the representations: Q-Score, neighbourhoods, CKA, prediction depth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyarrow import parquet

from piescope.auditing.representations import Points, Represented
from piescope.auditing.tally import Counted
from piescope.measure.neighbours import neighbours_within
from piescope.measure.pies import modal_label
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import is_degenerate, q_score
from piescope.measure.similarity import knn_agreement, linear_cka, neighbourhood_overlap
from piescope.reading.arrow import numpy_of
from piescope.reading.files import fault
from piescope.reading.matching import Matched
from piescope.store.audit_record import BothSides, DepthOfSides, Embeddings, QMeans, QScoreOfSides, QScores

MOST_POINTS = 20_000
"""Examples whose neighbours are looked for, drawn at random where there are more."""

K = 30
OVERLAP_K = 10

ROWS = 2**13


def represent(represented: Represented, counted: Counted, seed: int) -> tuple[Embeddings, dict[str, np.ndarray]]:
    """The answers about representations, and columns for examples.parquet.

    Args:
        represented: of both sides.
        counted: rows, true labels (without them the dense labels vote in kNN), and modal labels.
        seed: of the draw where there are more than 20,000 examples.

    Raises:
        InputError: NaN or infinity among the representations.
    """
    matched = counted.audited.matched
    count, sides = matched.examples, represented.sides
    rows = parquet.read_table(counted.rows, columns=list(sides))
    modal = {side: numpy_of(rows.column(side)).astype(np.int64) for side in sides}
    truth = counted.audited.true_labels(0, count)
    changed = modal["dense"] != modal["compressed"]
    columns, scores = dict[str, np.ndarray](), dict[str, QScores]()
    for side, points in sides.items():
        columns[f"{side}_q"], scores[side] = _q_scores(points, matched, f"{side} embeddings")
    drawn = np.arange(count)
    if count > MOST_POINTS:
        drawn = np.sort(np.random.default_rng(seed).choice(count, MOST_POINTS, replace=False))
    drawn_points = {side: _values(points, matched, f"{side} embeddings", drawn) for side, points in sides.items()}
    voters = (modal["dense"] if truth is None else truth)[drawn]
    k = min(K, len(drawn) - 1)
    cka = linear_cka(drawn_points["dense"], drawn_points["compressed"]) if len(drawn) > 3 else None
    overlap, agreement, accuracy = _neighbours(drawn_points, voters, k, truth is not None)
    depths = _depths(represented, matched, voters, modal, drawn, k, columns) if all(represented.layers) and k else None
    embeddings = Embeddings(
        dims=(represented.dense.dims, represented.compressed.dims),
        examples=len(drawn),
        k=k,
        overlap_k=min(OVERLAP_K, k),
        cka=cka,
        neighbourhood_overlap=overlap,
        knn_agreement=agreement,
        knn_accuracy=accuracy,
        q_score=QScoreOfSides(**scores, changed=_q_means(columns, changed), other=_q_means(columns, ~changed)),
        prediction_depth=depths,
    )
    return embeddings, columns


def _neighbours(
    points: Mapping[str, np.ndarray], voters: np.ndarray, k: int, has_truth: bool
) -> tuple[float | None, float | None, BothSides | None]:
    """How many neighbours stay, how often they vote alike, and how often they are right."""
    if k < 1:
        return None, None, None
    overlap = neighbourhood_overlap(points["dense"], points["compressed"], min(OVERLAP_K, k)).mean()
    dense, compressed = knn_agreement(points["dense"], points["compressed"], voters, k)
    right = [100 * float((labels == voters).mean()) for labels in (dense, compressed)]
    accuracy = BothSides(dense=right[0], compressed=right[1]) if has_truth else None
    return float(overlap), 100 * float((dense == compressed).mean()), accuracy


def _q_scores(points: Points, matched: Matched, name: str) -> tuple[np.ndarray, QScores]:
    q = np.zeros(matched.examples)
    sums, degenerate = np.zeros(3), 0
    for start in range(0, matched.examples, ROWS):
        stop = min(start + ROWS, matched.examples)
        values = _values(points, matched, name, slice(start, stop))
        scores = q_score(values)
        q[start:stop] = scores.q
        sums += [float(part.sum()) for part in scores]
        degenerate += int(is_degenerate(values).sum())
    mean = sums / max(1, matched.examples)
    return q, QScores(q=float(mean[0]), z=float(mean[1]), l1=float(mean[2]), degenerate=degenerate)


def _q_means(columns: Mapping[str, np.ndarray], mask: np.ndarray) -> QMeans:
    return QMeans(dense=_mean(columns["dense_q"][mask]), compressed=_mean(columns["compressed_q"][mask]))


def _values(points: Points, matched: Matched, name: str, which: slice | np.ndarray) -> np.ndarray:
    order = matched.rows[name]
    rows: slice | np.ndarray = which if order is None else order[which]
    with np.errstate(over="ignore"):
        values = points.array.part(rows).astype(np.float32)
    points.array.release()
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        row = int(which[row]) if isinstance(which, np.ndarray) else row + which.start
        raise fault(
            points.source,
            f"example {matched.identity(row)}",
            "NaN or infinity",
            "finite numbers",
            "leave the diverged model out",
        )
    return values


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _depths(
    represented: Represented,
    matched: Matched,
    voters: np.ndarray,
    modal: Mapping[str, np.ndarray],
    drawn: np.ndarray,
    k: int,
    columns: dict[str, np.ndarray],
) -> DepthOfSides:
    """Depth at which kNN at each layer gives the side's own label and keeps giving it (Baldock et al. 2021)."""
    changed = (modal["dense"] != modal["compressed"])[drawn]
    means = list[tuple[float | None, float | None, float | None]]()
    for side, layers in zip(("dense", "compressed"), represented.layers, strict=True):
        values = (_values(points, matched, f"{side} layer {place}", drawn) for place, points in enumerate(layers))
        depth = prediction_depth(np.stack([_near_labels(near, voters, k) for near in values]), modal[side][drawn])
        columns[f"{side}_depth"] = np.full(matched.examples, np.nan)
        columns[f"{side}_depth"][drawn] = depth
        means.append((_mean(depth), _mean(depth[changed]), _mean(depth[~changed])))
    every, of_changed, of_other = (BothSides(dense=one, compressed=two) for one, two in zip(*means, strict=True))
    count, both = len(represented.layers[0]), {"dense": every.dense, "compressed": every.compressed}
    return DepthOfSides(layers=count, changed=of_changed, other=of_other, **both)


def _near_labels(points: np.ndarray, voters: np.ndarray, k: int) -> np.ndarray:
    """``[examples]`` the label of most of the k nearest other examples."""
    return modal_label(voters[neighbours_within(points, k)].T, int(voters.max()) + 1)
