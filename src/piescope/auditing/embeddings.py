"""What compression did to the representations: Q-Score, neighbourhoods, CKA, prediction depth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from piescope.auditing.answers import number
from piescope.measure.neighbours import neighbours_within
from piescope.measure.pies import modal_label
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import is_degenerate, q_score
from piescope.measure.similarity import knn_agreement, linear_cka, neighbourhood_overlap
from piescope.reading.array_texts import array_ids
from piescope.reading.arrays import Spool, StoredArray, open_npy, open_npz, open_safetensors
from piescope.reading.cell_values import numbers, vector
from piescope.reading.files import fault, kind_of, named_files, shown
from piescope.reading.matching import Matched
from piescope.reading.names import CLASS_NAMES, EMBEDDING_NAMES, LABEL_NAMES, PREDICTION_NAMES, TRUTH_NAMES
from piescope.reading.parts import Hints
from piescope.reading.table_predictions import Ids, check_alike, id_column_of
from piescope.reading.tables import TableFile, read_table

MOST_POINTS = 20_000
"""Examples whose neighbours are looked for, drawn at random where there are more."""

K = 30
OVERLAP_K = 10

ROWS = 2**13


@dataclass(frozen=True, eq=False)
class Points:
    """Representations of all examples: of one model, at its end or at some layer.

    Attributes:
        source: the file's name.
        array: ``[examples, dims]``.
        ids: of the examples; None: they go by row.
        told: how it was read.
    """

    source: str
    array: StoredArray
    ids: pa.Array | None
    told: tuple[str, ...] = ()

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
        found = next((by_name[name] for name in EMBEDDING_NAMES if name in by_name), None)
        found = found or (next(iter(arrays.values())) if len(arrays) == 1 else wide[0] if len(wide) == 1 else None)
        if found is None:
            told = ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6])
            raise fault(path, "embeddings", told, "an array named embeddings", "rename it, or save it alone")
        if len(found.shape) != 2 or 0 in found.shape or found.dtype.kind not in "fiu":
            raise fault(
                path,
                found.label,
                f"{found.dtype} {list(found.shape)}",
                "numbers [examples, dims]",
                "average over space or tokens first",
            )
        ids = array_ids(arrays, path, reading)
        if ids is not None and len(ids) != found.shape[0]:
            raise fault(path, "ids", f"{len(ids):,} ids", f"{found.shape[0]:,}, one an example", "write one for each")
        return Points(shown(path), found, ids, (f"{found.shape[1]} dims",))
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
    return Points(shown(path), array, ids.array(), (*table.told, f"{array.shape[1]} dims"))


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

    def listed(self) -> dict[str, Points]:
        """All files by the names that `match` gives them."""
        found = {"dense embeddings": self.dense, "compressed embeddings": self.compressed}
        for side, layers in zip(("dense", "compressed"), self.layers, strict=True):
            found |= {f"{side} layer {number}": points for number, points in enumerate(layers)}
        return found


def represent(
    represented: Represented, matched: Matched, truth: np.ndarray | None, modal: Mapping[str, np.ndarray], seed: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The answers about representations, and columns for examples.parquet.

    Args:
        represented: of both sides.
        matched: which row is which example.
        truth: ``[examples]`` true class ids; None: not known, so the dense labels vote in kNN.
        modal: ``[examples]`` modal labels of ``dense`` and ``compressed``.
        seed: of the draw where there are more than 20,000 examples.

    Raises:
        InputError: NaN or infinity among the representations.
    """
    count = matched.examples
    changed = modal["dense"] != modal["compressed"]
    columns: dict[str, np.ndarray] = {}
    scores: dict[str, Any] = {}
    for side, points in (("dense", represented.dense), ("compressed", represented.compressed)):
        columns[f"{side}_q"], scores[side] = _q_scores(points, matched, f"{side} embeddings")
    drawn = (
        np.arange(count)
        if count <= MOST_POINTS
        else np.sort(np.random.default_rng(seed).choice(count, MOST_POINTS, replace=False))
    )
    held = {
        side: _values(points, matched, f"{side} embeddings", drawn)
        for side, points in (("dense", represented.dense), ("compressed", represented.compressed))
    }
    voters = (modal["dense"] if truth is None else truth)[drawn]
    k = min(K, len(drawn) - 1)
    content: dict[str, Any] = {
        "dims": [represented.dense.dims, represented.compressed.dims],
        "examples": len(drawn),
        "k": k,
        "overlap_k": min(OVERLAP_K, k),
        "cka": None,
        "neighbourhood_overlap": None,
        "knn_agreement": None,
        "knn_accuracy": None,
        "q_score": {
            **scores,
            "changed": {f"{side}_q": _mean(columns[f"{side}_q"][changed]) for side in ("dense", "compressed")},
            "other": {f"{side}_q": _mean(columns[f"{side}_q"][~changed]) for side in ("dense", "compressed")},
        },
        "prediction_depth": None,
    }
    if len(drawn) > 3:
        content["cka"] = number(linear_cka(held["dense"], held["compressed"]))
    if k >= 1:
        content["neighbourhood_overlap"] = float(
            neighbourhood_overlap(held["dense"], held["compressed"], min(OVERLAP_K, k)).mean()
        )
        near = dict(
            zip(("dense", "compressed"), knn_agreement(held["dense"], held["compressed"], voters, k), strict=True)
        )
        content["knn_agreement"] = 100 * float((near["dense"] == near["compressed"]).mean())
        if truth is not None:
            content["knn_accuracy"] = {side: 100 * float((labels == voters).mean()) for side, labels in near.items()}
    if all(represented.layers) and k >= 1:
        content["prediction_depth"] = _depths(represented, matched, voters, modal, drawn, k, columns)
    return content, columns


