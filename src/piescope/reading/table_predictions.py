"""Predictions and labels from tables, wide or long, once it is decided which column is what."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.array_predictions import all_right, values_of
from piescope.reading.arrays import Spool, StoredArray, in_memory
from piescope.reading.cell_values import check_no_text, numbers, vector, yes_or_no
from piescope.reading.columns import Column, numpy_of, profile, texts
from piescope.reading.evidence import LEAST, MANY, MOST_DISTINCT, are_percent, percent_column, whole_values
from piescope.reading.files import fault, shown
from piescope.reading.labels import Coder, are_signs
from piescope.reading.names import SUMMARY_WORDS
from piescope.reading.parts import (
    AXES,
    WRONG_RIGHT,
    Hints,
    LabelColumn,
    Predictions,
    Roles,
    Values,
    Witness,
    as_tuple,
    check_width,
    replace_path,
)
from piescope.reading.roles import id_of, ids_alike, roles_of, truth_roles, witnesses_of
from piescope.reading.tables import TableFile, check_padded
from piescope.reading.text_format import NUMBER
from piescope.reading.truth_marks import may_be_predictions
from piescope.wording import printable

MOST_LOOKED_AT = 2**22
"""Numbers of the first rows that roles are decided from."""


FEWEST_LOOKED_AT = 256
"""Rows that are looked at at least."""


def columns_of(table: TableFile) -> list[Column]:
    """What the first rows of each column show; InputError where there are none."""
    first = next(table.batches(), None)
    if first is None:
        raise fault(table.path, "rows", "none", "at least one example", "write the file again")
    rows = max(FEWEST_LOOKED_AT, MOST_LOOKED_AT // max(1, first.num_columns))
    return [profile(name, first.column(name).slice(0, rows)) for name in first.schema.names]


def id_column_of(table: TableFile, hints: Hints) -> str | None:
    """The column with ids; None: there is none."""
    found = id_of(columns_of(table), table.path, hints)
    return None if found is None else found.name


def labels_of_table(table: TableFile, hints: Hints) -> LabelColumn:
    """The true labels of a table; InputError where no column holds any."""
    path = table.path
    columns = columns_of(table)
    roles = truth_roles(columns, path, hints)
    check_padded(table, (str(roles.truth),))
    assert roles.truth is not None
    coder = Coder(path, roles.truth, _has_signs(columns, (roles.truth,), hints))
    spool, ids = Spool(np.dtype(np.int32), ()), Ids(path)
    largest, distinct = -1, set[int]()
    for batch in table.batches(roles.as_text, roles.used):
        said = coder.codes(batch.column(roles.truth))
        largest = max(largest, int(said.max()))
        distinct.update(np.unique(said).tolist())
        spool.append(said)
        ids.add(batch, roles.id)
    if not len(spool):
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    told = (*table.told, f"true labels: column {roles.truth!r}", *_id_told(roles.id), *left_out_told(roles))
    held = ids.array()
    witnesses = () if roles.id is None else (Witness(roles.id, held),)
    codes = spool.array("labels", path)
    names = as_tuple(coder.names)
    return LabelColumn(shown(path), codes, names, held, told, largest, len(distinct), witnesses)


def _has_signs(columns: Sequence[Column], names: Sequence[str], hints: Hints) -> bool:
    """Whether columns hold -1 and 1 alone."""
    held = [column for column in columns if column.name in names]
    if not all(column.is_number for column in held):
        return False
    return are_signs(np.concatenate([column.values for column in held]), hints.names)


def _id_told(column: str | None) -> tuple[str, ...]:
    return () if column is None else (f"ids: column {column!r}",)


def left_out_told(roles: Roles) -> tuple[str, ...]:
    """Which columns are not used, and why; those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, why in roles.left_out:
        reasons.setdefault(why, []).append(name)
    told = []
    for why, names in reasons.items():
        listed = ", ".join(repr(printable(name, 40)) for name in names[:6])
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        told.append(f"not used: {listed}{more}" + (f" ({why})" if why else ""))
    return tuple(told)


