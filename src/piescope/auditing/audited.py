"""What is compared: two sides whose rows are matched and whose classes are agreed upon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from piescope.auditing.metadata import Groups
from piescope.auditing.question import Question
from piescope.auditing.widths import check_widths
from piescope.measure.label_errors import FEWEST_VOTERS
from piescope.problems import InputError
from piescope.reading.labels import Classes, resolve_classes
from piescope.reading.matching import Listed, Matched, match
from piescope.reading.predictions import LabelColumn, Predictions
from piescope.reading.sides import Side
from piescope.reading.truth_marks import check_no_truth
from piescope.reading.truths import check_truths
from piescope.store.audit_record import Comparison

PARTS = re.compile(r"\d+|[^\W\d_]+")
"""Of a model's name: numbers, and words."""

SAMPLED = 10_000
"""Examples on which the noise floor is measured, drawn at random where there are more."""

FEWEST_FOR_NOISE = 4
"""Dense models: two groups of two."""


@dataclass(frozen=True, eq=False)
class Audited:
    """What is compared.

    Attributes:
        dense: the models before.
        compressed: the models after.
        matched: which row is which example.
        classes: that all files speak of.
        truth: true labels; None: they are not known.
        groups: columns of metadata.
        seed: of what is drawn.
        is_paired: model k of the compressed side was made from model k of the dense one.
        is_right_or_wrong: of each answer it is known only whether it was right.
    """

    dense: Side
    compressed: Side
    matched: Matched
    classes: Classes
    truth: LabelColumn | None
    groups: tuple[Groups, ...] = ()
    seed: int = 0
    is_paired: bool = False
    is_right_or_wrong: bool = False

    @property
    def is_population(self) -> bool:
        """Whether both sides have several models."""
        return min(len(self.dense.models), len(self.compressed.models)) > 1

    @property
    def comparison(self) -> Comparison:
        """Like is compared with like: a vote of several models beats any of them, and a vote of more one of fewer."""
        counts = {len(self.dense.models), len(self.compressed.models)}
        if len(counts) > 1:
            return "mean over pairs of models"
        return "one against one" if counts == {1} else "vote against vote"

    @property
    def has_pairs(self) -> bool:
        """Whether several models of one side belong to those of the other, one by one."""
        return self.is_paired and self.is_population

    @property
    def has_scores(self) -> bool:
        """Whether both sides give probabilities or logits."""
        return self.dense.has_scores and self.compressed.has_scores

    @property
    def can_suspect_labels(self) -> bool:
        """Whether the dense side can be confident at all: it has probabilities, or enough models to vote."""
        return self.dense.has_scores or len(self.dense.models) >= FEWEST_VOTERS

    @cached_property
    def sampled_rows(self) -> np.ndarray:
        """``[sampled]`` examples on which the noise floor is measured, in order; none with too few models."""
        if len(self.dense.models) < FEWEST_FOR_NOISE or len(self.compressed.models) < 2:
            return np.zeros(0, np.int64)
        count = self.matched.examples
        if count <= SAMPLED:
            return np.arange(count)
        return np.sort(np.random.default_rng(self.seed).choice(count, SAMPLED, replace=False))

    def true_labels(self, start: int, stop: int) -> np.ndarray | None:
        """``[examples]`` int64 class ids of some examples; None where they are not known."""
        if self.truth is None:
            return None
        codes = self.truth.codes.part(self.matched.rows_of("labels", start, stop))
        table = self.classes.table(self.truth.names, self.truth.source, "labels")
        return (codes if table is None else table[codes]).astype(np.int64)


def resolved(question: Question) -> Audited:
    """The comparison behind a question: rows matched, classes agreed upon.

    Raises:
        InputError: files that do not fit together.
    """
    truth = question.truth
    sides = {"dense": question.dense.parts, "compressed": question.compressed.parts}
    others: dict[str, Listed | None] = {"labels": truth, "metadata": question.metadata}
    if question.represented is not None:
        others |= question.represented.listed()
    matched = match(sides, others, question.common, question.match_tail)
    notes = check_truths(sides, matched, question.labels)
    matched = replace(matched, notes=(*matched.notes, *notes))
    check_no_truth(question.dense.parts, question.compressed.parts, matched)
    check_widths(sides, matched)
    parts = [*question.dense.parts, *question.compressed.parts]
    classes = _classes(parts, truth, question.class_names)
    dense, compressed = (Side(name, side, classes) for name, side in sides.items())
    groups = () if question.metadata is None or truth is None else question.metadata.groups
    if question.is_paired and len(dense.models) != len(compressed.models):
        raise InputError.of(
            question.compressed.name,
            "--paired",
            f"{len(compressed.models)} models",
            f"{len(dense.models)}, as many as on the dense side",
            "model k must come from model k: give both sides in the same order, or leave --paired out",
        )
    if question.is_paired:
        _check_pairs(question, dense.models, compressed.models)
    _check_pictures(question)
    rest = groups, question.seed, question.is_paired, question.is_right_or_wrong
    return Audited(dense, compressed, matched, classes, truth, *rest)


