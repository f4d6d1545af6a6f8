"""What each column of a file is, as a value, and what tells so: pure functions of names and values, common faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading.columns import LEAST, Column
from piescope.reading.files import fault, new_name, python_line, shown, typed
from piescope.reading.hints import Hints, Values
from piescope.reading.names import PREDICTION_NAMES

MANY = 20
"""Rows from which values that fit everywhere are no chance."""

MOST_DISTINCT = 0.9
"""A text of which more rows than this share have one of their own is no class."""

LEAST_AGREEMENT = 0.02
"""Beyond chance, of models with each other (Cohen's kappa): labels of one task agree far better."""

CLEAR = 3.0
"""Standard errors beyond chance."""

SUM_TOLERANCE = 0.02
"""How far from 1 the sum of rounded probabilities may be (100 classes with 4 decimals: 0.005)."""

LEAST_CANCELLED = 0.1
"""Of how columns would vary in sum, if each varied by itself: less where they are shares of one whole."""

LARGEST_LOGIT = 30.0
"""Of one class of two: a share of 1e-13 is left to the other."""


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
        is_unsure: nothing but their place says that ``labels`` are predicted: they may be true labels.
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
    is_unsure: bool = False

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
        return (*self.as_text, *(() if self.truth is None else (self.truth,)), *self.chosen)


@dataclass(frozen=True, eq=False)
class Sheet:
    """The columns of a table that may hold predictions, and what is known of it.

    Attributes:
        path: the file, for messages.
        hints: what the user says, and which classes the true labels name.
        columns: what the first rows of each show.
        truth: the true labels beside them, as far as their name tells them.
    """

    path: Path
    hints: Hints
    columns: tuple[Column, ...]
    truth: Column | None = None

    @property
    def are_scores(self) -> bool:
        """Whether the user says that numbers are scores."""
        return self.hints.values in ("probabilities", "logits")

    @property
    def are_judged(self) -> bool:
        """Whether the user says that numbers are right and wrong."""
        return self.hints.values == "correct"

    @cached_property
    def predicted(self) -> tuple[Column, ...]:
        """The columns of labels that are named as predictions."""
        return tuple(column for column in self.columns if column.key in PREDICTION_NAMES and column.is_label)

    @property
    def beside(self) -> tuple[Column, ...]:
        """The true labels, and the predicted ones."""
        return (() if self.truth is None else (self.truth,)) + self.predicted

    def named(self, names: Sequence[str]) -> list[Column]:
        """The columns with some names, in their order."""
        return [column for name in names for column in self.columns if column.key == name]

    def fault(self, where: str, found: str, expected: str, cure: str) -> InputError:
        """An InputError with one fault of the file."""
        return fault(self.path, where, found, expected, cure)


def first_named(columns: Sequence[Column], names: Sequence[str]) -> Column | None:
    """The column of labels with the first of some names that any has; None: none has any."""
    return next((column for name in names for column in columns if column.key == name and column.is_label), None)


def check_repeats(count: int, rows: int, path: Path, where: str, cure: str) -> None:
    """Refuses texts of which hardly two are the same: they are no classes, whatever their first rows show."""
    if rows >= MANY and count > MOST_DISTINCT * rows:
        found = f"{count:,} different texts in {rows:,} rows"
        raise fault(path, where, found, "class names, each of which occurs again", cure)


def quoted(columns: Sequence[Column], most: int = 6) -> str:
    """The names of the first columns, for messages."""
    return ", ".join(repr(column.name) for column in columns[:most])


def stacked(columns: Sequence[Column]) -> np.ndarray:
    """``[rows, columns]``."""
    return np.stack([column.values for column in columns], axis=1) if columns else np.zeros((0, 0))


def are_percent(values: np.ndarray) -> bool:
    """Whether single scores ``[rows]`` are percentages: some larger than a logit is, none above 100 or below 0.

    Logits of a copy that answers one class only are all above 0, too, but not as large.

    Example:
        >>> are_percent(np.linspace(1, 99, 20)), are_percent(np.linspace(-4, 9, 20)), are_percent(np.linspace(3, 9, 20))
        (True, False, False)
    """
    if len(values) < LEAST or np.isnan(values).any():
        return False
    return bool(values.min() >= 0 and LARGEST_LOGIT < values.max() <= 100)


def percent(path: Path, where: str, values: np.ndarray, line: str) -> InputError:
    """The fault of single scores that are percentages; ``line`` divides them by 100."""
    low, high, cure = values.min(), values.max(), f"divide percentages by 100: {line}"
    found = f"one score an example, from {low:g} to {high:g}: a percentage, or no score of class 1 of two"
    return fault(path, where, found, "probabilities from 0 to 1, or logits of either sign", cure)


def percent_column(column: Column, path: Path) -> InputError:
    """The fault of a column of percentages."""
    code = (
        f"import csv,sys;n={column.name!r};r=csv.DictReader(sys.stdin);w=csv.DictWriter(sys.stdout,r.fieldnames);"
        "w.writeheader();[w.writerow({**x,n:float(x[n])/100}) for x in r]"
    )
    line = f"of a CSV file by {python_line(code)} < {typed(shown(path))} > {new_name(path)}"
    return percent(path, column.name, column.values, line)


def codes_of(columns: Sequence[Column]) -> np.ndarray:
    """``[rows, columns]`` of labels, one code for a value in all columns."""
    if columns[0].kind == "whole":
        return stacked(columns)
    texts = [list(column.texts or ()) for column in columns]
    known = {text: code for code, text in enumerate(dict.fromkeys(text for column in texts for text in column))}
    return np.array([[known[text] for text in column] for column in texts], np.float64).T


def falls(values: np.ndarray | None) -> bool:
    """Whether numbers ``[rows, columns]`` fall from left to right in every row, and rows differ."""
    if values is None or values.shape[1] < 3 or len(values) < LEAST or np.isnan(values).any():
        return False
    steps = np.diff(values, axis=1)
    return bool((values != values[0]).any() and (steps <= 0).all() and (steps < 0).any())


def sums_to_one(values: np.ndarray | None) -> bool:
    """Whether rows are probabilities: from 0 to 1, and 1 in sum."""
    if values is None or not values.size or values.shape[1] < 2 or not are_shares(values):
        return False
    return bool((np.abs(values.sum(1) - 1) <= SUM_TOLERANCE).all())


def are_shares(values: np.ndarray) -> bool:
    """Whether all numbers are from 0 to 1, but for what rounding adds; NaN is none."""
    return bool(((values >= -1e-6) & (values <= 1 + 1e-6)).all())


def sum_of_shares(values: np.ndarray) -> float | None:
    """The one sum that rows ``[..., columns]`` of numbers of 0 or more have, though their columns vary; None: no.

    Columns that vary by themselves have sums that vary with them; those of rows that are all alike tell nothing.

    Example:
        >>> shares = np.random.default_rng(0).dirichlet([1, 1, 1], 100)
        >>> sum_of_shares(shares * 1.5), sum_of_shares(shares * shares), sum_of_shares(shares - 0.2)
        (1.5, None, None)
    """
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    if len(rows) < LEAST or not np.isfinite(rows).all() or rows.min() < 0:
        return None
    sums = rows.sum(1)
    middle, spread = float(np.median(sums)), float(np.sqrt(rows.var(0).sum()))
    is_constant = (np.abs(sums - middle) <= 2 * SUM_TOLERANCE * middle).all() and sums.std() < LEAST_CANCELLED * spread
    return round(middle, 6) if is_constant else None


def are_lists(labels: np.ndarray) -> bool:
    """Whether no row ``[rows, columns]`` has a label twice, which models of one task never do: best-k lists."""
    ordered = np.sort(labels, axis=1)
    return bool(labels.shape[1] > 1 and len(labels) >= LEAST and (ordered[:, 1:] != ordered[:, :-1]).all())


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
    listed = typed(names)
    if kind == "one-hot":
        found, expected = f"one-hot rows: a single 1 among {what}", "labels, one column a model, or scores, one a class"
        return fault(path, where, found, expected, "give class ids or names, or say --values probabilities")
    if kind == "tags":
        cure = "audit one tag at a time: --prediction-column NAME with --label-column NAME"
        more = f" of two classes: --prediction-column {listed}" if names else ": --values labels"
        found = f"multi-label tags, any number of them true, or several models of two classes: 0 and 1 in {what}"
        cure = f"{_truth_apart(values, names)}{cure}; models' labels{more}"
        return fault(path, where, found, "one class an example", cure)
    settle = f"--score-columns {listed}, --prediction-column {listed}" if names else "--values logits, --values labels"
    found = f"whole numbers from {values.min():g} to {values.max():g} in {what} that agree no better than by chance"
    cure = f"{_truth_apart(values, names)}say what they are, scores of classes or labels of models: {settle}"
    return fault(path, where, found, "labels of models of one task, or scores of classes", cure)


def _truth_apart(values: np.ndarray, names: Sequence[str]) -> str:
    """Two of a kind may be the truth and what one model says of it, which are no two models: asked first."""
    if values.shape[1] != 2:
        return ""
    if not names:
        return "true labels beside predicted ones: write them to files of their own, and give --labels FILE; "
    first, second = names
    flags = f"--label-column {typed(first)} --prediction-column {typed([second])}"
    return f"true labels beside predicted ones: {flags}, or the other way round; "


def multi_label(path: Path, tags: Sequence[Column], what: str) -> InputError:
    """The fault of several columns of which any number may be true of an example."""
    one, column = typed([tags[0].name]), typed(tags[0].name)
    found = f"multi-label tags, any number of them true: {what}: {quoted(tags)}"
    cure = f"audit one tag at a time: --label-column {column} with --score-columns {one}, or --prediction-column {one}"
    return fault(path, "columns", found, "one class an example", cure)
