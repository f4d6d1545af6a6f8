"""Did two sides answer differently, or do they only call their classes by other ids? Shifts, swaps and permutations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64, Integer

from piescope.axes import Array
from piescope.measure.arrays import class_ids

RelabellingKind = Literal["shift", "swap", "permutation"]

MOST_CLASSES = 2_000
"""Classes that occur, up to which the best permutation is looked for (it takes a table of all pairs)."""

FEWEST_DIFFERENT = 20
"""Examples that differ, below which nothing is explained."""

FEWEST = 3
"""Answers of a class from which on it is judged by itself."""

MOST_ELSEWHERE = 0.05
"""Share of moved answers whose class may mostly go elsewhere, or mostly come from elsewhere."""

SURE = 1e-6
"""Probability that answers that have nothing to do with each other would be explained as well."""

AS_GOOD = 0.9
"""Of the answers that the best explanation explains; a simpler one that explains as many is taken instead."""


@dataclass(frozen=True, eq=False)
class Relabelling:
    """What would make two sides agree.

    Attributes:
        kind: ``shift``: every id of the second side is that of the first plus ``by``; ``swap``: two classes are taken
            for each other; ``permutation``: more of them.
        by: of a shift; 0 for the others.
        image: ``[classes]``, what the second side calls each class of the first; -1: nothing (a shift beyond the end).
        moved: classes of the first side that the second calls something else, the most frequent first.
        examples: all of them.
        before: examples that differ as given.
        after: examples that differ when the second side's classes are renamed.
    """

    kind: RelabellingKind
    by: int
    image: Int64[np.ndarray, " classes"]
    moved: Int64[np.ndarray, " moved"]
    examples: int
    before: int
    after: int


def relabelling(
    first: Integer[Array, " cells"],
    second: Integer[Array, " cells"],
    counts: Integer[Array, " cells"],
    num_classes: int,
) -> Relabelling | None:
    """The simplest renaming of classes that explains most of the differences between two sides; None: none does.

    One is taken for an explanation only if

    1. it explains most: of at least 20 examples that differ, at most half differ after it;
    2. it holds everywhere: for at least two classes; and classes that it moves, but that mostly go to another class
       than it says, or that mostly come from another, have at most 5 % of the answers that it moves (classes of fewer
       than 3 answers are judged together: of them at most a quarter as many may stay as go where it says). A copy
       that answers one class only, classes that were merged into one, or one confusion that dominates all fail here:
       some class would have to go to a class that nothing goes to;
    3. it is no accident: answers that have nothing to do with each other would agree as often under any of as many
       renamings with a probability of at most 1e-6 (Chernoff's bound on the moved answers, times the number of
       renamings: 2K shifts, K(K - 1)/2 swaps, K!/(K - m)! permutations that move m of K classes). So one answer a class
       is never explained by a permutation.

    The simplest wins: a shift before a swap before a permutation, if it explains at least 90 % of what the best does.
    The best permutation is exact (an assignment), and looked for among up to 2,000 classes that occur.

    Args:
        first: ``[cells]``, class ids of the first side (or true labels).
        second: ``[cells]``, class ids of the second side for the same examples.
        counts: ``[cells]``, how many examples each pair has, 1 or more; no pair twice.
        num_classes: ids are below it.

    Raises:
        ValueError: arrays of other lengths, ids out of range, or a pair twice.

    Example:
        >>> dense = np.arange(40) % 4
        >>> found = relabelling(*pair_counts(dense, dense + 1), 5)
        >>> found.kind, found.by, found.before, found.after
        ('shift', 1, 40, 0)
        >>> relabelling(*pair_counts(dense, np.zeros(40, int)), 5) is None
        True
    """
    table = _Table.of(first, second, counts, num_classes)
    before = table.examples - table.agreeing
    if before < FEWEST_DIFFERENT or 4 * table.moved_in_one < before:
        return None
    candidates = [_shift(table), _swap(table), _permutation(table)]
    valid = [candidate for candidate in candidates if candidate is not None]
    best = max((candidate.before - candidate.after for candidate in valid), default=0)
    return next((candidate for candidate in valid if candidate.before - candidate.after >= AS_GOOD * best), None)


def pair_counts(
    first: Integer[Array, " examples"], second: Integer[Array, " examples"]
) -> tuple[Int64[np.ndarray, " cells"], Int64[np.ndarray, " cells"], Int64[np.ndarray, " cells"]]:
    """Which pairs of ids occur, and how often: what `relabelling` takes.

    Example:
        >>> [column.tolist() for column in pair_counts([0, 0, 1], [1, 1, 1])]
        [[0, 1], [1, 1], [2, 1]]
    """
    pairs, counts = np.unique(
        np.stack([class_ids(first, "first", 1), class_ids(second, "second", 1)]), axis=1, return_counts=True
    )
    return pairs[0], pairs[1], counts.astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Table:
    """Counts of pairs (first, second), without the empty ones, in order of ``first * num_classes + second``."""

    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray
    num_classes: int

    @classmethod
    def of(cls, first: Any, second: Any, counts: Any, num_classes: int) -> _Table:
        left, right = (class_ids(ids, name, 1, num_classes) for ids, name in ((first, "first"), (second, "second")))
        many = class_ids(counts, "counts", 1)
        if not len(left) == len(right) == len(many):
            raise ValueError(f"{len(left)}, {len(right)} and {len(many)} cells; expected as many of each")
        order = np.argsort(left * num_classes + right, kind="stable")
        table = cls(left[order], right[order], many[order], num_classes)
        if (np.diff(table.codes) == 0).any():
            raise ValueError("a pair of classes twice; expected each with its count once")
        return table

    @cached_property
    def codes(self) -> np.ndarray:
        return self.first * self.num_classes + self.second

    @cached_property
    def examples(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def agreeing(self) -> int:
        return int(self.counts[self.first == self.second].sum())

    @cached_property
    def rows(self) -> np.ndarray:
        return np.bincount(self.first, self.counts, self.num_classes).astype(np.int64)

    @cached_property
    def columns(self) -> np.ndarray:
        return np.bincount(self.second, self.counts, self.num_classes).astype(np.int64)

    @cached_property
    def row_most(self) -> np.ndarray:
        return self._most(self.first)

    @cached_property
    def column_most(self) -> np.ndarray:
        return self._most(self.second)

    def _most(self, ids: np.ndarray) -> np.ndarray:
        most = np.zeros(self.num_classes, np.int64)
        np.maximum.at(most, ids, self.counts)
        return most

    @cached_property
    def moved_in_one(self) -> int:
        """Examples in cells off the diagonal that are the largest of their row and of their column."""
        largest = (self.counts == self.row_most[self.first]) & (self.counts == self.column_most[self.second])
        return int(self.counts[largest & (self.first != self.second)].sum())

    def at(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Counts of some pairs; 0 where there is none, or where the second is -1."""
        if not len(self.codes):
            return np.zeros(len(first), np.int64)
        wanted = first * self.num_classes + second
        places = np.minimum(np.searchsorted(self.codes, wanted), len(self.codes) - 1)
        return np.where((self.codes[places] == wanted) & (second >= 0), self.counts[places], 0)


