"""UMAP: a map of representations in two dimensions, with its seed on record."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float, Float32

from piescope.axes import Array
from piescope.measure.arrays import to_numpy


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
        ValueError: too few examples for the number of neighbours.

    Source: McInnes et al. 2018, https://arxiv.org/abs/1802.03426; umap-learn's defaults, as in the paper.

    Example:
        >>> points = np.random.default_rng(0).normal(size=(60, 5))
        >>> first, again, other = (umap_projection(points, seed) for seed in (1, 1, 2))
        >>> first.shape, np.array_equal(first, again), np.array_equal(first, other)
        ((60, 2), True, False)
    """
    points = to_numpy(representations).astype(np.float32)
    if not 2 <= neighbours < len(points):
        raise ValueError(f"neighbours is {neighbours}; expected 2 to {len(points) - 1} for {len(points)} examples")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # a seed means one thread: that is wanted
        warnings.filterwarnings("ignore", category=FutureWarning)
        import umap

        reducer = umap.UMAP(n_neighbors=neighbours, min_dist=min_dist, random_state=seed, n_jobs=1)
        embedding: np.ndarray = reducer.fit_transform(points)
    return embedding.astype(np.float32)
