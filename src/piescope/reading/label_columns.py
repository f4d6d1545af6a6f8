"""Columns of labels, one a model: predicted classes, right and wrong, one score an example."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading.columns import Column
from piescope.reading.evidence import (
    LEAST,
    MANY,
    MOST_DISTINCT,
    are_lists,
    are_percent,
    codes_of,
    counts_rows,
    do_agree,
    first_named,
    is_label,
    no_labels,
    percent_column,
    plain,
    says_right,
)
from piescope.reading.files import fault, python_line, shown, typed
from piescope.reading.names import (
    CLASS_NAMES,
    CLASS_ONE_NAMES,
    CONFIDENCE_NAMES,
    CORRECT_NAMES,
    LABEL_NAMES,
    MEASURE_WORDS,
    MODEL_WORDS,
    OUTCOME_NAMES,
    OUTCOME_WORDS,
    PREDICTION_NAMES,
    PROBABILITY_WORDS,
    SCORE_NAMES,
    WEAK_NAMES,
    WRONG_NAMES,
)
from piescope.reading.parts import Hints, Roles

LEAST_TOLD = 0.3
"""Share of what its most frequent value leaves open that a column of answers tells of the true labels."""


def named_labels(labels: Sequence[Column], truth: Column | None, path: Path, hints: Hints) -> Roles | None:
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
    check_labels(whole[0], path, "--prediction-column", hints)
    return Roles(labels=(whole[0].name,), values="labels")


def check_labels(column: Column, path: Path, flag: str, hints: Hints) -> None:
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


def label_with_confidence(rest: Sequence[Column], truth: Column | None, path: Path) -> Roles | None:
    """``label`` beside one probability: a pipeline's answer, or the truth beside that of class 1."""
    label = first_named(rest, LABEL_NAMES)
    held = [column for column in rest if column.key in CONFIDENCE_NAMES and column.kind == "fraction"]
    is_judged = any(column.key in CORRECT_NAMES and column.key != "score" and says_right(column) for column in rest)
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
        name = typed(label.name)
        found = f"labels of two classes beside {held[0].name!r}: of the label, or of class 1"
        cure = f"--prediction-column {name} if it is the model's answer, --label-column {name} if it is the truth"
        raise fault(path, label.name, found, "a column prediction or true_label", cure)
    return None


def right_or_wrong(rest: Sequence[Column], truth: Column | None, path: Path, hints: Hints) -> Roles | None:
    """A column that says whether the answer was right."""
    named = [column for name in CORRECT_NAMES for column in rest if column.key == name]
    binary = [column for column in named if says_right(column)]
    numbers = [column for column in named if column.key in ("score", "reward") and column.is_number]
    binary = binary or [column for column in rest if _is_outcome(column, (truth, *rest), hints)]
    if not binary and numbers and hints.right_from is None:
        column = numbers[0]
        if are_percent(column.values):
            raise percent_column(column, path)
        low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
        label = truth or first_named(rest, (*LABEL_NAMES, *CLASS_NAMES))
        if label is not None and label.distinct == 2:
            raise fault(
                path,
                column.name,
                f"numbers from {low:g} to {high:g} beside {label.name!r} of two classes",
                "0 and 1, or what they are",
                f"--score-columns {typed([column.name])} --label-column {typed(label.name)} if it is the score of "
                "class 1 of two; --right-from 0.5 if answers from this score on are right",
            )
        kind = "probabilities" if low >= 0 and high <= 1 else "logits"
        raise fault(
            path,
            column.name,
            f"numbers from {low:g} to {high:g}",
            "0 and 1, or what they are",
            "--right-from 0.5 takes answers from this score on as right; "
            f"--values {kind} takes them as those of class 1 of two",
        )
    chosen = binary or numbers
    if not chosen:
        return None
    if len(chosen) > 1 and any(list(plain(chosen[0])) != list(plain(other)) for other in chosen[1:]):
        names = ", ".join(repr(column.name) for column in chosen)
        raise fault(path, "columns", f"right or wrong in {names}", "one of them", "name it: --prediction-column NAME")
    if chosen[0].key in WEAK_NAMES and (hints.num_ids == 2 or len(hints.names) == 2):
        raise _either(chosen[0], path)
    return correctness(chosen[:1], path, hints)


def _is_outcome(column: Column, columns: Sequence[Column | None], hints: Hints) -> bool:
    """Whether words say right or wrong in a column with a name of results, and they are no classes of the labels."""
    said = _words_in(column)
    known = {name.lower() for name in hints.names}
    for other in columns:
        known |= set() if other is None or other is column else _words_in(other)
    return column.key in OUTCOME_NAMES and bool(said) and said <= set(OUTCOME_WORDS) and not said & known


