"""A block of examples: what both sides say of them, computed once for all that is counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from piescope.auditing.audited import Audited
from piescope.auditing.votes import VoteTests
from piescope.measure.label_errors import vote_probability
from piescope.measure.pies import votes
from piescope.reading.arrow import column_of
from piescope.reading.sides import Side, SideBlock


@dataclass(frozen=True, eq=False)
class BlockSide:
    """What one side says of a block.

    Attributes:
        said: labels ``[models, examples]`` and scores.
        votes: ``[examples, classes]``; None: one model.
        modal: ``[examples]`` int64, the most frequent label.
        share: ``[examples]``, of the models that give it.
        target: ``[examples]``, the true label; where it is not known, that of the dense side.
        truth: the true label; None: it is not known.
    """

    said: SideBlock
    votes: np.ndarray | None
    modal: np.ndarray
    share: np.ndarray
    target: np.ndarray
    truth: np.ndarray | None

    @property
    def labels(self) -> np.ndarray:
        """``[models, examples]`` class ids."""
        return self.said.labels

    @cached_property
    def right(self) -> np.ndarray:
        """``[models, examples]``, whether each model is right; there must be true labels."""
        return np.asarray(self.said.labels == self.truth)

    @cached_property
    def modal_right(self) -> np.ndarray:
        """``[examples]``, whether the modal label is right; there must be true labels."""
        return np.asarray(self.modal == self.truth)

    @cached_property
    def probability(self) -> np.ndarray | None:
        """``[examples]``, mean probability of the target; None: labels only."""
        of_target = self.said.probability_of(self.target)
        return None if of_target is None else np.asarray(of_target.mean(0))

    def sureness(self, label: np.ndarray) -> np.ndarray:
        """``[examples]`` probability of a label: the models' mean, or what their votes speak for."""
        of_label = self.said.probability_of(label)
        if of_label is not None:
            return np.asarray(of_label.mean(0))
        return vote_probability((self.labels == label).mean(0), len(self.labels))