def _q_scores(points: Points, matched: Matched, name: str) -> tuple[np.ndarray, dict[str, Any]]:
    q = np.zeros(matched.examples)
    sums, degenerate = np.zeros(3), 0
    for start in range(0, matched.examples, ROWS):
        stop = min(start + ROWS, matched.examples)
        values = _values(points, matched, name, slice(start, stop))
        found = q_score(values)
        q[start:stop] = found.q
        sums += [float(part.sum()) for part in found]
        degenerate += int(is_degenerate(values).sum())
    mean = sums / max(1, matched.examples)
    return q, {"q": mean[0], "z": mean[1], "l1": mean[2], "degenerate": degenerate}


def _values(points: Points, matched: Matched, name: str, which: slice | np.ndarray) -> np.ndarray:
    order = matched.rows[name]
    rows: slice | np.ndarray = which if order is None else order[which]
    with np.errstate(over="ignore"):
        values = points.array.part(rows).astype(np.float32)
    points.array.release()
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        row = int(which[row]) if isinstance(which, np.ndarray) else row + which.start
        raise fault(
            points.source,
            f"example {matched.identity(row)}",
            "NaN or infinity",
            "finite numbers",
            "leave the diverged model out",
        )
    return values


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _depths(
    represented: Represented,
    matched: Matched,
    voters: np.ndarray,
    modal: Mapping[str, np.ndarray],
    drawn: np.ndarray,
    k: int,
    columns: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Depth at which kNN at each layer gives the side's own label and keeps giving it (Baldock et al. 2021)."""
    changed = (modal["dense"] != modal["compressed"])[drawn]
    found: dict[str, Any] = {"layers": len(represented.layers[0]), "changed": {}, "other": {}}
    for side, layers in zip(("dense", "compressed"), represented.layers, strict=True):
        labels = []
        for place, points in enumerate(layers):
            values = _values(points, matched, f"{side} layer {place}", drawn)
            labels.append(_near_labels(values, voters, k))
        depth = prediction_depth(np.stack(labels), modal[side][drawn])
        whole = np.full(matched.examples, np.nan)
        whole[drawn] = depth
        columns[f"{side}_depth"] = whole
        found[side] = float(depth.mean())
        found["changed"][side], found["other"][side] = _mean(depth[changed]), _mean(depth[~changed])
    return found


def _near_labels(points: np.ndarray, voters: np.ndarray, k: int) -> np.ndarray:
    """``[examples]`` the label of most of the k nearest other examples."""
    return modal_label(voters[neighbours_within(points, k)].T, int(voters.max()) + 1)
