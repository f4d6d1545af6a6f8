"""Columns of labels, one a model: predicted classes, right and wrong, one score an example."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading import names as usual
from piescope.reading.columns import LEAST, Column
from piescope.reading.evidence import (
    MANY,
    MOST_DISTINCT,
    Roles,
    Sheet,
    are_lists,
    are_percent,
    check_repeats,
    codes_of,
    do_agree,
    first_named,
    no_labels,
    percent_column,
    quoted,
)
from piescope.reading.files import fault, new_name, python_line, shown, typed
from piescope.reading.hints import Hints
from piescope.reading.names import CORRECT_NAMES, LABEL_NAMES, PREDICTION_NAMES, WRONG_NAMES

LEAST_TOLD = 0.3
"""Share of what its most frequent value leaves open that a column of answers tells of the true labels."""

NAME_IT = "name it: --prediction-column NAME"
MAX_NAMES = ("max_prob", "pred_prob", "top1_prob")
"""Names of the probability of the predicted class, whichever it is."""


def named_labels(sheet: Sheet) -> Roles | None:
    """A column that is named as the prediction."""
    labels = [column for column in sheet.predicted if column.rows]
    if not sheet.predicted:
        return None
    kinds = {column.kind for column in labels}
    if len(kinds) > 1:  # the id and the name of a class: as the truth
        known = None if sheet.truth is None or sheet.truth.kind not in kinds else sheet.truth.kind
        kind = known or ("text" if sheet.hints.names else "whole")
        labels = [column for column in labels if column.kind == kind]
    if len(labels) > 1:
        raise sheet.fault("columns", f"several predictions: {quoted(labels, len(labels))}", "one", NAME_IT)
    check_labels(labels[0], sheet.path, "--prediction-column", sheet.hints)
    return _labels(labels[0])


def _labels(*columns: Column, left_out: tuple[tuple[str, str], ...] = ()) -> Roles:
    return Roles(labels=tuple(column.name for column in columns), values="labels", left_out=left_out)


def check_labels(column: Column, path: Path, flag: str, hints: Hints) -> None:
    """Refuses text that names nothing twice, or its own column."""
    if column.texts is not None and column.distinct > 1 and column.name in column.texts:
        found, cure = f"{column.name!r}, the column's own name", "take that row, a second header, out of the file"
        raise fault(
            path, f"{column.name}, row {list(column.texts).index(column.name)}", found, "a label in each row", cure
        )
    if column.kind == "text" and not hints.names:
        cure = f"name the right column with {flag}; free texts are judged right or wrong first: a column 'correct'"
        check_repeats(column.distinct, column.rows, path, column.name, cure)


def label_with_confidence(sheet: Sheet) -> Roles | None:
    """``label`` beside one probability: a pipeline's answer, or the truth beside that of class 1."""
    label = first_named(sheet.columns, LABEL_NAMES)
    sure = [c for c in sheet.columns if c.key in usual.CONFIDENCE_NAMES and c.kind == "fraction"]
    is_judged = any(c.key in CORRECT_NAMES and c.key != "score" and c.says_right for c in sheet.columns)
    if label is None or len(sure) != 1 or sheet.truth is not None or is_judged:
        return None
    counters = [c for c in sheet.columns if c.key in ("index", "class_index") and c.kind == "whole"]
    index = next((column for column in counters if not column.is_unique), None)
    left = ((sure[0].name, "how sure the model is"), (label.name, "the name of the predicted class"))
    if index is not None:
        return _labels(index, left_out=left)
    above = sure[0].values >= (0.5 if sure[0].within(0, 1) else 0.0)  # of class 1, a probability or a logit
    is_answer = (above == (label.values == 1)).all() if label.is_binary else label.distinct > 2 or above.all()
    if is_answer:
        return _labels(label, left_out=left[:1])
    if label.is_binary and not above.all():
        return None
    name = typed(label.name)
    found = f"labels of two classes beside {sure[0].name!r}: of the label, or of class 1"
    cure = f"--prediction-column {name} if it is the model's answer, --label-column {name} if it is the truth"
    raise sheet.fault(label.name, found, "a column prediction or true_label", cure)


