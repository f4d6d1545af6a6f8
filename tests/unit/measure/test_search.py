"""The search for nearest points against every distance, one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from piescope.measure import search
from piescope.measure.search import nearest


def by_hand(bank: np.ndarray, queries: np.ndarray, k: int) -> list[list[int]]:
    squares = ((queries[:, None].astype(np.float64) - bank) ** 2).sum(-1)
    return [sorted(row) for row in np.argsort(squares, axis=1, kind="stable")[:, :k].tolist()]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("k", [1, 4, 30, 300])
@pytest.mark.parametrize(
    ("tile", "aside", "searched"), [((512, 1024), 16, 2**26), ((7, 16), 0, 3 * 100), ((1, 1), 5, 1)]
)
@pytest.mark.parametrize("order", ["as drawn", "nearer and nearer", "all the same"])
def test_whole_numbers_have_no_rounding(
    k: int, tile: tuple[int, int], aside: int, searched: int, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties at the k-th place, tiles in which all or none are nearer, blocks of one query, lots of one point."""
    for name, value in (("TILE", tile), ("ASIDE", aside), ("SEARCHED", searched)):
        monkeypatch.setattr(search, name, value)
    random = np.random.default_rng(k)
    half = random.integers(-3, 4, (150, 3)).astype(np.float32)
    bank, queries = np.concatenate([half, -half]), random.integers(-4, 5, (20, 3)).astype(np.float32)
    if order == "nearer and nearer":
        bank = bank[np.argsort(-np.abs(bank).sum(1), kind="stable")]
        queries[:] = 0
    if order == "all the same":
        bank[:] = 0
    for threads in (1, 3):
        found = np.sort(nearest(bank, queries, k, threads=threads))
        assert found.tolist() == by_hand(bank, queries, k)


def test_a_hundred_thousand_points_beyond_the_first_tile() -> None:
    random = np.random.default_rng(0)
    bank, queries = (random.normal(size=(size, 5)) for size in (100_000, 9))
    assert np.sort(nearest(bank, queries, 30)).tolist() == by_hand(bank, queries, 30)


def test_memory_does_not_grow_with_k_times_the_queries_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block has fewer queries where each puts more aside."""
    blocks = []

    def product(rows: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        blocks.append(len(rows))
        return search.multiplied(rows, columns, offsets)

    monkeypatch.setattr(search, "HELD", 2**12)
    bank = np.random.default_rng(0).normal(size=(600, 2))
    assert np.sort(nearest(bank, bank[:9], 512, product)).tolist() == by_hand(bank, bank[:9], 512)
    assert set(blocks) == {2, 1}


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_squares_beyond_float32_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEARCHED", 1)  # a point after the other: the size is that of the first
    with pytest.raises(ValueError, match="scale the points down"):
        nearest(np.array([[1.0], [0.0], [2e30], [-2e30]]), np.array([[0.0]]), k=3)


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1e-22, 1e-13, 1e13, 1e30, 1e150])
def test_the_size_of_points_is_no_matter(size: float) -> None:
    random = np.random.default_rng(0)
    bank, queries = random.normal(size=(300, 8)), random.normal(size=(40, 8))
    expected = by_hand(bank, queries, 5)
    assert np.sort(nearest(bank * size, queries * size, 5)).tolist() == expected
    if 1e-30 < size < 1e30:
        narrow = (bank * size).astype(np.float32), (queries * size).astype(np.float32)
        assert np.sort(nearest(*narrow, 5)).tolist() == expected


@pytest.mark.parametrize("flushes", [False, True])
def test_points_that_are_all_the_same_are_found_where_the_processor_has_no_tiny_numbers(flushes: bool) -> None:
    """A network of which nothing is left says the same of every image; a worker's processor takes tiny numbers for 0."""
    flushed = torch.set_flush_denormal(flushes)
    try:
        for bank in (np.full((70, 3), 2.5), np.eye(70, 3), np.repeat([[0.0, 1e-30], [1.0, 0.0]], 35, axis=0)):
            found = np.sort(nearest(bank, bank[[0, 40]], k=30), axis=1)
            exact = np.square(bank[[0, 40], None].astype(np.float32) - bank.astype(np.float32)).sum(2)
            assert found.tolist() == np.sort(np.argsort(exact, axis=1, kind="stable")[:, :30], axis=1).tolist()
    finally:
        torch.set_flush_denormal(False)
    assert flushed or not flushes, "this processor has tiny numbers whatever it is told"
