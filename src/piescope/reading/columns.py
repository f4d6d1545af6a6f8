"""NumPy arrays to Arrow columns and back, straight through memory.

Arrow's own conversions import pandas wherever it is installed, which takes longer than the rest of a small audit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TYPES = {
    "b1": pa.bool_(),
    "i1": pa.int8(),
    "i2": pa.int16(),
    "i4": pa.int32(),
    "i8": pa.int64(),
    "u1": pa.uint8(),
    "u2": pa.uint16(),
    "u4": pa.uint32(),
    "u8": pa.uint64(),
    "f2": pa.float16(),
    "f4": pa.float32(),
    "f8": pa.float64(),
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
    if len(values) == 0:
        return np.zeros(0, values.type.to_pandas_dtype())
    return np.from_dlpack(values)


def column_of(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """An Arrow array of numbers; null where ``missing``.

    Example:
        >>> column_of(np.array([1, 2], np.int32), np.array([False, True])).to_pylist()
        [1, None]
    """
    array = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    valid = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    held = np.packbits(array, bitorder="little") if array.dtype == bool else array
    kind = TYPES[array.dtype.str[1:]]
    return pa.Array.from_buffers(kind, len(array), [valid, pa.py_buffer(held)])


def texts(values: Iterable[str]) -> pa.Array:
    """An Arrow array of text.

    Example:
        >>> texts(["cat", "größer"]).to_pylist()
        ['cat', 'größer']
    """
    encoded = [value.encode("utf-8", "replace") for value in values]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in encoded], dtype=np.int64)]).astype(np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())
