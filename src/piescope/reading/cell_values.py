"""Cells of a table as numbers: scores, lists of scores, yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.array_texts import LOOK
from piescope.reading.columns import Column, numbers_in, numpy_of
from piescope.reading.files import fault
from piescope.reading.names import truth_of_word
from piescope.reading.text_format import NUMBER
from piescope.wording import printable


def check_no_text(unused: Sequence[Column], path: Path) -> None:
    """Refuses a column of numbers with text among them, which would silently be left out of the scores."""
    for column in unused:
        cells = [cell or "" for cell in (column.texts or ())[:LOOK]]
        odd = [place for place, cell in enumerate(cells) if not NUMBER.fullmatch(cell.strip())]
        if odd and len(odd) < len(cells) / 2:
            row, found = odd[0], cells[odd[0]]
            cure = "mend that cell, or leave its example out of all files"
            raise fault(path, f"{column.name}, row {row}", repr(found), "a number in each row", cure)


def numbers(column: pa.Array, path: Path, name: str, first: int = 0, length: int = 1) -> np.ndarray:
    """A column as float32, ``length`` numbers a row; InputError for an empty cell, which names its row."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0]) // length
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell or NaN",
            "a number in each row",
            "leave that example out of all files",
        )
    return numpy_of(pc.cast(column, pa.float32(), safe=False))


def vector(column: pa.Array, path: Path, name: str, first: int = 0) -> np.ndarray:
    """A column of lists or structs as ``[rows, length]`` float32; InputError where lengths differ."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0])
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell",
            "a list of numbers in each row",
            "leave that example out of all files",
        )
    if pa.types.is_string(column.type):
        return _vector_of_text(column.to_pylist(), path, name, first)
    if pa.types.is_struct(column.type):
        return np.stack(
            [
                numbers(column.field(place), path, f"{name}.{column.type.field(place).name}", first)
                for place in range(column.type.num_fields)
            ],
            axis=1,
        )
    lengths = numpy_of(pc.list_value_length(column))
    length = int(lengths[0])
    if length == 0 or (lengths != length).any():
        odd = int(np.argmax(lengths != length))
        raise fault(
            path,
            f"{name}, row {first + odd}",
            f"a list of {int(lengths[odd])} numbers" + (f", after lists of {length}" if odd else ""),
            "lists of one length",
            "give one number a class, or a dimension, in each row",
        )
    return numbers(pc.list_flatten(column), path, name, first, length).reshape(len(column), length)


def yes_or_no(column: pa.Array, path: Path, name: str, first: int) -> np.ndarray:
    """``[rows]`` numbers; 1 for words that say right, 0 for those that say wrong."""
    if not pa.types.is_string(column.type):
        return numbers(column, path, name, first)
    encoded = pc.dictionary_encode(column)
    said = [truth_of_word(word) for word in encoded.dictionary.to_pylist()]
    if column.null_count or None in said:
        row = first + (int(np.argmax(numpy_of(column.is_null()))) if column.null_count else 0)
        raise fault(path, f"{name}, row {row}", "an empty cell or another word", "right or wrong", "write 1 and 0")
    return np.array(said, np.float32)[numpy_of(encoded.indices)]


def _vector_of_text(cells: Sequence[str], path: Path, name: str, first: int) -> np.ndarray:
    """Lists that were written as text, ``[0.1 0.9]`` or ``[0.1, 0.9]``, as ``[rows, length]`` float32."""
    rows = [numbers_in(cell) for cell in cells]
    length = len(rows[0])
    odd = next((place for place, row in enumerate(rows) if len(row) != length or not row), None)
    if odd is not None:
        found = f"{printable(cells[odd], 40)!r}, {len(rows[odd])} numbers" + (f" after {length}" if odd else "")
        cure = "write all numbers, one column a class (NumPy cuts long arrays in text), or an .npy"
        raise fault(path, f"{name}, row {first + odd}", found, "lists of numbers of one length", cure)
    return np.array(rows, np.float32)
