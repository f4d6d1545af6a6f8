"""Predictions and labels from tables: which column is what, wide or long."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.array_parts import (
    LOOK,
    is_one_hot,
    values_of,
)
from piescope.reading.arrays import Spool, StoredArray, in_memory
from piescope.reading.columns import numpy_of, texts
from piescope.reading.files import fault, shown
from piescope.reading.labels import Coder
from piescope.reading.parts import (
    AXES,
    CONFIDENCE_COLUMNS,
    ID_COLUMNS,
    LABEL_COLUMNS,
    MODEL_COLUMNS,
    NOT_PREDICTIONS,
    PREDICTION_COLUMNS,
    SUM_TOLERANCE,
    TRUTH_COLUMNS,
    Hints,
    LabelColumn,
    Predictions,
    Values,
    as_tuple,
    check_width,
    replace_path,
)
from piescope.reading.tables import NUMBER, TableFile


def labels_of_table(table: TableFile, reading: Hints) -> LabelColumn:
    """The true labels of a table; InputError where no column holds any."""
    path = table.path
    roles = _Roles.of(table, reading, for_truth=True)
    assert roles.truth is not None
    coder = Coder(path, roles.truth)
    spool, ids = Spool(np.dtype(np.int32), ()), Ids(path)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        codes = coder.codes(batch.column(roles.truth))
        largest = max(largest, int(codes.max()))
        spool.append(codes)
        ids.add(batch, roles.id)
    if not len(spool):
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    told = (*table.told, f"true labels: column {roles.truth!r}", *_id_told(roles.id))
    return LabelColumn(shown(path), spool.array("labels", path), as_tuple(coder.names), ids.array(), told, largest)


def _id_told(column: str | None) -> tuple[str, ...]:
    return () if column is None else (f"ids: column {column!r}",)


def id_column_of(names: Sequence[str], reading: Hints) -> str | None:
    """Which column holds ids: the one that the user names, or one with a usual name, or an index without a name."""
    if reading.id_column in names:
        return reading.id_column
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = next((lower[wanted] for wanted in ID_COLUMNS if wanted in lower), None)
    if found is None and len(names) > 1 and names[0].strip().lower() in ("", "unnamed: 0", "__index_level_0__"):
        return names[0]
    return found


class Ids:
    """The ids of a table, collected batch by batch."""

    def __init__(self, path: Path) -> None:
        self._path, self._parts = path, list[pa.Array]()

    def add(self, batch: pa.RecordBatch, column: str | None) -> None:
        """Keeps the ids of a batch; InputError for an empty one."""
        if column is None:
            return
        values = batch.column(column)
        empty = numpy_of(values.is_null()) == 1 if values.null_count else numpy_of(pc.binary_length(values)) == 0
        if empty.any():
            row = sum(len(part) for part in self._parts) + int(np.argmax(empty))
            raise fault(self._path, f"{column}, row {row}", "an empty id", "an id in each row", "give each example one")
        self._parts.append(values)

    def array(self) -> pa.Array | None:
        """All ids; None where there is no such column."""
        return pa.concat_arrays(self._parts) if self._parts else None


@dataclass(frozen=True)
class _Roles:
    """What each column of a table is."""

    id: str | None
    model: str | None
    truth: str | None
    labels: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    told: tuple[str, ...] = field(default=())

    @property
    def as_text(self) -> tuple[str, ...]:
        return tuple(name for name in (self.id, self.model) if name is not None)

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that are read."""
        named = (self.id, self.model, self.truth)
        return (*(name for name in named if name is not None), *self.labels, *self.scores, *self.vectors)

    @staticmethod
    def of(table: TableFile, reading: Hints, for_truth: bool = False) -> _Roles:
        """Reads the roles off names and types.

        Raises:
            InputError: no column that could hold what is wanted, or several that could.
        """
        schema, path = table.schema, table.path
        names = list(schema.names)
        for wanted, flag in ((reading.id_column, "--id-column"), (reading.label_column, "--label-column")):
            if wanted is not None and wanted not in names and (for_truth or flag == "--id-column"):
                raise fault(
                    path,
                    flag,
                    f"no column {wanted!r}",
                    "one of: " + ", ".join(map(repr, names[:12])),
                    "check its spelling",
                )
        lower = {name: name.strip().lower() for name in names}
        identity = reading.id_column or next(
            (name for wanted in ID_COLUMNS for name in names if lower[name] == wanted), None
        )
        if identity is None and names and lower[names[0]] in ("", "unnamed: 0", "__index_level_0__") and len(names) > 1:
            identity = names[0]
        rest = [name for name in names if name != identity]
        if for_truth:
            return _Roles(identity, None, _truth_column(path, rest, lower, schema, reading))
        model = next((name for wanted in MODEL_COLUMNS for name in rest if lower[name] == wanted), None)
        kinds = {name: _kind(schema.field(name).type, reading.values) for name in rest}
        if model is not None and kinds[model] == "number":
            model = None
        rest = [name for name in rest if name != model]
        labelish = [name for name in rest if kinds[name] == "label"]
        predicted = [name for name in labelish if lower[name] in PREDICTION_COLUMNS]
        truth = reading.label_column if reading.label_column in rest else None
        truth = truth or next((name for wanted in TRUTH_COLUMNS for name in labelish if lower[name] == wanted), None)
        vectors = [name for name in rest if kinds[name] == "vector" and lower[name] not in NOT_PREDICTIONS]
        numbers = [
            name for name in rest if kinds[name] == "number" and lower[name] not in CONFIDENCE_COLUMNS and name != truth
        ]
        if truth is None and (vectors or len(numbers) > 1 or len(predicted) > 0):
            truth = next(
                (
                    name
                    for wanted in LABEL_COLUMNS
                    for name in labelish
                    if lower[name] == wanted and name not in predicted
                ),
                None,
            )
        labelish = [name for name in labelish if name != truth]
        chosen: dict[str, tuple[str, ...]] = {}
        if vectors:
            chosen = {"vectors": tuple(vectors)}
        elif len(numbers) > 1 and len(numbers) >= len(labelish):
            chosen = {"scores": tuple(numbers)}
        elif predicted:
            chosen = {"labels": tuple(predicted)}
        elif labelish:
            chosen = {"labels": tuple(labelish)}
        elif numbers:
            chosen = {"scores": tuple(numbers)}
        else:
            raise fault(
                path,
                "columns",
                ", ".join(map(repr, names[:12])),
                "columns of predictions: labels (one a model) or scores (one a class)",
                "name the id column with --id-column and the true labels with --label-column",
            )
        used = {name for group in chosen.values() for name in group}
        unused = tuple(name for name in rest if name not in used and name != truth)
        if model is not None and len(chosen.get("labels", ("",))) > 1:
            raise fault(
                path,
                "columns",
                ", ".join(map(repr, chosen["labels"][:8])),
                "one column of predictions beside the example and the model",
                "name it prediction",
            )
        return _Roles(identity, model, truth, unused=unused, **chosen)