def right_or_wrong(sheet: Sheet) -> Roles | None:
    """A column that says whether the answer was right."""
    named = sheet.named(CORRECT_NAMES)
    numbers = [column for column in named if column.key in ("score", "reward") and column.is_number]
    binary = [column for column in named if column.says_right]
    binary = binary or [column for column in sheet.columns if _is_outcome(column, sheet)]
    if not binary and numbers and sheet.hints.right_from is None:
        raise _graded(numbers[0], sheet)
    chosen = binary or numbers
    if not chosen:
        return None
    if any(chosen[0].cells != other.cells for other in chosen[1:]):
        raise sheet.fault("columns", f"right or wrong in {quoted(chosen, len(chosen))}", "one of them", NAME_IT)
    if chosen[0].key in usual.WEAK_NAMES and (sheet.hints.num_ids == 2 or len(sheet.hints.names) == 2):
        raise _either(chosen[0], sheet)
    return correctness(chosen[:1], sheet)


def _graded(column: Column, sheet: Sheet) -> InputError:
    """The fault of scores that may be grades of answers, or of class 1 of two."""
    if are_percent(column.values):
        return percent_column(column, sheet.path)
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    label = sheet.truth or first_named(sheet.columns, usual.CLASS_LABEL_NAMES)
    found, expected = f"numbers from {low:g} to {high:g}", "0 and 1, or what they are"
    if label is not None and label.distinct == 2:
        flags = f"--score-columns {typed([column.name])} --label-column {typed(label.name)}"
        cure = "if it is the score of class 1 of two; --right-from 0.5 if answers from this score on are right"
        return sheet.fault(column.name, f"{found} beside {label.name!r} of two classes", expected, f"{flags} {cure}")
    kind = "probabilities" if low >= 0 and high <= 1 else "logits"
    cure = "--right-from 0.5 takes answers from this score on as right; "
    return sheet.fault(column.name, found, expected, f"{cure}--values {kind} takes them as those of class 1 of two")


def _is_outcome(column: Column, sheet: Sheet) -> bool:
    """Whether words say right or wrong in a column with a name of results, and they are no classes of the labels."""
    said = _words_in(column)
    if column.key not in usual.OUTCOME_NAMES or not said or not said <= set(usual.OUTCOME_WORDS):
        return False
    known = {name.lower() for name in sheet.hints.names}
    others = (sheet.truth, *sheet.columns)
    return not said & known.union(*(_words_in(other) for other in others if other is not None and other is not column))


def correctness(columns: Sequence[Column], sheet: Sheet) -> Roles:
    """Columns of right and wrong, one a model; InputError where they say wrong, or neither."""
    turned = next((column for column in columns if column.has_any(WRONG_NAMES)), None)
    if turned is not None:
        found, cure = "a column that says wrong, by its name", "write 1 for right and 0 for wrong, in a column correct"
        raise sheet.fault(turned.name, found, "what says right", cure)
    odd = next((column for column in columns if not column.says_right), None)
    if odd is not None and (sheet.hints.right_from is None or not odd.is_number):
        is_text = odd.texts is not None
        found = "text" if is_text else f"numbers from {np.nanmin(odd.values):g} to {np.nanmax(odd.values):g}"
        cure = "write 1 for right and 0 for wrong, or say from which score on an answer is right: --right-from 0.5"
        raise sheet.fault(odd.name, found, "0 and 1, true and false", cure)
    low = next((column for column in columns if column.is_number and column.within(0, 1)), None)
    if low is not None and sheet.hints.right_from is not None and sheet.hints.right_from > 1:
        cure = "write 0.5 for half; --right-from 50 is for scores up to 100"
        raise sheet.fault(low.name, "scores from 0 to 1", f"some from {sheet.hints.right_from:g} on", cure)
    label = sheet.truth or first_named(sheet.columns, usual.CLASS_LABEL_NAMES)
    if odd is not None and odd.key not in CORRECT_NAMES and label is not None and label.distinct == 2:
        found = f"numbers beside {label.name!r} of two classes: scores of class 1, or grades of answers"
        cure = "scores: leave --right-from out; grades: call the column score, or leave that of the labels out"
        raise sheet.fault(odd.name, found, "grades of answers, as --right-from says", cure)
    return Roles(labels=tuple(column.name for column in columns), values="labels", is_correctness=True)


