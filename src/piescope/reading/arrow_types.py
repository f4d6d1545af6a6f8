"""Types of columns as Arrow has them, made plain: numbers, yes and no, or text of a bounded length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.columns import numpy_of
from piescope.reading.files import fault

MOST_TEXT = 2**28
"""Characters in a batch of a column of text; few that are repeated often can be packed into nothing."""


LONGEST_TEXT = 2**17
"""Characters of a text in a column of a Parquet file that is read."""


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
        names = [kind.field(place).name for place in range(kind.num_fields)]
        numbers = all(_is_number(kind.field(place).type) for place in range(kind.num_fields))
        return kind if names and numbers and len(set(names)) == len(names) else None
    if _is_number(kind) or is_type.is_boolean(kind) or is_type.is_null(kind) or is_type.is_temporal(kind):
        return None if is_type.is_interval(kind) else kind
    return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def as_type(values: pa.Array, wanted: pa.DataType, path: Path, name: str) -> pa.Array:
    """Values of a batch in the type that the table was opened with."""
    kind = values.type
    if kind.equals(wanted) and not pa.types.is_string(kind):
        return values
    if isinstance(kind, pa.BaseExtensionType):
        return as_type(values.storage, wanted, path, name)
    if pa.types.is_run_end_encoded(kind):
        return as_type(pc.run_end_decode(values), wanted, path, name)
    lengths = text_lengths(values)
    if lengths is not None and (characters := pc.sum(lengths).as_py() or 0) > MOST_TEXT:
        longest = pc.max(lengths).as_py()
        found = f"{characters:,} characters of text in {len(values):,} rows, up to {longest:,} in one"
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
