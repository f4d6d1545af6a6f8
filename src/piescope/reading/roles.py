"""Which column is what: ids, models, true labels, predictions, and what is left out, and why.

All guessing is here, and in what is asked from here: scores are told in `class_columns`, labels in `label_columns`,
both by `evidence`. A column is used because of what it is: by a name that says so, or by values that can be nothing
else. What is left over is said, never used; where two readings are possible the file is refused, with the flag that
settles it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.class_columns import class_columns, class_names_of_columns, lists_of_scores, top_list
from piescope.reading.columns import Column
from piescope.reading.evidence import LEAST, MANY, first_named, is_label, multi_label, plain, says_right, stacked
from piescope.reading.files import fault, python_line, shown, typed
from piescope.reading.label_columns import (
    check_class_one,
    check_labels,
    check_no_list,
    correctness,
    label_with_confidence,
    left_labels,
    named_labels,
    right_or_wrong,
    single_score,
)
from piescope.reading.names import (
    BOTH_NAMES,
    CLASS_NAMES,
    CORRECT_NAMES,
    ID_ENDINGS,
    ID_NAMES,
    LABEL_NAMES,
    MEASURE_WORDS,
    MODEL_NAMES,
    NO_ID_WORDS,
    PREDICTION_NAMES,
    ROW_NAMES,
    SCORE_NAMES,
    TRUTH_NAMES,
)
from piescope.reading.parts import Hints, Roles, Values

MOST_WITNESSES = 4
"""Columns that are held to check that rows belong together."""


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


def ids_alike(ids: pa.Array) -> pa.Array:
    """Ids as text, where all are whole numbers written as fractions (a column with gaps, of pandas) without the dot.

    Example:
        >>> ids_alike(pa.array(["5.0", "007.0"])).to_pylist(), ids_alike(pa.array(["5.0", "5.1"])).to_pylist()
        (['5', '007'], ['5.0', '5.1'])
    """
    known = ids.drop_null()
    whole = r"^[+-]?\d+\.0*$"
    if not len(known) or re.fullmatch(whole, known[0].as_py()) is None:
        return ids
    if not pc.all(pc.match_substring_regex(known, whole)).as_py():
        return ids
    return pc.replace_substring_regex(ids, r"\.0*$", "")


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


def truth_roles(columns: Sequence[Column], path: Path, hints: Hints) -> Roles:
    """The roles in a file of true labels.

    Raises:
        InputError: no column that could hold them, or several.
    """
    identity = id_of(columns, path, hints)
    rest = [column for column in columns if column is not identity]
    truth = _named_truth(rest, path, hints) or _only_label(rest, identity, path, hints)
    check_labels(truth, path, "--label-column", hints)
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
    return first_named(rest, names) or next(iter(fractions), None)  # fractions: refused when they are read, by row


def _one_hot(path: Path, tags: Sequence[Column], columns: Sequence[Column], hints: Hints) -> InputError:
    """The fault of a column a class with a single 1 in each row, with a line that writes the class's name instead."""
    kept = [column.name for column in columns if column not in tags]
    names = class_names_of_columns(tags, hints) or tuple(str(number) for number in range(len(tags)))
    before = len(tags[0].name) - len(names[0]) if tags[0].name.endswith(names[0]) else 0
    code = (
        f"import csv,sys;k={kept!r};w=csv.writer(sys.stdout);w.writerow([*k,'label']);"
        f"[w.writerow([*(r[n] for n in k),next(n[{before}:] for n in r if n not in k and r[n] in ('1','1.0','True'))])"
        " for r in csv.DictReader(sys.stdin)]"
    )
    return fault(
        path,
        "columns",
        f"one-hot labels: a single 1 in each row of {', '.join(repr(column.name) for column in tags[:6])}",
        "one column with the class of each example",
        f"write the class in one column, of a CSV file by: {python_line(code)} < {typed(shown(path))} > NEW.csv",
    )


def _only_label(rest: Sequence[Column], identity: Column | None, path: Path, hints: Hints) -> Column:
    tags = [column for column in rest if column.is_binary and column.rows >= LEAST]
    if len(tags) > 1:
        if (stacked(tags).sum(1) == 1).all():
            raise _one_hot(path, tags, [column for column in (identity, *rest) if column is not None], hints)
        raise multi_label(path, tags, "columns of 0 and 1")
    held = [column for column in rest if is_label(column)]
    if len(held) != 1:
        found = ", ".join(repr(column.name) for column in rest[:12]) or "none but ids"
        cure = "name the column with the true labels: --label-column NAME"
        raise fault(path, "columns", found, "a column named label", cure)
    return held[0]


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
    found = replace(found, is_unsure=_is_unsure(found, rest, hints))
    reasons = dict(found.left_out)
    left = tuple((c.name, reasons.get(c.name) or _why_not(c, found)) for c in rest if c.name not in found.used)
    return replace(found, left_out=left)


