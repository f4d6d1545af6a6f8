"""Arrays of texts: class names, ids, and columns of tables that they are like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.reading.arrays import StoredArray
from piescope.reading.columns import Column, profile, profile_of_numbers, texts
from piescope.reading.files import fault
from piescope.reading.names import (
    NAME_ARRAYS,
)
from piescope.reading.parts import (
    Hints,
)
from piescope.reading.roles import id_of, ids_alike

LOOK = 1024
"""Examples from the beginning, the middle and the end of an array that tell what its values are."""


def is_names(name: str, array: StoredArray) -> bool:
    """Whether an array is called what names of classes are called, and holds texts."""
    return name.lower() in NAME_ARRAYS and array.dtype.kind in "US"


def class_names_of(arrays: dict[str, StoredArray]) -> tuple[str, ...] | None:
    """The class names among the arrays of a file; None where there are none."""
    return next((texts_of(array) for name, array in arrays.items() if is_names(name, array)), None)


def id_array(arrays: dict[str, StoredArray], path: Path, hints: Hints) -> StoredArray | None:
    """The array with ids, by the rule for columns; None where there is none."""
    flat = {name: array for name, array in arrays.items() if len(array.shape) < 2 and not is_names(name, array)}
    columns = [profile_of_array(name, array) for name, array in flat.items()]
    if not columns:
        return None
    named = replace(hints, id_columns=tuple(name for name in hints.id_columns if name in flat))
    if len(arrays) == 1 and not named.id_columns:
        return None
    found = id_of(columns, path, named)
    return None if found is None else flat[found.name]


def profile_of_array(name: str, array: StoredArray) -> Column:
    """What an array ``[examples]`` shows."""
    values = array.part(slice(0, LOOK)) if array.shape else np.zeros(0)
    if values.dtype.kind in "US":
        return profile(name, text_column(values, array.path, array.label))
    return profile_of_numbers(name, values.reshape(-1, 1))


def ids_of(found: StoredArray, path: Path) -> pa.Array:
    """The ids of an array, as text; InputError for a single value or fractions."""
    if not found.shape:
        raise fault(path, found.label, "a single value", "[examples], an id each", "write one id for each example")
    values = found.part(slice(None)).reshape(-1)
    if values.dtype.kind in "US":
        return ids_alike(text_column(values, path, found.label))
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
        if not (np.abs(values) < 2**53).all() or (values != np.trunc(values)).any():
            raise fault(path, found.label, "fractions", "ids: whole numbers or text", "write ids as integers or text")
        values = values.astype(np.int64)
    return texts(values.astype(np.int64 if values.dtype.kind == "b" else values.dtype).astype(str).tolist())


def array_ids(arrays: dict[str, StoredArray], path: Path, hints: Hints) -> pa.Array | None:
    """The ids among the arrays of a file; None where there are none."""
    found = id_array(arrays, path, hints)
    return None if found is None else ids_of(found, path)


def texts_of(array: StoredArray) -> tuple[str, ...] | None:
    """The texts of an array ``[any]``; None where it holds none."""
    if array.dtype.kind not in "US" or len(array.shape) != 1:
        return None
    names: list[str] = text_column(array.part(slice(None)), array.path, array.label).to_pylist()
    return tuple(names)


def text_column(values: np.ndarray, path: Path, where: str) -> pa.Array:
    """Text of an array; InputError where it holds what are no letters."""
    try:
        held = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
        return texts(held.tolist())
    except ValueError:
        raise fault(path, where, "text with impossible letters", "names or ids", "write the file again") from None


def listed(arrays: dict[str, StoredArray]) -> str:
    """Names and shapes, for messages."""
    return ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6]) or "no arrays"
