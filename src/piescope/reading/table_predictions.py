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

from piescope.problems import InputError
from piescope.reading.array_predictions import values_of
from piescope.reading.arrays import Spool, StoredArray, in_memory
from piescope.reading.arrow import numpy_of, texts
from piescope.reading.codes import Coder, are_signs
from piescope.reading.columns import LEAST, LEAVE_OUT, Column, Ids, check_no_text, numbers, profile, vector, yes_or_no
from piescope.reading.csv_tables import NUMBER
from piescope.reading.evidence import (
    Roles,
    are_percent,
    check_repeats,
    percent_column,
    whole_values,
)
from piescope.reading.files import fault, typed
from piescope.reading.hints import Hints, Values
from piescope.reading.names import PREDICTION_NAMES, SUMMARY_WORDS
from piescope.reading.predictions import WRONG_RIGHT, LabelColumn, Predictions, Witness, all_right, check_width
from piescope.reading.roles import id_of, roles_of, truth_roles, witnesses_of
from piescope.reading.tables import MOST_IN_BATCH, TableFile, check_spelling
from piescope.wording import in_quotes

MOST_LOOKED_AT = 2**22
"""Numbers of the first rows that roles are decided from."""

FEWEST_LOOKED_AT = 256
"""Rows that are looked at at least."""

NAME_CLASSES = "name the column with predicted classes: --prediction-column; free texts are judged right or wrong first"


