"""Models of a side that say the same of every example: one run that is there twice tells nothing of what seeds do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from piescope.auditing.block import AuditBlock, BlockSide
from piescope.auditing.tally import Counted
from piescope.store.audit_answers import SideName

UNSURE = 0.99
"""Confidences below this are a model's own; above it many are alike."""

FEWEST_ERRORS = 20
"""Errors that two models share which are surely one ..."""

FEWEST_UNSURE = 10
"""... or different confidences."""

ALIVE = 20
"""Answers other than its most frequent one, of a network that is not dead: these say one thing alike."""


@dataclass(frozen=True, eq=False)
class _Alike:
    """The models of one side that are alike, and what two other models would hardly have shared.

    Attributes:
        labelled: ``[models]``, the first model that gives the same labels everywhere: itself, where none does.
        scored: likewise, the same labels and confidences; each itself, of labels alone.
        answers: ``[models, classes]``, how often each is answered; zeros for who is alone.
        errors: ``[models]``, how often wrongly; likewise, and 0 where the truth is not known.
        lowest: ``[models, FEWEST_UNSURE]``, the lowest different confidences, in order; 1 for who is alone, and none.
    """

    labelled: np.ndarray
    scored: np.ndarray
    answers: np.ndarray
    errors: np.ndarray
    lowest: np.ndarray

    @staticmethod
    def of(side: BlockSide, classes: int) -> _Alike:
        labels, confidence, models = side.labels, side.said.confidence, len(side.labels)
        labelled, scored = _firsts(label.tobytes() for label in labels), np.arange(models)
        scores = np.zeros((models, 0))
        if confidence is not None:
            scores = confidence
            both = ((label.tobytes(), score.tobytes()) for label, score in zip(labels, scores, strict=True))
            scored = _firsts(both)
        answers, errors = np.zeros((models, classes), np.int64), np.zeros(models, np.int64)
        for model in np.flatnonzero(_has_equal(labelled)):
            answers[model] = np.bincount(labels[model], minlength=classes)
            errors[model] = 0 if side.truth is None else (~side.right[model]).sum()
        return _Alike(labelled, scored, answers, errors, _lowest(scores, scored))

    def __add__(self, other: _Alike) -> _Alike:
        labelled, scored = (
            _firsts(zip(mine.tolist(), theirs.tolist(), strict=True))
            for mine, theirs in ((self.labelled, other.labelled), (self.scored, other.scored))
        )
        counts = _has_equal(labelled).astype(np.int64)
        return _Alike(
            labelled=labelled,
            scored=scored,
            answers=counts[:, None] * (self.answers + other.answers),
            errors=counts * (self.errors + other.errors),
            lowest=_lowest(np.concatenate([self.lowest, other.lowest], axis=1), scored),
        )

    def repeat(self) -> list[int]:
        """A model, and those that it surely is again; empty where there is none."""
        for model in range(len(self.labelled)):
            alike = [each for each in range(len(self.labelled)) if self._are_one(model, each)]
            if len(alike) > 1:
                return alike
        return []

    def _are_one(self, one: int, other: int) -> bool:
        others = self.answers[one].sum() - self.answers[one].max()
        by_errors = self.labelled[one] == self.labelled[other] and self.errors[one] >= FEWEST_ERRORS and others >= ALIVE
        by_scores = self.scored[one] == self.scored[other] and self.lowest[one, -1] < UNSURE
        return bool(one == other or by_errors or by_scores)


def _firsts(said: Iterable[Hashable]) -> np.ndarray:
    """The place of the first that is equal, of each.

    Example:
        >>> _firsts("abca").tolist()
        [0, 1, 2, 0]
    """
    seen = dict[Hashable, int]()
    return np.array([seen.setdefault(each, place) for place, each in enumerate(said)], np.int64)


def _has_equal(first: np.ndarray) -> np.ndarray:
    return np.bincount(first, minlength=len(first))[first] > 1


def _lowest(scores: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The lowest different ones of each model that is not alone."""
    found = np.ones((len(scores), FEWEST_UNSURE))
    for model in np.flatnonzero(_has_equal(first)):
        lowest = np.unique(scores[model])[:FEWEST_UNSURE]
        found[model, : len(lowest)] = lowest
    return found


@dataclass(frozen=True, eq=False)
class RepeatSums:
    """Which models of each side are alike; None for one that has one model."""

    dense: _Alike | None
    compressed: _Alike | None

    @classmethod
    def of(cls, block: AuditBlock) -> RepeatSums | None:
        """Sums of a block; None where both sides have one model."""
        dense, compressed = (
            _Alike.of(side, block.classes) if len(side.labels) > 1 else None for side in (block.dense, block.compressed)
        )
        return None if dense is None and compressed is None else cls(dense, compressed)

    def __add__(self, other: RepeatSums) -> RepeatSums:
        return RepeatSums(
            None if self.dense is None or other.dense is None else self.dense + other.dense,
            None if self.compressed is None or other.compressed is None else self.compressed + other.compressed,
        )


def repeats(counted: Counted) -> dict[SideName, list[int]]:
    """Of each side on which one model is there again beyond doubt, its places.

    Models that say the same of all examples, as these are few or easy, or as they are dead, are left alone; so are
    labels whose truth is not known.
    """
    sums = counted.get(RepeatSums)
    if sums is None:
        return {}
    sides: dict[SideName, _Alike | None] = {"dense": sums.dense, "compressed": sums.compressed}
    found = {name: side.repeat() for name, side in sides.items() if side is not None}
    return {name: places for name, places in found.items() if places}