def _truth_column(path: Path, rest: list[str], lower: dict[str, str], schema: pa.Schema, reading: Hints) -> str:
    if reading.label_column is not None:
        return reading.label_column
    for wanted in (*TRUTH_COLUMNS, *LABEL_COLUMNS):
        for name in rest:
            if lower[name] == wanted:
                return name
    if len(rest) == 1:
        return rest[0]
    found = ", ".join(map(repr, rest[:12])) or "none but ids"
    raise fault(
        path, "columns", found, "a column named label", "name the column with the true labels: --label-column NAME"
    )


def _kind(kind: pa.DataType, values: Values | None) -> Literal["label", "number", "vector", "other"]:
    """What a column of a type may hold; whole numbers are scores where the user says that values are."""
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and values in ("probabilities", "logits")):
        return "number"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_null(kind):
        return "label"
    return "vector" if pa.types.is_nested(kind) else "other"  # of numbers: tables hold no others


def part_of_table(table: TableFile, reading: Hints) -> Predictions:
    """The predictions of a table; InputError where no column holds any."""
    cells = _cells_of(table, _Roles.of(table, reading), reading)
    roles = cells.roles
    if roles.model is not None:
        return _pivoted(table, roles, cells, reading)
    spool: Spool | None = None
    ids, truth = Ids(table.path), _TruthBeside(table.path, roles.truth)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        rows = cells.rows(batch)
        if spool is None:
            spool = Spool(rows.dtype, rows.shape[1:])
        check_alike(rows, spool.row, table.path)
        largest = max(largest, cells.largest(rows))
        spool.append(rows)
        ids.add(batch, roles.id)
        truth.add(batch)
    if spool is None:
        raise fault(table.path, "rows", "none", "at least one example", "write the file again")
    held = ids.array()
    return cells.part(spool.array("predictions", table.path), largest, held, truth.column(held), reading)


def check_alike(rows: np.ndarray, first: tuple[int, ...], path: Path) -> None:
    """Refuses rows ``[rows, ...]`` that are longer or shorter than those before; InputError."""
    if rows.shape[1:] != first:
        raise fault(
            path,
            "rows",
            f"lists of {rows.shape[-1]} numbers, after lists of {first[-1]}",
            "lists of one length",
            "give one score a class in each row",
        )


