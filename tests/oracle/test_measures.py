"""PIEs, Q-Score, depth, AUROC against slow loops that share nothing with the code."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from piescope.measure.accuracy import variance_between_classes
from piescope.measure.class_impact import class_counts, same_class_probability
from piescope.measure.overlap import shared_mask
from piescope.measure.pies import modal_label, modal_ties, pie_mask, rescued_mask, votes
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import is_degenerate, q_score
from piescope.measure.ranking import auroc

CLASSES = 4
label_arrays = npst.arrays(np.int64, st.tuples(st.integers(1, 6), st.just(9)), elements=st.integers(0, CLASSES - 1))


def slow_modal(column: Any, largest: bool = False) -> int:
    counts = Counter(int(label) for label in column)
    best = max(counts.values())
    tied = [label for label, count in counts.items() if count == best]
    return max(tied) if largest else min(tied)


@given(label_arrays, label_arrays)
def test_pies_against_loops(dense: np.ndarray, pruned: np.ndarray) -> None:
    columns = [(dense[:, i], pruned[:, i]) for i in range(9)]
    assert pie_mask(dense, pruned, CLASSES).tolist() == [slow_modal(a) != slow_modal(b) for a, b in columns]
    assert modal_label(dense, CLASSES).tolist() == [slow_modal(a) for a, _ in columns]
    assert modal_label(dense, CLASSES, ties="largest").tolist() == [slow_modal(a, largest=True) for a, _ in columns]
    top_two = [sorted(Counter(a.tolist()).values(), reverse=True)[:2] for a, _ in columns]
    assert modal_ties(dense, CLASSES).tolist() == [len(top) == 2 and top[0] == top[1] for top in top_two]
    assert votes(dense, CLASSES).tolist() == [[a.tolist().count(c) for c in range(CLASSES)] for a, _ in columns]


def test_pies_by_hand() -> None:
    one_model = np.array([[0, 1, 2]])
    assert pie_mask(one_model, one_model, 3).tolist() == [False, False, False]
    assert pie_mask(one_model, np.array([[0, 2, 2]]), 3).tolist() == [False, True, False]
    # a tie of 1 and 2 falls to 1: equal to a population that says 1, other than one that says 2
    tie = np.array([[1], [2]])
    assert pie_mask(tie, np.array([[1]]), 3).tolist() == [False]
    assert pie_mask(tie, np.array([[2]]), 3).tolist() == [True]
    # all wrong, and all in another way: every example is a PIE, none is rescued
    truth = np.array([0, 0, 0])
    all_ones, all_twos = np.full((3, 3), 1), np.full((5, 3), 2)
    assert pie_mask(all_ones, all_twos, 3).all()
    assert not rescued_mask(all_ones, all_twos, truth, 3).any()


@given(label_arrays, label_arrays, npst.arrays(np.int64, 9, elements=st.integers(0, CLASSES - 1)))
def test_rescued_against_loops(dense: np.ndarray, pruned: np.ndarray, truth: np.ndarray) -> None:
    expected = [slow_modal(dense[:, i]) != truth[i] and slow_modal(pruned[:, i]) == truth[i] for i in range(9)]
    assert rescued_mask(dense, pruned, truth, CLASSES).tolist() == expected


def slow_q(h: list[float]) -> tuple[float, float, float]:
    length = math.sqrt(sum(x * x for x in h))
    unit = [x / length for x in h]
    mean = sum(unit) / len(unit)
    std = math.sqrt(sum((x - mean) ** 2 for x in unit) / len(unit))
    z = (max(unit) - mean) / std
    l1 = sum(abs(x) for x in unit)
    return z / l1, z, l1


@given(npst.arrays(np.float64, (5, 6), elements=st.floats(0, 100, width=32)))
def test_q_score_against_loops(h: np.ndarray) -> None:
    q, z, l1 = q_score(h)
    degenerate = is_degenerate(h)
    for i, row in enumerate(h.tolist()):
        if max(row) - min(row) <= 1e-15 * max(row):
            assert degenerate[i]
            assert (q[i], z[i]) == (0.0, 0.0)
        elif max(row) - min(row) > 1e-14 * max(row):
            assert not degenerate[i]
            assert (q[i], z[i], l1[i]) == pytest.approx(slow_q(row), rel=1e-6)
        assert np.isfinite([q[i], z[i], l1[i]]).all()


def test_q_score_by_hand() -> None:
    q, z, l1 = q_score(np.array([[0.0, 0.0, 0.0, 2.0]]))
    assert l1[0] == 1.0
    assert z[0] == pytest.approx(math.sqrt(3))  # (1 - 1/4) / sqrt(3/16)
    assert q[0] == pytest.approx(math.sqrt(3))


def test_q_score_is_free_of_scale_even_at_the_ends_of_floating_point() -> None:
    h = np.array([1.0, 2.0, 5.0])
    reference = q_score(h)
    for scale in (1e-300, 1e-30, 1e30, 1e300):
        assert np.allclose(np.stack(q_score(h * scale)), np.stack(reference))


def test_q_score_of_constant_and_zero_representations_is_defined_and_counted() -> None:
    h = np.stack([np.zeros(8), np.full(8, 0.1), np.full(8, 3.0), np.eye(8)[0]])
    q, z, l1 = q_score(h)
    assert is_degenerate(h).tolist() == [True, True, True, False]
    assert q[:3].tolist() == z[:3].tolist() == [0, 0, 0]
    assert l1.tolist() == pytest.approx([0, math.sqrt(8), math.sqrt(8), 1])


def test_rounding_noise_on_a_constant_is_no_spread() -> None:
    h = np.full((1, 128), 0.1, np.float32)
    h[0, 7] = np.nextafter(h[0, 7], np.float32(1))
    assert is_degenerate(h).tolist() == [True]
    assert q_score(h).q[0] == 0
    h[0, 7] = 0.1001
    assert is_degenerate(h).tolist() == [False]


def test_q_score_keeps_leading_axes() -> None:
    h = np.random.default_rng(0).random((3, 4, 16)).astype(np.float32)
    whole = q_score(h)
    assert whole.q.shape == (3, 4)
    assert whole.q[1, 2] == pytest.approx(q_score(h[1, 2]).q)


def slow_depth(column: list[int], target: int, convention: str) -> int:
    if convention == "baldock":
        for start in range(len(column) + 1):
            if all(label == target for label in column[start:]):
                return start
    depth = 1
    for place, label in enumerate(column, start=1):
        if label != target:
            depth = place
    return depth


@settings(max_examples=60)
@given(
    npst.arrays(np.int64, st.tuples(st.integers(1, 16), st.just(7)), elements=st.integers(0, 2)),
    npst.arrays(np.int64, 7, elements=st.integers(0, 2)),
    st.sampled_from(["baldock", "corti2022"]),
)
def test_depth_against_loops(knn: np.ndarray, target: np.ndarray, convention: Any) -> None:
    expected = [slow_depth(knn[:, i].tolist(), int(target[i]), convention) for i in range(7)]
    assert prediction_depth(knn, target, convention).tolist() == expected


def test_depth_by_hand() -> None:
    wrong_everywhere, right_everywhere = [[1], [1], [1]], [[0], [0], [0]]
    first_only, last_only = [[1], [0], [0]], [[0], [0], [1]]
    target = np.array([0])
    for column, baldock, corti in (
        (right_everywhere, 0, 1),
        (first_only, 1, 1),
        (last_only, 3, 3),
        (wrong_everywhere, 3, 3),
    ):
        knn = np.array(column)
        assert prediction_depth(knn, target, "baldock").tolist() == [baldock]
        assert prediction_depth(knn, target, "corti2022").tolist() == [corti]


def test_auroc_against_all_pairs() -> None:
    random = np.random.default_rng(0)
    score = random.integers(0, 5, 40).astype(float)
    event = random.random(40) < 0.3
    pairs = [(a > b) + 0.5 * (a == b) for a in score[event] for b in score[~event]]
    assert auroc(score, event) == pytest.approx(np.mean(pairs))
    assert auroc(score, np.zeros(40, bool)) is None
    assert auroc(score, np.ones(40, bool)) is None


def test_class_counts_and_shared() -> None:
    random = np.random.default_rng(1)
    labels, a, b = random.integers(0, 5, 50), random.random(50) < 0.5, random.random(50) < 0.5
    assert class_counts(a, labels, 5).tolist() == [sum(a[i] and labels[i] == c for i in range(50)) for c in range(5)]
    assert shared_mask([a, b]).tolist() == [bool(a[i] and b[i]) for i in range(50)]


def test_same_class_probability_by_all_pairs() -> None:
    from itertools import combinations

    random = np.random.default_rng(2)
    labels, mask = random.integers(0, 4, 40), random.random(40) < 0.4
    pairs = list(combinations(np.flatnonzero(mask), 2))
    expected = np.mean([labels[a] == labels[b] for a, b in pairs])
    assert same_class_probability(class_counts(mask, labels, 4)) == pytest.approx(expected)
    assert np.isnan(same_class_probability(np.array([1, 0])))


def test_variance_between_classes_is_the_component_of_an_analysis_of_variance() -> None:
    random = np.random.default_rng(3)
    classes = [random.normal(middle, 1 + middle, 25) for middle in (0.0, 0.3, 2.0, 1.0)]
    sizes, totals, squares = (
        np.array([float(of(each)) for each in classes]) for of in (len, np.sum, lambda x: (x**2).sum())
    )
    mean_square = np.mean([each.var(ddof=1) for each in classes])
    expected = (stats.f_oneway(*classes).statistic - 1) * mean_square / 25
    assert variance_between_classes(sizes, totals, squares) == pytest.approx(expected)
    more = [np.append(of, last) for of, last in ((sizes, 1.0), (totals, 9.0), (squares, 81.0))]
    assert variance_between_classes(*more) == pytest.approx(expected), "one example tells no spread"
    assert np.isnan(variance_between_classes(sizes[:1], totals[:1], squares[:1]))
    alike = [
        variance_between_classes(np.full(5, 30.0), own.sum(1), (own**2).sum(1))
        for own in random.normal(size=(400, 5, 30))
    ]
    assert abs(np.mean(alike)) < 4 * np.std(alike) / 20, "0 in the mean where classes are alike"


def test_correlation_and_jaccard_against_scipy_and_sets() -> None:
    from scipy.stats import pearsonr

    from piescope.measure.overlap import chance_jaccard, jaccard
    from piescope.measure.ranking import correlation

    random = np.random.default_rng(3)
    one, other = random.random((2, 30))
    sums = 30, one.sum(), other.sum(), one @ one, other @ other, one @ other
    assert correlation(*sums) == pytest.approx(pearsonr(one, other).statistic)
    assert np.isnan(correlation(30, 30, other.sum(), 30, other @ other, other.sum()))
    left, right = random.random((2, 300, 2000)) < 0.2
    pairs = [(set(np.flatnonzero(a)), set(np.flatnonzero(b))) for a, b in zip(left, right, strict=True)]
    found = [jaccard(len(a & b), len(a), len(b)) for a, b in pairs]
    assert found[0] == pytest.approx(len(pairs[0][0] & pairs[0][1]) / len(pairs[0][0] | pairs[0][1]))
    assert chance_jaccard(400, 400, 2000) == pytest.approx(np.mean(found), rel=0.02)
    assert np.isnan(jaccard(0, 0, 0))


def test_of_many_rows_measures_of_classes_are_those_of_each() -> None:
    random = np.random.default_rng(9)
    sizes, totals, squares = random.integers(0, 5, (3, 2, 30, 6)).astype(float)
    rows = [
        variance_between_classes(*row)
        for row in zip(*(each.reshape(60, 6) for each in (sizes, totals, squares)), strict=True)
    ]
    assert variance_between_classes(sizes, totals, squares).ravel().tolist() == pytest.approx(rows, nan_ok=True)
    sizes[0, 0] = 0, 0, 1, 0, 0, 0
    rows = [same_class_probability(row) for row in sizes.reshape(60, 6)]
    assert same_class_probability(sizes).ravel().tolist() == pytest.approx(rows, nan_ok=True) and np.isnan(rows[0])