def columns_of(table: TableFile) -> list[Column]:
    """What the first rows of each column show, however few of them a batch has; InputError where there are none."""
    rows = max(FEWEST_LOOKED_AT, MOST_LOOKED_AT // max(1, len(table.schema.names)))
    first: list[pa.RecordBatch] = []
    for batch in table.batches():
        first.append(batch.slice(0, rows - sum(map(len, first))))
        if sum(map(len, first)) >= rows or sum(each.nbytes for each in first) >= MOST_IN_BATCH // 2:
            break
    if not first:
        raise _no_rows(table)
    names = first[0].schema.names
    return [profile(name, pa.concat_arrays([batch.column(name) for batch in first])) for name in names]


def _no_rows(table: TableFile) -> InputError:
    return fault(table.path, "rows", "none", "at least one example", "write the file again")


def id_column_of(table: TableFile, hints: Hints) -> str | None:
    """The column with ids; None: there is none."""
    column = id_of(columns_of(table), table.path, hints)
    return None if column is None else column.name


def labels_of_table(table: TableFile, hints: Hints) -> LabelColumn:
    """The true labels of a table; InputError where no column holds any."""
    columns = columns_of(table)
    roles = truth_roles(columns, table.path, hints)
    check_spelling(table, (str(roles.truth),))
    labels, ids = _Truth(table, columns, roles, hints), Ids(table.path)
    for batch in table.batches(roles.as_text, roles.used):
        labels.add(batch)
        ids.add(batch, roles.id)
    if not len(labels.spool):
        raise _no_rows(table)
    known = ids.array()
    witnesses = () if roles.id is None else (Witness(roles.id, known),)
    notes = (*table.notes, *labels.notes, *_note_of_ids(roles.id), *notes_of_left(roles))
    column = replace(labels.column(known), notes=notes, distinct=len(labels.distinct), witnesses=witnesses)
    return replace(column, column=str(roles.truth))


def _has_signs(columns: Sequence[Column], names: Sequence[str], hints: Hints) -> bool:
    """Whether columns hold -1 and 1 alone."""
    chosen = [column for column in columns if column.name in names]
    if not chosen or not all(column.is_number for column in chosen):
        return False
    return are_signs(np.concatenate([column.values for column in chosen]), hints.names)


def _note_of_ids(column: str | None) -> tuple[str, ...]:
    return () if column is None else (f"ids: column {column!r}",)


def notes_of_left(roles: Roles) -> tuple[str, ...]:
    """Which columns are not used, and why; those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, why in roles.left_out:
        reasons.setdefault(why, []).append(name)
    return tuple(f"not used: {_listed(names, 6)}" + (f" ({why})" if why else "") for why, names in reasons.items())


def _listed(names: Sequence[str], most: int = 5) -> str:
    """``'cat', 'dog', 'bird' and 7 more``."""
    first = ", ".join(in_quotes(name, 40) for name in names[:most])
    return f"{first} and {len(names) - most} more" if len(names) > most else first


class _Truth:
    """The true labels of a table, collected batch by batch."""

    def __init__(self, table: TableFile, columns: Sequence[Column], roles: Roles, hints: Hints) -> None:
        self.table, self.name = table, roles.truth
        has_signs = self.name is not None and _has_signs(columns, (self.name,), hints)
        self._coder = Coder(table.path, self.name or "", has_signs, is_truth=True)
        self.spool, self._largest, self.distinct = Spool(np.dtype(np.int32), ()), -1, set[int]()

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"true labels: column {self.name!r}",)

    def codes(self, batch: pa.RecordBatch) -> np.ndarray:
        """``[rows]`` of a batch."""
        codes = self._coder.codes(batch.column(self.name))
        self._largest = max(self._largest, int(codes.max(initial=-1)))
        return codes

    def add(self, batch: pa.RecordBatch) -> None:
        codes = self.codes(batch)
        self.distinct.update(np.unique(codes).tolist())
        self.spool.append(codes)

    def column(self, ids: pa.Array | None, codes: StoredArray | None = None) -> LabelColumn:
        """Those that were added, or all codes where they are given."""
        stored = self.spool.array("labels", self.table.path) if codes is None else codes
        return LabelColumn(self.table.source, stored, self._coder.names, ids, self.notes, self._largest)


def part_of_table(table: TableFile, hints: Hints) -> Predictions:
    """The predictions of a table; InputError where no column holds any."""
    columns = columns_of(table)
    roles = roles_of(columns, table.path, hints)
    if not roles.is_correctness:
        check_spelling(table, (*roles.labels, *(() if roles.truth is None else (roles.truth,))))
    cells = _cells_of(table, columns, roles, hints)
    _check_said_values(cells.roles, columns, table.path, hints)
    if roles.is_unsure:
        left = [column for column in columns if column.name not in (*roles.used, hints.other_side)]
        cells.beside = tuple(column for column in left if column.may_be_predictions)
    truth = _Truth(table, columns, roles, hints)
    if roles.model is not None:
        return _pivoted(table, roles, cells, truth)
    identity = next((column for column in columns if column.name == roles.id), None)
    unused = [column for column in columns if column.name not in (*roles.used, hints.other_side)]
    names = tuple(column.name for column in witnesses_of(unused, identity))
    witnesses = {name: Ids(table.path, may_be_empty=True) for name in names}
    spool: Spool | None = None
    ids, largest = Ids(table.path), -1
    for batch in table.batches((*roles.as_text, *names), (*roles.used, *names)):
        rows = cells.rows(batch)
        if spool is None:
            spool = Spool(rows.dtype, rows.shape[1:])
        check_alike(rows, spool.row, table.path)
        largest = max(largest, cells.largest(rows))
        spool.append(rows)
        for name, column in ((roles.id, ids), *witnesses.items()):
            column.add(batch, name)
        if roles.truth is not None:
            truth.add(batch)
    if spool is None:
        raise _no_rows(table)
    known = ids.array()
    beside = None if roles.truth is None else truth.column(known)
    part = cells.part(spool.array("predictions", table.path), largest, known, beside)
    _check_summary(part, table.path)
    named = [Witness(name, column.array()) for name, column in witnesses.items()]
    return replace(part, witnesses=(*named, *(() if roles.id is None else (Witness(roles.id, known),))))


def _check_said_values(roles: Roles, columns: Sequence[Column], path: Path, hints: Hints) -> None:
    """Refuses columns that are something else than what the user says they are."""
    kind = "correct" if roles.is_correctness else roles.values
    if hints.values is None or hints.values == kind:
        return
    found = f"{'right and wrong' if kind == 'correct' else kind} in {_listed(roles.chosen)}"
    named = [column.name for column in columns if column.key in PREDICTION_NAMES and column.is_label]
    cure = "name the scores: --score-columns A,B,C"
    if kind == "correct" and hints.values == "labels":
        cure = f"--prediction-column {typed(roles.chosen)} if it is the predicted class"
    elif hints.values == "labels":
        cure = f"name the predicted class: --prediction-column {typed(named[0]) if named else 'NAME'}"
    elif hints.values == "correct":
        cure = "name what is right or wrong: --prediction-column NAME, without --score-columns"
    both = "leave --values out, or say KIND,KIND where the sides differ"
    raise fault(path, "--values", found, f"{hints.values}, as --values says", f"{cure}; else {both}")


def _check_summary(part: Predictions, path: Path) -> None:
    """Refuses a last row that sums the others up: named as such, with a number or a metric where they have classes."""
    rows = part.examples
    if part.ids is None or rows < LEAST or part.ids[rows - 1].as_py().strip().lower() not in SUMMARY_WORDS:
        return
    said = [(part.labels(slice(None)), part.class_names)] if part.values == "labels" else []
    if part.truth is not None:
        said.append((part.truth.codes.part(slice(None))[None], part.truth.names))
    for codes, names in ((codes, names) for codes, names in said if names is not None):
        for model in codes:
            last = names[model[-1]].strip().lower()
            is_odd = last in SUMMARY_WORDS or NUMBER.fullmatch(last) is not None
            others = {names[code] for code in np.unique(model[:-1])}
            if is_odd and (model == model[-1]).sum() == 1 and not all(map(NUMBER.fullmatch, others)):
                found = f"a summary, {part.ids[rows - 1].as_py()!r} and {last!r}"
                cure = "leave the last row out of the file"
                raise fault(path, f"row {rows - 1}", found, "an example in each row", cure)


def check_alike(rows: np.ndarray, first: tuple[int, ...], path: Path) -> None:
    """Refuses rows ``[rows, ...]`` that are longer or shorter than those before; InputError."""
    if rows.shape[1:] != first:
        found = f"lists of {rows.shape[-1]} numbers, after lists of {first[-1]}"
        raise fault(path, "rows", found, "lists of one length", "give one score a class in each row")


@dataclass
class _Cells:
    """Turns the prediction columns of a batch into rows of an array, as their roles say."""

    table: TableFile
    roles: Roles
    coder: Coder
    note: str
    right_from: float | None = None
    done: int = 0
    beside: tuple[Column, ...] = ()

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """``[rows, models]`` labels or ``[rows, models, classes]`` scores."""
        columns, first, path = [(name, batch.column(name)) for name in self.roles.chosen], self.done, self.table.path
        self.done += batch.num_rows
        if self.roles.is_correctness:
            return np.stack([self._right(column, name, first) for name, column in columns], axis=1)
        if self.roles.values == "labels":
            return np.stack([self._codes(column, name) for name, column in columns], axis=1)
        if not self.roles.vectors:
            check_width(len(columns), path, "columns")
            return np.stack([numbers(column, path, name, first) for name, column in columns], axis=1)[:, None, :]
        vectors = [vector(column, path, name, first) for name, column in columns]
        one, width = columns[0][0], vectors[0].shape[1]
        for (name, _), scores in zip(columns, vectors, strict=True):
            if scores.shape[1] != width:
                found, expected = f"lists of {scores.shape[1]} numbers", f"{width}, as in {one}"
                raise fault(path, name, found, expected, "give all models the same classes")
        check_width(width, path, one)
        return np.stack(vectors, axis=1)

    def _right(self, column: pa.Array, name: str, first: int) -> np.ndarray:
        """``[rows]`` 1 for right, 0 for wrong."""
        values = yes_or_no(column, self.table.path, name, first)
        if self.right_from is not None:
            return (values >= self.right_from).astype(np.int32)
        odd = (values != 0) & (values != 1)
        if odd.any():
            row = int(np.argmax(odd))
            cure = "mend it, or say from which score on an answer is right: --right-from 0.5"
            raise fault(self.table.path, f"{name}, row {first + row}", f"{values[row]:g}", "0 or 1", cure)
        return values.astype(np.int32)

    def _codes(self, column: pa.Array, name: str) -> np.ndarray:
        self.coder.where = name
        return self.coder.codes(column)

    def largest(self, rows: np.ndarray) -> int:
        """Of labels; -1 of scores."""
        return int(rows.max(initial=-1)) if self.roles.values == "labels" else -1

    def part(self, array: StoredArray, largest: int, ids: pa.Array | None, truth: LabelColumn | None) -> Predictions:
        """All rows ``[examples, models]`` or ``[examples, models, classes]``, with what was found out about them."""
        table, roles = self.table, self.roles
        are_labels = roles.values == "labels"
        is_binary = not are_labels and array.shape[2] == 1
        check_repeats(len(self.coder.names or ()), array.shape[0], table.path, self.coder.where, NAME_CLASSES)
        names = WRONG_RIGHT if roles.is_correctness else self.coder.names if are_labels else roles.class_names
        columns = roles.chosen if are_labels or roles.vectors else ("",)
        notes = (*table.notes, self.note, *_note_of_ids(roles.id), *notes_of_left(roles))
        return Predictions(
            source=table.source,
            values=roles.values or "labels",
            models=(table.path.stem,) if len(columns) == 1 else columns,
            array=array,
            axes=("examples", "models") if are_labels else ("examples", "models", "classes"),
            class_names=None if is_binary else names,
            ids=ids,
            truth=all_right(table.source, array.shape[0], ids) if roles.is_correctness else truth,
            notes=(*notes, "one score an example: that of class 1 of two") if is_binary else notes,
            largest=-1 if names else largest,
            is_binary=is_binary,
            zero=None if is_binary or are_labels else roles.zero,
            is_correctness=roles.is_correctness,
            columns=tuple(table.schema.names),
            chosen=roles.chosen,
            is_unsure=roles.is_unsure and are_labels,
            beside=self.beside,
        )


def _cells_of(table: TableFile, columns: Sequence[Column], roles: Roles, hints: Hints) -> _Cells:
    """How the columns are read, from the first rows."""
    by_name, chosen = {column.name: column for column in columns}, roles.chosen
    coder = Coder(table.path, "predictions", _has_signs(columns, roles.labels, hints))
    if roles.is_correctness:
        limit = "" if hints.right_from is None else f", right from {hints.right_from:g} on"
        note = f"right or wrong: {', '.join(map(repr, chosen[:6]))}{limit}"
        return _Cells(table, roles, coder, note, hints.right_from)
    if roles.scores:
        check_no_text([by_name[name] for name, _ in roles.left_out if name in by_name], table.path)
    if not roles.labels:
        roles = _settled([by_name[name] for name in chosen], table, roles, hints)
    what = "quantised probabilities" if roles.zero is not None else roles.values
    if roles.values == "labels" and len(chosen) > 1:
        note = f"labels, one column a model ({len(chosen)}): {_listed(chosen)}"
    elif roles.values == "labels":
        note = f"labels: column {chosen[0]!r}"
    elif roles.vectors:
        note = f"{what}, a list an example in {_listed(chosen)}"
    elif len(chosen) == 1:
        note = f"{what} in column {chosen[0]!r}"
    else:
        note = f"{what}, one column a class ({len(chosen)}): {_listed(chosen)}"
    return _Cells(table, roles, coder, note)


def _settled(chosen: Sequence[Column], table: TableFile, roles: Roles, hints: Hints) -> Roles:
    """The roles of scores, when it is known whether they are probabilities or logits, or labels after all."""
    values, zero = _kind_of_scores(chosen, table.path, roles, hints)
    if values == "labels":
        return replace(roles, labels=roles.scores, scores=(), values="labels", zero=None)
    names = roles.class_names
    if roles.vectors:
        kind = table.schema.field(roles.vectors[0]).type
        names = tuple(field.name for field in kind) if pa.types.is_struct(kind) else None
    return replace(roles, values=values, zero=zero, class_names=names)


def _kind_of_scores(chosen: Sequence[Column], path: Path, roles: Roles, hints: Hints) -> tuple[Values, float | None]:
    """Whether scores are probabilities or logits, or labels after all; and what stands for 0 in quantised ones."""
    first, is_list = chosen[0], bool(roles.vectors)
    sample = _checked(first, path) if is_list else np.stack([_checked(column, path)[:, 0] for column in chosen], axis=1)
    settled = hints.values if hints.values in ("probabilities", "logits") else roles.values
    if settled is not None:
        return settled, roles.zero
    if is_list and np.isfinite(sample).all() and (sample == np.trunc(sample)).all():
        kind, zero = whole_values(sample.astype(np.float64))
        if kind == "scores":
            return "probabilities", zero
        cure = "say --values logits if they are scores"
        raise fault(path, first.name, "lists of whole numbers", "scores, one a class", cure)
    if len(roles.scores) == 1 and are_percent(first.values):
        raise percent_column(first, path)
    name = ", ".join(map(repr, roles.chosen[:3]))
    return values_of(sample, in_memory(sample, name).renamed(path, name), np.arange(len(sample))), roles.zero


def _checked(column: Column, path: Path) -> np.ndarray:
    """``[rows, width]`` of a column, without empty cells."""
    assert column.numbers is not None
    if not column.width:
        raise fault(path, column.name, "empty lists, or no lists of numbers", "a number a class", "write all scores")
    empty = np.isnan(column.numbers).any(axis=1)
    if empty.any():
        where = f"{column.name}, row {int(np.argmax(empty))}"
        raise fault(path, where, "an empty cell or NaN", "a number in each row", LEAVE_OUT)
    return column.numbers.astype(np.float32)


def _pivoted(table: TableFile, roles: Roles, cells: _Cells, truth: _Truth) -> Predictions:
    """Long tables, (example, model, label): two passes, one for the names and one for the cells."""
    path = table.path
    if roles.id is None or roles.model is None:
        found, cure = f"a column {roles.model!r} and no ids", "name the ids: --id-column NAME"
        raise fault(path, "columns", found, "the columns example, model and label", cure)
    examples, models = _places_of(table, roles.id, roles.model)
    array: np.memmap[Any, Any] | None = None
    true = np.full(len(examples), -1, np.int32)
    seen = np.zeros((len(examples), len(models)), bool)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        rows = cells.rows(batch)[:, 0]
        if array is None:
            array = _blank(rows.dtype, (*seen.shape, *rows.shape[1:]))
        check_alike(rows, array.shape[2:], path)
        place = _places(batch.column(roles.id), examples)
        both = place, _places(batch.column(roles.model), models)
        array[both], seen[both] = rows, True
        largest = max(largest, cells.largest(rows))
        if roles.truth is not None:
            codes = truth.codes(batch)
            unseen = true[place] < 0
            true[place[unseen]] = codes[unseen]
            conflict = true[place] != codes
            if conflict.any():
                example = batch.column(roles.id)[int(np.argmax(conflict))].as_py()
                raise fault(path, roles.truth, f"two true labels for example {example!r}", "one", "mend the labels")
    assert array is not None
    if not seen.all():
        example, model = (int(place) for place in np.argwhere(~seen)[0])
        found = f"a pair twice, and none for example {list(examples)[example]!r} and model {list(models)[model]!r}"
        raise fault(path, "rows", found, "each pair of example and model once", "remove the repeated rows")
    ids = texts(examples)
    beside = None if roles.truth is None else truth.column(ids, in_memory(true, "labels"))
    part = cells.part(in_memory(array, "predictions").renamed(path), largest, ids, beside)
    note = f"long: one row for each example and model ({len(models)} in column {roles.model!r})"
    return replace(part, models=tuple(models), notes=(note, *part.notes))


def _places_of(table: TableFile, identity: str, model: str) -> tuple[dict[str, int], dict[str, int]]:
    """The examples and the models of a long table, numbered as they come; InputError where not each has a row."""
    places: dict[str, dict[str, int]] = {identity: {}, model: {}}
    count = 0
    for batch in table.batches((identity, model), (identity, model)):
        count += batch.num_rows
        for column, known in places.items():
            values = batch.column(column)
            if values.null_count:
                found = f"{values.null_count} empty cells"
                raise fault(table.path, column, found, "a value in each row", "fill them in")
            for name in pc.unique(values).to_pylist():
                known.setdefault(name, len(known))
    examples, models = places[identity], places[model]
    if count != len(examples) * len(models):
        found = f"{count:,} rows for {len(examples):,} examples and {len(models)} models"
        cure = "write each pair of example and model once, and all of them"
        raise fault(table.path, "rows", found, f"{len(examples) * len(models):,}, one for each", cure)
    return examples, models


def _blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    with tempfile.TemporaryFile(prefix="piescope-audit-") as file:  # what is mapped stays
        return np.memmap(file, dtype, "w+", 0, shape)


def _places(column: pa.Array, known: dict[str, int]) -> np.ndarray:
    encoded = pc.dictionary_encode(column)
    table = np.array([known[name] for name in encoded.dictionary.to_pylist()], np.int64)
    return table[numpy_of(encoded.indices)]