def _is_unsure(found: Roles, rest: Sequence[Column], hints: Hints) -> bool:
    """Whether labels are taken for predictions though no name says so, and no truth stands beside them."""
    if found.truth is not None or found.is_correctness or hints.prediction_columns or not found.labels:
        return False
    if len(found.labels) > 1:
        return hints.values is None and all(name.startswith("column ") for name in found.labels)
    chosen = next(column for column in rest if column.name == found.labels[0])
    return chosen.key not in PREDICTION_NAMES or chosen.key in BOTH_NAMES


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
    return first_named([column for column in rest if column.name not in asked], TRUTH_NAMES)


def _chosen(rest: Sequence[Column], truth: Column | None, path: Path, hints: Hints, columns: Sequence[Column]) -> Roles:
    """The predictions: what the user names, else the first of these that the file has."""
    asked = _asked(rest, path, hints)
    if asked is not None:
        return asked
    predicted = [column for column in rest if column.key in PREDICTION_NAMES]
    labels = [column for column in predicted if is_label(column)]
    found = (
        top_list(rest, path, hints)
        or lists_of_scores(rest, truth, labels, path, hints)
        or class_columns(rest, truth, labels, path, hints)
        or named_labels(labels, truth, path, hints)
        or label_with_confidence(rest, truth, path)
        or single_score(rest, path, hints)
        or right_or_wrong(rest, truth, path, hints)
        or left_labels(rest, path, hints)
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
        if len(held) == 1:
            check_class_one(held[0], path, hints)
        classes = None if len(held) == 1 else class_names_of_columns(held, hints)
        return Roles(scores=hints.score_columns, class_names=classes, values=settled)
    if hints.prediction_columns:
        held = [by_name[name] for name in hints.prediction_columns]
        if all(column.kind == "list" for column in held):
            return Roles(vectors=hints.prediction_columns)
        if hints.values == "correct" or hints.right_from is not None:
            return correctness(held, path, hints)
        if hints.values is None and all(c.key in CORRECT_NAMES and c.is_binary for c in held):
            return correctness(held, path, hints)
        if len(held) == 1 and held[0].kind == "fraction":
            return Roles(scores=hints.prediction_columns)
        for column in held:
            check_labels(column, path, "--prediction-column", hints)
        check_no_list(held, path)
        return Roles(labels=hints.prediction_columns, values="labels")
    if hints.values == "correct" or hints.right_from is not None:
        named = [column for name in CORRECT_NAMES for column in rest if column.key == name]
        numbers = [column for column in rest if column.is_number]
        judged = numbers if hints.right_from is not None else [column for column in rest if says_right(column)]
        held = named[:1] or (judged if len(judged) == 1 else [])
        if not held:
            raise fault(
                path,
                "--values correct",
                "no column of 0 and 1",
                "a column named correct",
                "name it: --prediction-column",
            )
        return correctness(held, path, hints)
    return None


def _truth_beside(rest: Sequence[Column], found: Roles, path: Path, hints: Hints) -> Column | None:
    """``label`` or ``class`` beside predictions is the truth, unless it repeats them."""
    named = {name for name, _ in found.left_out}
    others = [column for column in rest if column.name not in found.chosen and column.name not in named]
    truth = first_named(others, LABEL_NAMES) or first_named(others, CLASS_NAMES)
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
        f"--label-column {typed(truth.name)} if these are the true labels all the same; else give --labels",
    )


def _repeats(truth: Column, rest: Sequence[Column], found: Roles) -> bool:
    """Whether a column is the prediction again, perhaps under other names."""
    by_name = {column.name: column for column in rest}
    if len(found.chosen) == 1 and found.labels:
        said: list[object] = list(plain(by_name[found.labels[0]]))
    elif found.scores and len(found.scores) > 1:
        said = list(stacked([by_name[name] for name in found.scores]).argmax(1))
    elif len(found.scores) == 1 and not np.isnan(score := by_name[found.scores[0]].values).any():
        said = list(score >= (0.5 if ((score >= 0) & (score <= 1)).all() else 0.0))
    elif len(found.vectors) == 1 and (numbers := by_name[found.vectors[0]].numbers) is not None and numbers.size:
        said = list(numbers.argmax(1))
    else:
        return False
    pairs = set(zip(plain(truth), said, strict=False))
    firsts, seconds = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    return len(said) == truth.rows and len(pairs) == len(firsts) == len(seconds) and len(pairs) > 1


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
