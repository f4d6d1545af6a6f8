"""Arrow's columns: to NumPy and back, straight through memory, and their types made plain.

Arrow's own conversions import pandas wherever it is installed, which takes longer than the rest of a small audit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.files import fault

MOST_TEXT = 2**28
"""Characters in a batch of a column of text; few that are repeated often can be packed into nothing."""

LONGEST_TEXT = 2**17
"""Characters of a text in a column of a Parquet file that is read."""

TYPES = {
    "b1": pa.bool_(),
    **{f"i{size}": kind for size, kind in ((1, pa.int8()), (2, pa.int16()), (4, pa.int32()), (8, pa.int64()))},
    **{f"u{size}": kind for size, kind in ((1, pa.uint8()), (2, pa.uint16()), (4, pa.uint32()), (8, pa.uint64()))},
    **{f"f{size}": kind for size, kind in ((2, pa.float16()), (4, pa.float32()), (8, pa.float64()))},
}


def numpy_of(column: Any) -> np.ndarray:
    """The numbers of an Arrow array without nulls; true and false as 1 and 0.

    Example:
        >>> numpy_of(column_of(np.array([1.5, 2.5]))).tolist(), numpy_of(column_of(np.array([True, False]))).tolist()
        ([1.5, 2.5], [1, 0])
    """
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(values, pa.ChunkedArray):  # of no chunks, or of several that cannot be one
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.uint8())
    if values.null_count:
        raise ValueError(f"{values.null_count} nulls; expected none: fill them first")
    return np.from_dlpack(values) if len(values) else np.zeros(0, values.type.to_pandas_dtype())


def floats_of(column: Any, missing: float = np.nan) -> np.ndarray:
    """Numbers as float64, ``missing`` for what is empty (Arrow's own ``fill_null`` imports pandas).

    Example:
        >>> floats_of(column_of(np.array([1, 2]), np.array([False, True])), -1.0).tolist()
        [1.0, -1.0]
    """
    numbers = pc.cast(column, pa.float64(), safe=False)
    if not numbers.null_count:
        return numpy_of(numbers)
    floats = np.full(len(numbers), missing)
    floats[mask_of(numbers.is_valid())] = numpy_of(numbers.drop_null())
    return floats


def mask_of(column: Any) -> np.ndarray:
    """``[rows]`` true and false of an Arrow array of them.

    Example:
        >>> mask_of(pa.array([True, False])).tolist()
        [True, False]
    """
    return numpy_of(column).astype(bool)


def first_null(values: pa.Array) -> int:
    """The first row of some that has an empty cell."""
    return int(np.argmax(numpy_of(values.is_null())))


def column_of(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """An Arrow array of numbers; null where ``missing``.

    Example:
        >>> column_of(np.array([1, 2], np.int32), np.array([False, True])).to_pylist()
        [1, None]
    """
    array = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    valid = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = np.packbits(array, bitorder="little") if array.dtype == bool else array
    return pa.Array.from_buffers(TYPES[array.dtype.str[1:]], len(array), [valid, pa.py_buffer(data)])


def texts(values: Iterable[str]) -> pa.Array:
    """An Arrow array of text.

    Example:
        >>> texts(["cat", "größer"]).to_pylist()
        ['cat', 'größer']
    """
    encoded = [value.encode("utf-8", "replace") for value in values]
    ends = np.concatenate([[0], np.cumsum([len(text) for text in encoded], dtype=np.int64)]).astype(np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())


def ids_alike(ids: pa.Array) -> pa.Array:
    """Ids as text, where all are whole numbers written as fractions (a column with gaps, of pandas) without the dot.

    Example:
        >>> ids_alike(pa.array(["5.0", "007.0"])).to_pylist(), ids_alike(pa.array(["5.0", "5.1"])).to_pylist()
        (['5', '007'], ['5.0', '5.1'])
    """
    known = ids.drop_null()
    whole = r"^[+-]?\d+\.0*$"
    if not len(known) or re.fullmatch(whole, known[0].as_py()) is None:
        return ids
    if not pc.all(pc.match_substring_regex(known, whole)).as_py():
        return ids
    return pc.replace_substring_regex(ids, r"\.0*$", "")


def plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The type that a column is read as: numbers, text, dates, lists and structs of numbers; None: it is not read.

    Example:
        >>> plain_type(pa.dictionary(pa.int8(), pa.large_string())), plain_type(pa.binary())
        (DataType(string), None)
    """
    is_type = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if is_type.is_dictionary(kind) or is_type.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if is_type.is_string(kind) or is_type.is_large_string(kind) or is_type.is_string_view(kind):
        return pa.string()
    if is_type.is_decimal(kind):
        return pa.float64()
    if is_type.is_list(kind) or is_type.is_large_list(kind) or is_type.is_fixed_size_list(kind):
        return kind if _is_number(kind.value_type) else None
    if is_type.is_struct(kind):
        names = {field.name for field in kind if _is_number(field.type)}
        return kind if names and len(names) == kind.num_fields else None
    if _is_number(kind) or is_type.is_boolean(kind) or is_type.is_null(kind) or is_type.is_temporal(kind):
        return None if is_type.is_interval(kind) else kind
    return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def as_type(values: pa.Array, wanted: pa.DataType, path: Path, name: str) -> pa.Array:
    """Values of a batch in the type that the table was opened with; InputError for more text than fits."""
    kind = values.type
    if kind.equals(wanted) and not pa.types.is_string(kind):
        return values
    if isinstance(kind, pa.BaseExtensionType):
        return as_type(values.storage, wanted, path, name)
    if pa.types.is_run_end_encoded(kind):
        return as_type(pc.run_end_decode(values), wanted, path, name)
    lengths = text_lengths(values)
    if lengths is not None and (characters := pc.sum(lengths).as_py() or 0) > MOST_TEXT:
        found = f"{characters:,} characters of text in {len(values):,} rows, up to {pc.max(lengths).as_py():,} in one"
        raise fault(path, name, found, "ids, class names or short texts", "leave that column out")
    if pa.types.is_floating(kind) and pa.types.is_string(wanted):  # ids 1.0, 2.0: whole numbers with gaps in between
        numbers = numpy_of(values.drop_null()).astype(np.float64)
        if ((numbers == np.trunc(numbers)) & (np.abs(numbers) < 2**53)).all():
            values = pc.cast(values, pa.int64())
    try:
        return pc.cast(values, wanted, safe=False)
    except pa.ArrowNotImplementedError:
        raise fault(path, name, f"values of type {kind}", "text or whole numbers", "name another column") from None


def text_lengths(values: pa.Array) -> pa.Array | None:
    """Of each cell; None: there is no text in it."""
    if pa.types.is_dictionary(values.type):
        lengths = text_lengths(values.dictionary)
        return None if lengths is None else lengths.take(values.indices)
    if pa.types.is_string_view(values.type):
        values = pc.cast(values, pa.binary_view())
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return pc.cast(pc.binary_length(values), pa.int64()) if is_text else None