class Ids:
    """The ids of a table, collected batch by batch."""

    def __init__(self, path: Path, may_be_empty: bool = False) -> None:
        self._path, self._parts, self._may_be_empty = path, list[pa.Array](), may_be_empty

    def add(self, batch: pa.RecordBatch, column: str | None) -> None:
        """Keeps the ids of a batch; InputError for an empty one."""
        if column is None:
            return
        values = batch.column(column)
        if self._may_be_empty:
            self._parts.append(values)
            return
        empty = numpy_of(values.is_null()) == 1 if values.null_count else numpy_of(pc.binary_length(values)) == 0
        if empty.any():
            row = sum(len(part) for part in self._parts) + int(np.argmax(empty))
            raise fault(self._path, f"{column}, row {row}", "an empty id", "an id in each row", "give each example one")
        self._parts.append(values)

    def array(self) -> pa.Array | None:
        """All ids; None where there is no such column."""
        return ids_alike(pa.concat_arrays(self._parts)) if self._parts else None


def part_of_table(table: TableFile, hints: Hints) -> Predictions:
    """The predictions of a table; InputError where no column holds any."""
    columns = columns_of(table)
    roles = roles_of(columns, table.path, hints)
    check_padded(table, (*roles.labels, *(() if roles.truth is None else (roles.truth,))))
    cells = _cells_of(table, columns, roles, hints)
    if roles.is_unsure:
        cells.beside = tuple(c for c in columns if c.name not in roles.used and may_be_predictions(c))
    has_signs = roles.truth is not None and _has_signs(columns, (roles.truth,), hints)
    if roles.model is not None:
        return _pivoted(table, roles, cells, has_signs)
    identity = next((column for column in columns if column.name == roles.id), None)
    second = tuple(column.name for column in witnesses_of(columns, identity) if column.name not in roles.used)
    spool: Spool | None = None
    ids, truth = Ids(table.path), _TruthBeside(table.path, roles.truth, has_signs)
    others = {name: Ids(table.path, may_be_empty=True) for name in second}
    largest = -1
    for batch in table.batches((*roles.as_text, *second), (*roles.used, *second)):
        rows = cells.rows(batch)
        if spool is None:
            spool = Spool(rows.dtype, rows.shape[1:])
        check_alike(rows, spool.row, table.path)
        largest = max(largest, cells.largest(rows))
        spool.append(rows)
        ids.add(batch, roles.id)
        for name, witness in others.items():
            witness.add(batch, name)
        truth.add(batch)
    if spool is None:
        raise fault(table.path, "rows", "none", "at least one example", "write the file again")
    held = ids.array()
    found = cells.part(spool.array("predictions", table.path), largest, held, truth.column(held))
    _check_summary(found, table.path)
    named = [Witness(name, witness.array()) for name, witness in others.items()]
    if roles.id is not None:
        named.append(Witness(roles.id, held))
    return replace(found, witnesses=tuple(named))


