"""Example by example: examples.parquet, and the examples that people look at."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from piescope.auditing.audited import Audited
from piescope.auditing.tally import Counted
from piescope.measure.label_errors import Thresholds, suspected
from piescope.reading.arrow import column_of, numpy_of, texts
from piescope.store.audit_answers import Example

MOST_HARMED = 100
MOST_LABEL_ERRORS = 50
MOST_IN_CELL = 12
MOST_PICTURED = 500

PAIR_SHARES = ("changed_share", "lost_share", "won_share")
"""Columns of a comparison over pairs of models; their sums are the counts in audit.json."""

VOTES = ("dense_right", "compressed_right", "compressed_as_before")
"""Columns of an audit of several models a side: shares of its models."""

KINDS = ("kept", "lost", "rescued", "moved", "changed")


@dataclass(frozen=True)
class ShownExamples:
    """The examples that people look at.

    Attributes:
        harmed: lost ones (without true labels: changed ones) first, in each the most harmed first (over pairs of
            models: by harm plus the share of pairs that lose them); likely label errors are not among them.
        label_errors: the surest first.
        label_error_count: how many there are.
        in_cells: (true, compressed) -> examples that moved there, most harmed first.
        pictured: changed ones of which the explorer has pictures, most harmed first.
    """

    harmed: tuple[Example, ...]
    label_errors: tuple[Example, ...]
    label_error_count: int
    in_cells: dict[tuple[int, int], tuple[Example, ...]]
    pictured: tuple[Example, ...] = ()


def write_rows(
    counted: Counted,
    out: Path,
    confirmed_up_to: float,
    thresholds: Thresholds | None,
    cells: Sequence[tuple[int, int]],
    extra: Mapping[str, np.ndarray],
    has_pictures: bool = False,
) -> ShownExamples:
    """Writes examples.parquet and picks the examples that people look at.

    Args:
        counted: of the first pass; its temporary table is read.
        out: the file.
        confirmed_up_to: the largest p-value that counts as confirmed; negative: none does.
        thresholds: of confident dense models; None: no labels can be suspected.
        cells: (true, compressed) cells of which examples are shown.
        extra: more columns by name, ``[examples]`` (Q-Scores, depths).
        has_pictures: whether pictures are kept of those that are shown.
    """
    audited, label_errors = counted.audited, 0
    harmed, errors = _Most(MOST_HARMED), _Most(MOST_LABEL_ERRORS)
    in_cells, pictured = {cell: _Most(MOST_IN_CELL) for cell in cells}, _Most(MOST_PICTURED if has_pictures else 0)
    writer: parquet.ParquetWriter | None = None
    names = texts(audited.classes.names)
    with parquet.ParquetFile(counted.rows) as file:
        try:
            for batch in file.iter_batches(2**16):
                block = _Rows(batch, audited, thresholds, confirmed_up_to)
                table = block.table(names, extra)
                writer = writer or parquet.ParquetWriter(out, table.schema, compression="zstd")
                writer.write_table(table)
                harmed.add(block, block.harm + block.lost_share, (block.harm > 0) & ~block.is_label_error)
                errors.add(block, block.sureness, block.is_label_error)
                pictured.add(block, block.harm, block.is_changed)
                label_errors += int(block.is_label_error.sum())
                for (true, compressed), most in in_cells.items():
                    into = (block.label == true) & (block.compressed == compressed) & (block.dense != compressed)
                    most.add(block, block.harm, into)
        finally:
            if writer is not None:
                writer.close()
    shown = {cell: most.examples() for cell, most in in_cells.items()}
    return ShownExamples(harmed.examples(), errors.examples(), label_errors, shown, pictured.examples())


class _Most:
    """The rows of the highest score, the first of equal ones."""

    def __init__(self, most: int) -> None:
        self._most, self._heap = most, list[tuple[float, int, Example]]()

    def add(self, block: _Rows, score: np.ndarray, mask: np.ndarray) -> None:
        places = np.flatnonzero(mask)
        if len(places) > self._most:
            places = places[np.lexsort((places, -score[places]))[: self._most]]
        for place in places:
            key = (float(score[place]), -int(block.row[place]))
            if len(self._heap) < self._most:
                heapq.heappush(self._heap, (*key, block.shown(int(place))))
            elif key > self._heap[0][:2]:
                heapq.heapreplace(self._heap, (*key, block.shown(int(place))))

    def examples(self) -> tuple[Example, ...]:
        return tuple(example for *_, example in sorted(self._heap, key=lambda item: item[:2], reverse=True))


class _Rows:
    """Some rows of the temporary table, with what only the whole could tell."""

    def __init__(
        self, batch: pa.RecordBatch, audited: Audited, thresholds: Thresholds | None, confirmed_up_to: float
    ) -> None:
        self._audited = audited
        self._columns = {name: numpy_of(batch.column(name)) for name in batch.schema.names}
        self.row, self.label = self._columns["row"], self._columns["label"]
        self.dense, self.compressed = self._columns["dense"], self._columns["compressed"]
        self.harm = self._columns["harm"]
        self.p_value = self._columns["p_value"]
        self.is_changed = self.dense != self.compressed
        self.has_truth = audited.truth is not None
        with np.errstate(invalid="ignore"):
            self.is_confirmed = self.is_changed & (self.p_value <= confirmed_up_to)
        self.pairs = [self._columns[name] for name in PAIR_SHARES if name in self._columns]
        if self.pairs:
            self.is_changed = self.kind != KINDS.index("kept")
        self.sureness = self._columns["sureness"]
        if thresholds is None:
            self.is_label_error = np.zeros(len(self.row), bool)
        else:
            self.is_label_error = suspected(self.dense, self.sureness, self.label, thresholds)

    @property
    def kind(self) -> np.ndarray:
        """Codes into ``KINDS``; of several pairs of models what happens in most of them."""
        if self.pairs:
            return self._kind_in_most_pairs()
        if not self.has_truth:
            return np.where(self.is_changed, KINDS.index("changed"), KINDS.index("kept")).astype(np.int8)
        before, after = self.dense == self.label, self.compressed == self.label
        changed = np.where(before, KINDS.index("lost"), np.where(after, KINDS.index("rescued"), KINDS.index("moved")))
        return np.where(self.is_changed, changed, KINDS.index("kept")).astype(np.int8)

    def _kind_in_most_pairs(self) -> np.ndarray:
        changed, lost, won = self.pairs
        if not self.has_truth:
            return np.where(changed > 0.5, KINDS.index("changed"), KINDS.index("kept")).astype(np.int8)
        shares = np.stack([1 - changed, lost, won, changed - lost - won])  # in the order of KINDS, the first of equals
        return np.round(shares, 9).argmax(0).astype(np.int8)

    @property
    def lost_share(self) -> np.ndarray:
        """Right before and wrong after, where that is not known changed: yes or no, or the share of pairs of models."""
        if self.pairs:
            return np.asarray(self.pairs[1] if self.has_truth else self.pairs[0])
        if not self.has_truth:
            return self.is_changed
        return (self.dense == self.label) & self.is_changed

    def ids(self) -> pa.Array:
        ids = self._audited.matched.ids
        return texts(self.row.astype(str).tolist()) if ids is None else ids.slice(int(self.row[0]), len(self.row))

    def table(self, names: pa.Array, extra: Mapping[str, np.ndarray]) -> pa.Table:
        def named(codes: np.ndarray) -> pa.Array:
            return pa.DictionaryArray.from_arrays(column_of(codes, codes < 0), names)

        def number(values: np.ndarray) -> pa.Array:
            return column_of(values, np.isnan(values))

        start = int(self.row[0])
        columns = {
            "example_id": self.ids(),
            "row": column_of(self.row),
            "label": named(self.label),
            "dense_label": named(self.dense),
            "compressed_label": named(self.compressed),
            "kind": pa.DictionaryArray.from_arrays(column_of(self.kind), texts(KINDS)),
            "is_changed": column_of(self.is_changed),
            "harm": number(self.harm),
        }
        for name in ("share", "probability", "confidence"):
            for side in ("dense", "compressed"):
                columns[f"{side}_{name}"] = number(self._columns[f"{side}_{name}"])
        columns |= {
            "p_value": number(self.p_value),
            "is_confirmed": column_of(self.is_confirmed),
            "is_label_error": column_of(self.is_label_error),
            **{name: number(self._columns[name]) for name in VOTES if name in self._columns},
            **{name: number(values) for name, values in zip(PAIR_SHARES, self.pairs, strict=False)},
            **{name: number(values[start : start + len(self.row)]) for name, values in extra.items()},
        }
        return pa.table(columns)

    def shown(self, place: int) -> Example:
        """One example as audit.json has it."""
        names, row = self._audited.classes.names, int(self.row[place])
        shares = ("dense_share", "compressed_share", "dense_probability", "compressed_probability")
        return Example(
            id=self._audited.matched.identity(row),
            row=row,
            label=names[self.label[place]] if self.has_truth else None,
            dense=names[self.dense[place]],
            compressed=names[self.compressed[place]],
            kind=KINDS[self.kind[place]],
            **{name: round(float(self._columns[name][place]), 6) for name in ("harm", *shares)},
            p_value=float(self.p_value[place]),
            is_confirmed=bool(self.is_confirmed[place]),
        )