def _check_pairs(question: Question, dense: Sequence[str], compressed: Sequence[str]) -> None:
    """Refuses pairs whose names say that others belong together: what tells each side's models apart, elsewhere.

    Raises:
        InputError: the parts of names that vary on both sides are the same ones, in another order.
    """
    ways = [(one, other) for one in _telling(dense) for other in _telling(compressed) if set(one) == set(other)]
    if not ways or any(one == other for one, other in ways):
        return
    one, other = ways[0]
    place = next(place for place, parts in enumerate(zip(one, other, strict=True)) if parts[0] != parts[1])
    found = f"{compressed[place]!r} beside {dense[place]!r}: model {place + 1} of either side, by their order"
    cure = "give both sides in the same order, or names that sort alike (seed07, seed11); or leave --paired out"
    raise InputError.of(question.compressed.name, "--paired", found, "model k made from model k", cure)


def _telling(names: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """What tells the models of a side apart, one after the other: all parts of their names that vary, or one of them.

    Example:
        >>> _telling(["seed7_int8", "seed11_int8"]), _telling(["a", "a b"])
        ([[(7,), (11,)]], [])
    """
    parts = [[int(part) if part.isdecimal() else part for part in PARTS.findall(name.lower())] for name in names]
    if len({len(each) for each in parts}) != 1:
        return []
    varying = [column for column in zip(*parts, strict=True) if len(set(column)) > 1]
    found: list[list[tuple[Any, ...]]] = [[(part,) for part in column] for column in varying]
    found += [list(zip(*varying, strict=True))] if len(varying) > 1 else []
    return [each for each in found if len(set(each)) == len(names)]


def _check_pictures(question: Question) -> None:
    """Refuses pictures that are beside predictions and are others: another number, and no ids that tell which."""
    pictures, first = question.pictures, question.dense.parts[0]
    if pictures is None or len(pictures) == first.examples:
        return
    if first.ids is None or not set(first.ids.to_pylist()) <= set(pictures.ids):
        found, expected = f"{len(pictures):,} pictures", f"{first.examples:,}, as {first.source} has examples"
        cure = "give the pictures of these examples, in their order, or predictions whose ids are the pictures' names"
        raise InputError.of(pictures.name, "--data", found, expected, cure)


def _classes(parts: Sequence[Predictions], truth: LabelColumn | None, explicit: Sequence[str] | None) -> Classes:
    labelled = {f"{part.source}": part.class_names for part in parts if part.values == "labels"}
    if truth is not None:
        labelled[f"{truth.source} (labels)"] = truth.names
    scored = {
        f"{place} {part.source}": (part.class_names, part.num_classes or 0)
        for place, part in enumerate(parts)
        if part.values != "labels"
    }
    bare = [name.split(" ", 1)[1] for name in scored]
    if len(set(scored.values())) == 1 or len(scored) == len(set(bare)):
        scored = dict(zip(bare, scored.values(), strict=True))
    largest = max(
        [part.largest for part in parts] + ([] if truth is None else [truth.largest if truth.names is None else -1]),
        default=-1,
    )
    if not scored and explicit is None and not any(names is not None for names in labelled.values()):
        seen = sorted(_ids_of_labels(parts, truth))
        if len(seen) > 1 and len(seen) * FEW_IDS <= largest + 1:
            return Classes(tuple(map(str, seen)), are_named=False, are_numbers=True)
    are_numbers = _are_numbers(parts, truth, explicit)
    return replace(resolve_classes(labelled, scored, -1 if are_numbers else largest, explicit), are_numbers=are_numbers)


FEW_IDS = 2
"""Where ids of labels alone leave out all but one in so many, or more (3, 5, 9; years), others are no classes."""


def _are_numbers(
    parts: Sequence[Predictions], truth: LabelColumn | None, explicit: Sequence[str] | None = None
) -> bool:
    """Whether ids of labels are the numbers that name the columns of scores, ``class_1 ...``, not their places.

    Or the user's numbers, ``--classes`` with 3, 5 and 9.
    """
    named = [part.class_names for part in parts if part.num_classes is not None and part.class_names is not None]
    names = (named[0] if named else ()) if explicit is None else explicit
    if not names or not all(name.isascii() and name.isdecimal() and str(int(name)) == name for name in names):
        return False
    if explicit is not None and any(part.num_classes is not None for part in parts):
        return False
    seen = _ids_of_labels(parts, truth)
    return bool(seen) and seen <= set(map(int, names))


def _ids_of_labels(parts: Sequence[Predictions], truth: LabelColumn | None) -> set[int]:
    """The ids that occur as labels, true or predicted, where they have no names."""
    seen = set[int]() if truth is None or truth.names is not None else set(truth.ids_that_occur())
    for part in parts:
        if part.values == "labels" and part.class_names is None:
            seen.update(part.ids_that_occur())
    return seen