@dataclass(frozen=True, eq=False)
class AuditBlock:
    """The examples from ``start`` to ``stop``.

    Attributes:
        audited: what is compared.
        start: the first.
        stop: one after the last.
        dense: the side before.
        compressed: the side after.
        truth: ``[examples]`` int64; None: not known.
        p_values: ``[examples]`` of "the votes did not change"; NaN where the label did not, and for single models.
    """

    audited: Audited
    start: int
    stop: int
    dense: BlockSide
    compressed: BlockSide
    truth: np.ndarray | None
    p_values: np.ndarray

    @staticmethod
    def of(audited: Audited, start: int, stop: int, tests: VoteTests) -> AuditBlock:
        """Reads both sides.

        Raises:
            InputError: values that are no labels or probabilities.
        """
        first, second = (side.block(audited.matched, start, stop) for side in (audited.dense, audited.compressed))
        truth = audited.true_labels(start, stop)
        counted, modal, share = _modal(first, audited.dense)
        target = modal if truth is None else truth
        dense = BlockSide(first, counted, modal, share, target, truth)
        compressed = BlockSide(second, *_modal(second, audited.compressed), target, truth)
        p_values = np.full(stop - start, np.nan)
        if dense.votes is not None and compressed.votes is not None:
            p_values = tests.of(dense.votes, compressed.votes, dense.modal != compressed.modal)
        return AuditBlock(audited, start, stop, dense, compressed, truth, p_values)

    @property
    def examples(self) -> int:
        """How many there are."""
        return self.stop - self.start

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.audited.classes.count

    @property
    def sides(self) -> tuple[BlockSide, BlockSide]:
        """Both of them, dense first."""
        return self.dense, self.compressed

    @cached_property
    def changed(self) -> np.ndarray:
        """``[examples]``, whether the modal labels differ."""
        return np.asarray(self.dense.modal != self.compressed.modal)

    @cached_property
    def lost(self) -> np.ndarray:
        """``[examples]``, whether the modal label was right and is wrong; there must be true labels."""
        return np.asarray(self.dense.modal_right & ~self.compressed.modal_right)

    @cached_property
    def rescued(self) -> np.ndarray:
        """``[examples]``, whether it was wrong and is right."""
        return np.asarray(~self.dense.modal_right & self.compressed.modal_right)

    @cached_property
    def pairs(self) -> PairShares | None:
        """Shares of pairs of models in which something happens; None where modal labels are compared."""
        if self.audited.comparison != "mean over pairs of models":
            return None
        return PairShares.of(self.dense.labels, self.compressed.labels, self.truth)

    @property
    def harm(self) -> np.ndarray:
        """``[examples]``, by how much the target's probability fell, or the share of models that give it."""
        before, after = (side.probability for side in self.sides)
        if before is None or after is None:
            return np.asarray(
                (self.dense.labels == self.dense.target).mean(0)
                - (self.compressed.labels == self.compressed.target).mean(0)
            )
        return (before - after).astype(np.float64)

    def rows(self) -> pa.RecordBatch:
        """A row an example, for `piescope.auditing.rows`."""
        nothing = np.full(self.examples, np.nan, np.float32)
        has_scores = self.audited.has_scores
        columns: dict[str, np.ndarray] = {
            "row": np.arange(self.start, self.stop),
            "label": (np.full(self.examples, -1) if self.truth is None else self.truth).astype(np.int32),
            "harm": self.harm.astype(np.float32),
            "p_value": self.p_values,
            "sureness": self.dense.sureness(self.dense.modal).astype(np.float32),
        }
        for name, side in (("dense", self.dense), ("compressed", self.compressed)):
            confidence = side.said.confidence
            columns |= {
                name: side.modal.astype(np.int32),
                f"{name}_share": side.share.astype(np.float32),
                f"{name}_probability": nothing if side.probability is None or not has_scores else side.probability,
                f"{name}_confidence": nothing if confidence is None else confidence.mean(0),
            }
        if len(self.dense.labels) > 1 or len(self.compressed.labels) > 1:
            columns |= self._votes()
        if self.pairs is not None:
            shares = {"changed_share": self.pairs.changed, "lost_share": self.pairs.lost, "won_share": self.pairs.won}
            columns |= {
                name: np.full(self.examples, np.nan) if values is None else values for name, values in shares.items()
            }
        return pa.record_batch([column_of(values) for values in columns.values()], list(columns))

    def _votes(self) -> dict[str, np.ndarray]:
        """Shares of models, ``[examples]``: that are right (NaN: not known), and that say what the dense side says."""
        nothing = np.full(self.examples, np.nan, np.float32)
        right = {f"{name}_right": side for name, side in (("dense", self.dense), ("compressed", self.compressed))}
        return {
            **{
                name: nothing if self.truth is None else side.right.mean(0, dtype=np.float32)
                for name, side in right.items()
            },
            "compressed_as_before": (self.compressed.labels == self.dense.modal).mean(0, dtype=np.float32),
        }


def _modal(said: SideBlock, side: Side) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Votes, modal labels and the share of models that give them."""
    models, examples = said.labels.shape
    if models == 1:
        return None, said.labels[0].astype(np.int64), np.ones(examples)
    counted = votes(said.labels, side.classes.count)
    return counted, counted.argmax(1), counted.max(1) / models


@dataclass(frozen=True)
class PairShares:
    """Of each example the share of pairs (a dense model, a compressed one) in which something happens, 0 to 1.

    Attributes:
        changed: ``[examples]``, the labels differ.
        lost: ``[examples]``, the dense one is right and the compressed one wrong; None: no true labels.
        won: ``[examples]``, the other way round.
    """

    changed: np.ndarray
    lost: np.ndarray | None
    won: np.ndarray | None

    @staticmethod
    def of(dense: np.ndarray, compressed: np.ndarray, truth: np.ndarray | None) -> PairShares:
        """Shares of a block, from labels ``[models, examples]`` and true ones ``[examples]``."""
        changed = np.mean([(dense != model).mean(0) for model in compressed], axis=0)
        if truth is None:
            return PairShares(changed, None, None)
        before, after = (dense == truth).mean(0), (compressed == truth).mean(0)
        return PairShares(changed, before * (1 - after), (1 - before) * after)