def left_labels(sheet: Sheet) -> Roles | None:
    """Columns of labels without a usual name: the only one that can be, or several that say the same things."""
    labels = [column for column in sheet.columns if column.is_label and not column.is_measured]
    many = [column for column in labels if column.kind == "text" and column.rows >= MANY]
    free = [column for column in many if column.distinct > MOST_DISTINCT * column.rows]
    labels = [column for column in labels if column not in free and not column.counts_rows]
    wrong = [column for column in labels if column.has_any(WRONG_NAMES) and column.says_right]
    if wrong and len(wrong) == len(labels) and sheet.hints.values != "labels":
        raise _wrong(wrong[0], sheet)
    labels = [column for column in labels if column not in wrong] or labels
    if not labels:
        if free and len(free) == len([column for column in sheet.columns if column.is_label]):
            check_labels(free[0], sheet.path, "--prediction-column", sheet.hints)
        return None
    if len(labels) == 1:
        _check_only(labels[0], sheet)
        return _labels(labels[0])
    check_no_judgement(labels, sheet)
    first = first_named(labels, usual.CLASS_LABEL_NAMES)
    if first is not None:
        other = next((column for column in labels if column is not first and _tells(column, first)), None)
        if other is None:
            return _labels(first)
        found = f"two columns of classes, {other.name!r} and {first.name!r}: which are predicted, and which are true"
        cure = f"--prediction-column {typed([other.name])} --label-column {typed(first.name)}, or the other way"
        if sheet.hints.side is not None:  # the other side's file may call its predictions otherwise
            cure += f"; where the files' predictions have other names, --label-column {typed(first.name)} alone"
        expected = "a column prediction, and true_label if the truth stands beside it"
        raise sheet.fault("columns", found, expected, cure)
    check_models(labels, sheet.path)
    if len({column.kind for column in labels}) > 1:
        raise sheet.fault("columns", f"names and numbers in {quoted(labels, 8)}", "columns of labels", NAME_IT)
    codes = codes_of(labels)
    if len(codes) >= LEAST and not do_agree(codes):
        raise no_labels(codes, sheet.path, "columns", quoted(labels), [column.name for column in labels])
    return _labels(*labels)


def _wrong(column: Column, sheet: Sheet) -> InputError:
    """The fault of a column that says wrong, with a line that writes right for it."""
    code = (
        f"import csv,sys;n={column.name!r};r=csv.DictReader(sys.stdin);k=[*r.fieldnames];k.remove(n);"
        "w=csv.writer(sys.stdout);w.writerow([*k,'correct']);"
        "[w.writerow([*(x[c] for c in k),int(x[n].lower() in('0','0.0','false','no','n','f'))]) for x in r]"
    )
    expected = "1 for right in a column correct, or a column prediction"
    line = f"{python_line(code)} < {typed(shown(sheet.path))} > {new_name(sheet.path)}"
    flags = f"--prediction-column {typed([column.name])} --values labels if it is the predicted class"
    cure = f"write 1 - x in a column correct, of a CSV file by: {line}; {flags}"
    if column.name in sheet.hints.prediction_columns:  # of both sides, perhaps
        cure = "write 1 - x in each column that says wrong, under another name, and say --values correct; "
        cure += "--values labels if they are the predicted class"
    return sheet.fault(column.name, "two values, and a name that says wrong", expected, cure)


def check_no_judgement(columns: Sequence[Column], sheet: Sheet) -> None:
    """Refuses columns that by their names may say right or wrong, or which class of two was answered.

    Raises:
        InputError: a name begins or ends with a usual one of right and wrong (``correct_int8``), or has a word for
            wrong, the values are two, and the user does not say what they are.
    """
    if sheet.hints.values == "labels":
        return
    for column in columns:
        if column.says_right and column.has_any(WRONG_NAMES):
            raise _wrong(column, sheet)
        if column.says_right and _is_judged_by_name(column):
            raise _either(column, sheet)


def _is_judged_by_name(column: Column) -> bool:
    words = column.words
    usual_words = [tuple(name.split("_")) for name in CORRECT_NAMES]
    return any(words[: len(name)] == name or words[-len(name) :] == name for name in usual_words)