def _check_summary(found: Predictions, path: Path) -> None:
    """Refuses a last row that sums the others up: named as such, with a number or a metric where they have classes."""
    rows = found.examples
    if found.ids is None or rows < LEAST or found.ids[rows - 1].as_py().strip().lower() not in SUMMARY_WORDS:
        return
    said = [(found.labels(slice(None)), found.class_names)] if found.values == "labels" else []
    if found.truth is not None:
        said.append((found.truth.codes.part(slice(None))[None], found.truth.names))
    for codes, names in said:
        for model in codes:
            last = "" if names is None else names[model[-1]].strip().lower()
            is_odd = last in SUMMARY_WORDS or NUMBER.fullmatch(last) is not None
            others = () if names is None else {names[code] for code in np.unique(model[:-1])}
            if is_odd and (model == model[-1]).sum() == 1 and not all(map(NUMBER.fullmatch, others)):
                where, row = f"row {rows - 1}", f"a summary, {found.ids[rows - 1].as_py()!r} and {last!r}"
                raise fault(path, where, row, "an example in each row", "leave the last row out of the file")


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

    def __init__(self, path: Path, name: str | None, has_signs: bool) -> None:
        self._path, self._name, self._coder = path, name, Coder(path, name or "", has_signs)
        self._spool, self._largest = Spool(np.dtype(np.int32), ()), -1

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
    roles: Roles
    values: Values
    class_names: tuple[str, ...] | None
    coder: Coder
    told: tuple[str, ...]
    right_from: float | None = None
    zero: float | None = None
    done: int = 0
    beside: tuple[Column, ...] = ()

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """``[rows, models]`` labels or ``[rows, models, classes]`` scores."""
        if self.roles.is_correctness:
            held = [self._right(batch.column(name), name) for name in self.roles.labels]
            self.done += batch.num_rows
            return np.stack(held, axis=1)
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

    def _right(self, column: pa.Array, name: str) -> np.ndarray:
        """``[rows]`` 1 for right, 0 for wrong."""
        values = yes_or_no(column, self.table.path, name, self.done)
        if self.right_from is not None:
            return (values >= self.right_from).astype(np.int32)
        odd = (values != 0) & (values != 1)
        if odd.any():
            row = int(np.argmax(odd))
            cure = "mend it, or say from which score on an answer is right: --right-from 0.5"
            raise fault(self.table.path, f"{name}, row {self.done + row}", f"{values[row]:g}", "0 or 1", cure)
        return values.astype(np.int32)

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

    @property
    def names(self) -> tuple[str, ...] | None:
        if self.roles.is_correctness:
            return WRONG_RIGHT
        return as_tuple(self.coder.names) if self.values == "labels" else self.class_names

    def part(self, array: StoredArray, largest: int, ids: pa.Array | None, truth: LabelColumn | None) -> Predictions:
        path = self.table.path
        axes: tuple[AXES, ...] = (
            ("examples", "models") if self.values == "labels" else ("examples", "models", "classes")
        )
        _check_names(self.coder, array.shape[0], path)
        names = self.names
        told = (*self.table.told, *self.told, *_id_told(self.roles.id), *left_out_told(self.roles), *self.roles.notes)
        found = Predictions(
            shown(path), self.values, self.models, array, axes, names, ids, truth, told, -1 if names else largest
        )
        found = replace(
            found,
            columns=tuple(self.table.schema.names),
            chosen=self.roles.chosen,
            is_unsure=self.roles.is_unsure and self.values == "labels",
            beside=self.beside,
        )
        if self.roles.is_correctness:
            return replace(found, is_correctness=True, truth=all_right(shown(path), array.shape[0], ids))
        if self.values != "labels" and array.shape[2] == 1:
            told = (*told, "one score an example: that of class 1 of two")
            return replace(found, class_names=None, is_binary=True, told=told)
        return replace(found, zero=self.zero)


def _check_names(coder: Coder, rows: int, path: Path) -> None:
    """Refuses predictions of which hardly two are the same text: they are no classes, whatever the first rows show."""
    count = len(coder.names or ())
    if rows >= MANY and count > MOST_DISTINCT * rows:
        found = f"{count:,} different texts in {rows:,} rows"
        cure = "name the column with predicted classes: --prediction-column; free texts are judged right or wrong first"
        raise fault(path, coder.where, found, "class names, each of which occurs again", cure)