def _shift(table: _Table) -> Relabelling | None:
    classes = table.num_classes
    agreeing = np.bincount(table.second - table.first + classes, table.counts, 2 * classes)
    by = int(agreeing.argmax()) - classes
    image = np.arange(classes) + by
    image[(image < 0) | (image >= classes)] = -1
    return _judged(table, "shift", image, np.log(2.0 * classes), by) if by else None


def _swap(table: _Table) -> Relabelling | None:
    classes, off = table.num_classes, table.first != table.second
    one, other = table.first[off], table.second[off]
    if not len(one):
        return None
    gain = table.counts[off] + table.at(other, one) - table.at(one, one) - table.at(other, other)
    best = int(gain.argmax())
    image = np.arange(classes)
    image[[one[best], other[best]]] = other[best], one[best]
    return _judged(table, "swap", image, np.log(classes * (classes - 1) / 2))


def _permutation(table: _Table) -> Relabelling | None:
    used = np.flatnonzero((table.rows > 0) | (table.columns > 0))
    if len(used) > MOST_CLASSES:
        return None
    from scipy.optimize import linear_sum_assignment  # takes a while to load, and is needed by suspicious tables only

    dense = np.zeros((len(used), len(used)))
    dense[np.searchsorted(used, table.first), np.searchsorted(used, table.second)] = table.counts
    rows, columns = linear_sum_assignment(dense, maximize=True)
    image = np.arange(table.num_classes)
    image[used[rows]] = used[columns]
    moved = int(((image != np.arange(table.num_classes)) & (table.rows > 0)).sum())
    return _judged(table, "permutation", image, moved * np.log(len(used)))