def _words_in(column: Column) -> set[str]:
    return {(text or "").strip().lower() for text in column.texts or ()}


def _check_only(column: Column, sheet: Sheet) -> None:
    """Refuses the only column of labels where nothing says that they are predicted, or even that they are classes.

    Right and wrong, or the predicted class; whole numbers that hardly count classes (years, ages, identities); labels
    without a usual name beside other columns, unless they are the classes of the true labels.
    """
    hints = sheet.hints
    check_labels(column, sheet.path, "--prediction-column", hints)
    if column.key in usual.CLASS_LABEL_NAMES or column.name.startswith("column "):
        return
    is_known = column.texts is not None and set(column.texts) <= set(hints.names)
    if column.key in usual.OUTCOME_NAMES and column.says_right and not is_known:
        raise _either(column, sheet)
    if not is_known:
        check_no_judgement([column], sheet)
    if column.rows < LEAST:
        return
    name = typed([column.name])
    if column.kind == "whole":
        low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
        is_sparse = high > MANY and (low > high / 2 or column.distinct > MOST_DISTINCT * column.rows)
        if low < 0 or is_sparse or (hints.num_ids is not None and high >= hints.num_ids + 1):
            count, rows = f"{column.distinct:,} different ones", f"{column.rows:,} rows"
            found = f"whole numbers from {low:g} to {high:g}, {count} in {rows}"
            cure = f"--prediction-column {name} if it is the predicted class, --id-column if it is an id"
            raise sheet.fault(column.name, found, "class ids, in a column named prediction", cure)
    if column.texts is None:
        is_known = hints.num_ids is not None and np.nanmax(column.values) < hints.num_ids
    else:
        is_known = bool(hints.names) and {(text or "").strip() for text in column.texts} <= set(hints.names)
    if len(sheet.columns) > 1 and not is_known:
        found, cure = "labels, and nothing that says that they are predicted", f"--prediction-column {name} if they are"
        raise sheet.fault(column.name, found, "a column prediction", cure)


def _either(column: Column, sheet: Sheet) -> InputError:
    is_asked = column.name in sheet.hints.prediction_columns
    flag = "--values" if is_asked else f"--prediction-column {typed([column.name])} --values"
    found = "two values: right and wrong, or the predicted class of two"
    right = f"{flag} correct if it says right or wrong (--right-from 0.5 for a score)"
    cure = f"{right}; {flag} labels if it is the predicted class"
    return sheet.fault(column.name, found, "a column correct, or a column prediction", cure)


def check_models(columns: Sequence[Column], path: Path) -> None:
    """Refuses several columns of labels whose names do not say that they are models: one of them may be the truth.

    Raises:
        InputError: it is not sure which are predictions; or they are the best few classes of one model.
    """
    names = [column.name for column in columns]
    check_no_list(columns, path)
    stems = {re.sub(r"\d+", "", name) for name in names}
    if len(stems) == 1 or all(column.has_any(usual.MODEL_WORDS) for column in columns):
        return
    truth = " ..." if len(names) > 2 else f" {typed(names[1])}, or the other way"
    found = f"several columns of labels, {quoted(columns)}, and nothing that says which are predicted"
    one, all_names = f"--prediction-column {typed(names[:1])}", f"--prediction-column {typed(names)}"
    cure = f"{one} if it is the answer, the truth beside it: --label-column{truth}; several models: {all_names}"
    raise fault(path, "columns", found, "a column prediction, or a column a model: model_0, model_1 ...", cure)


def check_no_list(columns: Sequence[Column], path: Path) -> None:
    """Refuses columns that hold another class each in every row: the best few classes of one model."""
    if len(columns) < 2 or len({column.kind for column in columns}) > 1 or columns[0].rows < LEAST:
        return
    if are_lists(codes_of(columns)):
        found = f"another class in each of {quoted(columns)} in every row: the best {len(columns)} classes of one model"
        cure = f"--prediction-column {typed([columns[0].name])}"
        raise fault(path, "columns", found, "the predicted class", cure)


