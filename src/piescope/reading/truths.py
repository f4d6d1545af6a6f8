"""True labels that stand beside predictions, in several files: rows that were brought together must have the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from piescope.problems import InputError
from piescope.reading.files import fault
from piescope.reading.matching import Matched
from piescope.reading.predictions import LabelColumn, Predictions


def truth_beside(parts: Sequence[Predictions]) -> LabelColumn | None:
    """The true labels of the first file that has some; whether others have the same says `check_truths`."""
    return next((part.truth for part in parts if part.truth is not None), None)


def check_truths(
    sides: Mapping[str, Sequence[Predictions]], matched: Matched, labels: LabelColumn | None
) -> tuple[str, ...]:
    """Refuses rows that were brought together and have other true labels: they are other examples, or one is wrong.

    Names are compared as they are written, ids as numbers; names in one file and ids in another must correspond.

    Args:
        sides: the files of ``dense`` and ``compressed``.
        matched: which row is which example.
        labels: given in a file of their own: then others beside predictions are only told, unless nothing but the
            place of a row tells examples apart and they are the same in another order.

    Returns:
        what should be known.

    Raises:
        InputError: two files have other true labels.
    """
    files = {f"{side} {place}": part for side, parts in sides.items() for place, part in enumerate(parts)}
    truths = [(name, part.truth) for name, part in files.items() if part.truth is not None]
    notes: list[str] = []
    for name, other in truths[1:]:
        first_name, first = truths[0]
        one, two = (_of_examples(truth, matched.rows[file]) for file, truth in ((first_name, first), (name, other)))
        differ = _differing(one, first.names, two, other.names)
        count = int(differ.sum())
        is_reordered = count > 0 and _goes_by_row(matched) and _is_reordered(one, first, two, other)
        if count and (labels is None or is_reordered):
            raise _other_truth(first, other, int(np.argmax(differ)), matched, is_reordered)
        if count and labels is not None:
            known = f"{first.source} and {other.source} have other true labels in {count:,} rows"
            notes.append(f"{known}: those of {labels.source} are taken")
    return tuple(notes)


def _goes_by_row(matched: Matched) -> bool:
    """Whether examples are told apart by their place in a file alone: without ids, or by ids that count the rows."""
    if matched.by == "row" or matched.ids is None:
        return True
    return {*matched.ids.to_pylist()} == {str(row) for row in range(matched.examples)}


def _of_examples(truth: LabelColumn, rows: np.ndarray | None) -> np.ndarray:
    """``[examples]`` codes of the examples that are audited."""
    return truth.codes.part(slice(None) if rows is None else rows)


def _differing(
    one: np.ndarray, names: Sequence[str] | None, two: np.ndarray, others: Sequence[str] | None
) -> np.ndarray:
    """``[examples]``, whether two files say something else."""
    if names is None and others is None:
        return np.asarray(one != two)
    if names is not None and others is not None:
        index = {name: code for code, name in enumerate(names)}
        return np.asarray(one != np.array([index.get(name, -1) for name in others], np.int64)[two])
    written = names if names is not None else others
    assert written is not None
    if all(name.isdecimal() for name in written):
        numbers = np.array([int(name) for name in written], np.int64)
        return np.asarray((numbers[one] if names is not None else one) != (two if names is not None else numbers[two]))
    return _at_odds(one, two) | _at_odds(two, one)


def _at_odds(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """``[examples]``, whether ``two`` is another code than most examples with the same code of ``one`` have."""
    pairs, place, counts = np.unique(np.stack([one, two]), axis=1, return_inverse=True, return_counts=True)
    order = np.lexsort((-counts, pairs[0]))  # the most common partner of each code first
    is_usual = np.zeros(len(counts), bool)
    is_usual[order[np.unique(pairs[0][order], return_index=True)[1]]] = True
    return np.asarray(~is_usual[place.reshape(-1)])


def _is_reordered(one: np.ndarray, first: LabelColumn, two: np.ndarray, other: LabelColumn) -> bool:
    """Whether two files have the same true labels as often, in other rows."""
    counted = [np.bincount(codes, minlength=1) for codes in (one, two)]
    if first.names is None or other.names is None:
        few, many = (np.sort(counts[counts > 0]) for counts in counted)
        return bool(np.array_equal(few, many))
    named = [
        {name: count for name, count in zip(names, counts.tolist(), strict=False) if count}
        for names, counts in zip((first.names, other.names), counted, strict=True)
    ]
    return named[0] == named[1]


def _other_truth(first: LabelColumn, other: LabelColumn, row: int, matched: Matched, is_reordered: bool) -> InputError:
    where = f"labels, row {row}" if matched.by == "row" else f"labels, example {matched.identity(row)!r}"
    found, own = f"another true label than in {first.source}", "give them in a file of their own: --labels FILE"
    ids = "match by a column that tells the examples apart, in all files: --id-column NAME, or leave these labels out"
    if is_reordered:
        found, expected = f"{found}, which has the same labels in another order", "the same examples in the same rows"
        by = "the ids count the rows, it seems: " if matched.by == "id" else ""
        return fault(other.source, where, found, expected, f"{by}{ids}")
    cure = own if matched.by == "id" else f"if rows are in another order, {ids}; else {own}"
    return fault(other.source, where, found, "the same labels in all files", cure)
