"""Subgroups of the examples, from the columns of a metadata file: categories as they are, numbers in quarters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.arrays import Spool, StoredArray
from piescope.reading.arrow import floats_of, numpy_of
from piescope.reading.columns import Ids
from piescope.reading.files import fault, kind_of, shown
from piescope.reading.hints import Hints
from piescope.reading.table_predictions import id_column_of
from piescope.reading.tables import TableFile, read_table

MOST_VALUES = 200
"""A column with more different texts is a name or an address, not a group."""

FEW_NUMBERS = 12
"""Up to so many different whole numbers are categories; more of them, and fractions, are cut into quarters."""

NONE = "(none)"
"""The group of examples whose cell is empty."""


@dataclass(frozen=True, eq=False)
class Groups:
    """A column of metadata: the group of each example.

    Attributes:
        column: its name.
        values: the groups' names.
        codes: ``[examples]`` int32.
    """

    column: str
    values: tuple[str, ...]
    codes: StoredArray


@dataclass(frozen=True, eq=False)
class Metadata:
    """A metadata file.

    Attributes:
        source: its name.
        examples: number of rows.
        ids: of the examples; None: they go by row.
        groups: one a column that can be used.
        notes: how it was read.
    """

    source: str
    examples: int
    ids: pa.Array | None
    groups: tuple[Groups, ...]
    notes: tuple[str, ...]


def read_metadata(path: Path, reading: Hints) -> Metadata:
    """The groups that a table's columns make.

    Raises:
        InputError: no table, or no column that makes groups.
    """
    kind = kind_of(path)
    if kind in ("npy", "npz", "safetensors"):
        raise fault(path, "metadata", f"a {kind} file", "a table: CSV, Parquet, JSON lines", "write the columns as CSV")
    return read_table(path, kind, lambda table: _metadata_of(table, reading), is_free=True)


def _metadata_of(table: TableFile, reading: Hints) -> Metadata:
    path = table.path
    answers = (*reading.prediction_columns, *reading.score_columns, reading.label_column)
    names = [name for name in table.schema.names if name not in answers]  # the table itself, perhaps
    identity = id_column_of(table, reading)
    columns = {name: _Column(name) for name in names if name != identity}
    ids = Ids(path)
    rows = 0
    for batch in table.batches(() if identity is None else (identity,)):
        rows += batch.num_rows
        ids.add(batch, identity)
        for name, column in columns.items():
            column.add(batch.column(name))
    if not rows:
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    made = [column.groups(path) for column in columns.values()]
    groups = tuple(groups_or_why for groups_or_why in made if isinstance(groups_or_why, Groups))
    left = tuple(groups_or_why for groups_or_why in made if isinstance(groups_or_why, str))
    if not groups:
        raise fault(
            path,
            "columns",
            "; ".join(left) or "none but ids",
            "columns with a few different values, or with numbers",
            "add a column to group by",
        )
    notes = (*table.notes, *left, *(() if identity is None else (f"ids: column {identity!r}",)))
    return Metadata(shown(path), rows, ids.array(), groups, notes)


class _Column:
    """Collects one column: categories by code, or numbers as they are."""

    def __init__(self, name: str) -> None:
        self._name, self._known = name, dict[str, int]()
        self._codes, self._numbers = Spool(np.dtype(np.int32), ()), Spool(np.dtype(np.float64), ())
        self._is_number = self._is_refused = False

    def add(self, values: Any) -> None:
        number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
        if number:
            self._is_number = True
            self._numbers.append(floats_of(values))
            return
        try:
            text = pc.utf8_trim_whitespace(values.cast(pa.string()))
        except pa.ArrowException:  # lists, bytes
            self._is_refused = True
            return
        if self._is_refused:
            return
        encoded = pc.dictionary_encode(text, null_encoding="encode")
        names = encoded.dictionary.to_pylist()
        for name in names:
            self._known.setdefault(name or NONE, len(self._known))
        if len(self._known) > MOST_VALUES:
            self._is_refused = True
            return
        table = np.array([self._known[name or NONE] for name in names], np.int32)
        self._codes.append(table[numpy_of(encoded.indices)])

    def groups(self, path: Path) -> Groups | str:
        if self._is_refused or (self._is_number and len(self._codes)):
            return f"column {self._name!r} is not used: more than {MOST_VALUES} different values, or no text or number"
        if self._is_number:
            return self._of_numbers(path)
        order = sorted(range(len(self._known)), key=lambda code: list(self._known)[code])
        rank = np.argsort(order).astype(np.int32)
        codes = Spool(np.dtype(np.int32), ())
        codes.append(rank[self._codes.array(self._name, path).part(slice(None))])
        return Groups(self._name, tuple(list(self._known)[code] for code in order), codes.array(self._name, path))

    def _of_numbers(self, path: Path) -> Groups | str:
        values = self._numbers.array(self._name, path).part(slice(None))
        known = np.isfinite(values)
        if not known.any():
            return f"column {self._name!r} is not used: no numbers in it"
        different = np.unique(values[known][:100_000])
        if len(different) <= FEW_NUMBERS and (different == np.trunc(different)).all():
            different = np.unique(values[known])
        if len(different) <= FEW_NUMBERS and (different == np.trunc(different)).all():
            codes = np.searchsorted(different, np.where(known, values, different[0]))
            names = [f"{value:.0f}" for value in different]
        else:
            edges = np.unique(np.quantile(values[known], [0.25, 0.5, 0.75]))
            codes = np.searchsorted(edges, np.where(known, values, edges[0]), side="left")
            ends = next(
                (
                    notes
                    for digits in range(4, 18)
                    if len(set(notes := [f"{edge:.{digits}g}" for edge in edges])) == len(notes)
                ),
                [repr(edge) for edge in edges.tolist()],
            )
            names = [
                f"up to {ends[0]}",
                *(f"{a} to {b}" for a, b in pairwise(ends)),
                f"above {ends[-1]}",
            ]
        if not known.all():
            codes = np.where(known, codes, len(names))
            names.append(NONE)
        spool = Spool(np.dtype(np.int32), ())
        spool.append(codes)
        return Groups(self._name, tuple(names), spool.array(self._name, path))