def _judged(
    table: _Table, kind: RelabellingKind, image: np.ndarray, log_candidates: float, by: int = 0
) -> Relabelling | None:
    """The candidate, if it is an explanation."""
    every = np.arange(table.num_classes)
    hits = table.at(every, image)
    before, after = table.examples - table.agreeing, table.examples - int(hits.sum())
    is_moved = (image != every) & (table.rows > 0)
    if 2 * after > before or (is_moved & (hits > 0)).sum() < 2:
        return None
    if not (_holds_everywhere(table, image, hits) and _is_no_accident(table, image, hits, log_candidates)):
        return None
    moved = np.flatnonzero(is_moved & (hits > 0))
    moved = moved[np.argsort(-table.rows[moved], kind="stable")]
    return Relabelling(kind, by, image, moved, table.examples, before, after)


def _holds_everywhere(table: _Table, image: np.ndarray, hits: np.ndarray) -> bool:
    """Whether few answers are of moved classes that mostly go, or come from, elsewhere."""
    every = np.arange(table.num_classes)
    source = np.full(table.num_classes, -1)
    source[image[image >= 0]] = every[image >= 0]
    came = np.where(source >= 0, hits[source], 0)
    sides = ((image, table.rows, table.row_most, hits), (source, table.columns, table.column_most, came))
    for other, totals, most, agreeing in sides:
        moved = other != every
        stays = table.at(every, every)
        rare = moved & (totals < FEWEST)
        elsewhere = moved & ~rare & ((agreeing < most) | (agreeing <= stays))
        if 4 * stays[rare].sum() > agreeing[rare].sum():
            elsewhere |= rare
        if totals[elsewhere].sum() > MOST_ELSEWHERE * totals[moved].sum():
            return False
    return True


def _is_no_accident(table: _Table, image: np.ndarray, hits: np.ndarray, log_candidates: float) -> bool:
    moved = (image != np.arange(table.num_classes)) & (image >= 0)
    answers, agreeing = int(table.rows[moved].sum()), int(hits[moved].sum())
    if not answers:
        return False
    inside = moved[table.first]
    columns = np.bincount(table.second[inside], table.counts[inside], table.num_classes)
    chance = float((table.rows[moved] / answers) @ (columns[image[moved]] / answers))
    return bool(log_candidates - answers * _divergence(agreeing / answers, chance) <= np.log(SURE))


def _divergence(share: float, chance: float) -> float:
    """Kullback and Leibler's, of two coins: what Chernoff's bound of so large a share has in its exponent; nats."""
    if share <= chance or chance <= 0:
        return 0.0
    rest = 0.0 if share >= 1 else (1 - share) * np.log((1 - share) / (1 - chance))
    return float(share * np.log(share / chance) + rest)