class _TruthBeside:
    """True labels that stand beside predictions."""

    def __init__(self, path: Path, name: str | None) -> None:
        self._path, self._name = path, name
        self._coder, self._spool, self._largest = Coder(path, name or ""), Spool(np.dtype(np.int32), ()), -1

    def add(self, batch: pa.RecordBatch) -> None:
        if self._name is not None:
            codes = self._coder.codes(batch.column(self._name))
            self._largest = max(self._largest, int(codes.max(initial=-1)))
            self._spool.append(codes)

    def column(self, ids: pa.Array | None) -> LabelColumn | None:
        if self._name is None:
            return None
        told = (f"true labels: column {self._name!r}",)
        codes = self._spool.array("labels", self._path)
        return LabelColumn(shown(self._path), codes, as_tuple(self._coder.names), ids, told, self._largest)


@dataclass
class _Cells:
    """Turns the prediction columns of a batch into rows of an array."""

    table: TableFile
    roles: _Roles
    values: Values
    class_names: tuple[str, ...] | None
    coder: Coder
    told: tuple[str, ...]
    done: int = 0

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """``[rows, models]`` labels or ``[rows, models, classes]`` scores."""
        if self.values == "labels":
            return np.stack([self.coder_of(name).codes(batch.column(name)) for name in self.columns], axis=1)
        if self.roles.vectors:
            held = [vector(batch.column(name), self.table.path, name, self.done) for name in self.roles.vectors]
            odd = next((place for place, each in enumerate(held) if each.shape != held[0].shape), None)
            if odd is not None:
                raise fault(
                    self.table.path,
                    self.roles.vectors[odd],
                    f"lists of {held[odd].shape[1]} numbers",
                    f"{held[0].shape[1]}, as in {self.roles.vectors[0]}",
                    "give all models the same classes",
                )
            check_width(held[0].shape[1], self.table.path, self.roles.vectors[0])
            found = np.stack(held, axis=1)
        else:
            check_width(len(self.roles.scores), self.table.path, "columns")
            held = [numbers(batch.column(name), self.table.path, name, self.done) for name in self.roles.scores]
            found = np.stack(held, axis=1)[:, None, :]
        self.done += len(found)
        return found

    def coder_of(self, name: str) -> Coder:
        self.coder.where = name
        return self.coder

    @property
    def columns(self) -> tuple[str, ...]:
        return self.roles.labels or self.roles.scores

    def largest(self, rows: np.ndarray) -> int:
        return int(rows.max(initial=-1)) if self.values == "labels" else -1

    @property
    def models(self) -> tuple[str, ...]:
        names = self.roles.vectors or (self.columns if self.values == "labels" else ("",))
        return (self.table.path.stem,) if len(names) == 1 else names

    def part(
        self, array: StoredArray, largest: int, ids: pa.Array | None, truth: LabelColumn | None, reading: Hints
    ) -> Predictions:
        axes: tuple[AXES, ...] = (
            ("examples", "models") if self.values == "labels" else ("examples", "models", "classes")
        )
        names = as_tuple(self.coder.names) if self.values == "labels" else self.class_names
        told = (*self.table.told, *self.told, *_id_told(self.roles.id))
        found = Predictions(
            shown(self.table.path),
            self.values,
            self.models,
            array,
            axes,
            names,
            ids,
            truth,
            told,
            -1 if names else largest,
        )
        if self.values != "labels" and array.shape[2] == 1:
            told = (*told, "one score an example: that of class 1 of two")
            return replace(found, class_names=None, is_binary=True, told=told)
        return found


