"""Scores of classes: lists of them, a column a class, whole numbers that may be either labels or scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading.columns import Column
from piescope.reading.evidence import (
    LEAST,
    MANY,
    MOST_DISTINCT,
    counts_rows,
    falls,
    is_label,
    multi_label,
    no_labels,
    says_right,
    stacked,
    sums_to_one,
    whole_values,
)
from piescope.reading.files import fault, typed
from piescope.reading.label_columns import check_models
from piescope.reading.names import (
    CLASS_NAMES,
    CORRECT_NAMES,
    EMBEDDING_NAMES,
    LABEL_NAMES,
    MEASURE_WORDS,
    MODEL_NAMES,
    NO_SCORE_STEMS,
    SCORE_NAMES,
    SCORE_WORDS,
    TRUTH_NAMES,
    words_of,
)
from piescope.reading.parts import SUM_TOLERANCE, Hints, Roles
from piescope.wording import LONGEST_PART, printable

MOST_TRIED = 40
"""Columns of which one or two may be no probabilities, all tried."""


def top_list(rest: Sequence[Column], path: Path, hints: Hints) -> Roles | None:
    """Numbered columns of scores that fall in every row: the best few classes, not all of them."""
    numbered = _numbered(rest)
    found = next((group for group in numbered.values() if _is_falling(group)), None)
    if found is None or hints.values in ("probabilities", "logits"):
        return None
    firsts = {column.key: column for column in rest}
    best = next((firsts[key] for key in ("index_0", "label_0", "class_0", "pred_0", "top_0") if key in firsts), None)
    if best is None or not is_label(best):
        names = ", ".join(repr(column.name) for column in found)
        raise fault(
            path,
            "columns",
            f"{names}: scores that fall from left to right in every row, a list of the best {len(found)}",
            "one score for each class, or the predicted class",
            "write the predicted class of each example too; if they are scores of classes 0, 1, ...: --score-columns "
            + typed([column.name for column in found]),
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
    return falls(stacked(group))


def lists_of_scores(
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
    chosen = named or [column for column in wide if sums_to_one(column.numbers)] or _alike(wide)
    if not chosen and lists:
        chosen = [column for column in lists if column.key in SCORE_NAMES]
    if not chosen:
        return None
    if not named and len(chosen) == 1 and not sums_to_one(chosen[0].numbers):
        known = _confirmed_by(chosen[0].numbers, None, truth, predicted, hints)
        if not known and hints.values not in ("probabilities", "logits"):
            column = chosen[0]
            found = f"lists of {column.width} numbers, and nothing that says what they are"
            cure = f"--score-columns {typed([column.name])} if they are scores, one a class"
            raise fault(path, column.name, found, "scores, one a class", cure)
    best = next((column for column in chosen if falls(column.numbers)), None)
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


def class_columns(
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
    if not fractions and not sums_to_one(stacked(named)):
        return _whole_columns(numbers, truth, predicted, path, hints)
    is_judged = any(column.key in CORRECT_NAMES and says_right(column) for column in rest)
    group, why = _group(numbers, fractions, truth, predicted, path, hints, is_judged)
    if not group:
        return None
    group = _in_order(group)
    values = stacked(group)
    names = class_names_of_columns(group, hints, _known_ids(truth, predicted, hints))
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
    labelled = _labelled_group(numbers, _known_ids(truth, predicted, hints))
    if labelled:
        return labelled, "the others bear the ids of the labels"
    shared = _shared_prefix(numbers)
    if shared:
        return shared, "the others share a prefix"
    free = [column for column in fractions if not set(column.words) & MEASURE_WORDS]
    if predicted and len(free) > 1:
        if _confirmed_by(stacked(free), _bare(free), None, predicted, hints):
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
    raise _cannot_tell(free, [column for column in fractions if column not in free], path)


def _cannot_tell(free: Sequence[Column], measured: Sequence[Column], path: Path) -> InputError:
    values = stacked(free)
    names = [column.name for column in free]
    if ((values >= 0) & (values <= 1)).all():
        return multi_label(path, free, "columns of numbers from 0 to 1 that do not sum to 1")
    shown = ", ".join(repr(column.name) for column in free[:8])
    left = ", ".join(repr(printable(column.name, 30)) for column in measured[:4])
    without = f" ({left} left out: measurements by their names; add them if they are classes)" if measured else ""
    return fault(
        path,
        "columns",
        f"numbers in {shown}, and nothing that says which are scores of classes",
        "columns that the true labels name, that sum to 1, or that count classes (logit_0, logit_1 ...)",
        f"give --labels with class names, or --score-columns {typed(names)}{without}; where several tags may be true "
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


def _known_ids(truth: Column | None, predicted: Sequence[Column], hints: Hints) -> frozenset[int]:
    """The ids of classes that labels have, as far as they are known."""
    beside = [column for column in (truth, *predicted) if column is not None and column.kind == "whole"]
    return frozenset(hints.ids) | {int(value) for column in beside for value in column.values if not np.isnan(value)}


def _labelled_group(numbers: Sequence[Column], ids: frozenset[int]) -> list[Column]:
    """The columns that are numbered by the ids of the labels: ``class_1, class_2``, or ``3, 7, 10``."""
    groups: dict[str, list[Column]] = {}
    for column in numbers:
        stem = column.name.strip().rstrip("0123456789")
        if not stem or (words_of(stem)[-1:] and words_of(stem)[-1] in SCORE_WORDS):
            groups.setdefault(stem, []).append(column)
    fitting = [group for group in groups.values() if len(group) > 1 and ids and ids <= set(_numbers_of(group) or ())]
    return max(fitting, key=len, default=[])


def _numbers_of(group: Sequence[Column]) -> tuple[int, ...] | None:
    """The numbers behind one stem of names; None: they are not so named."""
    names = [column.name.strip() for column in group]
    stems = {name.rstrip("0123456789") for name in names}
    digits = [name[len(name.rstrip("0123456789")) :] for name in names]
    if len(stems) != 1 or not all(each and str(int(each)) == each for each in digits) or len({*digits}) < len(digits):
        return None
    return tuple(map(int, digits))


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
    if sums_to_one(stacked(named)):
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
    both = [column.name for column in numbers if column in named or column in unnamed]
    raise fault(
        path,
        unnamed[0].name,
        "a column of numbers beside those that the labels name",
        "scores of classes that some label names",
        f"say which are scores: --score-columns {typed([c.name for c in named])} without it, "
        f"--score-columns {typed(both)} with it",
    )


def _summing(numbers: Sequence[Column]) -> list[Column]:
    """The columns that sum to 1 in every row: all of them, or all but one or two."""
    within = [
        c for c in numbers if not np.isnan(c.values).any() and ((c.values >= -1e-6) & (c.values <= 1 + 1e-6)).all()
    ]
    if len(within) < 2:
        return []
    values = stacked(within)
    if sums_to_one(values):
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


def class_names_of_columns(
    group: Sequence[Column], hints: Hints, ids: frozenset[int] = frozenset()
) -> tuple[str, ...] | None:
    """The classes that columns are of; None where they count from 0. Numbers by which labels name them are names."""
    names = [column.name for column in group]
    stem = names[0].removesuffix("0")
    if all(name == f"{stem}{number}" for number, name in enumerate(names)):
        return None
    if all(name.startswith("column ") for name in names):
        return None
    numbers, known = _numbers_of(group), ids | set(hints.ids)
    if numbers is not None and known and known <= set(numbers):
        return tuple(map(str, numbers))
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
            if names is not None and all(map(str.isdecimal, names)):  # ids as the columns are numbered
                best = max(best, float(np.mean(np.array(names, np.int64)[said] == column.values)))
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
        f"--prediction-column {typed([name])} goes by the column; --score-columns, with their names, by the scores "
        f"({printable(where, LONGEST_PART)} ...)",
    )


def _whole_columns(
    numbers: Sequence[Column], truth: Column | None, predicted: Sequence[Column], path: Path, hints: Hints
) -> Roles | None:
    """Several columns of whole numbers: labels of models, quantised scores, tags; each by what only it can be."""
    counted = [column for column in numbers if not counts_rows(column)]
    held = [column for column in counted if not set(column.words) & MEASURE_WORDS or column.name in hints.names]
    if predicted or len(held) < 2:
        return None
    names = tuple(column.name for column in held)
    if hints.values in ("probabilities", "logits"):
        held, _ = _group(held, held, truth, predicted, path, hints)
    in_order = _in_order(held)
    classes = tuple(column.name for column in in_order)
    if hints.values in ("probabilities", "logits"):
        return Roles(scores=classes, class_names=class_names_of_columns(in_order, hints), values=hints.values)
    if hints.values == "labels":
        return Roles(labels=names, values="labels")
    values = stacked(held)
    if np.isnan(values).any() or len(values) < LEAST:
        return None
    kind, zero = whole_values(values)
    if kind == "scores":
        return Roles(
            scores=classes, class_names=class_names_of_columns(in_order, hints), values="probabilities", zero=zero
        )
    if kind not in ("one-hot", "tags"):
        check_models(held, path)
    if kind == "labels":
        return Roles(labels=names, values="labels")
    raise no_labels(values, path, "columns", ", ".join(map(repr, names[:6])), names)