def _cells_of(table: TableFile, columns: Sequence[Column], roles: Roles, hints: Hints) -> _Cells:
    """How the columns are read, from the first rows."""
    path = table.path
    by_name = {column.name: column for column in columns}
    coder = Coder(path, "predictions", bool(roles.labels) and _has_signs(columns, roles.labels, hints))
    if roles.is_correctness:
        from_ = "" if hints.right_from is None else f", right from {hints.right_from:g} on"
        named = ", ".join(map(repr, roles.labels[:6]))
        return _Cells(table, roles, "labels", None, coder, (f"right or wrong: {named}{from_}",), hints.right_from)
    if roles.labels:
        told = f"labels: column {roles.labels[0]!r}"
        if len(roles.labels) > 1:
            told = f"labels, one column a model ({len(roles.labels)}): {_listed(roles.labels)}"
        return _Cells(table, roles, "labels", None, coder, (told,))
    if roles.scores:
        check_no_text([by_name[name] for name, _ in roles.left_out if name in by_name], path)
    chosen = [by_name[name] for name in roles.chosen]
    looked = np.stack([_checked(column, path) for column in (chosen[:1] if roles.vectors else chosen)], axis=1)
    looked = looked[:, 0] if roles.vectors else looked[:, :, 0]
    named = ", ".join(map(repr, roles.chosen[:3]))
    stored = replace(in_memory(looked, named), path=path, name=named)
    zero = roles.zero
    settled = hints.values if hints.values in ("probabilities", "logits") else roles.values
    if settled is None and roles.vectors and chosen[0].numbers is not None and _is_whole(looked):
        settled, zero = _whole_vectors(looked, path, roles.vectors[0])
    if settled is None and len(roles.scores) == 1 and are_percent(chosen[0].values):
        raise percent_column(chosen[0], path)
    values = settled or values_of(looked, stored, np.arange(len(looked)))
    if values == "labels":
        as_labels = replace(roles, labels=roles.scores, scores=())
        return _Cells(table, as_labels, "labels", None, coder, (f"labels: column {roles.scores[0]!r}",))
    names = roles.class_names
    what = "quantised probabilities" if zero is not None else values
    if roles.vectors:
        kind = table.schema.field(roles.vectors[0]).type
        names = tuple(field.name for field in kind) if pa.types.is_struct(kind) else None
        told = f"{what}, a list an example in {_listed(roles.vectors)}"
    elif len(roles.scores) == 1:
        told = f"{what} in column {roles.scores[0]!r}"
    else:
        told = f"{what}, one column a class ({len(roles.scores)}): {_listed(roles.scores)}"
    return _Cells(table, roles, values, names, coder, (told,), zero=zero)


def _listed(names: Sequence[str]) -> str:
    """``'cat', 'dog', 'bird' and 7 more``."""
    shown_names = ", ".join(repr(printable(name, 40)) for name in names[:5])
    return f"{shown_names} and {len(names) - 5} more" if len(names) > 5 else shown_names


def _checked(column: Column, path: Path) -> np.ndarray:
    """``[rows, width]`` of a column, without empty cells."""
    assert column.numbers is not None
    if not column.width:
        raise fault(path, column.name, "empty lists, or no lists of numbers", "a number a class", "write all scores")
    empty = np.isnan(column.numbers).any(axis=1)
    if empty.any():
        found = "an empty cell or NaN"
        where = f"{column.name}, row {int(np.argmax(empty))}"
        raise fault(path, where, found, "a number in each row", "leave that example out of all files")
    return column.numbers.astype(np.float32)


def _is_whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == np.trunc(values)).all())


def _whole_vectors(values: np.ndarray, path: Path, name: str) -> tuple[Values, float]:
    """Lists of whole numbers: quantised probabilities by their sum, or refused."""
    kind, zero = whole_values(values.astype(np.float64))
    if kind == "scores":
        return "probabilities", zero
    raise fault(path, name, "lists of whole numbers", "scores, one a class", "say --values logits if they are scores")


def _pivoted(table: TableFile, roles: Roles, cells: _Cells, has_signs: bool) -> Predictions:
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
    truth_coder = Coder(path, roles.truth or "", has_signs)
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
    part = cells.part(replace_path(in_memory(held, "predictions"), path), largest, ids, beside)
    told_long = (f"long: one row for each example and model ({len(models)} in column {roles.model!r})", *part.told)
    return replace(part, models=tuple(models), told=told_long)


def _blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    return np.memmap(tempfile.TemporaryFile(prefix="piescope-audit-"), dtype, "w+", 0, shape)


def _places(column: pa.Array, known: dict[str, int]) -> np.ndarray:
    encoded = pc.dictionary_encode(column)
    table = np.array([known[name] for name in encoded.dictionary.to_pylist()], np.int64)
    return table[numpy_of(encoded.indices)]
