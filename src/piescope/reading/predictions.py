"""What models say, from a file of any layout: labels, probabilities or logits, told apart and said."""

from __future__ import annotations

from pathlib import Path

from piescope.reading.array_parts import (
    array_ids,
    label_column,
    listed,
    part_of_array,
    parts_of_arrays,
    texts_of,
)
from piescope.reading.arrays import open_npy, open_npz, open_safetensors
from piescope.reading.files import fault, kind_of
from piescope.reading.parts import (
    CLASS_NAME_ARRAYS,
    LABEL_COLUMNS,
    TRUTH_COLUMNS,
    Hints,
    LabelColumn,
    Predictions,
)
from piescope.reading.table_parts import labels_of_table, part_of_table
from piescope.reading.tables import read_table


def read_file(path: Path, reading: Hints) -> list[Predictions]:
    """The predictions of a file.

    Raises:
        InputError: nothing in it can be taken for predictions, or its values are no labels, probabilities or logits.
    """
    kind = kind_of(path)
    if kind == "npy":
        return [part_of_array(open_npy(path), path.stem, reading)]
    if kind in ("npz", "safetensors"):
        return parts_of_arrays(open_npz(path) if kind == "npz" else open_safetensors(path), path, reading)
    return [read_table(path, kind, lambda table: part_of_table(table, reading))]


def read_labels(path: Path, reading: Hints) -> LabelColumn:
    """The true labels of a file: a table with a label column, or an array ``[examples]``.

    Raises:
        InputError: no such column or array, or something else than labels in it.
    """
    kind = kind_of(path)
    if kind in ("npy", "npz", "safetensors"):
        arrays = {"": open_npy(path)} if kind == "npy" else open_npz(path) if kind == "npz" else open_safetensors(path)
        by_name = {name.lower(): array for name, array in arrays.items()}
        wanted = [reading.label_column.lower()] if reading.label_column else ["", *LABEL_COLUMNS, *TRUTH_COLUMNS]
        found = next((by_name[name] for name in wanted if name in by_name), None)
        flat = [array for array in arrays.values() if len(array.shape) == 1]
        if found is None and len(flat) == 1 and not reading.label_column:
            found = flat[0]
        if found is None:
            raise fault(path, "labels", listed(arrays), "an array named labels or y", "name it: --label-column NAME")
        names = next((texts_of(by_name[name]) for name in CLASS_NAME_ARRAYS if name in by_name), None)
        return label_column(found, path, array_ids(by_name, path), names)
    return read_table(path, kind, lambda table: labels_of_table(table, reading))
