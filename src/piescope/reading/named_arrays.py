"""Several arrays of one file, by their names: which are predictions, which true labels, which ids and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.reading import names as usual
from piescope.reading.array_predictions import label_column, part_of_array, text_column
from piescope.reading.arrays import StoredArray
from piescope.reading.arrow import ids_alike, texts
from piescope.reading.columns import LEAST, LOOK, Column, profile, profile_of_numbers
from piescope.reading.evidence import do_agree, no_labels
from piescope.reading.files import fault, shown, typed
from piescope.reading.hints import Hints
from piescope.reading.label_columns import check_models
from piescope.reading.names import key_of, words_of
from piescope.reading.predictions import LabelColumn, Predictions, all_right
from piescope.reading.roles import id_of

Arrays = dict[str, StoredArray]

UNNAMED = re.compile(r"arr_\d+")
"""The names that ``np.savez(FILE, a, b)`` gives."""

WEIGHTS = (".weight", ".bias", ".running_mean")
"""What names of tensors end with that are weights of a network."""


def parts_of_arrays(arrays: Arrays, path: Path, hints: Hints) -> list[Predictions]:
    """Predictions from the arrays of a file, with the ids, true labels and class names that lie beside them.

    Raises:
        InputError: no array of predictions among them, or arrays that do not fit together.
    """
    names, identity = class_names_of(arrays), id_array(arrays, path, hints)
    ids = None if identity is None else ids_of(identity, path)
    rest = {name: array for name, array in arrays.items() if array is not identity and not is_names(name, array)}
    chosen, is_correctness = _chosen(rest, path, hints)
    truth_array = None if is_correctness else _truth_array(rest, chosen, hints)
    truth = None if truth_array is None else label_column(truth_array, path, ids, names)
    left = [repr(name) for name, array in rest.items() if name not in chosen and array is not truth_array]
    notes = (() if identity is None else (f"ids: {identity.label}",)) + (
        (f"not used: {', '.join(left[:6])}",) if left else ()
    )
    examples = len(ids) if ids is not None else truth.examples if truth is not None else hints.examples
    hints = replace(hints, examples=examples, values="correct" if is_correctness else hints.values)
    parts = []
    for name in chosen:
        part = part_of_array(rest[name], path.stem if len(chosen) == 1 else name, hints)
        beside = all_right(shown(path), part.examples, ids) if part.is_correctness else truth
        part = replace(part, truth=beside, class_names=part.class_names or names, columns=tuple(arrays))
        parts.append(replace(part, ids=ids, notes=(f"array {name!r}", *part.notes, *notes)))
    _check_counts(parts, {name: rest[name] for name in chosen}, truth, truth_array, path)
    return parts


def _check_counts(
    parts: Sequence[Predictions], chosen: Arrays, truth: LabelColumn | None, truth_array: StoredArray | None, path: Path
) -> None:
    """Refuses arrays of other numbers of examples."""
    counts, ids = {part.examples for part in parts}, parts[0].ids
    if truth is not None and truth_array is not None and truth.examples not in counts:
        found = f"{truth.examples:,} labels for {parts[0].examples:,} examples"
        cure = "write both anew, or name the array with the labels: --label-column NAME"
        raise fault(path, truth_array.label, found, "a label each", cure)
    if len(counts) > 1:
        found = ", ".join(f"{name} {list(array.shape)}" for name, array in chosen.items())
        cure = "give one model an array, all of the same examples"
        raise fault(path, "arrays", found, "as many examples in each", cure)
    if ids is not None and len(ids) != parts[0].examples:
        expected = f"{parts[0].examples}, one an example"
        raise fault(path, "ids", f"{len(ids)} ids", expected, "write one id for each example")


def labels_of_arrays(arrays: Arrays, path: Path, hints: Hints) -> LabelColumn:
    """The true labels among the arrays of a file, with the ids and class names that lie beside them.

    Raises:
        InputError: no array of labels, or several.
    """
    labels = _labels_among(arrays, path, hints)
    ids = array_ids({name: array for name, array in arrays.items() if array is not labels}, path, hints)
    return replace(label_column(labels, path, ids, class_names_of(arrays)), column=labels.name)


def _labels_among(arrays: Arrays, path: Path, hints: Hints) -> StoredArray:
    """The array of true labels: the one that is named so, or the only one of one axis that is no ids."""
    if "" in arrays:
        return arrays[""]
    if hints.label_column:
        _check_there((hints.label_column,), "--label-column", arrays, path)
        return arrays[hints.label_column]
    named = _named_truth(arrays)
    if named is not None:
        return named
    identity = id_array(arrays, path, replace(hints, id_columns=()))
    flat = [array for array in arrays.values() if len(array.shape) == 1 and array is not identity]
    if len(flat) == 1:
        return flat[0]
    raise fault(path, "labels", listed(arrays), "an array named labels or y", "name it: --label-column NAME")


def _named_truth(arrays: Arrays) -> StoredArray | None:
    """The array that is named as labels are."""
    by_key = {key_of(name): array for name, array in arrays.items()}
    return next((by_key[key] for key in usual.TRUE_NAMES if key in by_key), None)


def _check_there(names: Sequence[str], flag: str, arrays: Arrays, path: Path) -> None:
    """Refuses names that the user gives and that no array has."""
    missing = [name for name in names if name not in arrays]
    if missing:
        raise fault(path, flag, f"no array {missing[0]!r}", f"one of: {listed(arrays)}", "check its spelling")


def _chosen(rest: Arrays, path: Path, hints: Hints) -> tuple[list[str], bool]:
    """The arrays with predictions, and whether they say right or wrong; by the names that roles have, too."""
    is_correctness = hints.values == "correct"
    for asked, flag in ((hints.score_columns, "--score-columns"), (hints.prediction_columns, "--prediction-column")):
        if asked:
            _check_there(asked, flag, rest, path)
            return list(asked), is_correctness
    weights = [name for name in rest if name.endswith(WEIGHTS)]
    if len(weights) > 1:
        found = f"{len(rest)} tensors, {weights[0]} among them: weights of a network"
        cure = "weights need their architecture: WRN-16-2@FILE or timm:NAME@FILE, with --data"
        raise fault(path, "tensors", found, "predictions", cure)
    keys = {name: key_of(name) for name in rest}
    predicted = [name for name in rest if keys[name] in usual.SCORE_NAMES]
    predicted = predicted or [name for name in rest if keys[name] in usual.PREDICTION_NAMES]
    if predicted:
        return _one_of_each(rest, predicted), is_correctness
    right = [name for name in rest if keys[name] in usual.CORRECT_NAMES and len(rest[name].shape) == 1]
    if right or (is_correctness and rest):
        return (right[:1] or list(rest)), True
    labels = [name for name in rest if keys[name] in usual.CLASS_LABEL_NAMES]
    aside = {
        *labels,
        *(name for name in rest if keys[name] in (*usual.TRUTH_NAMES, *usual.EMBEDDING_NAMES)),
        hints.label_column,
    }
    others = [name for name in rest if name not in aside and not set(words_of(name)) & usual.MEASURE_WORDS] or labels
    if not others:
        cure = "name it logits, probabilities or predictions"
        raise fault(path, "arrays", listed(rest), "an array of predictions", cure)
    if len(others) > 1 and hints.label_column is None and any(map(UNNAMED.fullmatch, others)):
        return [_unnamed_scores(rest, others, path)], False
    if len(others) > 1:
        _check_alike(rest, others, path)
    return others, False


def _first(array: StoredArray) -> np.ndarray:
    return array.part(slice(0, LOOK))


def _one_of_each(rest: Arrays, names: list[str]) -> list[str]:
    """Without what only says again what the first array says: probabilities beside the logits that they are from."""
    first = rest[names[0]]
    if len(first.shape) != 2 or first.shape[0] < LEAST or first.shape[1] == 0:
        return names
    said = _first(first).argmax(1)
    alike = [name for name in names[1:] if rest[name].shape == first.shape]
    again = [name for name in alike if (_first(rest[name]).argmax(1) == said).all()]
    return [name for name in names if name not in again]


def _unnamed_scores(rest: Arrays, names: Sequence[str], path: Path) -> str:
    """The scores among arrays that NumPy named, beside the true labels: told by their shapes, if it is sure.

    Raises:
        InputError: other arrays, or labels that may be the predicted class.
    """
    flat = [name for name in names if len(rest[name].shape) == 1]
    filled = [name for name in names if 0 not in rest[name].shape]
    wide = [name for name in filled if len(rest[name].shape) == 2 and rest[name].dtype.kind == "f"]
    if len(flat) == len(wide) == 1 == len(names) - 1 and rest[flat[0]].shape[0] == rest[wide[0]].shape[0]:
        said, labels = _first(rest[wide[0]]).argmax(1), _first(rest[flat[0]])
        is_whole = labels.dtype.kind in "iuf" and len(labels) >= LEAST and bool((labels == np.trunc(labels)).all())
        if is_whole and (said != labels).any() and do_agree(np.stack([said, labels], axis=1)):
            return wide[0]
    flag = "--score-columns" if wide else "--prediction-column"
    beside = [name for name in flat if wide or name != names[0]]
    cure = f"name the predictions: {flag} {typed((wide or names)[:1])}"
    cure += f", with --label-column {typed(beside[0])} if these are their true labels" if beside else ""
    cure += f"; of several models: {flag} {typed(wide or names)}" if len(wide) != 1 else ""
    found = f"{listed({name: rest[name] for name in names})}, without names of their own"
    expected = "arrays named logits, probabilities or predictions, and labels: np.savez(FILE, logits=..., labels=...)"
    raise fault(path, "arrays", found, expected, cure)


def _check_alike(rest: Arrays, names: list[str], path: Path) -> None:
    """Refuses several arrays without usual names that can hardly be models of one task."""
    flat = [rest[name] for name in names if len(rest[name].shape) == 1 and rest[name].dtype.kind in "biuf"]
    if len(flat) != len(names) or len({array.shape for array in flat}) > 1 or flat[0].shape[0] < LEAST:
        return
    values = np.stack([_first(array).astype(np.float64) for array in flat], axis=1)
    if (values == np.trunc(values)).all():
        if not do_agree(values):
            raise no_labels(values, path, "arrays", ", ".join(names[:6]), names)
        check_models([profile_of_array(array.name, array) for array in flat], path)
        return
    found = f"numbers in {listed(rest)}, and nothing that says what they are"
    cure = f"name it: --score-columns {typed(names[:1])}, or save it as logits, probabilities or predictions"
    raise fault(path, "arrays", found, "an array of predictions", cure)


def _truth_array(rest: Arrays, chosen: list[str], hints: Hints) -> StoredArray | None:
    if hints.label_column:
        return rest.get(hints.label_column)
    others = {name: array for name, array in rest.items() if name not in chosen}
    named = _named_truth(others)
    if named is not None or hints.score_columns or hints.prediction_columns:
        return named
    unnamed = [array for name, array in others.items() if UNNAMED.fullmatch(name) and len(array.shape) == 1]
    return unnamed[0] if len(unnamed) == 1 and all(map(UNNAMED.fullmatch, chosen)) else None


def is_names(name: str, array: StoredArray) -> bool:
    """Whether an array is called what names of classes are called, and holds texts."""
    return name.lower() in usual.NAME_ARRAYS and array.dtype.kind in "US"


def class_names_of(arrays: Arrays) -> tuple[str, ...] | None:
    """The class names among the arrays of a file; None where there are none."""
    named = next((array for name, array in arrays.items() if is_names(name, array)), None)
    if named is None or len(named.shape) != 1:
        return None
    return tuple(text_column(named.part(slice(None)), named.path, named.label).to_pylist())


def id_array(arrays: Arrays, path: Path, hints: Hints) -> StoredArray | None:
    """The array with ids, by the rule for columns; None where there is none."""
    flat = {name: array for name, array in arrays.items() if len(array.shape) < 2 and not is_names(name, array)}
    asked = tuple(name for name in hints.id_columns if name in flat)
    if not flat or (len(arrays) == 1 and not asked):
        return None
    columns = [profile_of_array(name, array) for name, array in flat.items()]
    column = id_of(columns, path, replace(hints, id_columns=asked))
    return None if column is None else flat[column.name]


def profile_of_array(name: str, array: StoredArray) -> Column:
    """What an array ``[examples]`` shows."""
    values = _first(array) if array.shape else np.zeros(0)
    if values.dtype.kind in "US":
        return profile(name, text_column(values, array.path, array.label))
    return profile_of_numbers(name, values.reshape(-1, 1))


def ids_of(array: StoredArray, path: Path) -> pa.Array:
    """The ids of an array, as text; InputError for a single value or fractions."""
    if not array.shape:
        raise fault(path, array.label, "a single value", "[examples], an id each", "write one id for each example")
    values = array.part(slice(None)).reshape(-1)
    if values.dtype.kind in "US":
        return ids_alike(text_column(values, path, array.label))
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
        if not (np.abs(values) < 2**53).all() or (values != np.trunc(values)).any():
            raise fault(path, array.label, "fractions", "ids: whole numbers or text", "write ids as integers or text")
    return texts(values.astype(np.int64 if values.dtype.kind in "bf" else values.dtype).astype(str).tolist())


def array_ids(arrays: Arrays, path: Path, hints: Hints) -> pa.Array | None:
    """The ids among the arrays of a file; None where there are none."""
    identity = id_array(arrays, path, hints)
    return None if identity is None else ids_of(identity, path)


def listed(arrays: Arrays) -> str:
    """Names and shapes, for messages."""
    return ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6]) or "no arrays"