def _tells(column: Column, label: Column) -> bool:
    """Whether a column tells another one far better than its most frequent value does (Goodman, Kruskal: lambda)."""
    if column.rows < LEAST or column.distinct > column.rows / 2 or label.distinct < 2:
        return False
    counts: dict[object, Counter[object]] = defaultdict(Counter)
    for one, other in zip(column.cells, label.cells, strict=True):
        counts[one][other] += 1
    most = max(Counter(label.cells).values())
    known = sum(max(count.values()) for count in counts.values())
    return known - most > LEAST_TOLD * (column.rows - most) + column.distinct


def single_score(sheet: Sheet) -> Roles | None:
    """One score an example: that of class 1 of two, by its name, or because the user says what it is."""
    whole = [c for c in sheet.columns if c.kind == "whole" and c.has_any(usual.PROBABILITY_WORDS)]
    percentages = [column for column in whole if are_percent(column.values)]
    if len(percentages) == 1 and sheet.hints.values is None:
        raise percent_column(percentages[0], sheet.path)
    numbers = [column for column in sheet.columns if column.kind == "fraction"]
    one_names = {*PREDICTION_NAMES, *usual.CLASS_ONE_NAMES}
    named = [column for column in numbers if column.has_any(usual.SCORE_NAMES) or column.key in one_names]
    if len(named) == 1 and named[0].key not in MAX_NAMES:
        column = named[0]
        check_class_one(column, sheet)
        if column.key in PREDICTION_NAMES:
            check_named_score(column, sheet)
        return Roles(scores=(column.name,))
    if sheet.are_scores and len(numbers) == 1:
        return Roles(scores=(numbers[0].name,))
    only = numbers[0] if len(sheet.columns) == 1 and numbers else None
    if only is not None and (only.name.startswith("column ") or (only.rows < LEAST and not only.is_measured)):
        return Roles(scores=(only.name,))
    if len(named) > 1 or (only is not None and only.key not in CORRECT_NAMES):
        name = (named or numbers)[0].name
        cure = f"--score-columns {typed([name])} if it is the score of class 1 of two"
        cure += "; --right-from 0.5 if it grades answers, and those from this score on are right"
        found = "a column of numbers, and nothing that says what they are"
        raise sheet.fault(name, found, "labels, or scores of classes", cure)
    return None


def check_named_score(column: Column, sheet: Sheet) -> None:
    """Refuses fractions that are named as the prediction and are no score of class 1 of two.

    How sure the model is, whichever class it answers; numbers outside 0 to 1 that nobody calls logits: values of a
    regression, or names of classes that look like numbers.
    """
    check_class_one(column, sheet)
    if sheet.are_scores:
        return
    if column.key in MAX_NAMES or column.has_any(usual.SURENESS_WORDS):
        found, expected = "how sure the model is, by its name", "the predicted class, or the score of class 1 of two"
        cure = "name the predicted class; --values probabilities (or logits) if it is that of class 1 of two"
        raise sheet.fault(column.name, found, expected, cure)
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    if (low >= 0 and high <= 1) or column.has_any(usual.LOGIT_WORDS):
        return
    if are_percent(column.values) and column.distinct > MANY:
        raise percent_column(column, sheet.path)
    found, expected = f"numbers from {low:.9g} to {high:.9g}", "class ids or names, or probabilities"
    cure = "--values logits if they are logits of class 1 of two (--values probabilities: rounded ones); values of a "
    cure += (
        "regression have no classes; names of classes that look like numbers need a letter before them, in all files"
    )
    raise sheet.fault(column.name, found, expected, cure)


def check_class_one(column: Column, sheet: Sheet) -> None:
    """Refuses the score of class 0 of two, by its name: one score is taken for that of class 1."""
    names = sheet.hints.names
    is_zero = column.words[-1:] in (("0",), ("neg",), ("negative",)) or column.key == "p0"
    if len(names) == 2:
        first = names[0] if sheet.hints.classes_are_all else min(names)
        is_zero = is_zero or column.name.strip().lower().endswith(first.lower())
    if is_zero:
        found = "the score of class 0 of two, by its name"
        cure = "give the score of class 1 instead, or of both (--score-columns A,B)"
        raise sheet.fault(column.name, found, "that of class 1", cure)
