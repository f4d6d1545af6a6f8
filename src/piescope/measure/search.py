"""An exact search for nearest points, by tiles of a product of matrices: few numbers of a tile are looked at twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Float, Int64

SEARCHED = 2**26
"""Numbers of a bank that are searched at once: 256 MB."""

TILE = (512, 1024)
"""Queries and points of a bank whose products are held at once: 2 MB, near a core."""

ASIDE = 16
"""Points that a query puts aside, beside its k nearest so far and k more, before its limit is drawn closer."""

HELD = 2**22
"""Numbers that a block of queries puts aside at most."""

NOTHING = np.int64(0x7F80_0000_FFFF_FFFF)
"""What stands where no point is yet: infinitely far away, and last."""

NORMAL = np.finfo(np.float32).tiny
"""The smallest number in full precision; what trains networks often has the processor take smaller ones for 0."""

NARROW = 1e-12
"""Distances below this, and above its inverse, are scaled: their squares come near the ends of float32."""

Multiplied = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``[rows, dims]``, ``[columns, dims]`` and ``[columns]``, all float32, to ``rows @ columns.T`` plus the last."""


def multiplied(rows: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """By NumPy."""
    made: np.ndarray = rows @ columns.T
    made += offsets
    return made


def nearest(
    bank: Float[np.ndarray, "n d"],
    queries: Float[np.ndarray, "m d"],
    k: int,
    product: Multiplied = multiplied,
    threads: int = 1,
) -> Int64[np.ndarray, "m k"]:
    """Rows of the k nearest points of the bank for each query, in no order.

    Exact, Euclidean, in float32 on centred data; of points equally far away the first in the bank are taken: of equal
    rows always, of others as far as float32 tells that they are equally far.

    Args:
        bank: ``[n, d]``, in memory or mapped: parts of it are held one after the other.
        queries: ``[m, d]``, centred as a whole.
        k: 1 to n.
        product: of matrices.
        threads: that call it at once, so it should have one each.

    Returns:
        ``[m, k]``.

    Raises:
        ValueError: a coordinate is NaN or infinite, or squares of distances are beyond float32.

    Example:
        >>> np.sort(nearest(np.array([[0.0], [1.0], [9.0]]), np.array([[0.4], [8.0]]), k=2)).tolist()
        [[0, 1], [1, 2]]
    """
    with np.errstate(invalid="ignore"):
        centre, asked = (points.mean(0, dtype=np.float64) for points in (bank, queries))
    if not (np.isfinite(centre).all() and (np.isfinite(asked).all() or not len(queries))):
        raise ValueError("NaN or infinity among the points; leave the diverged model out")
    # distances are differences of squares in float32: centring keeps them exact where data lie far from the origin
    together, lot = max(1, min(TILE[0], HELD // (TILE[1] + 2 * k))), max(1, SEARCHED // max(1, bank.shape[1]))
    size = _size(centre, queries, bank[:lot])
    wanted = _centred(queries, centre, size)
    wanted *= -2
    best = np.full((len(queries), k), NOTHING)
    blocks = [slice(first, first + together) for first in range(0, len(queries), together)]
    with ThreadPoolExecutor(threads) as pool:
        each = map if threads == 1 else pool.map
        for start in range(0, len(bank), lot):
            points = _centred(bank[start : start + lot], centre, size)
            squares = np.einsum("nd,nd->n", points, points)
            search = partial(_nearer, points=points, squares=squares, start=start, product=product)
            found = each(search, [best[block] for block in blocks], [wanted[block] for block in blocks])
            for block, nearer in zip(blocks, found, strict=True):
                best[block] = nearer
    if (best == NOTHING).any():
        raise ValueError("squares of distances between the points are beyond float32; scale the points down")
    return best & 0xFFFF_FFFF


def _size(centre: np.ndarray, *some: np.ndarray) -> float:
    """About how far points lie from the centre: a power of two, by which nothing is rounded; 1 where it matters not."""
    ends = [end for points in some if points.size for end in (points.max(0) - centre, centre - points.min(0))]
    farthest = max((float(np.abs(end).max()) for end in ends), default=0.0)
    is_usual = farthest == 0 or NARROW <= farthest <= 1 / NARROW
    return 1.0 if is_usual else 2.0 ** float(np.frexp(farthest)[1])


def _centred(points: np.ndarray, centre: np.ndarray, size: float) -> np.ndarray:
    """Subtracted in float64, kept in float32, without a copy in float64 where their size is a usual one."""
    if size != 1:
        return np.asarray((points - centre) / size, np.float32)
    return np.subtract(points, centre, out=np.empty(points.shape, np.float32), casting="same_kind")


def _nearer(
    best: np.ndarray, wanted: np.ndarray, *, points: np.ndarray, squares: np.ndarray, start: int, product: Multiplied
) -> np.ndarray:
    """`_marks` of the nearest of a block's queries: of those before, and of a lot of the bank that begins at ``start``.

    What is nearer than the k-th nearest so far is put aside, and the limit drawn closer when that is much.
    """
    k, (_, width) = best.shape[1], TILE
    room = 2 * k + ASIDE
    aside = np.full((len(best), room + width), NOTHING)
    aside[:, :k] = best
    filled, limit = np.full(len(best), k), _squares(best.max(1))
    usual = np.setbufsize(512)  # with more NumPy writes limits out, once for each point, before it compares
    for first in range(0, len(points), width):
        tile = product(wanted, points[first : first + width], squares[first : first + width])
        if first == 0 and k <= tile.shape[1]:
            near = np.partition(tile, k - 1, axis=1)[:, k - 1]
            # above it by a number that is one also where the processor takes what is below NORMAL for 0
            limit = np.fmin(limit, np.where(np.abs(near) < NORMAL, NORMAL, np.nextafter(near, np.float32(np.inf))))
        hits = np.flatnonzero(tile < limit[:, None])
        query = hits // tile.shape[1]
        counts = np.bincount(query, minlength=len(best))
        place = np.arange(len(hits)) + (filled - counts.cumsum() + counts)[query]
        aside[query, place] = _marks(tile.ravel()[hits], start + first + hits - query * tile.shape[1])
        filled += counts
        if filled.max() > room:
            limit = _squares(_drawn(aside[:, : filled.max()], k)[:, k - 1])
            filled[:] = k
    np.setbufsize(usual)
    return _drawn(aside[:, : filled.max()], k)


def _marks(squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One number for a point, in whose order the nearer comes first, and of two as near the earlier."""
    bits = squares.view(np.int32).astype(np.int64)
    return (bits ^ (bits >> 63 & 0x7FFF_FFFF)) << 32 | rows


def _squares(marks: np.ndarray) -> np.ndarray:
    """Back from `_marks`."""
    bits = (marks >> 32).astype(np.int32)
    return (bits ^ (bits >> 31 & 0x7FFF_FFFF)).view(np.float32)


def _drawn(aside: np.ndarray, k: int) -> np.ndarray:
    """The k nearest, the last of them at the end; the others are forgotten, in place."""
    aside.partition(k - 1, axis=1)
    aside[:, k:] = NOTHING
    return aside[:, :k]
