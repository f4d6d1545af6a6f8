"""A line of a table as a value: read by attribute, exported under the names of its columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

from piescope.measure.intervals import Interval

CsvCell = str | bool | int | float | None


class ArmKey(NamedTuple):
    """What names an arm in every table: objective, pruning (dense, or a method's name), share of weights removed."""

    objective: str
    pruning: str
    sparsity: float

    @classmethod
    def names(cls, attribute: str) -> tuple[str, ...]:
        """Of its columns: as they are for ``arm``, else with the attribute's name behind."""
        return cls._fields if attribute == "arm" else tuple(f"{name}_{attribute}" for name in cls._fields)

    @property
    def family(self) -> tuple[str, str]:
        """Objective and pruning: the arms that differ in sparsity alone."""
        return self.objective, self.pruning


class Bounds(NamedTuple):
    """A number with the ends of its interval; None where there is none."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def names(cls, attribute: str) -> tuple[str, ...]:
        """Of its columns."""
        return attribute, f"{attribute}_low", f"{attribute}_high"

    @classmethod
    def of(cls, interval: Interval | None) -> Bounds:
        """An interval as it is exported.

        Example:
            >>> Bounds.of(Interval(1.0, np.nan, np.nan, np.nan, 0.0)), Bounds.of(None).value
            (Bounds(value=1.0, low=None, high=None), None)
        """
        if interval is None:
            return cls(None, None, None)
        return cls(interval.value, finite(interval.low), finite(interval.high))


class Spread(NamedTuple):
    """Mean and sample standard deviation; None where there are too few values, or the measure was not asked for."""

    mean: float | None
    std: float | None

    @classmethod
    def names(cls, attribute: str) -> tuple[str, ...]:
        """Of its columns."""
        return f"{attribute}_mean", f"{attribute}_std"

    @classmethod
    def of(cls, values: np.ndarray) -> Spread:
        """Of ``[examples]``.

        Example:
            >>> Spread.of(np.array([1.0, 3.0])).mean, Spread.of(np.array([1.0])), Spread.of(np.array([1.0, np.nan]))
            (2.0, Spread(mean=1.0, std=None), Spread(mean=None, std=None))
        """
        if len(values) == 0 or not np.isfinite(values).all():
            return cls(None, None)
        return cls(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None)


def finite(value: float) -> float | None:
    """A number, or None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True)
class Row:
    """What all rows can: say the columns of their CSV, and what stands in them.

    Attributes that hold an `ArmKey`, `Bounds` or a `Spread` are several columns; ``Annotated`` gives columns names of
    their own.

    Example:
        >>> @dataclass(frozen=True)
        ... class Example(Row):
        ...     label: Annotated[str, "class"]
        ...     pies: Bounds
        >>> Example("cat", Bounds(3.0, 2.0, None)).cells()
        {'class': 'cat', 'pies': 3.0, 'pies_low': 2.0, 'pies_high': None}
    """

    @classmethod
    @cache
    def _names(cls) -> dict[str, tuple[str, ...]]:
        """Under which names each attribute is exported: those of its annotation, of its type, or its own."""
        names: dict[str, tuple[str, ...]] = {}
        for name, hint in get_type_hints(cls, include_extras=True).items():
            if get_origin(hint) is Annotated:
                names[name] = get_args(hint)[1:]
            else:
                names[name] = hint.names(name) if hint in (ArmKey, Bounds, Spread) else (name,)
        return names

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(name for names in cls._names().values() for name in names)

    def cells(self) -> dict[str, CsvCell]:
        """A value for each column."""
        cells: dict[str, CsvCell] = {}
        for attribute, names in self._names().items():
            value = getattr(self, attribute)
            cells.update(zip(names, value if isinstance(value, tuple) else (value,), strict=True))
        return cells


@dataclass(frozen=True)
class Tables:
    """Tables as attributes, a list of rows of one kind each."""

    @classmethod
    def kinds(cls) -> dict[str, type[Row]]:
        """The kind of row of each table, by name."""
        return {name: get_args(kind)[0] for name, kind in get_type_hints(cls).items()}

    def by_name(self) -> dict[str, list[Row]]:
        """The rows of each table."""
        return {part.name: getattr(self, part.name) for part in fields(self)}
