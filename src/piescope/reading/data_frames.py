"""Series and data frames of pandas: their index has the ids of the examples, their columns name classes or models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from piescope.reading.arrow import texts
from piescope.reading.files import fault
from piescope.reading.predictions import Predictions


def ids_of_index(values: Any) -> pa.Array | None:
    """The ids that an index has: where it tells all rows apart and does not only count them.

    Args:
        values: a Series or DataFrame; anything else has no ids.

    Example:
        >>> ids_of_index([0, 1]) is None
        True
    """
    index = values.index if _is_of_pandas(values) else None
    return None if index is None or _counts(index) or not index.is_unique else texts([str(name) for name in index])


def named_by_frame(part: Predictions, values: Any) -> Predictions:
    """Predictions with the ids and names that a Series or DataFrame gives them; those of an array as they are.

    Raises:
        InputError: columns of scores that are the numbers of classes, in another order.
    """
    if not _is_of_pandas(values) or part.axes[0] != "examples":
        return part
    part = replace(part, ids=ids_of_index(values))
    columns = getattr(values, "columns", None)
    if columns is None or _counts(columns) or not columns.is_unique or len(part.axes) != 2:
        return part
    numbers = [name for name in columns if isinstance(name, int | np.integer) and not isinstance(name, bool)]
    if part.axes[1] == "classes" and len(numbers) == len(columns) and sorted(numbers) == list(range(len(columns))):
        first = next(place for place, number in enumerate(numbers) if place != number)
        found = f"column {numbers[first]} in place {first}: classes in another order than their numbers"
        raise fault(
            part.source, "columns", found, "columns 0, 1, 2 ...", "put them in order: frame[sorted(frame.columns)]"
        )
    names = tuple(str(name).strip() for name in columns)
    return replace(part, models=names) if part.axes[1] == "models" else replace(part, class_names=names)


def _is_of_pandas(values: Any) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "index")


def _counts(index: Any) -> bool:
    """Whether an index is 0, 1, 2, ..., as one that nobody gave is."""
    return type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