def _cells_of(table: TableFile, roles: _Roles, reading: Hints) -> _Cells:
    """How the columns are read, from the first rows."""
    path = table.path
    spare = [name for name in roles.unused if table.kind == "csv" or pa.types.is_integer(table.schema.field(name).type)]
    first = next(table.batches(roles.as_text, (*roles.used, *spare)), None)
    if first is None:
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    coder = Coder(path, "predictions")
    if roles.labels:
        _check_not_one_hot(first, roles.labels, path)
    elif roles.scores:
        roles = _with_whole_numbers(first, roles)
        _check_no_text(first, tuple(spare), path)
    unused = (f"not used: {', '.join(map(repr, roles.unused[:8]))}",) if roles.unused else ()
    if roles.labels:
        told = (
            f"labels, one column a model ({len(roles.labels)})"
            if len(roles.labels) > 1
            else f"labels: column {roles.labels[0]!r}"
        )
        return _Cells(table, roles, "labels", None, coder, (told, *unused))
    looked = _Cells(table, roles, "logits", None, coder, ()).rows(first)
    named = ", ".join(map(repr, (roles.scores or roles.vectors)[:3]))
    stored = replace(in_memory(looked[:, 0], named), path=path, name=named)
    values = reading.values or values_of(looked[:, 0], stored, np.arange(len(looked)))
    if values == "labels":
        if roles.vectors:
            raise fault(
                path,
                roles.vectors[0],
                "lists of whole numbers",
                "scores, one a class",
                "say --values logits if they are scores",
            )
        return _Cells(
            table, roles, "labels", None, coder, (f"labels, one column a model ({len(roles.scores)})", *unused)
        )
    if roles.vectors:
        kind = table.schema.field(roles.vectors[0]).type
        names = tuple(field.name for field in kind) if pa.types.is_struct(kind) else None
        told = f"{values}, a list an example in {', '.join(map(repr, roles.vectors[:4]))}"
    else:
        names = _without_prefix(roles.scores)
        told = f"{values}, one column a class ({len(roles.scores)})"
        if _are_ids(names) or all(name.startswith("column ") for name in names):
            names = None
    return _Cells(table, roles, values, names, coder, (told, *unused))


def _check_not_one_hot(first: pa.RecordBatch, names: tuple[str, ...], path: Path) -> None:
    columns = [first.column(name) for name in names]
    if len(names) < 2 or any(pa.types.is_string(column.type) or column.null_count for column in columns):
        return
    if is_one_hot(np.stack([numpy_of(column) for column in columns], axis=1)):
        raise fault(
            path,
            "columns",
            f"one-hot rows: a single 1 among {', '.join(map(repr, names[:4]))} ...",
            "labels, one column a model, or scores, one a class",
            "give class ids or names, or say --values probabilities",
        )


def _with_whole_numbers(first: pa.RecordBatch, roles: _Roles) -> _Roles:
    """Classes whose probabilities are all written as 0 and 1, which look like ids: with them the others sum to 1."""
    spare = [
        name
        for name in roles.unused
        if name in first.schema.names and pa.types.is_integer(first.schema.field(name).type)
    ]
    names = tuple(name for name in first.schema.names if name in spare or name in roles.scores)
    columns = {name: first.column(name) for name in names}
    if not spare or any(column.null_count for column in columns.values()):
        return roles
    values = {name: numpy_of(pc.cast(column, pa.float32(), safe=False)) for name, column in columns.items()}
    alone, together = (sum(values[name] for name in group) for group in (roles.scores, names))
    within = all(((column >= 0) & (column <= 1)).all() for column in values.values())
    if within and (np.abs(together - 1) <= SUM_TOLERANCE).all() and (np.abs(alone - 1) > SUM_TOLERANCE).any():
        return replace(roles, scores=names, unused=tuple(name for name in roles.unused if name not in spare))
    return roles


def _check_no_text(first: pa.RecordBatch, unused: tuple[str, ...], path: Path) -> None:
    """Refuses a column of numbers with text among them, which would silently be left out of the scores."""
    for name in unused:
        column = first.column(name)
        if not pa.types.is_string(column.type):
            continue
        cells = [cell or "" for cell in column.slice(0, LOOK).to_pylist()]
        odd = [place for place, cell in enumerate(cells) if not NUMBER.fullmatch(cell.strip())]
        if odd and len(odd) < len(cells) / 2:
            row, found = odd[0], cells[odd[0]]
            cure = "mend that cell, or leave its example out of all files"
            raise fault(path, f"{name}, row {row}", repr(found), "a number in each row", cure)


def _are_ids(names: Sequence[str]) -> bool:
    """Whether columns count classes from 0: ``0, 1, 2`` or ``p0, p1, p2``."""
    stem = names[0].removesuffix("0")
    return all(name == f"{stem}{number}" for number, name in enumerate(names))


def _without_prefix(names: tuple[str, ...]) -> tuple[str, ...]:
    """``prob_cat, prob_dog`` as ``cat, dog``."""
    first, last = min(names), max(names)  # what the extremes share, all share
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    shared = first[:same]
    cut = max(shared.rfind("_"), shared.rfind("."), shared.rfind(":"), shared.rfind(" ")) + 1
    bare = tuple(name[cut:] for name in names)
    return bare if len(names) > 1 and all(bare) else names


