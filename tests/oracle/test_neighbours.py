"""Neighbours against scikit-learn, faiss and loops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from piescope.data.sources import load_digits
from piescope.measure import search
from piescope.measure.neighbours import knn_labels, nearest_by_angle, neighbours_within


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize(("dims", "offset"), [(2, 0.0), (64, 0.0), (16, 500.0)])
def test_against_scikit_learn(seed: int, k: int, dims: int, offset: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, 400)
    bank = random.normal(size=(400, dims)) + labels[:, None] * 0.3 + offset
    queries = random.normal(size=(100, dims)) + 0.5 + offset
    theirs = KNeighborsClassifier(k, algorithm="brute").fit(bank, labels).predict(queries)
    assert np.array_equal(knn_labels(bank, labels, queries, k), theirs)


def test_ties_of_votes_go_to_the_smallest_label() -> None:
    bank = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert knn_labels(bank, np.array([3, 1, 2, 0]), np.array([[0.4], [10.4]]), k=2).tolist() == [1, 0]


def whole(bank: np.ndarray, labels: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """As it was written first: float64 copies of everything, one search of the whole bank, and one vote after the other."""
    points, asked = bank.astype(np.float64), queries.astype(np.float64)
    centre = points.mean(0)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(np.ascontiguousarray(points - centre, dtype=np.float32))
    _, nearest = index.search(np.ascontiguousarray(asked - centre, dtype=np.float32), k)
    return np.array([np.bincount(labels[near]).argmax() for near in nearest])


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    splits = load_digits()
    bank, queries = (
        half.images.reshape(len(half), -1).astype(np.float32) / 255 for half in (splits.train, splits.test)
    )
    return bank, splits.train.labels, queries


def duplicates() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole numbers around 0, whose distances have no rounding, each point some ten times, under labels of its own each
    time: votes hang on which of them are taken."""
    random = np.random.default_rng(1)
    half = random.integers(-2, 3, (1500, 4)).astype(np.float32)
    bank = np.concatenate([half, -half])
    return bank, random.integers(0, 9, 3000), bank[1250:1750] + random.integers(0, 2, (500, 4))


@pytest.mark.parametrize("made", [digits, duplicates])
@pytest.mark.parametrize("searched", [2**26, 64 * 700, 64 * 40])
@pytest.mark.parametrize("k", [1, 30, 100])
def test_a_bank_in_parts_against_one_search_of_the_whole(
    made, searched: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    bank, labels, queries = made()
    monkeypatch.setattr(search, "SEARCHED", searched)
    assert np.array_equal(knn_labels(bank, labels, queries, k), whole(bank, labels, queries, k))
    assert len(set(knn_labels(bank, labels, queries, k).tolist())) > 5


def test_a_mapped_bank_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    """A bank of 320 MB, with room for 100 MB."""
    bank = np.lib.format.open_memmap(tmp_path / "bank.npy", "w+", np.float32, (640_000, 128))
    random = np.random.default_rng(0)
    for start in range(0, len(bank), 64_000):
        bank[start : start + 64_000] = random.random((64_000, 128), np.float32)
    queries = bank[5::90_000] + np.float32(0.001)
    np.save(tmp_path / "queries.npy", queries)
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from piescope.measure import neighbours, search
search.SEARCHED = 2**22
bank, queries = (np.load(Path(sys.argv[1]) / f"{name}.npy", mmap_mode="r") for name in ("bank", "queries"))
labels = np.arange(len(bank)) // 90_000
neighbours.knn_labels(bank[:2000], labels[:2000], queries, 3)
held = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + 100_000_000,) * 2)
print(neighbours.knn_labels(bank, labels, queries, 1).tolist())
try:
    bank.astype(np.float32)
except MemoryError:
    print("no room for all of it")
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [str(list(range(8))), "no room for all of it"], done.stderr


def test_torch_tensors() -> None:
    bank = torch.tensor([[0.0], [1.0]], requires_grad=True)
    assert knn_labels(bank, torch.tensor([4, 5]), torch.tensor([[0.9]]), k=1).tolist() == [5]


@pytest.mark.parametrize("examples", [2, 11, 64, 65, 700, 3000])
@pytest.mark.parametrize("dims", [2, 64])
def test_nearest_by_angle_against_scikit_learn(examples: int, dims: int) -> None:
    random = np.random.default_rng(examples)
    points = np.abs(random.normal(size=(examples, dims))) * random.lognormal(0, 3, size=(examples, 1))
    k = min(10, examples - 1)
    theirs = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(points)
    distances, _ = theirs.kneighbors()
    ours = nearest_by_angle(points, k)
    assert ours.shape == (examples, k) and not (ours == np.arange(examples)[:, None]).any()
    assert all(len(set(row)) == k for row in ours.tolist())
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert np.allclose(1 - (unit[:, None] * unit[ours]).sum(-1), distances, atol=2e-6)


def test_nearest_by_angle_against_faiss() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 32)).astype(np.float32)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert (nearest_by_angle(points, 10) == neighbours_within(unit, 10)).mean() > 0.999


def test_nearest_by_angle_against_a_loop() -> None:
    points = np.random.default_rng(3).integers(-3, 4, size=(150, 3)).astype(float)
    points[7] = 0  # has no direction: as far from all
    for row, found in enumerate(nearest_by_angle(points, 5).tolist()):
        alike = []
        for other, point in enumerate(points):
            length = float(np.sqrt(points[row] @ points[row]) * np.sqrt(point @ point))
            alike.append(-9.0 if other == row else float(points[row] @ point) / length if length else 0.0)
        assert [alike[place] for place in found] == pytest.approx(sorted(alike, reverse=True)[:5], abs=1e-6)
