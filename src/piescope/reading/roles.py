"""Which column is what: ids, models, true labels, predictions, and what is left out, and why.

All guessing is here, and in what is asked from here: scores are told in `class_columns`, labels in `label_columns`,
both by `evidence`. A column is used because of what it is: by a name that says so, or by values that can be nothing
else. What is left over is said, never used; where two readings are possible the file is refused, with the flag that
settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading import class_columns, label_columns
from piescope.reading import names as usual
from piescope.reading.columns import LEAST, Column
from piescope.reading.evidence import (
    MANY,
    MOST_DISTINCT,
    Roles,
    Sheet,
    first_named,
    multi_label,
    quoted,
    stacked,
)
from piescope.reading.files import fault, new_name, python_line, shown, typed
from piescope.reading.hints import Hints, Values

MOST_WITNESSES = 4
"""Columns that are kept to check that rows belong together."""

ORDER = (
    *(class_columns.top_list, class_columns.lists_of_scores, class_columns.class_columns),
    *(label_columns.named_labels, label_columns.label_with_confidence, label_columns.single_score),
    *(label_columns.right_or_wrong, label_columns.left_labels),
)
"""What predictions can be; a file has the first of them that it can have."""


def id_of(columns: Sequence[Column], path: Path, hints: Hints) -> Column | None:
    """The column with ids: the one that is named by the user, by a usual name, or by its values.

    Names decide in a fixed order, so that it is the same column in all files; a name that only counts rows comes after
    a column without a usual name whose values can be nothing but ids.

    Raises:
        InputError: the user names a column that is not there.
    """
    if hints.id_columns:
        return _asked_for(columns, hints.id_columns, path, "--id-column")
    ranked = [(rank, column) for column in columns if (rank := _id_rank(column)) is not None and column.kind != "empty"]
    usable = [column for _, column in sorted(ranked, key=lambda item: item[0])]
    if usable:
        return next((column for column in usable if column.is_unique), usable[0])
    if len(columns) < 2:
        return None
    unnamed = [column for column in columns if _can_be_unnamed_id(column)]
    if len(unnamed) == 1:
        return unnamed[0]
    return next((column for column in columns if column.key in usual.ROW_NAMES and column.is_identifier), None)


def _asked_for(columns: Sequence[Column], names: Sequence[str], path: Path, flag: str) -> Column:
    """The column with the first of some names that a file has; InputError where it has none of them."""
    column = next((column for name in names for column in columns if column.name == name), None)
    if column is None:
        found, cure = "no column " + " or ".join(map(repr, names)), f"check its spelling; of several files: {flag} A,B"
        raise fault(path, flag, found, f"one of: {quoted(columns, 12)}", cure)
    return column


def _id_rank(column: Column) -> int | None:
    """How likely a name is one of ids, 0 first; None: it is none."""
    if column.key in usual.ID_NAMES:
        return usual.ID_NAMES.index(column.key)
    words = column.words
    if len(words) > 1 and words[-1] in usual.ID_ENDINGS and not column.has_any(usual.NO_ID_WORDS):
        return len(usual.ID_NAMES) + usual.ID_ENDINGS.index(words[-1])
    return None


def _can_be_unnamed_id(column: Column) -> bool:
    """Values alone: a different one in each of many rows; of numbers, more than there could be classes in order."""
    is_named = column.key in usual.ROW_NAMES or column.key in usual.ANSWER_NAMES
    if column.rows < LEAST or is_named or not column.is_identifier:
        return False
    return column.kind == "text" or not column.is_measured


def witnesses_of(columns: Sequence[Column], identity: Column | None) -> list[Column]:
    """Unused columns that name each example besides the ids, where there are none, or ids that only count the rows.

    Files whose rows are brought together must agree in them: see `piescope.reading.matching`.
    """
    if identity is not None and not (identity.is_counter and identity.rows >= LEAST):
        return []
    others = [column for column in columns if column is not identity and column.kind != "list"]
    others = [column for column in others if column.rows >= LEAST and column.distinct >= LEAST]
    if identity is not None:  # two counters tell no more than one
        others = [column for column in others if not column.is_counter]
    named = [column for column in others if _id_rank(column) is not None]
    likeliest = sorted(others, key=lambda column: (column.kind == "fraction", -column.distinct))
    return list(dict.fromkeys((*named, *likeliest)))[:MOST_WITNESSES]


def truth_roles(columns: Sequence[Column], path: Path, hints: Hints) -> Roles:
    """The roles in a file of true labels; InputError: no column that could hold them, or several."""
    identity = id_of(columns, path, hints)
    rest = [column for column in columns if column is not identity]
    truth = _named_truth(rest, path, hints) or _only_label(rest, identity, path, hints)
    label_columns.check_labels(truth, path, "--label-column", hints)
    left = tuple((column.name, "no true labels") for column in rest if column is not truth)
    return Roles(identity.name if identity else None, truth=truth.name, left_out=left)


def _named_truth(rest: Sequence[Column], path: Path, hints: Hints) -> Column | None:
    if hints.label_column is not None:
        return _asked_for(rest, (hints.label_column,), path, "--label-column")
    fractions = [column for column in rest if column.key in usual.TRUE_NAMES and column.kind == "fraction"]
    # fractions are refused when they are read, by row
    return first_named(rest, usual.TRUE_NAMES) or next(iter(fractions), None)


def _one_hot(path: Path, tags: Sequence[Column], columns: Sequence[Column], hints: Hints) -> InputError:
    """The fault of a column a class with a single 1 in each row, with a line that writes the class's name instead."""
    kept = [column.name for column in columns if column not in tags]
    names = class_columns.class_names_of_columns(tags, hints) or tuple(str(number) for number in range(len(tags)))
    before = len(tags[0].name) - len(names[0]) if tags[0].name.endswith(names[0]) else 0
    code = (
        f"import csv,sys;k={kept!r};w=csv.writer(sys.stdout);w.writerow([*k,'label']);"
        f"[w.writerow([*(r[n] for n in k),next(n[{before}:] for n in r if n not in k and r[n] in ('1','1.0','True'))])"
        " for r in csv.DictReader(sys.stdin)]"
    )
    found = f"one-hot labels: a single 1 in each row of {quoted(tags)}"
    line = f"{python_line(code)} < {typed(shown(path))} > {new_name(path)}"
    cure = f"write the class in one column, of a CSV file by: {line}"
    return fault(path, "columns", found, "one column with the class of each example", cure)


