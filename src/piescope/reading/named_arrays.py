"""Several arrays of one file, by their names: which are predictions, which true labels, which ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from piescope.reading.array_predictions import all_right, label_column, part_of_array
from piescope.reading.array_texts import LOOK, class_names_of, id_array, ids_of, is_names, listed, profile_of_array
from piescope.reading.arrays import StoredArray
from piescope.reading.evidence import LEAST, do_agree, no_labels
from piescope.reading.files import fault, shown, typed
from piescope.reading.label_columns import check_models
from piescope.reading.names import (
    CLASS_NAMES,
    CORRECT_NAMES,
    EMBEDDING_NAMES,
    LABEL_NAMES,
    MEASURE_WORDS,
    PREDICTION_NAMES,
    SCORE_NAMES,
    TRUTH_NAMES,
    words_of,
)
from piescope.reading.parts import (
    Hints,
    Predictions,
    as_tuple,
)

UNNAMED = re.compile(r"arr_\d+")
"""The names that ``np.savez(FILE, a, b)`` gives."""


def parts_of_arrays(arrays: dict[str, StoredArray], path: Path, hints: Hints) -> list[Predictions]:
    """Predictions from the arrays of a file, with the ids, true labels and class names that lie beside them.

    Raises:
        InputError: no array of predictions among them, or arrays that do not fit together.
    """
    names = class_names_of(arrays)
    identity = id_array(arrays, path, hints)
    ids = None if identity is None else ids_of(identity, path)
    rest = {name: array for name, array in arrays.items() if array is not identity and not is_names(name, array)}
    chosen, is_correctness = _chosen(rest, path, hints)
    truth_array = None if is_correctness else _truth_array(rest, chosen, path, hints)
    truth = None if truth_array is None else label_column(truth_array, path, ids, names)
    told_left = _left_out(rest, chosen, truth_array)
    parts = []
    for name in chosen:
        stem = path.stem if len(chosen) == 1 else name
        hint = hints if truth is None else replace(hints, examples=truth.examples)
        hint = hint if ids is None else replace(hint, examples=len(ids))
        part = part_of_array(rest[name], stem, replace(hint, values="correct") if is_correctness else hint)
        told = (f"array {name!r}", *part.told, *(() if identity is None else (f"ids: {identity.label}",)), *told_left)
        if part.is_correctness:
            part = replace(part, truth=all_right(shown(path), part.examples, ids))
        else:
            part = replace(part, class_names=part.class_names or as_tuple(names), truth=truth)
        parts.append(replace(part, ids=ids, told=told))
    counts = {part.examples for part in parts}
    if truth is not None and truth.examples not in counts:
        raise fault(
            path,
            truth_array.label if truth_array is not None else "labels",
            f"{truth.examples:,} labels for {parts[0].examples:,} examples",
            "a label each",
            "write both anew, or name the array with the labels: --label-column NAME",
        )
    if len(counts) > 1:
        told_counts = ", ".join(f"{name} {list(rest[name].shape)}" for name in chosen)
        raise fault(
            path, "arrays", told_counts, "as many examples in each", "give one model an array, all of the same examples"
        )
    if ids is not None and len(ids) != parts[0].examples:
        raise fault(
            path, "ids", f"{len(ids)} ids", f"{parts[0].examples}, one an example", "write one id for each example"
        )
    return parts


def _chosen(rest: dict[str, StoredArray], path: Path, hints: Hints) -> tuple[list[str], bool]:
    """The arrays with predictions, and whether they say right or wrong; by the names that roles have, too."""
    for asked, flag in ((hints.score_columns, "--score-columns"), (hints.prediction_columns, "--prediction-column")):
        if asked:
            missing = [name for name in asked if name not in rest]
            if missing:
                cure = "check its spelling"
                raise fault(path, flag, f"no array {missing[0]!r}", f"one of: {listed(rest)}", cure)
            return list(asked), hints.values == "correct"
    keys = {name: "_".join(words_of(name)) for name in rest}
    weights = [name for name in rest if name.endswith((".weight", ".bias", ".running_mean"))]
    if len(weights) > 1:
        raise fault(
            path,
            "tensors",
            f"{len(rest)} tensors, {weights[0]} among them: weights of a network",
            "predictions",
            "weights need their architecture: WRN-16-2@FILE or timm:NAME@FILE, with --data",
        )
    told = (*TRUTH_NAMES, *EMBEDDING_NAMES)
    scores = [name for name in rest if keys[name] in SCORE_NAMES]
    predicted = [name for name in rest if keys[name] in PREDICTION_NAMES]
    right = [name for name in rest if keys[name] in CORRECT_NAMES and len(rest[name].shape) == 1]
    if scores or predicted:
        return _one_of_each(rest, scores or predicted), hints.values == "correct"
    if right or hints.values == "correct":
        return (right[:1] or list(rest)), True
    others = [
        name
        for name in rest
        if keys[name] not in (*told, *LABEL_NAMES, *CLASS_NAMES)
        and name != hints.label_column
        and not set(words_of(name)) & MEASURE_WORDS
    ]
    found = others or [name for name in rest if keys[name] in (*LABEL_NAMES, *CLASS_NAMES)]
    if not found:
        raise fault(
            path, "arrays", listed(rest), "an array of predictions", "name it logits, probabilities or predictions"
        )
    if len(found) > 1 and hints.label_column is None and any(UNNAMED.fullmatch(name) for name in found):
        return [_unnamed_scores(rest, found, path)], False
    if len(found) > 1:
        _check_alike(rest, found, path)
    return found, False


def _one_of_each(rest: dict[str, StoredArray], found: list[str]) -> list[str]:
    """Without what only says again what the first array says: probabilities beside the logits that they are from."""
    first = rest[found[0]]
    if len(first.shape) != 2 or first.shape[0] < LEAST:
        return found
    said = first.part(slice(0, LOOK)).argmax(1)
    again = [
        name
        for name in found[1:]
        if rest[name].shape == first.shape and (rest[name].part(slice(0, LOOK)).argmax(1) == said).all()
    ]
    return [name for name in found if name not in again]


def _unnamed_scores(rest: dict[str, StoredArray], found: Sequence[str], path: Path) -> str:
    """The scores among arrays that NumPy named, beside the true labels: told by their shapes, if it is sure.

    Raises:
        InputError: other arrays, or labels that may be the predicted class.
    """
    flat = [name for name in found if len(rest[name].shape) == 1]
    wide = [name for name in found if len(rest[name].shape) == 2 and rest[name].dtype.kind == "f"]
    if len(flat) == len(wide) == 1 == len(found) - 1 and rest[flat[0]].shape[0] == rest[wide[0]].shape[0]:
        said = rest[wide[0]].part(slice(0, LOOK)).argmax(1)
        labels = rest[flat[0]].part(slice(0, LOOK))
        is_whole = labels.dtype.kind in "iuf" and len(labels) >= LEAST and bool((labels == np.trunc(labels)).all())
        if is_whole and (said != labels).any() and do_agree(np.stack([said, labels], axis=1)):
            return wide[0]
    flag = "--score-columns" if wide else "--prediction-column"
    beside = [name for name in flat if wide or name != found[0]]
    told = f"name the predictions: {flag} {typed((wide or found)[:1])}"
    if beside:
        told += f", with --label-column {typed(beside[0])} if these are their true labels"
    if len(wide) != 1:
        told += f"; of several models: {flag} {typed(wide or found)}"
    raise fault(
        path,
        "arrays",
        f"{listed({name: rest[name] for name in found})}, without names of their own",
        "arrays named logits, probabilities or predictions, and labels: np.savez(FILE, logits=..., labels=...)",
        told,
    )


def _check_alike(rest: dict[str, StoredArray], found: list[str], path: Path) -> None:
    """Refuses several arrays without usual names that can hardly be models of one task."""
    flat = [rest[name] for name in found if len(rest[name].shape) == 1 and rest[name].dtype.kind in "biuf"]
    if len(flat) != len(found) or len({array.shape for array in flat}) > 1 or flat[0].shape[0] < LEAST:
        return
    values = np.stack([array.part(slice(0, LOOK)).astype(np.float64) for array in flat], axis=1)
    if (values == np.trunc(values)).all():
        if not do_agree(values):
            raise no_labels(values, path, "arrays", ", ".join(found[:6]), found)
        check_models([profile_of_array(array.name, array) for array in flat], path)
        return
    raise fault(
        path,
        "arrays",
        f"numbers in {listed(rest)}, and nothing that says what they are",
        "an array of predictions",
        f"name it: --score-columns {typed(found[:1])}, or save it as logits, probabilities or predictions",
    )


def _truth_array(rest: dict[str, StoredArray], chosen: list[str], path: Path, hints: Hints) -> StoredArray | None:
    if hints.label_column:
        return rest.get(hints.label_column)
    others = {name: array for name, array in rest.items() if name not in chosen}
    by_key = {"_".join(words_of(name)): array for name, array in others.items()}
    named = next((by_key[key] for key in (*TRUTH_NAMES, *LABEL_NAMES, *CLASS_NAMES) if key in by_key), None)
    if named is not None or hints.score_columns or hints.prediction_columns:
        return named
    unnamed = [array for name, array in others.items() if UNNAMED.fullmatch(name) and len(array.shape) == 1]
    return unnamed[0] if len(unnamed) == 1 and all(map(UNNAMED.fullmatch, chosen)) else None


def _left_out(rest: dict[str, StoredArray], chosen: list[str], truth: StoredArray | None) -> tuple[str, ...]:
    left = [name for name, array in rest.items() if name not in chosen and array is not truth]
    return (f"not used: {', '.join(map(repr, left[:6]))}",) if left else ()
