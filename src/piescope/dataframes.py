"""Rows as people take them up in Python: a pandas DataFrame where pandas is installed, else a pyarrow Table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Scalar: TypeAlias = str | bool | int | float | None
"""What a cell holds."""


class ColumnValues(Protocol):
    """A column of either kind of table, from its first row to its last."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[object]: ...


class ArrowTable(Protocol):
    """What a pyarrow Table and a pandas DataFrame have in common; polars and duckdb take up either as it is."""

    def __len__(self) -> int: ...

    def __getitem__(self, column: str) -> ColumnValues: ...

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows for any library that knows Arrow (its PyCapsule interface)."""
        ...


DataFrame: TypeAlias = "pd.DataFrame | ArrowTable"
"""A pandas DataFrame where pandas is installed, and gives its rows on as Arrow's; else a pyarrow Table."""


def as_dataframe(table: pa.Table) -> DataFrame:
    """Rows in the library that people work with.

    Example:
        >>> import pyarrow as pa
        >>> rows = as_dataframe(pa.table({"class": ["cat", "dog"], "lost": [3, 0]}))
        >>> len(rows), list(rows["lost"]), hasattr(rows, "__arrow_c_stream__")
        (2, [3, 0], True)
    """
    try:
        import pandas as pd
    except ImportError:
        return table
    return table.to_pandas() if hasattr(pd.DataFrame, "__arrow_c_stream__") else table


def table_of(rows: Iterable[Mapping[str, Scalar]], columns: Sequence[str]) -> pa.Table:
    """An Arrow table of these columns, also where there is no row; a column in which nothing is known holds numbers.

    Example:
        >>> table_of([{"class": "cat", "low": None}], ["class", "low"]).schema.field("low").type
        DataType(double)
    """
    import pyarrow as pa

    listed = list(rows)
    arrays = {name: pa.array([row[name] for row in listed]) for name in columns}
    nothing = [name for name, values in arrays.items() if pa.types.is_null(values.type)]
    return pa.table(arrays | {name: arrays[name].cast(pa.float64()) for name in nothing})
