"""UMAP: what is refused, and what several maps in one fit have of each."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from conftest import run_python
from piescope.measure.alignment import aligned_onto
from piescope.measure.projection import umap_projection, umaps_together


def test_umap_needs_fewer_neighbours_than_points() -> None:
    with pytest.raises(ValueError, match="expected 2 to 4"):
        umap_projection(np.zeros((5, 2)), seed=0)
    with pytest.raises(ValueError, match="at least one model"):
        umaps_together([], seed=0)
    with pytest.raises(ValueError, match=r"\[30, 31\] examples"):
        umaps_together([np.zeros((30, 2)), np.zeros((31, 2))], seed=0)


def moved_between(maps: np.ndarray) -> np.ndarray:
    """How far each example lies from itself in the first map, in units of that map's spread: ``[others, examples]``."""
    spread = np.sqrt(((maps[0] - maps[0].mean(0)) ** 2).sum(1).mean())
    return np.linalg.norm(maps[1:] - maps[0], axis=2) / spread


@pytest.mark.sampled(8, heavy=True)
def test_in_one_fit_what_keeps_its_neighbours_keeps_its_place_and_what_does_not_moves() -> None:
    random = np.random.default_rng(0)
    group = np.arange(120) % 4
    centres = 6 * np.eye(4, 16)
    points = centres[group] + random.normal(size=(120, 16))
    forgotten = np.arange(8)
    after = points + 0.3 * random.normal(size=points.shape)
    after[forgotten] = centres[(group[forgotten] + 1) % 4] + random.normal(size=(8, 16))
    turned = after @ np.linalg.qr(random.normal(size=(16, 16)))[0]  # another model has other axes
    together = umaps_together([points, turned], seed=1)
    assert together.shape == (2, 120, 2) and together.dtype == np.float32
    assert np.array_equal(together, umaps_together([points, turned], seed=1))
    moved = moved_between(together)[0]
    kept = np.delete(moved, forgotten)
    assert kept.mean() < 0.25 < 3 * kept.mean() < moved[forgotten].mean()
    alone = [umap_projection(own, seed) for seed, own in enumerate((points, turned))]
    laid = np.stack([alone[0], aligned_onto(alone[1], alone[0])])
    assert kept.mean() < np.delete(moved_between(laid)[0], forgotten).mean() / 2
    for one, own, other in zip((points, turned), together, alone, strict=True):
        assert trustworthiness(one, own, n_neighbors=10) > trustworthiness(one, other, n_neighbors=10) - 0.05


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.parametrize("far", [0.0, 1e4])
def test_one_map_is_that_of_umap_to_the_bit_also_of_points_that_are_equal_or_far_from_zero(far: float) -> None:
    points = (far + np.random.default_rng(0).normal(size=(90, 7))).astype(np.float32)
    points[40:60] = points[:20]
    points[60:80] = np.round(points[60:80])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        plain = umap.UMAP(n_neighbors=15, min_dist=0.1, random_state=2, n_jobs=1).fit_transform(points)
    assert np.array_equal(umap_projection(points, 2), plain)


@pytest.mark.sampled(8, heavy=True)
def test_umap_is_kept_and_says_what_it_said_when_it_was_compiled() -> None:
    points = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    here = umap_projection(points, 3)
    from umap.layouts import _nb_optimize_layout_euclidean_single_epoch as compiled

    assert type(compiled._cache).__name__ == "Kept"
    code = (
        "import numpy as np; from piescope.measure.projection import umap_projection;"
        "points = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32);"
        "print(umap_projection(points, 3).tobytes().hex());"
        "from umap.layouts import _nb_optimize_layout_euclidean_single_epoch as compiled;"
        "print(sum(compiled.stats.cache_misses.values()))"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [here.tobytes().hex(), "0"]


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.full((60, 3), np.nan), {}, "NaN, infinity or squares beyond"),
        (np.full((60, 3), 1e30), {}, "NaN, infinity or squares beyond"),
        (np.zeros(60), {}, r"shape \[60\]"),
        (np.zeros((60, 3, 2)), {}, r"shape \[60, 3, 2\]"),
        (np.zeros((60, 3)), {"neighbours": 5.0}, r"neighbours is 5\.0"),
        (np.zeros((60, 3)), {"seed": None}, "seed is None"),
        (np.zeros((60, 3)), {"seed": 2**32}, "seed is 4294967296"),
    ],
)
def test_what_umap_cannot_take_is_refused_by_its_name(
    points: np.ndarray, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        umap_projection(points, **{"seed": 0, **options})