def correctness(held: Sequence[Column], path: Path, hints: Hints) -> Roles:
    """Columns of right and wrong, one a model; InputError where they say wrong, or neither."""
    turned = next((column for column in held if set(column.words) & WRONG_NAMES), None)
    if turned is not None:
        found, cure = "a column that says wrong, by its name", "write 1 for right and 0 for wrong, in a column correct"
        raise fault(path, turned.name, found, "what says right", cure)
    odd = next((column for column in held if not says_right(column)), None)
    if odd is not None and (hints.right_from is None or not odd.is_number):
        found = (
            "text" if odd.texts is not None else f"numbers from {np.nanmin(odd.values):g} to {np.nanmax(odd.values):g}"
        )
        cure = "write 1 for right and 0 for wrong, or say from which score on an answer is right: --right-from 0.5"
        raise fault(path, odd.name, found, "0 and 1, true and false", cure)
    return Roles(labels=tuple(column.name for column in held), values="labels", is_correctness=True)


def left_labels(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """Columns of labels without a usual name: the only one that can be, or several that say the same things."""
    held = [column for column in rest if is_label(column) and not set(column.words) & MEASURE_WORDS]
    wide = [column for column in held if column.kind == "text" and _is_free_text(column)]
    held = [column for column in held if column not in wide and not counts_rows(column)]
    wrong = [column for column in held if _says_wrong(column)]
    if wrong and len(wrong) == len(held) and hints.values != "labels":
        raise _wrong(wrong[0], path)
    held = [column for column in held if column not in wrong] or held
    if not held:
        if wide and len(wide) == len([column for column in rest if is_label(column)]):
            check_labels(wide[0], path, "--prediction-column", hints)
        return None
    if len(held) == 1:
        column = held[0]
        check_labels(column, path, "--prediction-column", hints)
        if column.key not in (*LABEL_NAMES, *CLASS_NAMES) and not column.name.startswith("column "):
            _check_no_outcome(column, path, hints)
            _check_can_be_label(column, path, hints)
            _check_alone(column, rest, path, hints)
        return Roles(labels=(column.name,), values="labels")
    first = first_named(held, (*LABEL_NAMES, *CLASS_NAMES))
    if first is not None:
        other = next((column for column in held if column is not first and _tells(column, first)), None)
        if other is None:
            return Roles(labels=(first.name,), values="labels")
        raise fault(
            path,
            "columns",
            f"two columns of classes, {other.name!r} and {first.name!r}: which are predicted, and which are true",
            "a column prediction, and true_label if the truth stands beside it",
            f"--prediction-column {typed([other.name])} --label-column {typed(first.name)}, or the other way",
        )
    names = tuple(column.name for column in held)
    check_models(held, path)
    if len({column.kind for column in held}) > 1:
        found = ", ".join(map(repr, names[:8]))
        raise fault(
            path, "columns", f"names and numbers in {found}", "columns of labels", "name it: --prediction-column NAME"
        )
    if min(column.rows for column in held) >= LEAST:
        codes = codes_of(held)
        if not do_agree(codes):
            raise no_labels(codes, path, "columns", ", ".join(map(repr, names[:6])), names)
    return Roles(labels=names, values="labels")


def _says_wrong(column: Column) -> bool:
    return bool(set(column.words) & WRONG_NAMES) and says_right(column)


def _wrong(column: Column, path: Path) -> InputError:
    """The fault of a column that says wrong, with a line that writes right for it."""
    code = (
        f"import csv,sys;n={column.name!r};r=csv.DictReader(sys.stdin);k=[*r.fieldnames];k.remove(n);"
        "w=csv.writer(sys.stdout);w.writerow([*k,'correct']);"
        "[w.writerow([*(x[c] for c in k),int(x[n].lower() in('0','0.0','false','no','n','f'))]) for x in r]"
    )
    name = typed([column.name])
    return fault(
        path,
        column.name,
        "two values, and a name that says wrong",
        "1 for right in a column correct, or a column prediction",
        f"write 1 - x in a column correct, of a CSV file by: {python_line(code)} < {typed(shown(path))} > NEW.csv; "
        f"--prediction-column {name} --values labels if it is the predicted class",
    )


def _is_free_text(column: Column) -> bool:
    return column.rows >= MANY and column.distinct > MOST_DISTINCT * column.rows


def _words_in(column: Column) -> set[str]:
    return {(text or "").strip().lower() for text in column.texts or ()}


def _check_no_outcome(column: Column, path: Path, hints: Hints) -> None:
    """Refuses 0 and 1, true and false in a column with a name of results: right and wrong, or the predicted class."""
    is_named = column.texts is not None and set(column.texts) <= set(hints.names)
    if column.key in OUTCOME_NAMES and says_right(column) and not is_named:
        raise _either(column, path)


def _either(column: Column, path: Path) -> InputError:
    name = typed([column.name])
    return fault(
        path,
        column.name,
        "two values: right and wrong, or the predicted class of two",
        "a column correct, or a column prediction",
        f"--prediction-column {name} --values correct if it says right or wrong (--right-from 0.5 for a score); "
        f"--prediction-column {name} --values labels if it is the predicted class",
    )


def check_models(held: Sequence[Column], path: Path) -> None:
    """Refuses several columns of labels whose names do not say that they are models: one of them may be the truth.

    Raises:
        InputError: it is not sure which are predictions; or they are the best few classes of one model.
    """
    names = [column.name for column in held]
    check_no_list(held, path)
    stems = {re.sub(r"\d+", "", name) for name in names}
    if len(stems) == 1 or all(set(column.words) & MODEL_WORDS for column in held):
        return
    shown = ", ".join(map(repr, names[:6]))
    truth = " ..." if len(names) > 2 else f" {typed(names[1])}, or the other way"
    raise fault(
        path,
        "columns",
        f"several columns of labels, {shown}, and nothing that says which are predicted",
        "a column prediction, or a column a model: model_0, model_1 ...",
        f"--prediction-column {typed(names[:1])} if it is the answer, the truth beside it: --label-column{truth}; "
        f"several models: --prediction-column {typed(names)}",
    )


def check_no_list(held: Sequence[Column], path: Path) -> None:
    """Refuses columns that hold another class each in every row: the best few classes of one model."""
    if len({column.kind for column in held}) > 1 or min(column.rows for column in held) < LEAST:
        return
    codes = codes_of(held)
    if len(held) > 1 and are_lists(codes):
        names = ", ".join(repr(column.name) for column in held[:6])
        found = f"another class in each of {names} in every row: the best {len(held)} classes of one model"
        raise fault(path, "columns", found, "the predicted class", f"--prediction-column {typed([held[0].name])}")


def _tells(column: Column, label: Column) -> bool:
    """Whether a column tells another one far better than its most frequent value does (Goodman, Kruskal: lambda)."""
    if column.rows < LEAST or column.distinct > column.rows / 2 or label.distinct < 2:
        return False
    counts: dict[object, Counter[object]] = {}
    for one, other in zip(plain(column), plain(label), strict=True):
        counts.setdefault(one, Counter())[other] += 1
    most = Counter(plain(label)).most_common(1)[0][1]
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
    name = typed([column.name])
    found = "labels, and nothing that says that they are predicted"
    raise fault(path, column.name, found, "a column prediction", f"--prediction-column {name} if they are")


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
            f"--prediction-column {typed([column.name])} if it is the predicted class, --id-column if it is an id",
        )


