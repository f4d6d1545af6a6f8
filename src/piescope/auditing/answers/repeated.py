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

FEWEST_APART = 20
"""Examples in which two other models would have differed: errors they share, or answers that a third one does not."""

FEWEST_UNSURE = 10
"""Confidences, likewise."""


@dataclass(frozen=True, eq=False)
class _Alike:
    """The models of one side that are alike, and by what others would have differed.

    Attributes:
        first: ``[models]``, the first model that says the same of all examples: itself, where none does.
        answers: ``[models, classes]``, how often each is answered; zeros for who is alone.
        errors: ``[models, classes]``, how often wrongly; likewise, and zeros where the truth is not known.
        lowest: ``[models, FEWEST_UNSURE]``, the lowest different confidences, in order; 1 for who is alone, and none.
        apart: examples of which not all models say the same.
    """

    first: np.ndarray
    answers: np.ndarray
    errors: np.ndarray
    lowest: np.ndarray
    apart: int

    @staticmethod
    def of(side: BlockSide, classes: int) -> _Alike:
        labels, confidence, models = side.labels, side.said.confidence, len(side.labels)
        scores = np.zeros((models, 0)) if confidence is None else confidence
        first = _firsts((said.tobytes(), score.tobytes()) for said, score in zip(labels, scores, strict=True))
        answers, errors = (np.zeros((models, classes), np.int64) for _ in range(2))
        for model in np.flatnonzero(_has_equal(first)):
            answers[model] = np.bincount(labels[model], minlength=classes)
            if side.truth is not None:
                errors[model] = np.bincount(labels[model][~side.right[model]], minlength=classes)
        return _Alike(first, answers, errors, _lowest(scores, first), int((labels != labels[0]).any(0).sum()))

    def __add__(self, other: _Alike) -> _Alike:
        first = _firsts(zip(self.first.tolist(), other.first.tolist(), strict=True))
        counts = _has_equal(first)[:, None].astype(np.int64)
        return _Alike(
            first=first,
            answers=counts * (self.answers + other.answers),
            errors=counts * (self.errors + other.errors),
            lowest=_lowest(np.concatenate([self.lowest, other.lowest], axis=1), first),
            apart=self.apart + other.apart,
        )

    def repeat(self) -> tuple[int, int] | None:
        """A model and the first that it surely is again."""
        for model, first in enumerate(self.first.tolist()):
            if model != first and self._is_sure(model):
                return first, model
        return None

    def _is_sure(self, model: int) -> bool:
        """Networks that are dead say one thing alike, so the most frequent answer is no evidence."""
        often = self.answers[model].argmax()
        others = np.delete(self.answers[model], often).sum()
        errors = np.delete(self.errors[model], often).sum()
        return bool(
            self.lowest[model, -1] < UNSURE
            or errors >= FEWEST_APART
            or (others >= FEWEST_APART and self.apart >= FEWEST_APART)
        )


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


def repeats(counted: Counted) -> dict[SideName, tuple[int, int]]:
    """Of each side on which one model is there twice beyond doubt, its places: the first two.

    Models that are different, yet say the same of all examples, as these are few or easy, are left alone.
    """
    sums = counted.get(RepeatSums)
    if sums is None:
        return {}
    sides: dict[SideName, _Alike | None] = {"dense": sums.dense, "compressed": sums.compressed}
    found = {name: side.repeat() for name, side in sides.items() if side is not None}
    return {name: places for name, places in found.items() if places is not None}
