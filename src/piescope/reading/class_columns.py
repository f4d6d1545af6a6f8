"""Scores of classes: lists of them, a column a class, whole numbers that may be either labels or scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from piescope.problems import InputError
from piescope.reading import names as usual
from piescope.reading.columns import LEAST, Column
from piescope.reading.evidence import (
    MANY,
    MOST_DISTINCT,
    SUM_TOLERANCE,
    Roles,
    Sheet,
    are_shares,
    falls,
    multi_label,
    no_labels,
    quoted,
    stacked,
    sums_to_one,
    whole_values,
)
from piescope.reading.files import typed
from piescope.reading.hints import Hints
from piescope.reading.label_columns import check_models
from piescope.reading.names import SCORE_NAMES, SCORE_WORDS, words_of
from piescope.wording import LONGEST_PART, in_quotes, printable

MOST_TRIED = 40
"""Columns of which one or two may be no probabilities, all tried."""

FIRSTS = ("index_0", "label_0", "class_0", "pred_0", "top_0")
"""Names of the likeliest class in a list of the best few."""

OTHER_NAMES = (*usual.TRUE_NAMES, *usual.CORRECT_NAMES, *usual.MODEL_NAMES)
"""Names of whole numbers that are no scores."""

SAME = 0.99
"""Share of rows in which the largest score is the predicted class, at least."""


def top_list(sheet: Sheet) -> Roles | None:
    """Numbered columns of scores that fall in every row: the best few classes, not all of them."""
    group = next((group for group in _numbered(sheet.columns).values() if falls(stacked(group))), None)
    if group is None or sheet.are_scores:
        return None
    by_key = {column.key: column for column in sheet.columns}
    best = next((by_key[key] for key in FIRSTS if key in by_key), None)
    if best is None or not best.is_label:
        names, flag = quoted(group, len(group)), f"--score-columns {typed([column.name for column in group])}"
        found = f"{names}: scores that fall from left to right in every row, a list of the best {len(group)}"
        cure = f"write the predicted class of each example too; if they are scores of classes 0, 1, ...: {flag}"
        raise sheet.fault("columns", found, "one score for each class, or the predicted class", cure)
    why = f"of a list of the best {len(group)}, whose first is used"
    numbered = [column for column in sheet.columns if column.words[-1:] and column.words[-1].isdigit()]
    left = tuple((column.name, why) for column in numbered if column is not best)
    return Roles(labels=(best.name,), values="labels", left_out=left)


def _numbered(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """Groups of number columns ``stem0, stem1, ...`` without gaps, by stem."""
    groups: dict[str, dict[int, Column]] = defaultdict(dict)
    for column in columns:
        stem, digits = _parted(column.name)
        if digits and str(int(digits)) == digits and column.is_number:
            groups[stem][int(digits)] = column
    return {
        stem: [group[number] for number in range(len(group))]
        for stem, group in groups.items()
        if len(group) > 1 and set(group) == set(range(len(group)))
    }


def _parted(name: str) -> tuple[str, str]:
    """A name without the digits at its end, and these."""
    stem = name.rstrip("0123456789")
    return stem, name[len(stem) :]


def lists_of_scores(sheet: Sheet) -> Roles | None:
    """Columns of lists: scores by their name, their sum, or because their largest is the class that stands beside."""
    lists = [column for column in sheet.columns if column.kind == "list" and column.key not in usual.EMBEDDING_NAMES]
    filled = [c for c in lists if c.numbers is not None and not np.isnan(c.numbers).all()]
    wide = [column for column in filled if column.width > 1]
    unreadable = next((column for column in lists if column not in wide and column.width != 1), None)
    if unreadable is not None and not wide:
        found = "text that looks like a list, and no list of numbers"
        cure = "write all numbers, one column a class (NumPy cuts long arrays in text), or save an .npy"
        raise sheet.fault(unreadable.name, found, "scores or classes", cure)
    named = [column for column in wide if column.has_any(SCORE_WORDS)]
    chosen = named or [column for column in wide if sums_to_one(column.numbers)]
    if not chosen and len({column.width for column in wide}) == 1:
        chosen = wide
    chosen = chosen or [column for column in lists if column.key in SCORE_NAMES]
    if not chosen:
        return None
    first = chosen[0]
    is_sure = bool(named) or len(chosen) > 1 or sums_to_one(first.numbers) or sheet.are_scores
    if not is_sure and not _is_confirmed(first.numbers, sheet):
        found = f"lists of {first.width} numbers, and nothing that says what they are"
        cure = f"--score-columns {typed([first.name])} if they are scores, one a class"
        raise sheet.fault(first.name, found, "scores, one a class", cure)
    best = next((column for column in chosen if falls(column.numbers)), None)
    if best is not None and sheet.hints.values is None:
        found = f"lists of {best.width} scores that fall in every row: of the best {best.width} classes"
        cure = "write the scores of all classes (timm: --topk 0), or the predicted class alone (--topk 1)"
        raise sheet.fault(best.name, found, "one score for each class", cure)
    if len(chosen) == 1 and first.numbers is not None:
        _check_same(first.numbers, None, sheet, first.name)
    return Roles(vectors=tuple(column.name for column in chosen))


def class_columns(sheet: Sheet) -> Roles | None:
    """A column a class: those that the labels name, that count from 0, that share a prefix, or that sum to 1."""
    numbers = [column for column in sheet.columns if column.is_number and not _is_other(column, sheet)]
    if len(numbers) < 2:
        return None
    named = _named_group(numbers, _known_names(sheet))
    if all(column.kind == "whole" for column in numbers) and not sums_to_one(stacked(named)):
        return _whole_columns(numbers, sheet)
    fractions = [column for column in numbers if column.kind == "fraction"]
    is_judged = any(column.key in usual.CORRECT_NAMES and column.says_right for column in sheet.columns)
    group, why = _group(numbers, fractions, sheet, is_judged)
    if not group:
        return None
    group = _in_order(group)
    values = stacked(group)
    classes = class_names_of_columns(group, sheet.hints, _known_ids(sheet), _known_names(sheet))
    _check_same(values, classes, sheet, group[0].name)
    left = [column for column in numbers if column not in group]
    reasons = ["a measurement by its name" if column.is_measured else f"no score of a class: {why}" for column in left]
    left_out = tuple((column.name, reason) for column, reason in zip(left, reasons, strict=True))
    return Roles(scores=tuple(column.name for column in group), class_names=classes, left_out=left_out)


def _in_order(group: Sequence[Column]) -> list[Column]:
    """Columns that count classes by their numbers, wherever they stand in the file; others as they stand."""
    counted = next((run for run in _numbered(group).values() if len(run) == len(group)), None)
    return list(group) if counted is None else counted


def _is_other(column: Column, sheet: Sheet) -> bool:
    """Whether a number column is named as right or wrong, or as a label."""
    is_named = column.key in OTHER_NAMES and column.name not in sheet.hints.names and column.kind == "whole"
    return is_named or column in sheet.predicted


def _group(
    numbers: Sequence[Column], fractions: Sequence[Column], sheet: Sheet, is_judged: bool = False
) -> tuple[list[Column], str]:
    """The columns of scores, and what told them; none where they are only left over beside a named answer."""
    named = _named_group(numbers, _known_names(sheet))
    if named:
        return _with_unnamed(named, numbers, sheet), "the others bear the names of the labels"
    summing = _summing(numbers)
    if summing:
        return summing, "the others sum to 1"
    stems = [(stem.strip(" _-.:").lower(), group) for stem, group in _numbered(numbers).items()]
    counted = next((group for stem, group in stems if stem not in usual.NO_SCORE_STEMS), None)
    if counted:
        return counted, "the others count classes from 0"
    labelled = _labelled_group(numbers, _known_ids(sheet))
    if labelled:
        return labelled, "the others bear the ids of the labels"
    shared = _shared_prefix(numbers)
    if shared:
        return shared, "the others share a prefix"
    free = [column for column in fractions if not column.is_measured]
    if sheet.predicted and len(free) > 1:
        if _is_confirmed(stacked(free), sheet, _bare(free)):
            return free, "the largest of the others is the predicted class"
        return [], "a column names the prediction"
    if is_judged:
        return [], "a column says right or wrong"
    if sheet.hints.num_ids == len(free) and len(free) > 1:
        return free, "there are as many others as labels name classes"
    if len(free) < 2:
        return [], ""
    if min(column.rows for column in free) < LEAST:
        return free, "the others are numbers"
    raise _cannot_tell(free, [column for column in fractions if column.is_measured], sheet)


def _cannot_tell(free: Sequence[Column], measured: Sequence[Column], sheet: Sheet) -> InputError:
    if all(column.within(0, 1) for column in free):
        return multi_label(sheet.path, free, "columns of numbers from 0 to 1 that do not sum to 1")
    left = ", ".join(in_quotes(column.name, 30) for column in measured[:4])
    without = f" ({left} left out: measurements by their names; add them if they are classes)" if measured else ""
    flag = f"--score-columns {typed([column.name for column in free])}{without}"
    found = f"numbers in {quoted(free, 8)}, and nothing that says which are scores of classes"
    expected = "columns that the true labels name, that sum to 1, or that count classes (logit_0, logit_1 ...)"
    tags = "where several tags may be true of an example (multi-label), audit one at a time"
    return sheet.fault("columns", found, expected, f"give --labels with class names, or {flag}; {tags}")


def _known_names(sheet: Sheet) -> frozenset[str]:
    names = set(sheet.hints.names)
    for column in (*sheet.beside, *sheet.named(usual.CLASS_LABEL_NAMES)):
        if column.texts is not None and column.distinct <= MOST_DISTINCT * max(column.rows, MANY):
            names |= {text.strip() for text in column.texts if text and text.strip()}
    return frozenset(names)


def _known_ids(sheet: Sheet) -> frozenset[int]:
    """The ids of classes that labels have, as far as they are known."""
    whole = [column.values for column in sheet.beside if column.kind == "whole"]
    return frozenset(sheet.hints.ids) | {int(value) for values in whole for value in values[~np.isnan(values)]}


def _labelled_group(numbers: Sequence[Column], ids: frozenset[int]) -> list[Column]:
    """The columns that are numbered by the ids of the labels: ``class_1, class_2``, or ``3, 7, 10``."""
    groups: dict[str, list[Column]] = defaultdict(list)
    for column in numbers:
        stem, _ = _parted(column.name.strip())
        if not stem or (words_of(stem)[-1:] and words_of(stem)[-1] in SCORE_WORDS):
            groups[stem].append(column)
    fitting = [group for group in groups.values() if len(group) > 1 and ids and ids <= set(_numbers_of(group) or ())]
    return max(fitting, key=len, default=[])


def _numbers_of(group: Sequence[Column]) -> tuple[int, ...] | None:
    """The numbers behind one stem of names; None: they are not so named."""
    parted = [_parted(column.name.strip()) for column in group]
    digits = [number for _, number in parted]
    if len({stem for stem, _ in parted}) != 1 or not all(number and str(int(number)) == number for number in digits):
        return None
    return tuple(map(int, digits)) if len({*digits}) == len(digits) else None


def _named_group(numbers: Sequence[Column], known: frozenset[str]) -> list[Column]:
    """The columns that bear the names of classes, all with the same words before and after them."""
    if len(known) < 2:
        return []
    groups: dict[tuple[str, str], list[Column]] = defaultdict(list)
    for column in numbers:
        name = column.name.strip()
        for label in known:
            if name == label or (name.endswith(label) and not name[: -len(label)][-1:].isalnum()):
                groups[name[: len(name) - len(label)], ""].append(column)
            elif name.startswith(label) and not name[len(label) :][:1].isalnum():
                groups["", name[len(label) :]].append(column)
    best = max(groups.items(), key=lambda item: (len(item[1]), item[0] == ("", "")), default=None)
    return [] if best is None or len(best[1]) < 2 else list(dict.fromkeys(best[1]))


def _with_unnamed(named: list[Column], numbers: Sequence[Column], sheet: Sheet) -> list[Column]:
    """Classes that no label names: told by the sum of 1, or by the shared prefix; else left out or refused."""
    if sums_to_one(stacked(named)):
        return named
    for wider in (_summing(numbers), _shared_prefix(numbers)):
        if set(named) <= set(wider):
            return wider
    others = [column for column in numbers if column not in named and column.kind == "fraction"]
    unnamed = [column for column in others if not column.is_measured]
    if not unnamed or sheet.hints.classes_are_all:
        return named
    both = [column.name for column in numbers if column in named or column in unnamed]
    found, expected = "a column of numbers beside those that the labels name", "scores of classes that some label names"
    flags = [f"--score-columns {typed(names)}" for names in ([column.name for column in named], both)]
    cure = f"say which are scores: {flags[0]} without it, {flags[1]} with it"
    raise sheet.fault(unnamed[0].name, found, expected, cure)


def _summing(numbers: Sequence[Column]) -> list[Column]:
    """The columns that sum to 1 in every row: all of them, or all but one or two."""
    within = [column for column in numbers if are_shares(column.values)]
    if len(within) < 2:
        return []
    values = stacked(within)
    if sums_to_one(values):
        return within
    if len(within) > MOST_TRIED or len(values) < LEAST:
        return []
    total = values.sum(1)
    for count in (1, 2):
        places = combinations(range(len(within)), count)
        fits = [left for left in places if (np.abs(total - values[:, left].sum(1) - 1) <= SUM_TOLERANCE).all()]
        if len(fits) == 1 and len(within) - count > 1:
            return [column for place, column in enumerate(within) if place not in fits[0]]
    return []


def _shared_prefix(numbers: Sequence[Column]) -> list[Column]:
    """Columns whose names begin with one word of scores: ``prob_cat``, ``prob_dog``."""
    groups: dict[str, list[Column]] = defaultdict(list)
    for column in numbers:
        if len(column.words) > 1 and column.words[0] in SCORE_WORDS:
            groups[column.words[0]].append(column)
    best = max(groups.values(), key=len, default=[])
    return best if len(best) > 1 else []


def class_names_of_columns(
    group: Sequence[Column], hints: Hints, ids: frozenset[int] = frozenset(), labels: frozenset[str] = frozenset()
) -> tuple[str, ...] | None:
    """The classes that columns are of; None where they count from 0. What labels name, or number, has that name."""
    names = [column.name for column in group]
    known_names = labels | set(hints.names)
    if len(known_names) > 1 and known_names <= {name.strip() for name in names}:
        return tuple(name.strip() for name in names)
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
    """What all names begin with."""
    first, last = min(names), max(names)
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first[: min(len(first), len(last)) if same is None else same]


def _is_confirmed(values: np.ndarray | None, sheet: Sheet, names: tuple[str, ...] | None = None) -> bool:
    """Whether the largest number of a row is the class that stands beside it, or there are as many as classes."""
    if values is None or len(values) < LEAST:
        return True
    if sheet.predicted:
        return _agreement(values, names, sheet.predicted) >= SAME
    truth, num_ids = sheet.truth, sheet.hints.num_ids
    if truth is not None and truth.kind == "whole" and names is None and len(truth.values) == len(values):
        chance = max(np.mean(truth.values == label) for label in np.unique(truth.values))
        is_better = np.mean(values.argmax(1) == truth.values) > min(0.95, chance + 0.1)
        return bool(truth.values.max() < values.shape[1] and is_better)
    return num_ids is not None and num_ids <= values.shape[1]


def _agreement(values: np.ndarray, names: tuple[str, ...] | None, predicted: Sequence[Column]) -> float:
    """The largest share of rows, over columns of predictions, in which the largest score is the predicted class."""
    said = values.argmax(1)
    shares = [0.0]
    for column in predicted:
        if column.texts is not None and names is not None and len(column.texts) == len(said):
            texts = np.array([(text or "").strip() for text in column.texts], object)
            shares.append(float(np.mean(np.array(names, object)[said] == texts)))
        elif column.kind == "whole" and len(column.values) == len(said):
            shares.append(float(np.mean(said == column.values)))
            if names is not None and all(map(str.isdecimal, names)):  # ids as the columns are numbered
                shares.append(float(np.mean(np.array(names, np.int64)[said] == column.values)))
        elif column.texts is not None and names is None:  # which name is which class is not known: one each
            pairs = {(int(one), text) for one, text in zip(said, column.texts, strict=False)}
            shares.append(float(len(pairs) == len({one for one, _ in pairs}) == len({text for _, text in pairs})))
    return max(shares)


def _check_same(values: np.ndarray, names: tuple[str, ...] | None, sheet: Sheet, where: str) -> None:
    """Refuses scores whose largest is another class than the one that stands beside them."""
    if not sheet.predicted or len(values) < LEAST or np.isnan(values).any():
        return
    same = _agreement(values, names, sheet.predicted)
    if same < SAME:
        name = sheet.predicted[0].name
        found = f"another class than the largest score in {1 - same:.0%} of the rows"
        flag, first = f"--prediction-column {typed([name])}", printable(where, LONGEST_PART)
        cure = f"{flag} goes by the column; --score-columns, with their names, by the scores ({first} ...)"
        raise sheet.fault(name, found, "the class with the largest score", cure)


def _whole_columns(numbers: Sequence[Column], sheet: Sheet) -> Roles | None:
    """Several columns of whole numbers: labels of models, quantised scores, tags; each by what only it can be."""
    hints = sheet.hints
    whole = [c for c in numbers if not c.counts_rows and (not c.is_measured or c.name in hints.names)]
    if sheet.predicted or len(whole) < 2:
        return None
    names = tuple(column.name for column in whole)
    if sheet.are_scores:
        whole, _ = _group(whole, whole, sheet)
    group = _in_order(whole)
    scores = tuple(column.name for column in group)
    if sheet.are_scores:
        return Roles(scores=scores, class_names=class_names_of_columns(group, hints), values=hints.values)
    labels = Roles(labels=names, values="labels")
    if hints.values == "labels":
        return labels
    values = stacked(whole)
    if np.isnan(values).any() or len(values) < LEAST:
        return None
    kind, zero = whole_values(values)
    if kind == "scores":
        classes = class_names_of_columns(group, hints)
        return Roles(scores=scores, class_names=classes, values="probabilities", zero=zero)
    if kind not in ("one-hot", "tags"):
        check_models(whole, sheet.path)
    if kind == "labels":
        return labels
    raise no_labels(values, sheet.path, "columns", ", ".join(map(repr, names[:6])), names)
