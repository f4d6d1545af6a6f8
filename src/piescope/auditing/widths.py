"""Scores of one class more on one side: is it a background class, and which column would have to go?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from piescope.problems import InputError
from piescope.reading.files import fault
from piescope.reading.matching import Matched
from piescope.reading.predictions import Predictions

MOST_COMPARED = 10_000
"""Examples whose answers are compared."""

MOST_AGREE = 0.5
"""Share of equal answers above which a left-out column explains the difference."""


def check_widths(sides: Mapping[str, Sequence[Predictions]], matched: Matched) -> None:
    """Refuses sides of which one has scores of one class more, and says which column to leave out.

    Other widths, and columns with names, are left to `piescope.reading.labels.resolve_classes`.

    Raises:
        InputError: one side has a column more; its cure is made from what the first models answer.
    """
    widths = {side: {part.num_classes for part in parts} for side, parts in sides.items()}
    if any(len(counts) != 1 or None in counts for counts in widths.values()):
        return
    if any(part.class_names is not None for parts in sides.values() for part in parts):
        return
    (narrow, fewer), (wide, more) = sorted(((side, counts.pop() or 0) for side, counts in widths.items()), key=_width)
    if more == fewer + 1:
        raise _one_more(sides, matched, narrow, wide)


def _width(side: tuple[str, int]) -> int:
    return side[1]


def _one_more(sides: Mapping[str, Sequence[Predictions]], matched: Matched, narrow: str, wide: str) -> InputError:
    one, other = sides[narrow][0], sides[wide][0]
    fewer = one.num_classes or 0
    rows = min(matched.examples, MOST_COMPARED)
    few, many = (sides[side][0].scores(matched.rows_of(f"{side} 0", 0, rows))[0] for side in (narrow, wide))
    said = few.argmax(1)
    agree = {column: int((np.delete(many, column, 1).argmax(1) == said).sum()) for column in (0, fewer)}
    column = max(agree, key=agree.__getitem__)
    if agree[column] <= MOST_AGREE * rows or agree[column] == agree[fewer - column]:
        cure = "give both sides the same classes; a background class, first as TensorFlow's models have it, is to go"
    else:
        which = "first, as TensorFlow's models have it" if column == 0 else "last"
        rest = " and divide each row by its sum" if other.values == "probabilities" else ""
        cure = (
            f"a background class, {which}: leave column {column} of {other.source} out{rest}; "
            f"{agree[column]:,} of {rows:,} answers are then alike"
        )
        if other.source.endswith(".npy") and not rest:
            part = "1:" if column == 0 else ":-1"
            cure += f": np.save(NEW, np.load({other.source!r})[..., {part}])"
    return fault(other.source, "classes", f"{fewer + 1} scores an example", f"{fewer}, as {one.source} has", cure)
