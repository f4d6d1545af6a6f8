"""Linear CKA against the examples x examples formula, neighbours against scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from piescope.measure import neighbours, similarity
from piescope.measure.neighbours import neighbours_within
from piescope.measure.similarity import knn_agreement, linear_cka, neighbourhood_overlap


def slow_hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
    """Song et al.'s unbiased estimate from two kernel matrices."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    ones = np.ones(n)
    inner = np.trace(k @ l)
    inner += (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
    inner -= 2 / (n - 2) * (ones @ k @ l @ ones)
    return float(inner / (n * (n - 3)))


def slow_biased_hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
    n = len(k)
    centring = np.eye(n) - 1 / n
    return float(np.trace(k @ centring @ l @ centring) / (n - 1) ** 2)


def slow_cka(one: np.ndarray, other: np.ndarray, debiased: bool) -> float:
    hsic = slow_hsic if debiased else slow_biased_hsic
    k, l = one @ one.T, other @ other.T  # noqa: E741
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def related(random: np.random.Generator, examples: int, dims: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    hidden = random.normal(size=(examples, 5))
    one = np.maximum(0, hidden @ random.normal(size=(5, dims))) + 0.5 * random.normal(size=(examples, dims))
    other = np.maximum(0, hidden @ random.normal(size=(5, others))) + 0.5 * random.normal(size=(examples, others)) + 2
    return one, other


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize(
    ("examples", "dims", "others"), [(4, 2, 3), (50, 10, 7), (50, 100, 90), (30, 2, 400), (300, 20, 20)]
)
def test_cka_against_the_kernel_matrices(debiased: bool, examples: int, dims: int, others: int) -> None:
    for seed in range(5):
        one, other = related(np.random.default_rng(seed), examples, dims, others)
        assert linear_cka(one, other, debiased) == pytest.approx(slow_cka(one, other, debiased), abs=1e-10)
        assert linear_cka(other, one, debiased) == pytest.approx(linear_cka(one, other, debiased), abs=1e-12)


def test_hsic_is_unbiased_where_all_quadruples_are_counted() -> None:
    """Song et al.'s estimate is the mean over all ordered quadruples of different examples of k (l + l - 2 l)."""
    one, other = related(np.random.default_rng(0), 7, 3, 2)
    k, l = one @ one.T, other @ other.T  # noqa: E741
    terms = [
        k[i, j] * (l[i, j] + l[q, r] - 2 * l[i, q])
        for i, j, q, r in itertools.permutations(range(7), 4)
    ]  # fmt: skip
    assert slow_hsic(k, l) == pytest.approx(np.mean(terms), abs=1e-10)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for dims in (8, 300):
        one, other = related(np.random.default_rng(3), 100, dims, 9)
        whole = linear_cka(one, other), linear_cka(other, one, debiased=False)
        overlap = neighbourhood_overlap(one, other, 5)
        labels = np.arange(100) % 7
        voted = knn_agreement(one, other, labels, 5)
        with monkeypatch.context() as patched:
            patched.setattr(similarity, "HELD", 600)
            patched.setattr(neighbours, "HELD", 600)
            assert (linear_cka(one, other), linear_cka(other, one, debiased=False)) == pytest.approx(whole, abs=1e-12)
            assert np.array_equal(neighbourhood_overlap(one, other, 5), overlap)
            assert all(map(np.array_equal, knn_agreement(one, other, labels, 5), voted))


@pytest.mark.parametrize("debiased", [True, False])
def test_what_cka_does_not_see(debiased: bool) -> None:
    """Rotation, mirroring, shift, scale, constant dims; and that it sees the scale of a single dim."""
    random = np.random.default_rng(1)
    one, other = related(random, 80, 12, 6)
    seen = linear_cka(one, other, debiased)
    turned = one @ np.linalg.qr(random.normal(size=(12, 12)))[0]
    with_constants = np.concatenate([one, np.full((80, 1), 0.1), np.full((80, 1), 1e6)], axis=1)
    for same in (turned, -one, one[:, ::-1], 1e-3 * one, 1e120 * one, 1e-120 * one, with_constants):
        assert linear_cka(same, other, debiased) == pytest.approx(seen, abs=1e-9)
    assert linear_cka(one + 1e4, other, debiased) == pytest.approx(seen, abs=1e-6)
    assert linear_cka(one, 3 * turned - 5, debiased) == pytest.approx(1, abs=1e-9)
    order = random.permutation(80)
    assert linear_cka(one[order], other[order], debiased) == pytest.approx(seen, abs=1e-9)
    stretched = one * np.where(np.arange(12) == 0, 30, 1)
    assert abs(linear_cka(stretched, other, debiased) - seen) > 0.02


def test_independent_representations_have_nothing_in_common_once_the_bias_is_gone() -> None:
    """50 examples, 100 dims of noise: the usual estimate says d / (n + d) = 0.67."""
    random = np.random.default_rng(2)
    pairs = [random.normal(size=(2, 50, 100)) for _ in range(60)]
    debiased = np.array([linear_cka(*pair) for pair in pairs])
    biased = np.array([linear_cka(*pair, debiased=False) for pair in pairs])
    assert np.abs(debiased).max() < 0.12 and abs(debiased.mean()) < 0.015
    assert (debiased < 0).any() and (debiased > 0).any()
    assert biased.mean() == pytest.approx(100 / 150, abs=0.03)


def test_cka_stays_between_minus_1_and_1() -> None:
    random = np.random.default_rng(4)
    found = [linear_cka(random.normal(size=(4, 3)), random.normal(size=(4, 2))) for _ in range(500)]
    assert min(found) >= -1 and max(found) <= 1
    assert min(found) < -0.5 and max(found) > 0.9  # four examples say little


@pytest.mark.parametrize("debiased", [True, False])
def test_constant_representations_have_no_cka(debiased: bool) -> None:
    random = np.random.default_rng(5)
    varied = random.normal(size=(40, 3))
    for constant in (np.zeros((40, 3)), np.full((40, 3), 0.1), np.full((40, 900), 1 / 3, np.float32)):
        assert np.isnan(linear_cka(constant, varied, debiased)) and np.isnan(linear_cka(varied, constant, debiased))
    outlier = np.zeros((40, 1))
    outlier[7] = 1
    assert np.isnan(linear_cka(outlier, varied)) and np.isfinite(linear_cka(outlier, varied, debiased=False))


def test_half_precision_torch_tensors_and_whole_numbers() -> None:
    one, other = related(np.random.default_rng(6), 60, 8, 5)
    half = one.astype(np.float16)
    assert linear_cka(half, torch.tensor(other)) == pytest.approx(linear_cka(half.astype(np.float64), other), abs=1e-12)
    assert np.array_equal(
        neighbourhood_overlap(half, torch.tensor(other)), neighbourhood_overlap(half.astype(float), other)
    )


@pytest.mark.parametrize("k", [1, 10, 99])
@pytest.mark.parametrize(("dims", "offset", "scale"), [(2, 0.0, 1.0), (64, 0.0, 1e25), (16, 300.0, 1.0)])
def test_neighbours_against_scikit_learn(k: int, dims: int, offset: float, scale: float) -> None:
    points = (np.random.default_rng(k).normal(size=(100, dims)) + offset) * scale
    theirs = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points / scale).kneighbors(return_distance=False)
    assert np.array_equal(neighbours_within(points, k), theirs)


@pytest.mark.parametrize("k", [1, 10, 50])
def test_overlap_against_scikit_learn_and_sets(k: int) -> None:
    one, other = related(np.random.default_rng(k), 300, 10, 6)
    near = [NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (one, other)]
    slow = [len(set(mine) & set(yours)) / k for mine, yours in zip(*near, strict=True)]
    assert neighbourhood_overlap(one, other, k) == pytest.approx(slow, abs=1e-12)
    assert 0.02 < np.mean(slow) < 0.98
    assert (neighbourhood_overlap(one, 3 * one + 1, k) == 1).all()


def test_unrelated_representations_share_neighbours_by_chance() -> None:
    random = np.random.default_rng(7)
    found = neighbourhood_overlap(random.normal(size=(2000, 3)), random.normal(size=(2000, 3)), 100)
    assert found.mean() == pytest.approx(100 / 1999, rel=0.05)


def test_no_example_is_its_own_neighbour_also_among_duplicates() -> None:
    for copies in (3, 40):
        points = np.repeat(np.random.default_rng(8).normal(size=(5, 4)), copies, axis=0)
        near = neighbours_within(points, 2)
        assert not (near == np.arange(len(points))[:, None]).any()
        assert (near // copies == np.arange(len(points))[:, None] // copies).all()  # the duplicates come first
        assert all(len(set(row)) == 2 for row in near.tolist())
    same = neighbours_within(np.zeros((30, 2)), 29)
    assert [sorted(row) for row in same.tolist()] == [[j for j in range(30) if j != i] for i in range(30)]


@pytest.mark.parametrize("k", [1, 4, 30])
def test_knn_labels_of_both_sides_against_leaving_one_out_with_scikit_learn(k: int) -> None:
    random = np.random.default_rng(k)
    labels = random.integers(0, 6, 70)
    one, other = related(random, 70, 12, 5)
    one += labels[:, None] * 0.5
    found = knn_agreement(one, other, labels, k)
    for points, mine in ((one, found.one), (other, found.other)):
        theirs = [
            KNeighborsClassifier(k, algorithm="brute").fit(np.delete(points, i, 0), np.delete(labels, i)).predict(points[i : i + 1])[0]
            for i in range(70)
        ]  # fmt: skip
        assert mine.tolist() == theirs
    assert found.agreement == pytest.approx(100 * np.mean(found.one == found.other))
    assert 10 < found.agreement < 90
    assert knn_agreement(one, one[:, ::-1], labels, k).agreement == 100


def test_ties_go_to_the_smallest_label() -> None:
    points = np.array([[0.0], [1.0], [2.5], [10.0]])
    assert knn_agreement(points, points, np.array([5, 7, 3, 1]), k=3).one.tolist() == [1, 1, 1, 3]
