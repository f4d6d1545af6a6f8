"""What models say, from a file of any layout: the format by its first bytes, the roles of its columns by `roles`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from piescope.reading.array_predictions import label_column, part_of_array
from piescope.reading.array_texts import array_ids, class_names_of, id_array, listed
from piescope.reading.arrays import StoredArray, open_npy, open_npz, open_safetensors
from piescope.reading.files import Kind, fault, kind_of
from piescope.reading.named_arrays import parts_of_arrays
from piescope.reading.names import CLASS_NAMES, LABEL_NAMES, TRUTH_NAMES, words_of
from piescope.reading.parts import Hints, LabelColumn, Predictions
from piescope.reading.table_predictions import labels_of_table, part_of_table
from piescope.reading.tables import read_table


def read_file(path: Path, hints: Hints) -> list[Predictions]:
    """The predictions of a file.

    Raises:
        InputError: nothing in it can be taken for predictions, or its values are no labels, probabilities or logits.
    """
    kind = kind_of(path)
    if kind == "npy":
        return [part_of_array(open_npy(path), path.stem, hints)]
    if kind in ("npz", "safetensors"):
        return parts_of_arrays(open_arrays(path, kind), path, hints)
    return [read_table(path, kind, lambda table: part_of_table(table, hints), has_header=hints.has_header)]


def open_arrays(path: Path, kind: Kind) -> dict[str, StoredArray]:
    """The arrays of a file by name; that of an .npy has none."""
    if kind == "npy":
        return {"": open_npy(path)}
    return open_npz(path) if kind == "npz" else open_safetensors(path)


def read_labels(path: Path, hints: Hints) -> LabelColumn:
    """The true labels of a file: a table with a label column, or an array ``[examples]``.

    Raises:
        InputError: no such column or array, or something else than labels in it.
    """
    kind = kind_of(path)
    if kind not in ("npy", "npz", "safetensors"):
        return read_table(path, kind, lambda table: labels_of_table(table, hints), has_header=hints.has_header)
    arrays = open_arrays(path, kind)
    found = _labels_among(arrays, path, hints)
    ids = array_ids({name: array for name, array in arrays.items() if array is not found}, path, hints)
    return label_column(found, path, ids, class_names_of(arrays))


def _labels_among(arrays: dict[str, StoredArray], path: Path, hints: Hints) -> StoredArray:
    """The array of true labels: the one that is named so, or the only one of one axis that is no ids."""
    if "" in arrays:
        return arrays[""]
    if hints.label_column:
        if hints.label_column in arrays:
            return arrays[hints.label_column]
        found = f"no array {hints.label_column!r}"
        raise fault(path, "--label-column", found, f"one of: {listed(arrays)}", "check its spelling")
    by_key = {"_".join(words_of(name)): array for name, array in arrays.items()}
    named = next((by_key[key] for key in (*TRUTH_NAMES, *LABEL_NAMES, *CLASS_NAMES) if key in by_key), None)
    if named is not None:
        return named
    identity = id_array(arrays, path, replace(hints, id_columns=()))
    flat = [array for array in arrays.values() if len(array.shape) == 1 and array is not identity]
    if len(flat) == 1:
        return flat[0]
    raise fault(path, "labels", listed(arrays), "an array named labels or y", "name it: --label-column NAME")