def numbers(column: pa.Array, path: Path, name: str, first: int = 0, length: int = 1) -> np.ndarray:
    """A column as float32, ``length`` numbers a row; InputError for an empty cell, which names its row."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0]) // length
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell or NaN",
            "a number in each row",
            "leave that example out of all files",
        )
    return numpy_of(pc.cast(column, pa.float32(), safe=False))


def vector(column: pa.Array, path: Path, name: str, first: int = 0) -> np.ndarray:
    """A column of lists or structs as ``[rows, length]`` float32; InputError where lengths differ."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0])
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell",
            "a list of numbers in each row",
            "leave that example out of all files",
        )
    if pa.types.is_struct(column.type):
        return np.stack(
            [
                numbers(column.field(place), path, f"{name}.{column.type.field(place).name}", first)
                for place in range(column.type.num_fields)
            ],
            axis=1,
        )
    lengths = numpy_of(pc.list_value_length(column))
    length = int(lengths[0])
    if length == 0 or (lengths != length).any():
        odd = int(np.argmax(lengths != length))
        raise fault(
            path,
            f"{name}, row {first + odd}",
            f"a list of {int(lengths[odd])} numbers" + (f", after lists of {length}" if odd else ""),
            "lists of one length",
            "give one number a class, or a dimension, in each row",
        )
    return numbers(pc.list_flatten(column), path, name, first, length).reshape(len(column), length)


def _pivoted(table: TableFile, roles: _Roles, cells: _Cells, reading: Hints) -> Predictions:
    """Long tables, (example, model, label): two passes, one for the names and one for the cells."""
    path = table.path
    if roles.id is None or roles.model is None:
        raise fault(
            path,
            "columns",
            f"a column {roles.model!r} and no ids",
            "the columns example, model and label",
            "name the ids: --id-column NAME",
        )
    examples, models = dict[str, int](), dict[str, int]()
    count = 0
    for batch in table.batches(roles.as_text, roles.as_text):
        for known, column in ((examples, roles.id), (models, roles.model)):
            values = batch.column(column)
            if values.null_count:
                raise fault(path, column, f"{values.null_count} empty cells", "a value in each row", "fill them in")
            for name in pc.unique(values).to_pylist():
                known.setdefault(name, len(known))
        count += batch.num_rows
    if count != len(examples) * len(models):
        raise fault(
            path,
            "rows",
            f"{count:,} rows for {len(examples):,} examples and {len(models)} models",
            f"{len(examples) * len(models):,}, one for each",
            "write each pair of example and model once, and all of them",
        )
    held: np.memmap[Any, Any] | None = None
    truth: np.ndarray | None = None
    truth_coder = Coder(path, roles.truth or "")
    seen = np.zeros((len(examples), len(models)), bool)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        rows = cells.rows(batch)[:, 0]
        if held is None:
            held = _blank(rows.dtype, (len(examples), len(models), *rows.shape[1:]))
        check_alike(rows, held.shape[2:], path)
        places = [
            _places(batch.column(column), known) for known, column in ((examples, roles.id), (models, roles.model))
        ]
        held[places[0], places[1]] = rows
        seen[places[0], places[1]] = True
        largest = max(largest, cells.largest(rows))
        if roles.truth is not None:
            codes = truth_coder.codes(batch.column(roles.truth))
            truth = np.full(len(examples), -1, np.int32) if truth is None else truth
            unseen = truth[places[0]] < 0
            truth[places[0][unseen]] = codes[unseen]
            conflict = truth[places[0]] != codes
            if conflict.any():
                example = batch.column(roles.id)[int(np.flatnonzero(conflict)[0])].as_py()
                raise fault(path, roles.truth, f"two true labels for example {example!r}", "one", "mend the labels")
    assert held is not None
    if not seen.all():
        example, model = (int(place) for place in np.argwhere(~seen)[0])
        found = f"a pair twice, and none for example {list(examples)[example]!r} and model {list(models)[model]!r}"
        raise fault(path, "rows", found, "each pair of example and model once", "remove the repeated rows")
    ids = texts(examples)
    beside: LabelColumn | None = None
    if truth is not None:
        told = (f"true labels: column {roles.truth!r}",)
        beside = LabelColumn(
            shown(path), in_memory(truth, "labels"), as_tuple(truth_coder.names), ids, told, int(truth.max())
        )
    part = cells.part(replace_path(in_memory(held, "predictions"), path), largest, ids, beside, reading)
    told_long = (f"long: one row for each example and model ({len(models)} in column {roles.model!r})", *part.told)
    return replace(part, models=tuple(models), told=told_long)


def _blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    return np.memmap(tempfile.TemporaryFile(prefix="piescope-audit-"), dtype, "w+", 0, shape)


def _places(column: pa.Array, known: dict[str, int]) -> np.ndarray:
    encoded = pc.dictionary_encode(column)
    table = np.array([known[name] for name in encoded.dictionary.to_pylist()], np.int64)
    return table[numpy_of(encoded.indices)]