def single_score(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """One score an example: that of class 1 of two, by its name, or because the user says what it is."""
    whole = [c for c in rest if c.kind == "whole" and set(c.words) & PROBABILITY_WORDS and are_percent(c.values)]
    if len(whole) == 1 and hints.values is None:
        raise percent_column(whole[0], path)
    numbers = [column for column in rest if column.kind == "fraction"]
    usual = {*PREDICTION_NAMES, *CLASS_ONE_NAMES}
    named = [column for column in numbers if set(column.words) & set(SCORE_NAMES) or column.key in usual]
    is_said = hints.values in ("probabilities", "logits")
    if len(named) == 1 and named[0].key not in ("max_prob", "pred_prob", "top1_prob"):
        column = named[0]
        check_class_one(column, path, hints)
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
            f"--score-columns {typed([column.name])} if it is the score of class 1 of two",
        )
    return None


def check_class_one(column: Column, path: Path, hints: Hints) -> None:
    """Refuses the score of class 0 of two, by its name: one score is taken for that of class 1."""
    last = column.name.strip().lower()
    zero = column.words[-1:] in (("0",), ("neg",), ("negative",)) or column.key == "p0"
    if hints.names and len(hints.names) == 2:
        first = sorted(hints.names)[0] if not hints.classes_are_all else hints.names[0]
        zero = zero or last.endswith(first.lower())
    if zero:
        cure = "give the score of class 1 instead, or of both (--score-columns A,B)"
        raise fault(path, column.name, "the score of class 0 of two, by its name", "that of class 1", cure)
