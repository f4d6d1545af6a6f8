"""Which column is what: ids, models, true labels, predictions, and what is left out, and why. All guessing is here.

A column is used because of what it is: by a name that says so, or by values that can be nothing else. What is left over
is said, never used; where two readings are possible the file is refused, with the flag that settles it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading.columns import Column
from piescope.reading.files import fault, printable
from piescope.reading.names import (
    CLASS_NAMES,
    CONFIDENCE_NAMES,
    CORRECT_NAMES,
    EMBEDDING_NAMES,
    ID_ENDINGS,
    ID_NAMES,
    LABEL_NAMES,
    MEASURE_WORDS,
    MODEL_NAMES,
    MODEL_WORDS,
    NO_ID_WORDS,
    NO_SCORE_STEMS,
    PREDICTION_NAMES,
    ROW_NAMES,
    SCORE_NAMES,
    SCORE_WORDS,
    TRUTH_NAMES,
    WRONG_NAMES,
    truth_of_word,
)
from piescope.reading.parts import SUM_TOLERANCE, Hints, Values

LEAST = 8
"""Rows from which values are evidence."""

MANY = 20
"""Rows from which values that fit everywhere are no chance."""

MOST_DISTINCT = 0.9
"""A text of which more rows than this share have one of their own is no class."""

LEAST_AGREEMENT = 0.02
"""Beyond chance, of models with each other (Cohen's kappa): labels of one task agree far better."""

CLEAR = 3.0
"""Standard errors beyond chance."""

LEAST_TOLD = 0.3
"""Share of what its most frequent value leaves open that a column of answers tells of the true labels."""

MOST_WITNESSES = 4
"""Columns that are held to check that rows belong together."""

MOST_TRIED = 40
"""Columns of which one or two may be no probabilities, all tried."""


@dataclass(frozen=True)
class Roles:
    """What each column of a file is.

    Attributes:
        id: of the examples.
        model: whose answer a row is (long tables).
        truth: true labels.
        labels: predicted classes, or right and wrong, a column a model.
        scores: a column a class; a single one is that of class 1 of two.
        vectors: lists of scores, a column a model.
        class_names: of the scores' columns; None: they count classes from 0.
        values: where it is settled what the numbers are.
        zero: of quantised probabilities: what stands for 0.
        is_correctness: ``labels`` say right or wrong.
        left_out: columns that are not used, with the reason.
        notes: what else is said of it.
    """

    id: str | None = None
    model: str | None = None
    truth: str | None = None
    labels: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    values: Values | None = None
    zero: float | None = None
    is_correctness: bool = False
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def as_text(self) -> tuple[str, ...]:
        """Columns that are read as text, whatever they look like."""
        return tuple(name for name in (self.id, self.model) if name is not None)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The columns with predictions."""
        return (*self.labels, *self.scores, *self.vectors)

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (*(name for name in (self.id, self.model, self.truth) if name is not None), *self.chosen)


# -- ids --------------------------------------------------------------------------------------------------------------


def id_of(columns: Sequence[Column], path: Path, hints: Hints) -> Column | None:
    """The column with ids: the one that is named by the user, by a usual name, or by its values.

    Names decide in a fixed order, so that it is the same column in all files; a name that only counts rows comes after
    a column without a usual name whose values can be nothing but ids.

    Raises:
        InputError: the user names a column that is not there.
    """
    if hints.id_columns:
        found = next((column for name in hints.id_columns for column in columns if column.name == name), None)
        if found is None:
            raise _no_column(path, "--id-column", hints.id_columns, columns)
        return found
    named = sorted(
        (column for column in columns if _id_rank(column) is not None), key=lambda column: _id_rank(column) or 0
    )
    usable = [column for column in named if column.kind in ("whole", "text", "fraction", "list", "other")]
    if usable:
        return next((column for column in usable if column.is_unique), usable[0])
    if len(columns) < 2:
        return None
    told = [column for column in columns if _can_be_unnamed_id(column)]
    if len(told) == 1:
        return told[0]
    rows = [column for column in columns if column.key in ROW_NAMES and column.is_identifier]
    return next(iter(rows), None)


def _id_rank(column: Column) -> int | None:
    """How likely a name is one of ids, 0 first; None: it is none."""
    if column.key in ID_NAMES:
        return ID_NAMES.index(column.key)
    words = column.words
    if len(words) > 1 and words[-1] in ID_ENDINGS and not set(words) & set(NO_ID_WORDS):
        return len(ID_NAMES) + ID_ENDINGS.index(words[-1])
    return None


def _can_be_unnamed_id(column: Column) -> bool:
    """Values alone: a different one in each of many rows; of numbers, more than there could be classes in order."""
    if column.rows < LEAST or not column.is_identifier or column.key in ROW_NAMES or _is_answer(column):
        return False
    return column.kind == "text" or not set(column.words) & MEASURE_WORDS


def witnesses_of(columns: Sequence[Column], identity: Column | None) -> list[Column]:
    """Columns that name each example besides the ids, where there are none, or ids that only count the rows.

    Files whose rows are brought together must agree in them: see `piescope.reading.matching`.
    """
    if identity is not None and not (identity.is_counter and identity.rows >= LEAST):
        return []
    others = [
        column
        for column in columns
        if column is not identity and column.rows >= LEAST and column.distinct >= LEAST and column.kind != "list"
    ]
    if identity is not None:  # two counters tell no more than one
        others = [column for column in others if not column.is_counter]
    named = [column for column in others if _id_rank(column) is not None]
    return list(dict.fromkeys((*named, *sorted(others, key=lambda column: -column.distinct))))[:MOST_WITNESSES]


def _is_answer(column: Column) -> bool:
    return column.key in (*TRUTH_NAMES, *LABEL_NAMES, *CLASS_NAMES, *PREDICTION_NAMES, *CORRECT_NAMES, *SCORE_NAMES)


def _no_column(path: Path, flag: str, wanted: Sequence[str], columns: Sequence[Column]) -> InputError:
    found = "no column " + " or ".join(map(repr, wanted))
    held = ", ".join(repr(column.name) for column in columns[:12])
    return fault(path, flag, found, f"one of: {held}", f"check its spelling; of several files: {flag} A,B")


# -- true labels ------------------------------------------------------------------------------------------------------


def truth_roles(columns: Sequence[Column], path: Path, hints: Hints) -> Roles:
    """The roles in a file of true labels.

    Raises:
        InputError: no column that could hold them, or several.
    """
    identity = id_of(columns, path, hints)
    rest = [column for column in columns if column is not identity]
    truth = _named_truth(rest, path, hints) or _only_label(rest, path)
    _check_labels(truth, path, "--label-column", hints)
    left = tuple((column.name, "no true labels") for column in rest if column is not truth)
    return Roles(identity.name if identity else None, truth=truth.name, left_out=left)


def _named_truth(rest: Sequence[Column], path: Path, hints: Hints) -> Column | None:
    if hints.label_column is not None:
        found = next((column for column in rest if column.name == hints.label_column), None)
        if found is None:
            raise _no_column(path, "--label-column", (hints.label_column,), rest)
        return found
    names = (*TRUTH_NAMES, *LABEL_NAMES, *CLASS_NAMES)
    fractions = [column for column in rest if column.key in names and column.kind == "fraction"]
    return _first_named(rest, names) or next(iter(fractions), None)  # fractions: refused when they are read, by row


def _first_named(columns: Sequence[Column], names: Sequence[str]) -> Column | None:
    return next((column for name in names for column in columns if column.key == name and _is_label(column)), None)


def _only_label(rest: Sequence[Column], path: Path) -> Column:
    tags = [column for column in rest if column.is_binary and column.rows >= LEAST]
    if len(tags) > 1:
        raise _multi_label(path, tags, "columns of 0 and 1")
    held = [column for column in rest if _is_label(column)]
    if len(held) != 1:
        found = ", ".join(repr(column.name) for column in rest[:12]) or "none but ids"
        cure = "name the column with the true labels: --label-column NAME"
        raise fault(path, "columns", found, "a column named label", cure)
    return held[0]


def _multi_label(path: Path, tags: Sequence[Column], what: str) -> InputError:
    names = ", ".join(repr(column.name) for column in tags[:6])
    one = tags[0].name
    return fault(
        path,
        "columns",
        f"multi-label tags, any number of them true: {what}: {names}",
        "one class an example",
        f"audit one tag at a time: --label-column {one} with --score-columns {one}, or --prediction-column {one}",
    )


def _is_label(column: Column) -> bool:
    """Whether a column can hold classes by its type."""
    return column.kind in ("whole", "text")


def _check_labels(column: Column, path: Path, flag: str, hints: Hints) -> None:
    """Refuses text that names nothing twice."""
    if column.kind != "text" or column.rows < MANY or hints.names:
        return
    if column.distinct > MOST_DISTINCT * column.rows:
        raise fault(
            path,
            column.name,
            f"{column.distinct:,} different texts in {column.rows:,} rows",
            "class names, each of which occurs again",
            f"name the right column with {flag}; free texts are judged right or wrong first: a column 'correct'",
        )


# -- predictions ------------------------------------------------------------------------------------------------------


def roles_of(columns: Sequence[Column], path: Path, hints: Hints) -> Roles:
    """The roles in a file of predictions.

    Args:
        columns: what the first rows of each show.
        path: the file, for messages.
        hints: what the user says, and which classes the true labels name.

    Raises:
        InputError: no column that could hold predictions, or several readings that are possible.
    """
    _check_foreign(columns, path)
    identity = id_of(columns, path, hints)
    rest = [column for column in columns if column is not identity]
    model = _model_column(rest)
    rest = [column for column in rest if column is not model and column.kind != "empty"]
    truth = _strong_truth(rest, path, hints)
    others = [column for column in rest if column is not truth]
    found = _chosen(others, truth, path, hints, columns)
    if truth is None and not found.is_correctness:
        truth = _truth_beside(others, found, path, hints)
    found = replace(
        found,
        id=None if identity is None else identity.name,
        model=None if model is None else model.name,
        truth=None if truth is None or found.is_correctness else truth.name,
    )
    if model is not None and len(found.labels) > 1:
        names = ", ".join(map(repr, found.labels[:8]))
        expected = "one column of predictions beside the example and the model"
        raise fault(path, "columns", names, expected, "name it: --prediction-column NAME")
    reasons = dict(found.left_out)
    left = tuple((c.name, reasons.get(c.name) or _why_not(c, found)) for c in rest if c.name not in found.used)
    return replace(found, left_out=left)


def _model_column(rest: Sequence[Column]) -> Column | None:
    """The column that says whose answer a row is, in a table of several models."""
    named = [c for name in MODEL_NAMES for c in rest if c.key == name and c.kind in ("whole", "text")]
    return next((column for column in named if column.distinct > 1 or column.rows < 2), None)


def _why_not(column: Column, found: Roles) -> str:
    if column.kind in ("other", "empty"):
        return "no numbers or short texts"
    if set(column.words) & MEASURE_WORDS:
        return "a measurement by its name"
    if column.key in PREDICTION_NAMES and found.chosen:
        return "the predicted class again"
    if column.is_unique and column.rows >= LEAST:
        return "a different value in each row"
    if column.key in CORRECT_NAMES:
        return "right or wrong: --values correct goes by it"
    return "not needed" if _is_answer(column) else "no usual name of predictions"


def _strong_truth(rest: Sequence[Column], path: Path, hints: Hints) -> Column | None:
    asked = (*hints.score_columns, *hints.prediction_columns)
    if hints.label_column is not None and hints.label_column not in asked:
        found = next((column for column in rest if column.name == hints.label_column), None)
        if found is not None:
            return found
    return _first_named([column for column in rest if column.name not in asked], TRUTH_NAMES)


def _chosen(rest: Sequence[Column], truth: Column | None, path: Path, hints: Hints, columns: Sequence[Column]) -> Roles:
    """The predictions: what the user names, else the first of these that the file has."""
    asked = _asked(rest, path, hints)
    if asked is not None:
        return asked
    predicted = [column for column in rest if column.key in PREDICTION_NAMES]
    labels = [column for column in predicted if _is_label(column)]
    found = (
        _top_list(rest, path, hints)
        or _lists(rest, truth, labels, path, hints)
        or _class_columns(rest, truth, labels, path, hints)
        or _named_labels(labels, truth, path, hints)
        or _label_with_confidence(rest, truth, path)
        or _single_score(rest, path, hints)
        or _right_or_wrong(rest, path, hints)
        or _left_labels(rest, path, hints)
    )
    if found is None:
        raise fault(
            path,
            "columns",
            ", ".join(repr(column.name) for column in columns[:12]),
            "columns of predictions: labels (one a model), scores (one a class), or right and wrong",
            "name them: --prediction-column NAME, --score-columns A,B,C, ids with --id-column and true labels with "
            "--label-column",
        )
    return found


def _asked(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """What the user names."""
    by_name = {column.name: column for column in rest}
    for names, flag in ((hints.score_columns, "--score-columns"), (hints.prediction_columns, "--prediction-column")):
        missing = [name for name in names if name not in by_name]
        if missing:
            raise _no_column(path, flag, missing[:1], rest)
    if hints.score_columns:
        held = [by_name[name] for name in hints.score_columns]
        odd = next((column for column in held if not (column.is_number or column.kind == "list")), None)
        if odd is not None:
            raise fault(path, odd.name, f"{odd.kind} values", "numbers", "name the columns of scores")
        if all(column.kind == "list" for column in held):
            return Roles(vectors=hints.score_columns)
        settled: Values | None = hints.values if hints.values in ("probabilities", "logits") else None
        if settled is None and all(column.kind == "whole" for column in held) and len(held) > 1:
            settled = "logits"
        classes = None if len(held) == 1 else _class_names(held, hints)
        return Roles(scores=hints.score_columns, class_names=classes, values=settled)
    if hints.prediction_columns:
        held = [by_name[name] for name in hints.prediction_columns]
        if all(column.kind == "list" for column in held):
            return Roles(vectors=hints.prediction_columns)
        if hints.values == "correct" or hints.right_from is not None:
            return _correctness(held, path, hints)
        if hints.values is None and all(c.key in CORRECT_NAMES and c.is_binary for c in held):
            return _correctness(held, path, hints)
        if len(held) == 1 and held[0].kind == "fraction":
            return Roles(scores=hints.prediction_columns)
        for column in held:
            _check_labels(column, path, "--prediction-column", hints)
        _check_no_list(held, path)
        return Roles(labels=hints.prediction_columns, values="labels")
    if hints.values == "correct" or hints.right_from is not None:
        named = [column for name in CORRECT_NAMES for column in rest if column.key == name]
        numbers = [column for column in rest if column.is_number]
        judged = numbers if hints.right_from is not None else [column for column in rest if _says_right(column)]
        held = named[:1] or (judged if len(judged) == 1 else [])
        if not held:
            raise fault(
                path,
                "--values correct",
                "no column of 0 and 1",
                "a column named correct",
                "name it: --prediction-column",
            )
        return _correctness(held, path, hints)
    return None


# -- lists ------------------------------------------------------------------------------------------------------------


def _top_list(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """Numbered columns of scores that fall in every row: the best few classes, not all of them."""
    numbered = _numbered(rest)
    found = next((group for group in numbered.values() if _is_falling(group)), None)
    if found is None or hints.values in ("probabilities", "logits"):
        return None
    firsts = {column.key: column for column in rest}
    best = next((firsts[key] for key in ("index_0", "label_0", "class_0", "pred_0", "top_0") if key in firsts), None)
    if best is None or not _is_label(best):
        names = ", ".join(repr(column.name) for column in found)
        raise fault(
            path,
            "columns",
            f"{names}: scores that fall from left to right in every row, a list of the best {len(found)}",
            "one score for each class, or the predicted class",
            "write the predicted class of each example too; if they are scores of classes 0, 1, ...: --score-columns "
            + ",".join(column.name for column in found),
        )
    why = f"of a list of the best {len(found)}, whose first is used"
    left = tuple(
        (column.name, why) for column in rest if column is not best and column.words[-1:] and column.words[-1].isdigit()
    )
    return Roles(labels=(best.name,), values="labels", left_out=left)


def _numbered(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """Groups of number columns ``stem0, stem1, ...`` without gaps, by stem."""
    groups: dict[str, dict[int, Column]] = {}
    for column in columns:
        stem = column.name.rstrip("0123456789")
        digits = column.name[len(stem) :]
        if digits and str(int(digits)) == digits and column.is_number:
            groups.setdefault(stem, {})[int(digits)] = column
    return {
        stem: [group[number] for number in range(len(group))]
        for stem, group in groups.items()
        if len(group) > 1 and set(group) == set(range(len(group)))
    }


def _is_falling(group: Sequence[Column]) -> bool:
    return _falls(_stacked(group))


def _falls(values: np.ndarray | None) -> bool:
    """Whether numbers ``[rows, columns]`` fall from left to right in every row, and rows differ."""
    if values is None or values.shape[1] < 3 or len(values) < LEAST or np.isnan(values).any():
        return False
    steps = np.diff(values, axis=1)
    return bool((values != values[0]).any() and (steps <= 0).all() and (steps < 0).any())


def _stacked(columns: Sequence[Column]) -> np.ndarray:
    """``[rows, columns]``."""
    return np.stack([column.values for column in columns], axis=1) if columns else np.zeros((0, 0))


def _lists(
    rest: Sequence[Column], truth: Column | None, predicted: Sequence[Column], path: Path, hints: Hints
) -> Roles | None:
    """Columns of lists: scores by their name, their sum, or because their largest is the class that stands beside."""
    lists = [column for column in rest if column.kind == "list" and column.key not in EMBEDDING_NAMES]
    wide = [column for column in lists if column.width > 1 and not _is_empty(column)]
    unreadable = next((column for column in lists if column not in wide and column.width != 1), None)
    if unreadable is not None and not wide:
        cure = "write all numbers, one column a class (NumPy cuts long arrays in text), or save an .npy"
        raise fault(
            path, unreadable.name, "text that looks like a list, and no list of numbers", "scores or classes", cure
        )
    named = [column for column in wide if set(column.words) & {*SCORE_NAMES, *SCORE_WORDS}]
    chosen = named or [column for column in wide if _sums_to_one(column.numbers)] or _alike(wide)
    if not chosen and lists:
        chosen = [column for column in lists if column.key in SCORE_NAMES]
    if not chosen:
        return None
    if not named and len(chosen) == 1 and not _sums_to_one(chosen[0].numbers):
        known = _confirmed_by(chosen[0].numbers, None, truth, predicted, hints)
        if not known and hints.values not in ("probabilities", "logits"):
            column = chosen[0]
            found = f"lists of {column.width} numbers, and nothing that says what they are"
            cure = f"--score-columns {column.name} if they are scores, one a class"
            raise fault(path, column.name, found, "scores, one a class", cure)
    best = next((column for column in chosen if _falls(column.numbers)), None)
    if best is not None and hints.values is None:
        raise fault(
            path,
            best.name,
            f"lists of {best.width} scores that fall in every row: of the best {best.width} classes",
            "one score for each class",
            "write the scores of all classes (timm: --topk 0), or the predicted class alone (--topk 1)",
        )
    if predicted and len(chosen) == 1 and chosen[0].numbers is not None:
        _check_same(chosen[0].numbers, None, predicted, path, chosen[0].name)
    return Roles(vectors=tuple(column.name for column in chosen))


def _is_empty(column: Column) -> bool:
    return column.numbers is None or bool(np.isnan(column.numbers).all())


def _alike(columns: Sequence[Column]) -> list[Column]:
    """Lists of one width."""
    return list(columns) if len({column.width for column in columns}) == 1 else []


def _sums_to_one(values: np.ndarray | None) -> bool:
    """Whether rows are probabilities: from 0 to 1, and 1 in sum."""
    if values is None or not values.size or values.shape[1] < 2 or np.isnan(values).any():
        return False
    within = ((values >= -1e-6) & (values <= 1 + 1e-6)).all()
    return bool(within and (np.abs(values.sum(1) - 1) <= SUM_TOLERANCE).all())


# -- a column a class -------------------------------------------------------------------------------------------------


def _class_columns(
    rest: Sequence[Column], truth: Column | None, predicted: Sequence[Column], path: Path, hints: Hints
) -> Roles | None:
    """A column a class: those that the labels name, that count from 0, that share a prefix, or that sum to 1."""
    numbers = [
        column for column in rest if column.is_number and column not in predicted and not _is_other(column, hints)
    ]
    fractions = [column for column in numbers if column.kind == "fraction"]
    if len(numbers) < 2:
        return None
    named = _named_group(numbers, _known_names(truth, predicted, hints))
    if not fractions and not _sums_to_one(_stacked(named)):
        return _whole_columns(numbers, truth, predicted, path, hints)
    is_judged = any(column.key in CORRECT_NAMES and _says_right(column) for column in rest)
    group, why = _group(numbers, fractions, truth, predicted, path, hints, is_judged)
    if not group:
        return None
    group = _in_order(group)
    values = _stacked(group)
    names = _class_names(group, hints)
    if predicted:
        _check_same(values, names, predicted, path, group[0].name)
    left = tuple((column.name, _why_no_class(column, why)) for column in numbers if column not in group)
    return Roles(scores=tuple(column.name for column in group), class_names=names, left_out=left)


def _in_order(group: Sequence[Column]) -> list[Column]:
    """Columns that count classes by their numbers, wherever they stand in the file; others as they stand."""
    counted = next((run for run in _numbered(group).values() if len(run) == len(group)), None)
    return list(group) if counted is None else counted


def _is_other(column: Column, hints: Hints) -> bool:
    """Whether a number column is named as right or wrong, or as a label."""
    is_named = column.key in (*LABEL_NAMES, *CLASS_NAMES, *TRUTH_NAMES, *CORRECT_NAMES, *MODEL_NAMES)
    return is_named and column.name not in hints.names and column.kind == "whole"


def _why_no_class(column: Column, why: str) -> str:
    return "a measurement by its name" if set(column.words) & MEASURE_WORDS else f"no score of a class: {why}"


def _group(
    numbers: Sequence[Column],
    fractions: Sequence[Column],
    truth: Column | None,
    predicted: Sequence[Column],
    path: Path,
    hints: Hints,
    is_judged: bool = False,
) -> tuple[list[Column], str]:
    """The columns of scores, and what told them; none where they are only left over beside a named answer."""
    known = _known_names(truth, predicted, hints)
    named = _named_group(numbers, known)
    if named:
        return _with_unnamed(named, numbers, path, hints), "the others bear the names of the labels"
    summing = _summing(numbers)
    if summing:
        return summing, "the others sum to 1"
    counted = next((group for stem, group in _numbered(numbers).items() if not _is_input(stem)), None)
    if counted:
        return counted, "the others count classes from 0"
    shared = _shared_prefix(numbers)
    if shared:
        return shared, "the others share a prefix"
    free = [column for column in fractions if not set(column.words) & MEASURE_WORDS]
    if predicted and len(free) > 1:
        if _confirmed_by(_stacked(free), _bare(free), None, predicted, hints):
            return free, "the largest of the others is the predicted class"
        return [], "a column names the prediction"
    if is_judged:
        return [], "a column says right or wrong"
    if hints.num_ids == len(free) and len(free) > 1:
        return free, "there are as many others as labels name classes"
    if len(free) < 2:
        return [], ""
    if min(column.rows for column in free) < LEAST:
        return free, "the others are numbers"
    raise _cannot_tell(free, path)


def _cannot_tell(free: Sequence[Column], path: Path) -> InputError:
    values = _stacked(free)
    names = ",".join(column.name for column in free)
    if ((values >= 0) & (values <= 1)).all():
        return _multi_label(path, free, "columns of numbers from 0 to 1 that do not sum to 1")
    shown = ", ".join(repr(column.name) for column in free[:8])
    return fault(
        path,
        "columns",
        f"numbers in {shown}, and nothing that says which are scores of classes",
        "columns that the true labels name, that sum to 1, or that count classes (logit_0, logit_1 ...)",
        f"give --labels with class names, or --score-columns {printable(names, 120)}; where several tags may be true "
        "of an example (multi-label), audit one at a time",
    )


def _known_names(truth: Column | None, predicted: Sequence[Column], hints: Hints) -> frozenset[str]:
    names = set(hints.names)
    for column in (truth, *predicted):
        if (
            column is not None
            and column.texts is not None
            and column.distinct <= MOST_DISTINCT * max(column.rows, MANY)
        ):
            names |= {text.strip() for text in column.texts if text and text.strip()}
    return frozenset(names)


def _named_group(numbers: Sequence[Column], known: frozenset[str]) -> list[Column]:
    """The columns that bear the names of classes, all with the same words before and after them."""
    if len(known) < 2:
        return []
    places: dict[tuple[str, str], list[Column]] = {}
    for column in numbers:
        name = column.name.strip()
        for label in known:
            if name == label or (name.endswith(label) and not name[: -len(label)][-1:].isalnum()):
                places.setdefault((name[: len(name) - len(label)], ""), []).append(column)
            elif name.startswith(label) and not name[len(label) :][:1].isalnum():
                places.setdefault(("", name[len(label) :]), []).append(column)
    best = max(places.items(), key=lambda item: (len(item[1]), item[0] == ("", "")), default=None)
    return [] if best is None or len(best[1]) < 2 else list(dict.fromkeys(best[1]))


def _with_unnamed(named: list[Column], numbers: Sequence[Column], path: Path, hints: Hints) -> list[Column]:
    """Classes that no label names: told by the sum of 1, or by the shared prefix; else left out or refused."""
    if _sums_to_one(_stacked(named)):
        return named
    summing = _summing(numbers)
    if summing and set(named) <= set(summing):
        return summing
    shared = _shared_prefix(numbers)
    if set(named) <= set(shared):
        return shared
    unnamed = [
        column
        for column in numbers
        if column not in named and column.kind == "fraction" and not set(column.words) & MEASURE_WORDS
    ]
    if not unnamed:
        return named
    if hints.classes_are_all:
        return named
    both = ",".join(column.name for column in numbers if column in named or column in unnamed)
    raise fault(
        path,
        unnamed[0].name,
        "a column of numbers beside those that the labels name",
        "scores of classes that some label names",
        f"say which are scores: --score-columns {printable(','.join(c.name for c in named), 100)} without it, "
        f"--score-columns {printable(both, 100)} with it",
    )


def _summing(numbers: Sequence[Column]) -> list[Column]:
    """The columns that sum to 1 in every row: all of them, or all but one or two."""
    within = [
        c for c in numbers if not np.isnan(c.values).any() and ((c.values >= -1e-6) & (c.values <= 1 + 1e-6)).all()
    ]
    if len(within) < 2:
        return []
    values = _stacked(within)
    if _sums_to_one(values):
        return within
    if len(within) > MOST_TRIED or len(values) < LEAST:
        return []
    total = values.sum(1)
    for count in (1, 2):
        fits = [
            left
            for left in combinations(range(len(within)), count)
            if (np.abs(total - values[:, left].sum(1) - 1) <= SUM_TOLERANCE).all()
        ]
        if len(fits) == 1 and len(within) - count > 1:
            return [column for place, column in enumerate(within) if place not in fits[0]]
    return []


def _is_input(stem: str) -> bool:
    return stem.strip(" _-.:").lower() in NO_SCORE_STEMS


def _shared_prefix(numbers: Sequence[Column]) -> list[Column]:
    """Columns whose names begin with one word of scores: ``prob_cat``, ``prob_dog``."""
    groups: dict[str, list[Column]] = {}
    for column in numbers:
        if len(column.words) > 1 and column.words[0] in SCORE_WORDS:
            groups.setdefault(column.words[0], []).append(column)
    best = max(groups.values(), key=len, default=[])
    return best if len(best) > 1 else []


def _class_names(group: Sequence[Column], hints: Hints) -> tuple[str, ...] | None:
    """The classes that columns are of; None where they count from 0."""
    names = [column.name for column in group]
    stem = names[0].removesuffix("0")
    if all(name == f"{stem}{number}" for number, name in enumerate(names)):
        return None
    if all(name.startswith("column ") for name in names):
        return None
    return _bare(group)


def _bare(group: Sequence[Column]) -> tuple[str, ...]:
    """``prob_cat, prob_dog`` as ``cat, dog``; ``cat_prob, dog_prob`` likewise."""
    names = [column.name.strip() for column in group]
    head = _common(names)
    cut = max(head.rfind(sign) for sign in "_.: ") + 1
    tail = _common([name[::-1] for name in names])[::-1]
    places = [place for sign in "_.: " if (place := tail.find(sign)) >= 0]
    end = len(tail) - min(places) if places else 0
    is_score = cut > 0 or any(word in tail.lower() for word in (*SCORE_NAMES, "score"))
    bare = tuple(name[cut : len(name) - (end if is_score and not cut else 0)] for name in names)
    return bare if all(bare) and len(set(bare)) == len(bare) else tuple(names)


def _common(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first[: min(len(first), len(last)) if same is None else same]


def _confirmed_by(
    values: np.ndarray | None,
    names: tuple[str, ...] | None,
    truth: Column | None,
    predicted: Sequence[Column],
    hints: Hints,
) -> bool:
    """Whether the largest number of a row is the class that stands beside it, or there are as many as classes."""
    if values is None or len(values) < LEAST:
        return True
    if predicted:
        return _agreement(values, names, predicted) >= 0.99
    if truth is not None and truth.kind == "whole" and names is None and len(truth.values) == len(values):
        said = values.argmax(1)
        chance = max(np.mean(truth.values == label) for label in np.unique(truth.values))
        return bool(truth.values.max() < values.shape[1] and np.mean(said == truth.values) > min(0.95, chance + 0.1))
    return hints.num_ids is not None and hints.num_ids <= values.shape[1]


def _agreement(values: np.ndarray, names: tuple[str, ...] | None, predicted: Sequence[Column]) -> float:
    """The largest share of rows, over columns of predictions, in which the largest score is the predicted class."""
    said = values.argmax(1)
    best = 0.0
    for column in predicted:
        if column.texts is not None and names is not None and len(column.texts) == len(said):
            best = max(
                best,
                float(
                    np.mean([names[one] == (text or "").strip() for one, text in zip(said, column.texts, strict=True)])
                ),
            )
        elif column.kind == "whole" and len(column.values) == len(said):
            best = max(best, float(np.mean(said == column.values)))
        elif column.texts is not None and names is None:  # which name is which class is not known: one each
            pairs = {(int(one), text) for one, text in zip(said, column.texts, strict=False)}
            best = max(best, float(len(pairs) == len({one for one, _ in pairs}) == len({text for _, text in pairs})))
    return best


def _check_same(
    values: np.ndarray, names: tuple[str, ...] | None, predicted: Sequence[Column], path: Path, where: str
) -> None:
    """Refuses scores whose largest is another class than the one that stands beside them."""
    if len(values) < LEAST or np.isnan(values).any():
        return
    same = _agreement(values, names, predicted)
    if same >= 0.99:
        return
    name = predicted[0].name
    raise fault(
        path,
        name,
        f"another class than the largest score in {1 - same:.0%} of the rows",
        "the class with the largest score",
        f"--prediction-column {printable(name)} goes by the column; --score-columns, with their names, by the scores "
        f"({printable(where)} ...)",
    )


# -- whole numbers ----------------------------------------------------------------------------------------------------


def _whole_columns(
    numbers: Sequence[Column], truth: Column | None, predicted: Sequence[Column], path: Path, hints: Hints
) -> Roles | None:
    """Several columns of whole numbers: labels of models, quantised scores, tags; each by what only it can be."""
    held = [column for column in numbers if not set(column.words) & MEASURE_WORDS or column.name in hints.names]
    if predicted or len(held) < 2:
        return None
    names = tuple(column.name for column in held)
    if hints.values in ("probabilities", "logits"):
        held, _ = _group(held, held, truth, predicted, path, hints)
    in_order = _in_order(held)
    classes = tuple(column.name for column in in_order)
    if hints.values in ("probabilities", "logits"):
        return Roles(scores=classes, class_names=_class_names(in_order, hints), values=hints.values)
    if hints.values == "labels":
        return Roles(labels=names, values="labels")
    values = _stacked(held)
    if np.isnan(values).any() or len(values) < LEAST:
        return None
    kind, zero = whole_values(values)
    if kind == "scores":
        return Roles(scores=classes, class_names=_class_names(in_order, hints), values="probabilities", zero=zero)
    if kind not in ("one-hot", "tags"):
        _check_models(held, path)
    if kind == "labels":
        return Roles(labels=names, values="labels")
    raise no_labels(values, path, "columns", ", ".join(map(repr, names[:6])), names)


def whole_values(values: np.ndarray) -> tuple[str, float]:
    """What whole numbers ``[rows, columns]`` are: labels (a column a model), scores (a column a class), or neither.

    Scores of 8 bits have a constant sum (a quantised softmax); labels of models of one task agree with each other far
    better than by chance.

    Returns:
        what they are (``labels``, ``scores``, ``one-hot``, ``tags`` or empty), and what stands for 0 in scores.

    Example:
        >>> random = np.random.default_rng(0)
        >>> truth = random.integers(0, 5, 100)
        >>> whole_values(np.stack([truth, truth], axis=1))[0], whole_values(random.integers(0, 99, (100, 4)))[0]
        ('labels', '')
    """
    sums = values.sum(1)
    if len(values) >= LEAST and ((values == 0) | (values == 1)).all():
        if (sums == 1).all():
            return "one-hot", 0.0
        return ("labels" if agreement(values) >= 0.5 else "tags"), 0.0
    zero = 0.0 if values.min() >= 0 else float(-(2 ** int(np.ceil(np.log2(max(1.0, -values.min()))))))
    total = np.median(sums - zero * values.shape[1])
    steps = values.shape[1] / 2 + 1
    is_constant = total > 8 * values.shape[1] ** 0.5 and (np.abs(sums - zero * values.shape[1] - total) <= steps).all()
    if values.shape[1] > 1 and len(values) >= LEAST and is_constant and total > 2 * steps and values.std(0).max() > 0:
        return "scores", zero
    if values.min() < 0:
        return "", 0.0
    return ("labels" if do_agree(values) else ""), 0.0


def agreement(labels: np.ndarray) -> float:
    """How far models ``[rows, models]`` agree beyond chance: of each model its mean kappa with the others, the least.

    Columns that are all one class count as agreeing as far as they do. From 12 models on, 12 are looked at.
    """
    return float(_kappas(labels)[0].min())


def do_agree(labels: np.ndarray) -> bool:
    """Whether each of some models ``[rows, models]`` agrees with the others by more than chance.

    Chance: three standard errors of the mean kappa that independent columns would have.
    """
    kappas, errors = _kappas(labels)
    return bool((kappas > np.maximum(LEAST_AGREEMENT, CLEAR * errors)).all())


def _kappas(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``[models]`` mean kappa with the other models, and its standard error if they were independent."""
    chosen = labels[:, np.linspace(0, labels.shape[1] - 1, min(12, labels.shape[1])).astype(int)]
    rows, count = chosen.shape
    if count < 2:
        return np.ones(1), np.zeros(1)
    kappas, variances = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for one, other in combinations(range(count), 2):
        same = float(np.mean(chosen[:, one] == chosen[:, other]))
        classes = np.unique(chosen[:, [one, other]])
        shares = [np.array([np.mean(chosen[:, place] == label) for label in classes]) for place in (one, other)]
        chance = float((shares[0] * shares[1]).sum())
        is_constant = max(shares[0].max(), shares[1].max()) == 1
        kappas[one, other] = kappas[other, one] = same if is_constant else (same - chance) / (1 - chance)
        variance = 0.0 if is_constant else chance / (rows * (1 - chance))
        variances[one, other] = variances[other, one] = variance
    return np.nanmean(kappas, axis=1), np.sqrt(np.nansum(variances, axis=1)) / (count - 1)


def no_labels(values: np.ndarray, path: Path, where: str, what: str, names: Sequence[str] = ()) -> InputError:
    """The fault of whole numbers that are no labels of models, or not surely."""
    kind, _ = whole_values(values)
    listed = printable(",".join(names), 100)
    if kind == "one-hot":
        return fault(
            path,
            where,
            f"one-hot rows: a single 1 among {what}",
            "labels, one column a model, or scores, one a class",
            "give class ids or names, or say --values probabilities",
        )
    if kind == "tags":
        cure = "audit one tag at a time: --prediction-column NAME with --label-column NAME"
        more = (
            f"; models' labels of two classes: --prediction-column {listed}"
            if names
            else "; models' labels: --values labels"
        )
        found = f"multi-label tags, any number of them true, or several models of two classes: 0 and 1 in {what}"
        return fault(path, where, found, "one class an example", cure + more)
    settle = f"--score-columns {listed}, --prediction-column {listed}" if names else "--values logits, --values labels"
    return fault(
        path,
        where,
        f"whole numbers from {values.min():g} to {values.max():g} in {what} that agree no better than by chance",
        "labels of models of one task, or scores of classes",
        f"say what they are, scores of classes or labels of models: {settle}",
    )


# -- labels -----------------------------------------------------------------------------------------------------------


def _named_labels(labels: Sequence[Column], truth: Column | None, path: Path, hints: Hints) -> Roles | None:
    """A column that is named as the prediction."""
    if not labels:
        return None
    whole = [column for column in labels if column.rows]
    if len(whole) > 1:
        kinds = {column.kind for column in whole}
        if len(kinds) > 1 and truth is not None and truth.kind in kinds:  # the id and the name of a class: as the truth
            whole = [column for column in whole if column.kind == truth.kind]
        elif len(kinds) > 1:
            whole = [column for column in whole if column.kind == ("text" if hints.names else "whole")]
    if len(whole) > 1:
        names = ", ".join(repr(column.name) for column in whole)
        raise fault(path, "columns", f"several predictions: {names}", "one", "name it: --prediction-column NAME")
    _check_labels(whole[0], path, "--prediction-column", hints)
    return Roles(labels=(whole[0].name,), values="labels")


def _label_with_confidence(rest: Sequence[Column], truth: Column | None, path: Path) -> Roles | None:
    """``label`` beside one probability: a pipeline's answer, or the truth beside that of class 1."""
    label = _first_named(rest, LABEL_NAMES)
    held = [column for column in rest if column.key in CONFIDENCE_NAMES and column.kind == "fraction"]
    is_judged = any(column.key in CORRECT_NAMES and column.key != "score" and _says_right(column) for column in rest)
    if label is None or len(held) != 1 or truth is not None or is_judged:
        return None
    index = next((c for c in rest if c.key in ("index", "class_index") and c.kind == "whole" and not c.is_unique), None)
    chosen = label if index is None else index
    sure = held[0].values
    limit = 0.5 if ((sure >= 0) & (sure <= 1)).all() else 0.0  # of class 1, a probability or a logit
    above = sure >= limit
    left = ((held[0].name, "how sure the model is"), (label.name, "the name of the predicted class"))
    answer = Roles(labels=(chosen.name,), values="labels", left_out=left if index is not None else left[:1])
    if index is not None or (not label.is_binary and (label.distinct > 2 or above.all())):
        return answer
    if label.is_binary and (above == (label.values == 1)).all():
        return answer
    if not label.is_binary or above.all():
        name = printable(label.name)
        found = f"labels of two classes beside {held[0].name!r}: of the label, or of class 1"
        cure = f"--prediction-column {name} if it is the model's answer, --label-column {name} if it is the truth"
        raise fault(path, label.name, found, "a column prediction or true_label", cure)
    return None


def _right_or_wrong(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """A column that says whether the answer was right."""
    named = [column for name in CORRECT_NAMES for column in rest if column.key == name]
    binary = [column for column in named if _says_right(column)]
    numbers = [column for column in named if column.key in ("score", "reward") and column.is_number]
    if not binary and numbers and hints.right_from is None:
        column = numbers[0]
        raise fault(
            path,
            column.name,
            f"numbers from {np.nanmin(column.values):g} to {np.nanmax(column.values):g}",
            "0 and 1, or what they are",
            "--right-from 0.5 takes answers from this score on as right; --values probabilities takes them as those of "
            "class 1 of two",
        )
    chosen = binary or numbers
    if not chosen:
        return None
    if len(chosen) > 1 and any(list(_plain(chosen[0])) != list(_plain(other)) for other in chosen[1:]):
        names = ", ".join(repr(column.name) for column in chosen)
        raise fault(path, "columns", f"right or wrong in {names}", "one of them", "name it: --prediction-column NAME")
    return _correctness(chosen[:1], path, hints)


def _correctness(held: Sequence[Column], path: Path, hints: Hints) -> Roles:
    turned = next((column for column in held if set(column.words) & WRONG_NAMES), None)
    if turned is not None:
        found, cure = "a column that says wrong, by its name", "write 1 for right and 0 for wrong, in a column correct"
        raise fault(path, turned.name, found, "what says right", cure)
    odd = next((column for column in held if not _says_right(column)), None)
    if odd is not None and (hints.right_from is None or not odd.is_number):
        found = (
            "text" if odd.texts is not None else f"numbers from {np.nanmin(odd.values):g} to {np.nanmax(odd.values):g}"
        )
        cure = "write 1 for right and 0 for wrong, or say from which score on an answer is right: --right-from 0.5"
        raise fault(path, odd.name, found, "0 and 1, true and false", cure)
    return Roles(labels=tuple(column.name for column in held), values="labels", is_correctness=True)


def _says_right(column: Column) -> bool:
    """Whether all values say right or wrong: 0 and 1, true and false, or words for them."""
    if column.texts is not None:
        return bool(column.texts) and all(truth_of_word(text or "") is not None for text in column.texts)
    return column.is_binary


def _left_labels(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """Columns of labels without a usual name: the only one that can be, or several that say the same things."""
    held = [column for column in rest if _is_label(column) and not set(column.words) & MEASURE_WORDS]
    wide = [column for column in held if column.kind == "text" and _is_free_text(column)]
    held = [column for column in held if column not in wide]
    if not held:
        if wide and len(wide) == len([column for column in rest if _is_label(column)]):
            _check_labels(wide[0], path, "--prediction-column", hints)
        return None
    if len(held) == 1:
        column = held[0]
        _check_labels(column, path, "--prediction-column", hints)
        if column.key not in (*LABEL_NAMES, *CLASS_NAMES) and not column.name.startswith("column "):
            _check_can_be_label(column, path, hints)
            _check_alone(column, rest, path, hints)
        return Roles(labels=(column.name,), values="labels")
    first = _first_named(held, (*LABEL_NAMES, *CLASS_NAMES))
    if first is not None:
        other = next((column for column in held if column is not first and _tells(column, first)), None)
        if other is None:
            return Roles(labels=(first.name,), values="labels")
        raise fault(
            path,
            "columns",
            f"two columns of classes, {other.name!r} and {first.name!r}: which are predicted, and which are true",
            "a column prediction, and true_label if the truth stands beside it",
            f"--prediction-column {printable(other.name)} --label-column {printable(first.name)}, or the other way",
        )
    names = tuple(column.name for column in held)
    _check_models(held, path)
    if len({column.kind for column in held}) > 1:
        found = ", ".join(map(repr, names[:8]))
        raise fault(
            path, "columns", f"names and numbers in {found}", "columns of labels", "name it: --prediction-column NAME"
        )
    if min(column.rows for column in held) >= LEAST:
        codes = _codes(held)
        if not do_agree(codes):
            raise no_labels(codes, path, "columns", ", ".join(map(repr, names[:6])), names)
    return Roles(labels=names, values="labels")


def _check_models(held: Sequence[Column], path: Path) -> None:
    """Refuses several columns of labels whose names do not say that they are models: one of them may be the truth.

    Raises:
        InputError: it is not sure which are predictions; or they are the best few classes of one model.
    """
    names = [column.name for column in held]
    _check_no_list(held, path)
    stems = {re.sub(r"\d+", "", name) for name in names}
    if len(stems) == 1 or all(set(column.words) & MODEL_WORDS for column in held):
        return
    shown = ", ".join(map(repr, names[:6]))
    raise fault(
        path,
        "columns",
        f"several columns of labels, {shown}, and nothing that says which are predicted",
        "a column prediction, or a column a model: model_0, model_1 ...",
        f"--prediction-column {printable(names[0])} names one; several models: --prediction-column "
        f"{printable(','.join(names), 100)}; the truth among them: --label-column",
    )


def _check_no_list(held: Sequence[Column], path: Path) -> None:
    """Refuses columns that hold another class each in every row: the best few classes of one model."""
    if len({column.kind for column in held}) > 1 or min(column.rows for column in held) < LEAST:
        return
    codes = _codes(held)
    if len(held) > 1 and are_lists(codes):
        names = ", ".join(repr(column.name) for column in held[:6])
        found = f"another class in each of {names} in every row: the best {len(held)} classes of one model"
        raise fault(path, "columns", found, "the predicted class", f"--prediction-column {printable(held[0].name)}")


def are_lists(labels: np.ndarray) -> bool:
    """Whether no row ``[rows, columns]`` has a label twice, which models of one task never do: best-k lists."""
    ordered = np.sort(labels, axis=1)
    return bool(labels.shape[1] > 1 and len(labels) >= LEAST and (ordered[:, 1:] != ordered[:, :-1]).all())


def _tells(column: Column, label: Column) -> bool:
    """Whether a column tells another one far better than its most frequent value does (Goodman, Kruskal: lambda)."""
    if column.rows < LEAST or column.distinct > column.rows / 2 or label.distinct < 2:
        return False
    counts: dict[object, Counter[object]] = {}
    for one, other in zip(_plain(column), _plain(label), strict=True):
        counts.setdefault(one, Counter())[other] += 1
    most = Counter(_plain(label)).most_common(1)[0][1]
    known = sum(each.most_common(1)[0][1] for each in counts.values())
    return known - most > LEAST_TOLD * (column.rows - most) + column.distinct


def _check_alone(column: Column, rest: Sequence[Column], path: Path, hints: Hints) -> None:
    """Refuses a column of labels without a usual name beside others, unless it holds the classes of the labels."""
    if len(rest) == 1 or column.rows < LEAST:
        return
    if column.texts is not None and hints.names and {(text or "").strip() for text in column.texts} <= set(hints.names):
        return
    if column.texts is None and hints.num_ids is not None and np.nanmax(column.values) < hints.num_ids:
        return
    name = printable(column.name)
    found = "labels, and nothing that says that they are predicted"
    raise fault(path, column.name, found, "a column prediction", f"--prediction-column {name} if they are")


def _is_free_text(column: Column) -> bool:
    return column.rows >= MANY and column.distinct > MOST_DISTINCT * column.rows


def _check_can_be_label(column: Column, path: Path, hints: Hints) -> None:
    """Refuses whole numbers that hardly count classes: years, ages, identities."""
    if column.kind != "whole" or column.rows < LEAST:
        return
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    too_high = hints.num_ids is not None and high >= hints.num_ids + 1
    if low < 0 or too_high or (high > MANY and (low > high / 2 or column.distinct > MOST_DISTINCT * column.rows)):
        raise fault(
            path,
            column.name,
            f"whole numbers from {low:g} to {high:g}, {column.distinct:,} different ones in {column.rows:,} rows",
            "class ids, in a column named prediction",
            f"--prediction-column {printable(column.name)} if it is the predicted class, --id-column if it is an id",
        )


def _codes(columns: Sequence[Column]) -> np.ndarray:
    """``[rows, columns]`` of labels, one code for a value in all columns."""
    if columns[0].kind == "whole":
        return _stacked(columns)
    texts = [list(column.texts or ()) for column in columns]
    known = {text: code for code, text in enumerate(dict.fromkeys(text for column in texts for text in column))}
    return np.array([[known[text] for text in column] for column in texts], np.float64).T


def _single_score(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """One score an example: that of class 1 of two, by its name, or because the user says what it is."""
    numbers = [column for column in rest if column.kind == "fraction"]
    named = [column for column in numbers if set(column.words) & set(SCORE_NAMES) or column.key in PREDICTION_NAMES]
    is_said = hints.values in ("probabilities", "logits")
    if len(named) == 1 and named[0].key not in ("max_prob", "pred_prob", "top1_prob"):
        column = named[0]
        _check_class_one(column, path, hints)
        outside = bool((column.values < 0).any() or (column.values > 1).any())
        if column.key in PREDICTION_NAMES and outside and not is_said:
            found = f"numbers from {np.nanmin(column.values):g} to {np.nanmax(column.values):g}"
            cure = "--values logits if they are logits of class 1 of two; values of a regression have no classes"
            raise fault(path, column.name, found, "class ids or names, or probabilities", cure)
        return Roles(scores=(column.name,))
    free = [column for column in numbers if not set(column.words) & MEASURE_WORDS or column.name.startswith("column ")]
    if is_said and len(numbers) == 1:
        return Roles(scores=(numbers[0].name,))
    if len(rest) == 1 and len(free) == 1 and (free[0].name.startswith("column ") or free[0].rows < LEAST):
        return Roles(scores=(free[0].name,))
    if len(named) > 1 or (len(rest) == 1 and numbers and numbers[0].key not in CORRECT_NAMES):
        column = (named or numbers)[0]
        raise fault(
            path,
            column.name,
            "a column of numbers, and nothing that says what they are",
            "labels, or scores of classes",
            f"--score-columns {printable(column.name)} if it is the score of class 1 of two",
        )
    return None


def _check_class_one(column: Column, path: Path, hints: Hints) -> None:
    """Refuses the score of class 0 of two, by its name: one score is taken for that of class 1."""
    last = column.name.strip().lower()
    zero = column.words[-1:] in (("0",), ("neg",), ("negative",))
    if hints.names and len(hints.names) == 2:
        first = sorted(hints.names)[0] if not hints.classes_are_all else hints.names[0]
        zero = zero or last.endswith(first.lower())
    if zero:
        cure = "give the score of class 1 instead, or of both (--score-columns A,B)"
        raise fault(path, column.name, "the score of class 0 of two, by its name", "that of class 1", cure)


def _truth_beside(rest: Sequence[Column], found: Roles, path: Path, hints: Hints) -> Column | None:
    """``label`` or ``class`` beside predictions is the truth, unless it repeats them."""
    named = {name for name, _ in found.left_out}
    others = [column for column in rest if column.name not in found.chosen and column.name not in named]
    truth = _first_named(others, LABEL_NAMES) or _first_named(others, CLASS_NAMES)
    if truth is None or truth.key in PREDICTION_NAMES:
        return None
    if truth.rows < MANY or not _repeats(truth, rest, found):
        return truth
    if truth.key in CLASS_NAMES:
        return None
    raise fault(
        path,
        truth.name,
        "the predicted class in every row",
        "true labels, or another name",
        f"--label-column {printable(truth.name)} if these are the true labels all the same; else give --labels",
    )


def _repeats(truth: Column, rest: Sequence[Column], found: Roles) -> bool:
    """Whether a column is the prediction again, perhaps under other names."""
    by_name = {column.name: column for column in rest}
    if len(found.chosen) == 1 and found.labels:
        said: list[object] = list(_plain(by_name[found.labels[0]]))
    elif found.scores and len(found.scores) > 1:
        said = list(_stacked([by_name[name] for name in found.scores]).argmax(1))
    elif len(found.vectors) == 1 and (numbers := by_name[found.vectors[0]].numbers) is not None and numbers.size:
        said = list(numbers.argmax(1))
    else:
        return False
    pairs = set(zip(_plain(truth), said, strict=False))
    firsts, seconds = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    return len(said) == truth.rows and len(pairs) == len(firsts) == len(seconds) and len(pairs) > 1


def _plain(column: Column) -> Sequence[object]:
    return list(column.texts) if column.texts is not None else column.values.tolist()


# -- files of other tools ---------------------------------------------------------------------------------------------


def _check_foreign(columns: Sequence[Column], path: Path) -> None:
    """Refuses what is no table of examples, by its columns."""
    keys = {column.key for column in columns}
    if {"top1", "top5"} <= keys and ("model" in keys or "top1_err" in keys):
        raise fault(
            path,
            "columns",
            "a summary, one row a model (timm's validate.py)",
            "one row an example",
            "write the answers: python inference.py --topk 0 --include-index",
        )