def _only_label(rest: Sequence[Column], identity: Column | None, path: Path, hints: Hints) -> Column:
    tags = [column for column in rest if column.is_binary and column.rows >= LEAST]
    if len(tags) > 1:
        if (stacked(tags).sum(1) == 1).all():
            raise _one_hot(path, tags, [column for column in (identity, *rest) if column is not None], hints)
        raise multi_label(path, tags, "columns of 0 and 1")
    labels = [column for column in rest if column.is_label]
    if len(labels) != 1:
        cure = "name the column with the true labels: --label-column NAME"
        raise fault(path, "columns", quoted(rest, 12) or "none but ids", "a column named label", cure)
    return labels[0]


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
    rest = [column for column in rest if column.name != hints.other_side]
    _check_said_truth(columns, rest, path, hints)
    truth = _strong_truth(rest, hints)
    sheet = Sheet(path, hints, tuple(column for column in rest if column is not truth), truth)
    roles = _chosen(sheet, columns)
    if not roles.is_correctness:
        truth = _truth_beside(sheet, roles) if truth is None else truth
        _check_truths(truth, [column for column in rest if column.name not in roles.chosen], sheet, roles)
    roles = replace(
        roles,
        id=None if identity is None else identity.name,
        model=None if model is None else model.name,
        truth=None if truth is None or roles.is_correctness else truth.name,
    )
    if model is not None and len(roles.labels) > 1:
        expected = "one column of predictions beside the example and the model"
        raise fault(path, "columns", ", ".join(map(repr, roles.labels[:8])), expected, label_columns.NAME_IT)
    reasons, used = dict(roles.left_out), set(roles.used)
    left = tuple((c.name, reasons.get(c.name) or _why_not(c, roles, hints)) for c in rest if c.name not in used)
    return replace(roles, left_out=left, is_unsure=_is_unsure(roles, rest, hints))


def _is_unsure(roles: Roles, rest: Sequence[Column], hints: Hints) -> bool:
    """Whether labels are taken for predictions though no name says so, and no truth stands beside them."""
    if roles.truth is not None or roles.is_correctness or hints.prediction_columns or not roles.labels:
        return False
    if len(roles.labels) > 1:
        return hints.values is None and all(name.startswith("column ") for name in roles.labels)
    chosen = next(column for column in rest if column.name == roles.labels[0])
    return chosen.key not in usual.PREDICTION_NAMES or chosen.key in usual.BOTH_NAMES


def _model_column(rest: Sequence[Column]) -> Column | None:
    """The column that says whose answer a row is, in a table of several models."""
    named = [column for name in usual.MODEL_NAMES for column in rest if column.key == name and column.is_label]
    return next((column for column in named if column.distinct > 1 or column.rows < 2), None)


