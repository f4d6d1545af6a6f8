"""The mark of true labels: they are the same in both files, row by row, where other columns differ.

Names like ``label`` and ``answer`` are used for the truth and for predictions alike, and an array without names has
none at all; a single file does not tell which it is. Two models that truly agree everywhere look the same: so a column
is refused for it only where another one, or another row of the array, may hold the predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from piescope.reading.columns import Column
from piescope.reading.evidence import quoted
from piescope.reading.files import fault, python_line, typed
from piescope.reading.matching import Matched
from piescope.reading.names import SURENESS_WORDS, WRONG_NAMES
from piescope.reading.predictions import Predictions

ROWS = 2**16
"""Examples that are compared at once."""


def check_no_truth(dense: Sequence[Predictions], compressed: Sequence[Predictions], matched: Matched) -> None:
    """Refuses true labels that were taken for predictions, by their being the same on both sides.

    Args:
        dense: what the files of one side say.
        compressed: likewise.
        matched: which rows belong together.

    Raises:
        InputError: names the column, and how to say what it is.
    """
    parts = (*dense, *compressed)
    counts = {len(part.models) for part in parts}
    if not all(part.is_unsure for part in parts) or len(counts) > 1:
        return
    if counts == {1}:
        _check_single(dense, compressed, matched)
    else:
        _check_several(dense[0], compressed[0], matched)


def _check_single(dense: Sequence[Predictions], compressed: Sequence[Predictions], matched: Matched) -> None:
    one, other = dense[0], compressed[0]
    candidates = _differing(one, other, matched)
    if not candidates:
        return
    pairs = product(enumerate(dense), enumerate(compressed))
    if not all(_same_models(a, b, matched, (f"dense {i}", f"compressed {j}")).all() for (i, a), (j, b) in pairs):
        return
    name = one.chosen[0]
    found = f"the same in every row of both files, as true labels are, where {quoted(candidates, 4)} differs"
    cure = f"--prediction-column {typed([name])} if both models truly agree everywhere"
    raise fault(other.source, name, found, "predictions", f"{_cure(candidates, name, one)}; {cure}")


def _cure(candidates: Sequence[Column], name: str, part: Predictions) -> str:
    """How to say which column holds the predictions, as far as one can."""
    truth = f"--label-column {typed(name)}"
    num_labels = len(part.class_names) if part.class_names is not None else part.largest + 1
    cures = []
    for column in candidates[:3]:
        scores, is_right = f"--score-columns {typed([column.name])} {truth}", column.has_any(("correct", "right"))
        if column.has_any(WRONG_NAMES) or (column.is_label and column.is_binary and is_right):
            cures.append(f"right or wrong in {column.name!r}: write 1 for right in a column correct alone, beside ids")
        elif column.is_label:
            cures.append(f"--prediction-column {typed([column.name])} {truth} if {column.name!r} is predicted")
        elif column.kind == "list":
            cures.append(f"{scores} if {column.name!r} has a score a class")
        elif column.has_any(SURENESS_WORDS) or num_labels > 2:
            cures.append(f"write the predicted class too, in a column prediction: {column.name!r} does not tell it")
        elif column.words[-1:] == ("0",) or column.key == "p0":
            cures.append(f"write the score of class 1 instead of {column.name!r}, 1 - p, as score_1")
        else:
            cures.append(f"{scores} if {column.name!r} is the score of class 1 of two")
    return "; ".join(dict.fromkeys(cures))


def _differing(one: Predictions, other: Predictions, matched: Matched) -> list[Column]:
    """The columns left out of both files whose first rows are not the same in both."""
    twins = {column.name: column for column in other.beside}
    rows = (_rows(matched, "dense 0"), _rows(matched, "compressed 0"))
    pairs = [(column, twins[column.name]) for column in one.beside if column.name in twins]
    return [column for column, twin in pairs if not _are_same(column, twin, rows)]


def _are_same(column: Column, twin: Column, rows: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether two columns have the same values in the rows that belong together, as far as these were looked at."""
    if column.kind != twin.kind or column.width != twin.width:
        return False
    known = (rows[0] < column.rows) & (rows[1] < twin.rows)
    if column.numbers is not None and twin.numbers is not None:
        return np.array_equal(column.numbers[rows[0][known]], twin.numbers[rows[1][known]], equal_nan=True)
    first, second = np.array(column.cells, object), np.array(twin.cells, object)
    return bool((first[rows[0][known]] == second[rows[1][known]]).all())


def _rows(matched: Matched, name: str) -> np.ndarray:
    rows = matched.rows_of(name, 0, matched.examples)
    return np.arange(matched.examples) if isinstance(rows, slice) else rows


def _same_models(
    one: Predictions, other: Predictions, matched: Matched, names: tuple[str, str] = ("dense 0", "compressed 0")
) -> np.ndarray:
    """``[models]`` whether a model of one file and that of the other say the same of every example."""
    same = np.ones(len(one.models), bool)
    if (one.class_names is None) != (other.class_names is None):
        return ~same
    table: np.ndarray | None = None
    if one.class_names is not None and other.class_names is not None:
        places = {name: place for place, name in enumerate(one.class_names)}
        table = np.array([places.get(name, -1) for name in other.class_names], np.int64)
    for start in range(0, matched.examples, ROWS):
        stop = min(start + ROWS, matched.examples)
        codes = other.labels(matched.rows_of(names[1], start, stop))
        said = codes if table is None else table[codes]
        same &= (one.labels(matched.rows_of(names[0], start, stop)) == said).all(1)
        if not same.any():
            break
    one.array.release()
    other.array.release()
    return same


def _check_several(one: Predictions, other: Predictions, matched: Matched) -> None:
    same = _same_models(one, other, matched)
    if not same.any() or same.all():
        return
    true, said = int(np.argmax(same)), int(np.argmin(same))
    alike, other_model = one.models[true], one.models[said]
    found = f"{alike!r} is the same in every row of both files, as true labels are; {other_model!r} is not"
    cure = _columns_cure(one, true, said) if one.chosen else _array_cure(one, true, said)
    where, expected = one.array.label, "predictions alone, or names that say which are true"
    raise fault(other.source, "columns" if one.chosen else where, found, expected, cure)


def _columns_cure(part: Predictions, true: int, said: int) -> str:
    flags = f"--label-column {typed(part.chosen[true])} --prediction-column {typed([part.chosen[said]])}"
    all_predicted = f"--prediction-column {typed(part.chosen)} if all are predicted"
    return f"{flags} if the one is the truth and the other predicted; {all_predicted}"


def _array_cure(part: Predictions, true: int, said: int) -> str:
    place = ":," if part.axes[0] == "examples" else ""
    is_npy = Path(part.source).suffix.lower() == ".npy"
    load = f"np.load('{part.source}')" if is_npy else "a"
    target = f"{Path(part.source).stem}_predicted.npy"
    code = f"import numpy as np;a={load};np.save('{target}',a[{place}{said}]);np.save('TRUE.npy',a[{place}{true}])"
    write = f"by {python_line(code)}, and likewise of the other file" if is_npy else "to arrays of their own"
    return f"--values labels if all are predicted; else write the two apart, {write}, and give --labels TRUE.npy"
