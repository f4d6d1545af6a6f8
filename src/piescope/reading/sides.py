"""One side of the comparison, block by block: what each of its models says of each example, and how surely."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Float32, Integer

from piescope.reading.evidence import SUM_TOLERANCE
from piescope.reading.files import fault
from piescope.reading.hints import Values
from piescope.reading.labels import Classes
from piescope.reading.matching import Matched
from piescope.reading.predictions import Predictions

BLOCK_BYTES = 2**26
"""Of scores that are held at once, both sides together."""

MOST_VOTES = 2**22
"""Of examples x classes that are held at once."""

MOST_ROWS = 2**16
"""Examples in a block."""


@dataclass(frozen=True, eq=False)
class SideBlock:
    """What one side says of a block of examples.

    Attributes:
        labels: ``[models, examples]``, class ids.
        confidence: ``[models, examples]``, probability of the label given, 0 to 1; None: labels only.
    """

    labels: Integer[np.ndarray, "models examples"]
    confidence: Float32[np.ndarray, "models examples"] | None
    _scores: tuple[_Scores, ...] = ()

    def probability_of(self, target: Integer[np.ndarray, " examples"]) -> Float32[np.ndarray, "models examples"] | None:
        """``[models, examples]``, probability of some label of each example; None: labels only."""
        if self.confidence is None:
            return None
        return np.stack([scores.probability_of(target) for scores in self._scores])

    def in_top(self, target: Integer[np.ndarray, " examples"], most: int) -> Bool[np.ndarray, "models examples"]:
        """``[models, examples]``, whether a label is among so many with the highest scores; ties to the smaller id."""
        return np.stack([scores.in_top(target, most) for scores in self._scores])

    def odds(self) -> Float[np.ndarray, "models examples columns"]:
        """``[models, examples, classes]``, what to rank examples by for each class; of two classes, one column.

        Ranked as the probabilities are, but so that those very near 1 stay apart.
        """
        return np.stack([scores.odds() for scores in self._scores])


@dataclass(frozen=True, eq=False)
class _Scores:
    """One model's scores of a block, and what makes probabilities of them."""

    values: np.ndarray
    largest: np.ndarray
    total: np.ndarray
    is_logits: bool
    columns: np.ndarray | None

    def confidence(self) -> np.ndarray:
        return np.asarray((1.0 if self.is_logits else self.largest) / self.total, np.float32)

    def probability_of(self, target: np.ndarray) -> np.ndarray:
        places = target if self.columns is None else self.columns[target]
        chosen = self.values[np.arange(len(places)), places].astype(np.float32)
        if self.is_logits:
            chosen = np.exp(chosen - self.largest)
        return np.asarray(chosen / self.total, np.float32)

    def in_top(self, target: np.ndarray, most: int) -> np.ndarray:
        every = np.arange(len(target))
        chosen = self.values[every, target if self.columns is None else self.columns[target]]
        is_in = np.asarray((self.values >= chosen[:, None]).sum(1) <= most)
        unsure = np.flatnonzero(~is_in)  # too low, or one of equals
        scores = self._by_class(self.values[unsure])
        before = np.arange(scores.shape[1]) < target[unsure, None]
        above = scores > chosen[unsure, None]
        is_in[unsure] = (above | ((scores == chosen[unsure, None]) & before)).sum(1) < most
        return is_in

    def odds(self) -> np.ndarray:
        scores = self._by_class(self.values)
        if scores.shape[1] == 2:
            return scores[:, 1:] - scores[:, :1] if self.is_logits else scores[:, 1:]
        if not self.is_logits:
            return scores
        shifted = scores.astype(np.float64) - self.largest[:, None]
        powers = np.exp(shifted)
        rest = powers.sum(1, keepdims=True) - powers
        every, first = np.arange(len(powers)), powers.argmax(1)
        powers[every, first] = 0.0  # the rest of the largest, without a difference of nearly equal numbers
        rest[every, first] = powers.sum(1)
        with np.errstate(divide="ignore"):
            return np.asarray(shifted - np.log(rest), np.float32)

    def _by_class(self, values: np.ndarray) -> np.ndarray:
        return values if self.columns is None else values[:, self.columns]