def _why_not(column: Column, roles: Roles, hints: Hints) -> str:
    if column.kind in ("other", "empty"):
        return "no numbers or short texts"
    if column.is_measured:
        return "a measurement by its name"
    if column.key in usual.PREDICTION_NAMES and roles.chosen:
        return "a prediction by its name: another one is taken"
    if column.is_unique and column.rows >= LEAST:
        return "a different value in each row"
    if column.key in usual.CORRECT_NAMES:
        return "right or wrong: --values correct goes by it"
    if column.key in usual.ANSWER_NAMES:
        return "not needed"
    may_be_true = column.is_label and 1 < column.distinct <= MOST_DISTINCT * column.rows
    if roles.truth is None and not roles.is_correctness and not hints.has_labels and may_be_true:
        return f"no usual name; if it has the true labels: --label-column {typed(column.name)}"
    return "no usual name of predictions"


def _check_said_truth(columns: Sequence[Column], rest: Sequence[Column], path: Path, hints: Hints) -> None:
    """Refuses what the user names as true labels where it is empty, or already the ids or the models."""
    said = next((column for column in columns if column.name == hints.label_column), None)
    if said is None or said in rest:
        return
    found = "an empty column" if said.kind == "empty" else "the column with the ids, or with the models"
    cure = "name the column with true labels: --label-column NAME; if this is it, its ids: --id-column NAME"
    cure = "leave it out of this file, or give true labels: --labels FILE" if said.kind == "empty" else cure
    raise fault(path, said.name, found, "true labels", cure)


def _strong_truth(rest: Sequence[Column], hints: Hints) -> Column | None:
    free = [column for column in rest if column.name not in (*hints.score_columns, *hints.prediction_columns)]
    named = next((column for column in free if column.name == hints.label_column), None)
    return named or first_named(free, usual.TRUTH_NAMES)


def _check_truths(truth: Column | None, others: Sequence[Column], sheet: Sheet, roles: Roles) -> None:
    """Refuses true labels that are fractions, and two columns of them that disagree.

    Raises:
        InputError: no labels are given elsewhere, or named, and a column with a usual name of true labels has
            fractions; or two such columns have other labels: other ids, other names, or names that are not of one id.
    """
    hints = sheet.hints
    if hints.label_column is not None:
        return
    named = [column for column in others if column.key in (*usual.TRUTH_NAMES, *usual.LABEL_NAMES)]
    odd = next((column for column in named if column.kind == "fraction"), None)
    if truth is None and odd is not None and not hints.has_labels:
        found = "fractions in a column that is named as the true labels"
        cure = "names of classes that look like numbers need a letter before them, in all files (v1.5); true labels "
        cure += "that are elsewhere: --label-column NAME, or --labels FILE"
        raise sheet.fault(odd.name, found, "class ids or names", cure)
    if truth is None or truth.rows < LEAST:
        return
    labels = [column for column in named if column.is_label and column is not truth]
    other = next((column for column in labels if not _do_agree(truth, column)), None)
    if other is None or _repeats(other, sheet.columns, roles):
        return
    found = f"two columns of true labels that disagree: {truth.name!r} and {other.name!r}"
    cure = f"--label-column {typed(truth.name)}, or --label-column {typed(other.name)}"
    raise sheet.fault("columns", found, "one column of true labels", cure)


def _do_agree(one: Column, other: Column) -> bool:
    """Whether two columns have the same labels, or one the ids of the other's names, though it may be coarser."""
    if one.kind == other.kind:
        return list(one.cells) == list(other.cells)
    return _is_finer(one, other) or _is_finer(other, one)


def _is_finer(one: Column, other: Column) -> bool:
    """Whether each label of one column has one of the other beside it in all rows."""
    pairs = set(zip(one.cells, other.cells, strict=False))
    return len(pairs) == len({first for first, _ in pairs})


def _chosen(sheet: Sheet, columns: Sequence[Column]) -> Roles:
    """The predictions: what the user names, else the first of these that the file has."""
    roles = _asked(sheet) or next((roles for tell in ORDER if (roles := tell(sheet)) is not None), None)
    if roles is None:
        expected = "columns of predictions: labels (one a model), scores (one a class), or right and wrong"
        cure = "name them: --prediction-column NAME, --score-columns A,B,C"
        cure = f"{cure}, ids with --id-column and true labels with --label-column"
        raise sheet.fault("columns", quoted(columns, 12), expected, cure)
    return roles


def _asked(sheet: Sheet) -> Roles | None:
    """What the user names."""
    hints = sheet.hints
    scores = [_asked_for(sheet.columns, (name,), sheet.path, "--score-columns") for name in hints.score_columns]
    asked = [_asked_for(sheet.columns, (name,), sheet.path, "--prediction-column") for name in _of_side(sheet)]
    if scores or asked:
        if all(column.kind == "list" for column in scores or asked):
            return Roles(vectors=tuple(column.name for column in scores or asked))
        return _asked_scores(scores, sheet) if scores else _asked_predictions(asked, sheet)
    if not sheet.are_judged:
        return None
    numbers = [column for column in sheet.columns if column.is_number and column.key not in usual.TRUE_NAMES]
    judged = numbers if hints.right_from is not None else [column for column in sheet.columns if column.says_right]
    judged = sheet.named(usual.CORRECT_NAMES)[:1] or (judged if len(judged) == 1 else [])
    if not judged:
        cure = "name it: --prediction-column"
        raise sheet.fault("--values correct", "no column of 0 and 1", "a column named correct", cure)
    return label_columns.correctness(judged, sheet)


