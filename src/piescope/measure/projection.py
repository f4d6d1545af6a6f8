"""UMAP: maps of representations in two dimensions, with their seed on record."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from scipy import sparse

from piescope.axes import Array
from piescope.measure.arrays import to_numpy
from piescope.measure.compiled import keep_compiled

TIES = 2.0
"""Of an example to itself in the other maps, together; its ties to its neighbours in a map sum up to about 6 of 15."""

EPOCHS = 200
"""Of a fit of several maps: more change little."""

MEASURED_BELOW = 4096
"""Points among which UMAP measures all distances; of more it searches for neighbours."""


def umap_projection(
    representations: Float[Array, "examples dims"], seed: int, neighbours: int = 15, min_dist: float = 0.1
) -> Float32[np.ndarray, "examples 2"]:
    """A two-dimensional UMAP of one model's representations; same seed, same map (on one machine and version).

    Args:
        representations: ``[examples, dims]`` of one model. A mean over models has no meaning: each model has axes
            of its own.
        seed: UMAP's random_state, 0 to 2^32 - 1.
        neighbours: UMAP's n_neighbors, 2 to examples - 1.
        min_dist: UMAP's min_dist.

    Returns:
        ``[examples, 2]``; axes and distances between far groups carry no meaning.

    Raises:
        ValueError: too few examples for the number of neighbours, NaN or other shapes, or a seed out of range.

    Source: McInnes et al. 2018, https://arxiv.org/abs/1802.03426; umap-learn's defaults, as in the paper.

    Example:
        >>> points = np.random.default_rng(0).normal(size=(60, 5))
        >>> first, again, other = (umap_projection(points, seed) for seed in (1, 1, 2))
        >>> first.shape, np.array_equal(first, again), np.array_equal(first, other)
        ((60, 2), True, False)
    """
    return umaps_together([representations], seed, neighbours, min_dist)[0]


def umaps_together(
    representations: Sequence[Float[Array, "examples dims"]], seed: int, neighbours: int = 15, min_dist: float = 0.1
) -> Float32[np.ndarray, "maps examples 2"]:
    """Maps of the same examples in several models, in which an example stays where it is unless its neighbours move it.

    One fit of one graph: UMAP's graph of each model's representations, and ties of each example to itself in the other
    maps. All maps begin as the first one's own. With one model it is that model's UMAP.

    Args:
        representations: of each model, ``[examples, dims]``, the same examples in the same order.
        seed: UMAP's random_state, 0 to 2^32 - 1.
        neighbours: UMAP's n_neighbors, 2 to examples - 1.
        min_dist: UMAP's min_dist.

    Returns:
        ``[maps, examples, 2]``, all on the same axes; the axes themselves, and distances between far groups, carry no
        meaning.

    Raises:
        ValueError: as `umap_projection`; no models, or other numbers of examples.

    Source: McInnes et al. 2018, https://arxiv.org/abs/1802.03426; the ties are ours, and docs/studies.md has what they
    cost and what others do.

    Example:
        >>> points = np.random.default_rng(0).normal(size=(60, 5))
        >>> maps = umaps_together([points, points[:, ::-1]], seed=1)
        >>> maps.shape, bool(np.abs(maps[0] - maps[1]).mean() < np.abs(maps[0] - maps[0, ::-1]).mean() / 2)
        ((2, 60, 2), True)
    """
    models = [to_numpy(given).astype(np.float32) for given in representations]
    sizes = sorted({len(points) for points in models})
    if len(sizes) != 1:
        raise ValueError(f"models have {sizes} examples; expected at least one model, and the same examples in each")
    for points in models:
        if points.ndim != 2 or not points.shape[1]:
            raise ValueError(f"representations have shape {list(points.shape)}; expected [examples, dims]")
        with np.errstate(over="ignore"):
            if not np.isfinite((points**2).sum()):
                raise ValueError(
                    "NaN, infinity or squares beyond float32 among representations; was a model diverging?"
                )
    (examples,) = sizes
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}; expected a whole number from 0 to 2^32 - 1")
    if isinstance(neighbours, bool) or not isinstance(neighbours, int | np.integer) or not 2 <= neighbours < examples:
        raise ValueError(f"neighbours is {neighbours!r}; expected 2 to {examples - 1} for {examples} examples")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # a seed means one thread: that is wanted
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)  # no points come later
        warnings.filterwarnings("ignore", category=FutureWarning)
        import umap

        keep_compiled()
        settings: dict[str, Any] = {"n_neighbors": neighbours, "random_state": seed, "n_jobs": 1}
        known = [_known_neighbours(points, neighbours) for points in models]
        reducer = umap.UMAP(min_dist=min_dist, precomputed_knn=known[0], **settings)
        first: np.ndarray = reducer.fit_transform(models[0]).astype(np.float32)
        if len(models) == 1:
            return first[None]
        others = [
            umap.UMAP(transform_mode="graph", precomputed_knn=own, **settings).fit(points).graph_
            for points, own in zip(models[1:], known[1:], strict=True)
        ]
        return _laid_out([reducer.graph_, *others], first, seed, min_dist)


def _known_neighbours(points: np.ndarray, count: int) -> tuple[np.ndarray | None, ...]:
    """Nearest points and their distances as UMAP finds them; nothing where it searches approximately.

    Of few points UMAP measures each pair, from Python. Here only pairs that may be among the nearest are measured so,
    by the same function; the others are told by a product of matrices.
    """
    from umap.distances import euclidean

    if len(points) >= MEASURED_BELOW:
        return None, None, None
    exact = points.astype(np.float64)
    squares = (exact**2).sum(1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * exact @ exact.T, 0.0))
    doubt = 1e-5 * np.sqrt(squares.max())
    reach = np.partition(apart, count - 1, axis=1)[:, count - 1 : count] * (1 + 1e-5) + doubt
    nearest, distances = np.empty((len(points), count), np.int32), np.empty((len(points), count))
    for place, near in enumerate(apart <= reach):
        others = np.flatnonzero(near)
        measured = np.array([euclidean(points[place], points[other]) for other in others])
        order = measured.argsort(kind="stable")[:count]
        nearest[place], distances[place] = others[order], measured[order]
    return nearest, distances, None


def _laid_out(graphs: list[Any], first: np.ndarray, seed: int, min_dist: float) -> np.ndarray:
    """``[maps, examples, 2]``: all graphs at once, tied to each other, from where the first one lies."""
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    maps, examples = len(graphs), len(first)
    ties = TIES / maps * (1 - np.eye(maps, dtype=np.float32))
    graph = sparse.block_diag(graphs) + sparse.kron(ties, sparse.identity(examples, dtype=np.float32))
    start = np.tile(first, (maps, 1))
    shape, draws, plain = find_ab_params(1.0, min_dist), np.random.RandomState(seed), dict[str, Any]()
    embedding, _ = simplicial_set_embedding(
        *(start, graph.tocsr(), 2, 1.0, *shape, 1.0, 5, EPOCHS, start, draws, "euclidean", plain, False, plain, False)
    )
    return np.asarray(embedding, np.float32).reshape(maps, examples, 2)