class Side:
    """The models of one side, from one file or several.

    Args:
        name: ``dense`` or ``compressed``.
        parts: what the files say.
        classes: that all files speak of.
    """

    def __init__(self, name: str, parts: Sequence[Predictions], classes: Classes) -> None:
        self.name, self.parts, self.classes = name, tuple(parts), classes
        kinds = {part.values for part in parts}
        self.has_scores = "labels" not in kinds
        self.values: Values = "labels" if not self.has_scores else "logits" if "logits" in kinds else "probabilities"
        self.is_mixed = "labels" in kinds and len(kinds) > 1
        self._tables = [classes.table(part.class_names, part.source, name, part.values == "labels") for part in parts]
        self.models = tuple(model for part in parts for model in part.models)

    @property
    def bytes_an_example(self) -> int:
        """What a block holds for each example."""
        return sum((part.num_classes or 1) * len(part.models) * part.array.dtype.itemsize for part in self.parts)

    def block(self, matched: Matched, start: int, stop: int) -> SideBlock:
        """What this side says of the examples from ``start`` to ``stop``.

        Raises:
            InputError: NaN, probabilities that do not sum to 1, or ids out of range.
        """
        labels: list[np.ndarray] = []
        scores: list[_Scores] = []
        for place, (part, table) in enumerate(zip(self.parts, self._tables, strict=True)):
            rows = matched.rows_of(f"{self.name} {place}", start, stop)
            if part.values == "labels":
                codes = part.labels(rows)
                if table is None and codes.size and codes.max() >= self.classes.count:
                    expected = f"below {self.classes.count}, the number of classes"
                    raise fault(part.source, self.name, f"class id {codes.max()}", expected, "check --classes")
                labels.append(codes if table is None else table[codes])
            else:
                values = part.scores(rows)
                with ThreadPoolExecutor(os.cpu_count()) as pool:
                    read = partial(_read, part=part, table=table, name=lambda row: matched.identity(start + row))
                    models = list(pool.map(read, values))
                labels.append(np.stack([said for said, _ in models]))
                scores += [model for _, model in models]
            part.array.release()
        joined = labels[0] if len(labels) == 1 else np.concatenate(labels)
        if not self.has_scores:
            return SideBlock(joined, None)
        confidence = np.stack([model.confidence() for model in scores])
        return SideBlock(joined, confidence, tuple(scores))


def block_size(dense: Side, compressed: Side) -> int:
    """Examples in a block, so that memory depends neither on their number nor on that of models and classes."""
    by_scores = BLOCK_BYTES // max(1, dense.bytes_an_example + compressed.bytes_an_example)
    return int(max(1, min(MOST_ROWS, by_scores, MOST_VOTES // max(1, dense.classes.count))))


def _read(
    values: np.ndarray, part: Predictions, table: np.ndarray | None, name: Callable[[int], str]
) -> tuple[np.ndarray, _Scores]:
    """Labels of one model's scores ``[examples, classes]``, checked, and what makes probabilities of them."""
    scores = values if values.dtype in (np.float32, np.float64) else values.astype(np.float32)
    columns = None
    if table is not None:  # the first of equal scores is the class with the smallest id
        columns = np.argsort(table)
        said = scores[:, columns].argmax(1)
    else:
        said = scores.argmax(1)
    is_logits = part.values == "logits"
    top = scores[np.arange(len(scores)), said if columns is None else columns[said]]
    with np.errstate(over="ignore"):
        largest = top.astype(np.float32)
    if is_logits:
        with np.errstate(invalid="ignore", over="ignore"):  # from the score before it is rounded
            total = np.exp((scores - top[:, None]).astype(np.float32, copy=False)).sum(1)
    else:
        total = scores.sum(1, dtype=np.float32)
    broken = ~(np.isfinite(total) & np.isfinite(largest))
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        cure = "leave the diverged model or the broken examples out"
        found = "a score beyond what 32 bits hold" if np.isfinite(top[row]) else "NaN or infinity"
        raise fault(part.source, f"example {name(row)}", found, "finite scores", cure)
    if not is_logits:
        off = (np.abs(total - 1) > SUM_TOLERANCE) | (scores.min(1) < -1e-6)
        if off.any():
            row = int(np.flatnonzero(off)[0])
            found = f"probabilities that sum to {total[row]:.3g}, the smallest {scores[row].min():.3g}"
            expected = "probabilities of 0 or more that sum to 1"
            raise fault(part.source, f"example {name(row)}", found, expected, "say --values logits if these are scores")
    return said, _Scores(scores, largest, total, is_logits, columns)