def _of_side(sheet: Sheet) -> tuple[str, ...]:
    """The names of predictions that the user gives; of two, where each side's file has one, that of this side."""
    names, there = sheet.hints.prediction_columns, {column.name for column in sheet.columns}
    if len(names) != 2 or sheet.hints.side is None:
        return names
    own, other = names if sheet.hints.side == "dense" else names[::-1]
    return (own,) if own in there and other not in there else names


def _asked_scores(columns: Sequence[Column], sheet: Sheet) -> Roles:
    """The columns of scores that the user names."""
    others = [column for column in columns if not column.is_number]
    odd = next((column for column in others if column.kind != "list"), None)
    if odd is not None:
        raise sheet.fault(odd.name, f"{odd.kind} values", "numbers", "name the columns of scores")
    if others:
        cure = f"name lists alone: --score-columns {typed([column.name for column in others])}"
        raise sheet.fault(others[0].name, "list values beside numbers", "numbers, or lists of them", cure)
    names = tuple(column.name for column in columns)
    settled: Values | None = sheet.hints.values if sheet.are_scores else None
    if len(columns) == 1:
        label_columns.check_class_one(columns[0], sheet)
        return Roles(scores=names, values=settled)
    if settled is None and all(column.kind == "whole" for column in columns):
        settled = "logits"
    return Roles(scores=names, class_names=class_columns.class_names_of_columns(columns, sheet.hints), values=settled)


def _asked_predictions(columns: Sequence[Column], sheet: Sheet) -> Roles:
    """The columns of predicted classes, or of right and wrong, that the user names."""
    are_right = all(column.key in usual.CORRECT_NAMES and column.is_binary for column in columns)
    if sheet.are_judged or (sheet.hints.values is None and are_right):
        return label_columns.correctness(columns, sheet)
    label_columns.check_no_judgement(columns, sheet)
    names = tuple(column.name for column in columns)
    if len(columns) == 1 and columns[0].kind == "fraction":
        label_columns.check_named_score(columns[0], sheet)
        return Roles(scores=names)
    for column in columns:
        label_columns.check_labels(column, sheet.path, "--prediction-column", sheet.hints)
    label_columns.check_no_list(columns, sheet.path)
    return Roles(labels=names, values="labels")


def _truth_beside(sheet: Sheet, roles: Roles) -> Column | None:
    """``label`` or ``class`` beside predictions is the truth, unless it repeats them."""
    taken = {*roles.chosen, *(name for name, _ in roles.left_out)}
    others = [column for column in sheet.columns if column.name not in taken]
    truth = first_named(others, usual.LABEL_NAMES) or first_named(others, usual.CLASS_NAMES)
    if truth is None or truth.key in usual.PREDICTION_NAMES:
        return None
    if truth.rows < MANY or not _repeats(truth, sheet.columns, roles):
        return truth
    if truth.key in usual.CLASS_NAMES:
        return None
    cure = f"--label-column {typed(truth.name)} if these are the true labels all the same; else give --labels"
    raise sheet.fault(truth.name, "the predicted class in every row", "true labels, or another name", cure)


def _repeats(truth: Column, columns: Sequence[Column], roles: Roles) -> bool:
    """Whether a column is the prediction again, perhaps under other names."""
    by_name = {column.name: column for column in columns}
    chosen = [by_name[name] for name in roles.chosen]
    if not chosen:
        return False
    first, is_single = chosen[0], len(chosen) == 1
    if is_single and roles.labels:
        said = list(first.cells)
    elif roles.scores and not is_single:
        said = list(stacked(chosen).argmax(1))
    elif roles.scores and not np.isnan(first.values).any():
        said = list(first.values >= (0.5 if first.within(0, 1) else 0.0))
    elif is_single and roles.vectors and first.numbers is not None and first.numbers.size:
        said = list(first.numbers.argmax(1))
    else:
        return False
    pairs = set(zip(truth.cells, said, strict=False))
    firsts, seconds = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    return len(said) == truth.rows and len(pairs) == len(firsts) == len(seconds) and len(pairs) > 1


def _check_foreign(columns: Sequence[Column], path: Path) -> None:
    """Refuses what is no table of examples, by its columns."""
    keys = {column.key for column in columns}
    if {"top1", "top5"} <= keys and ("model" in keys or "top1_err" in keys):
        cure = "write the answers: python inference.py --topk 0 --include-index"
        raise fault(path, "columns", "a summary, one row a model (timm's validate.py)", "one row an example", cure)
