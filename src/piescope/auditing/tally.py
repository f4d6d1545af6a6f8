"""One pass over all examples: everything that is counted, in memory that does not grow with their number.

What each example is goes to a temporary table on the way; `piescope.auditing.rows` reads it once more, when it is known
which p-values count as confirmed and what a confident model looks like.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from pyarrow import parquet

from piescope.auditing.audited import Audited
from piescope.auditing.block import AuditBlock
from piescope.auditing.votes import VoteTests
from piescope.reading.sides import block_size
from piescope.store.audit_measures import Figure


class Sums(Protocol):
    """What an answer needs of all examples; sums of disjoint blocks add up with ``+``."""

    @classmethod
    def of(cls, block: AuditBlock) -> Self | None:
        """Sums of a block; None: this audit has none of these."""
        ...

    def __add__(self, other: Self, /) -> Self:
        """Of both blocks."""
        ...


class FigureSums(Sums, Protocol):
    """Sums behind one number about both sides: a `Figure` is all that it takes to be written and shown.

    Attributes:
        name: of the number in audit.json.
    """

    name: ClassVar[str]

    def figure(self, counted: Counted) -> Figure:
        """The number, with its interval and how to read it."""
        ...


S = TypeVar("S", bound=Sums)


@dataclass(frozen=True, eq=False)
class Counted:
    """All sums, each found by its type.

    Attributes:
        audited: what was compared.
        sums: type to sums.
        rows: the temporary table, one row an example.
    """

    audited: Audited
    sums: dict[type[Any], Any]
    rows: Path

    def __getitem__(self, kind: type[S]) -> S:
        """Sums that every audit has; KeyError where this one has not."""
        sums: S = self.sums[kind]
        return sums

    def get(self, kind: type[S]) -> S | None:
        """Sums that this audit may not have."""
        return self.sums.get(kind)

    @property
    def examples(self) -> int:
        """How many there are."""
        return self.audited.matched.examples


def tally(
    audited: Audited, kinds: Sequence[type[Any]], folder: Path, on_block: Callable[[int], None] = lambda _done: None
) -> Counted:
    """Counts everything that the answers need.

    Args:
        audited: what is compared.
        kinds: `Sums` to take.
        folder: for the temporary table.
        on_block: hears how many examples are done.

    Raises:
        InputError: values that are no labels or probabilities, found on the way.
    """
    handle, name = tempfile.mkstemp(".parquet", "rows-", folder)
    with open(handle, "wb") as sink:  # noqa: PTH123 - a descriptor
        sums: dict[type[Any], Any] = {}
        count = audited.matched.examples
        step = block_size(audited.dense, audited.compressed)
        tests = VoteTests()
        writer: parquet.ParquetWriter | None = None
        try:
            for start in range(0, count, step):
                block = AuditBlock.of(audited, start, min(start + step, count), tests)
                for kind in kinds:
                    of_block = kind.of(block)
                    if of_block is not None:
                        sums[kind] = sums[kind] + of_block if kind in sums else of_block
                rows = block.rows()
                writer = writer or parquet.ParquetWriter(sink, rows.schema, compression="lz4")
                writer.write_batch(rows)
                on_block(block.stop)
                del block, rows  # before the next is read: there is room for one
        finally:
            if writer is not None:
                writer.close()
    return Counted(audited, sums, Path(name))


def occurrences(*columns: np.ndarray, classes: int) -> dict[Any, int]:
    """How often each row of class ids occurs.

    Example:
        >>> occurrences(np.array([0, 1, 1]), np.array([2, 0, 0]), classes=3)
        {(0, 2): 1, (1, 0): 2}
    """
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        code = code * classes + column
    different, counts = np.unique(code, return_counts=True)
    rows = []
    for _ in columns:
        different, place = np.divmod(different, classes)
        rows.append(place)
    return dict(zip(zip(*(row.tolist() for row in reversed(rows)), strict=True), counts.tolist(), strict=True))
