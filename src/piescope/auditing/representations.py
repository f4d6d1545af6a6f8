"""Files of representations: of one model, at its end or layer by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.reading.arrays import Spool, StoredArray, open_npy, open_npz, open_safetensors
from piescope.reading.columns import Ids, numbers, vector
from piescope.reading.files import fault, kind_of, named_files, shown
from piescope.reading.hints import Hints
from piescope.reading.named_arrays import array_ids
from piescope.reading.names import CLASS_NAMES, EMBEDDING_NAMES, LABEL_NAMES, PREDICTION_NAMES, TRUTH_NAMES
from piescope.reading.table_predictions import check_alike, id_column_of
from piescope.reading.tables import TableFile, read_table


@dataclass(frozen=True, eq=False)
class Points:
    """Representations of all examples: of one model, at its end or at some layer.

    Attributes:
        source: the file's name.
        array: ``[examples, dims]``.
        ids: of the examples; None: they go by row.
        notes: how it was read.
    """

    source: str
    array: StoredArray
    ids: pa.Array | None
    notes: tuple[str, ...] = ()

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.array.shape[0]

    @property
    def dims(self) -> int:
        """Length of a representation."""
        return self.array.shape[1]


def read_points(path: Path, reading: Hints) -> Points:
    """Representations from a file: an array ``[examples, dims]``, a column of lists, or one column a dimension.

    Raises:
        InputError: something else in it.
    """
    kind = kind_of(path)
    if kind in ("npy", "npz", "safetensors"):
        arrays = {"": open_npy(path)} if kind == "npy" else open_npz(path) if kind == "npz" else open_safetensors(path)
        by_name = {name.lower(): array for name, array in arrays.items()}
        wide = [array for array in arrays.values() if len(array.shape) == 2 and array.dtype.kind == "f"]
        chosen = next((by_name[name] for name in EMBEDDING_NAMES if name in by_name), None)
        chosen = chosen or (next(iter(arrays.values())) if len(arrays) == 1 else wide[0] if len(wide) == 1 else None)
        if chosen is None:
            listed = ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6])
            raise fault(path, "embeddings", listed, "an array named embeddings", "rename it, or save it alone")
        if len(chosen.shape) != 2 or 0 in chosen.shape or chosen.dtype.kind not in "fiu":
            raise fault(
                path,
                chosen.label,
                f"{chosen.dtype} {list(chosen.shape)}",
                "numbers [examples, dims]",
                "average over space or tokens first",
            )
        ids = array_ids(arrays, path, reading)
        if ids is not None and len(ids) != chosen.shape[0]:
            raise fault(path, "ids", f"{len(ids):,} ids", f"{chosen.shape[0]:,}, one an example", "write one for each")
        return Points(shown(path), chosen, ids, (f"{chosen.shape[1]} dims",))
    return read_table(path, kind, lambda table: _points_of_table(table, reading))


def _points_of_table(table: TableFile, reading: Hints) -> Points:
    path = table.path
    identity = id_column_of(table, reading)
    chosen = _columns(table.schema, identity, path)
    spool: Spool | None = None
    ids = Ids(path)
    named = () if identity is None else (identity,)
    for batch in table.batches(named, (*named, *chosen)):
        done = 0 if spool is None else len(spool)
        if pa.types.is_nested(table.schema.field(chosen[0]).type):
            rows = vector(batch.column(chosen[0]), path, chosen[0], done)
        else:
            rows = np.stack([numbers(batch.column(name), path, name, done) for name in chosen], axis=1)
        spool = spool or Spool(np.dtype(np.float32), rows.shape[1:])
        check_alike(rows, spool.row, path)
        spool.append(rows)
        ids.add(batch, identity)
    if spool is None:
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    array = spool.array("embeddings", path)
    return Points(shown(path), array, ids.array(), (*table.notes, f"{array.shape[1]} dims"))


def _columns(schema: pa.Schema, identity: str | None, path: Path) -> list[str]:
    """The column of lists, or the columns of numbers that are no labels."""
    names = [name for name in schema.names if name != identity]
    kinds = {name: schema.field(name).type for name in names}
    lists = [name for name in names if pa.types.is_nested(kinds[name])]
    if lists:
        return [next((name for name in lists if name.lower() in EMBEDDING_NAMES), lists[0])]
    labels = {*LABEL_NAMES, *CLASS_NAMES, *TRUTH_NAMES, *PREDICTION_NAMES}
    plain = [
        name
        for name in names
        if pa.types.is_floating(kinds[name])
        or (pa.types.is_integer(kinds[name]) and name.strip().lower() not in labels)
    ]
    if not plain:
        raise fault(
            path,
            "columns",
            ", ".join(map(repr, names[:8])) or "none but ids",
            "one column a dimension, or a column of lists",
            "give numbers",
        )
    return plain


def read_layers(text: str, what: str, reading: Hints) -> list[Points]:
    """Representations layer by layer, shallow to deep: files of a folder or pattern, in the order of their numbers.

    Raises:
        InputError: no such files.
    """
    paths = sorted(
        named_files(text, what),
        key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)],
    )
    return [read_points(path, reading) for path in paths]


@dataclass(frozen=True, eq=False)
class Represented:
    """Representations of both sides.

    Attributes:
        dense: at the end of the dense model.
        compressed: likewise.
        layers: of either side, shallow to deep; empty: there are none.
    """

    dense: Points
    compressed: Points
    layers: tuple[Sequence[Points], Sequence[Points]] = ((), ())

    @property
    def sides(self) -> dict[str, Points]:
        """Of both sides, by name."""
        return {"dense": self.dense, "compressed": self.compressed}

    def listed(self) -> dict[str, Points]:
        """All files by the names that `match` gives them."""
        named = {f"{side} embeddings": points for side, points in self.sides.items()}
        for side, layers in zip(self.sides, self.layers, strict=True):
            named |= {f"{side} layer {number}": points for number, points in enumerate(layers)}
        return named
