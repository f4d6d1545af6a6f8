"""Example by example: examples.parquet, and the examples that people look at."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from piescope.auditing.tally import Audited, Tallied
from piescope.measure.label_errors import suspected
from piescope.reading.columns import column_of, numpy_of, texts

MOST_HARMED = 100
MOST_LABEL_ERRORS = 50
MOST_IN_CELL = 12

PAIR_SHARES = ("changed_share", "lost_share", "won_share")
"""Columns of a comparison over pairs of models; their sums are the counts in audit.json."""

KINDS = ("kept", "lost", "rescued", "moved", "changed")


@dataclass
class Shown:
    """The examples that people look at.

    Attributes:
        harmed: lost ones (without true labels: changed ones) first, in each the most harmed first (over pairs of
            models: by harm plus the share of pairs that lose them); likely label errors are not among them.
        label_errors: the surest first.
        label_error_count: how many there are.
        in_cells: (true, compressed) -> examples that moved there, most harmed first.
    """

    harmed: list[dict[str, Any]] = field(default_factory=list)
    label_errors: list[dict[str, Any]] = field(default_factory=list)
    label_error_count: int = 0
    in_cells: dict[tuple[int, int], list[dict[str, Any]]] = field(default_factory=dict)


def write_rows(
    audited: Audited,
    tallied: Tallied,
    out: Path,
    confirmed_up_to: float,
    cells: Sequence[tuple[int, int]],
    extra: Mapping[str, np.ndarray],
) -> Shown:
    """Writes examples.parquet and picks the examples that people look at.

    Args:
        audited: what is compared.
        tallied: of the first pass; its temporary table is read.
        out: the file.
        confirmed_up_to: the largest p-value that counts as confirmed; negative: none does.
        cells: (true, compressed) cells of which examples are shown.
        extra: more columns by name, ``[examples]`` (Q-Scores, depths).
    """
    shown = Shown(in_cells={cell: [] for cell in cells})
    heaps: dict[Any, list[Any]] = {"harmed": [], "label_errors": [], **{cell: [] for cell in cells}}
    writer: parquet.ParquetWriter | None = None
    names = texts(audited.classes.names)
    with parquet.ParquetFile(tallied.rows) as file:
        try:
            for batch in file.iter_batches(2**16):
                block = _Block(batch, audited, tallied, confirmed_up_to)
                table = block.table(names, extra)
                writer = writer or parquet.ParquetWriter(out, table.schema, compression="zstd")
                writer.write_table(table)
                _keep(
                    heaps,
                    "harmed",
                    block,
                    block.harm + block.lost_share,
                    (block.harm > 0) & ~block.is_label_error,
                    MOST_HARMED,
                )
                _keep(heaps, "label_errors", block, block.sureness, block.is_label_error, MOST_LABEL_ERRORS)
                shown.label_error_count += int(block.is_label_error.sum())
                for cell in cells:
                    into = (block.label == cell[0]) & (block.compressed == cell[1]) & (block.dense != cell[1])
                    _keep(heaps, cell, block, block.harm, into, MOST_IN_CELL)
        finally:
            if writer is not None:
                writer.close()
    listed = {
        name: [row for *_, row in sorted(heap, key=lambda item: item[:2], reverse=True)] for name, heap in heaps.items()
    }
    shown.harmed, shown.label_errors = listed["harmed"], listed["label_errors"]
    shown.in_cells = {cell: listed[cell] for cell in cells}
    return shown


def _keep(
    heaps: dict[Any, list[Any]], name: Any, block: _Block, score: np.ndarray, mask: np.ndarray, most: int
) -> None:
    """Keeps the rows of the highest score, the first of equal ones."""
    heap = heaps[name]
    places = np.flatnonzero(mask)
    if len(places) > most:
        places = places[np.lexsort((places, -score[places]))[:most]]
    for place in places:
        key = (float(score[place]), -int(block.row[place]))
        if len(heap) < most:
            heapq.heappush(heap, (*key, block.shown(int(place))))
        elif key > heap[0][:2]:
            heapq.heapreplace(heap, (*key, block.shown(int(place))))


class _Block:
    """Some rows of the temporary table, with what only the whole could tell."""

    def __init__(self, batch: pa.RecordBatch, audited: Audited, tallied: Tallied, confirmed_up_to: float) -> None:
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
        if tallied.thresholds is None:
            self.is_label_error = np.zeros(len(self.row), bool)
        else:
            self.is_label_error = suspected(self.dense, self.sureness, self.label, tallied.thresholds)

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
            **{name: number(values) for name, values in zip(PAIR_SHARES, self.pairs, strict=False)},
            **{name: number(values[start : start + len(self.row)]) for name, values in extra.items()},
        }
        return pa.table(columns)

    def shown(self, place: int) -> dict[str, Any]:
        """One example as audit.json has it."""
        names = self._audited.classes.names
        row = int(self.row[place])

        def number(name: str) -> float | None:
            value = float(self._columns[name][place])
            return None if value != value else round(value, 6)

        return {
            "id": self._audited.matched.identity(row),
            "row": row,
            "label": names[self.label[place]] if self.has_truth else None,
            "dense": names[self.dense[place]],
            "compressed": names[self.compressed[place]],
            "kind": KINDS[self.kind[place]],
            "harm": number("harm"),
            **{
                name: number(name)
                for name in ("dense_share", "compressed_share", "dense_probability", "compressed_probability")
            },
            "p_value": None if np.isnan(self.p_value[place]) else float(self.p_value[place]),
            "is_confirmed": bool(self.is_confirmed[place]),
        }
