"""One pass over all examples: everything that is counted, in memory that does not grow with their number.

What each example is goes to a temporary table on the way; `piescope.auditing.rows` reads it once more, when it is known
which p-values count as confirmed and what a confident model looks like.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from piescope.auditing.class_measures import MeasureSums
from piescope.auditing.groups import Groups
from piescope.auditing.pairs import PairShares, PairSums
from piescope.measure.accuracy import RightSums
from piescope.measure.calibration import CalibrationSums
from piescope.measure.label_errors import FEWEST_VOTERS, Thresholds, vote_probability
from piescope.measure.pies import votes
from piescope.reading.columns import column_of
from piescope.reading.labels import Classes
from piescope.reading.matching import Matched
from piescope.reading.parts import LabelColumn
from piescope.reading.sides import Side, SideBlock, block_size

SAMPLED = 10_000
"""Examples on which the noise floor is measured, drawn at random where there are more."""

SHIFT_BINS = 20

FEWEST_FOR_NOISE = 4
"""Dense models: two groups of two."""


Comparison = Literal["one against one", "vote against vote", "mean over pairs of models"]
"""What is counted: labels of single models; modal labels of equally many; or of single models, over all pairs."""


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
    """

    dense: Side
    compressed: Side
    matched: Matched
    classes: Classes
    truth: LabelColumn | None
    groups: tuple[Groups, ...] = ()
    seed: int = 0
    is_paired: bool = False

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


@dataclass
class Tallied:
    """What was counted.

    Attributes:
        examples: how many there are.
        changed: modal labels that differ.
        flips: lost, rescued and moved examples, by modal label.
        right: sums of right answers by true class.
        groups: sums of right answers for each column of metadata.
        group_flips: ``[groups, 2]`` lost and rescued by modal label, for each column.
        class_flips: ``[classes, 3]`` lost, rescued and changed by modal label.
        modal_right: how many modal labels of either side are right.
        pairs: modal labels of either side, (dense, compressed) -> examples.
        measured: what precision, F1, ROC AUC and the like need.
        cells: modal confusion of the dense side, (true, predicted) -> examples.
        moved: changed examples, (true, dense, compressed) -> examples.
        calibration: of either side.
        true_probability: summed over examples, of either side.
        shift: histogram of the change of the true label's probability.
        thresholds: of confident dense models.
        p_values: of changed examples, p -> how many.
        sample: ``[models, sampled]`` labels of either side, for the noise floor.
        one_to_one: what is counted in place of modal labels where the sides have other numbers of models.
        rows: the temporary table, one row an example.
    """

    rows: Path
    examples: int = 0
    changed: int = 0
    flips: Counter[str] = field(default_factory=Counter)
    right: RightSums | None = None
    groups: list[RightSums] = field(default_factory=list)
    group_flips: list[np.ndarray] = field(default_factory=list)
    class_flips: np.ndarray | None = None
    modal_right: list[int] = field(default_factory=lambda: [0, 0])
    measured: MeasureSums = field(default_factory=MeasureSums)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    cells: Counter[tuple[int, int]] = field(default_factory=Counter)
    moved: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    calibration: list[CalibrationSums] = field(default_factory=list)
    confidence: list[float] = field(default_factory=lambda: [0.0, 0.0])
    true_probability: list[float] = field(default_factory=lambda: [0.0, 0.0])
    shift: np.ndarray = field(default_factory=lambda: np.zeros(SHIFT_BINS, np.int64))
    thresholds: Thresholds | None = None
    p_values: Counter[float] = field(default_factory=Counter)
    sample: tuple[list[np.ndarray], list[np.ndarray]] = field(default_factory=lambda: ([], []))
    one_to_one: PairSums | None = None


def tally(audited: Audited, folder: Path, on_block: Callable[[int], None] = lambda _done: None) -> Tallied:
    """Counts everything that the answers need.

    Args:
        audited: what is compared.
        folder: for the temporary table.
        on_block: hears how many examples are done.

    Raises:
        InputError: values that are no labels or probabilities, found on the way.
    """
    handle, name = tempfile.mkstemp(".parquet", "rows-", folder)
    with open(handle, "wb") as sink:  # noqa: PTH123 - a descriptor
        found = Tallied(Path(name))
        count = audited.matched.examples
        step = block_size(audited.dense, audited.compressed)
        tests = _Tests()
        sampled = _sampled_rows(audited)
        writer: parquet.ParquetWriter | None = None
        try:
            for start in range(0, count, step):
                stop = min(start + step, count)
                rows = _add(found, audited, start, stop, tests, sampled)
                writer = writer or parquet.ParquetWriter(sink, rows.schema, compression="lz4")
                writer.write_batch(rows)
                on_block(stop)
        finally:
            if writer is not None:
                writer.close()
    return found


def _sampled_rows(audited: Audited) -> np.ndarray:
    if len(audited.dense.models) < FEWEST_FOR_NOISE or len(audited.compressed.models) < 2:
        return np.zeros(0, np.int64)
    count = audited.matched.examples
    if count <= SAMPLED:
        return np.arange(count)
    return np.sort(np.random.default_rng(audited.seed).choice(count, SAMPLED, replace=False))


def true_labels(audited: Audited, start: int, stop: int) -> np.ndarray | None:
    """``[examples]`` class ids of some examples; None where they are not known."""
    if audited.truth is None:
        return None
    codes = audited.truth.codes.part(audited.matched.rows_of("labels", start, stop))
    table = audited.classes.table(audited.truth.names, audited.truth.source, "labels")
    return codes if table is None else table[codes]


def _add(found: Tallied, audited: Audited, start: int, stop: int, tests: _Tests, sampled: np.ndarray) -> pa.RecordBatch:
    classes = audited.classes.count
    blocks = [side.block(audited.matched, start, stop) for side in (audited.dense, audited.compressed)]
    truth = true_labels(audited, start, stop)
    counts = [votes(block.labels, classes) if len(block.labels) > 1 else None for block in blocks]
    modal = [
        block.labels[0].astype(np.int64) if counted is None else counted.argmax(1)
        for block, counted in zip(blocks, counts, strict=True)
    ]
    shares = [
        np.ones(stop - start) if counted is None else counted.max(1) / len(block.labels)
        for block, counted in zip(blocks, counts, strict=True)
    ]
    changed = modal[0] != modal[1]
    target = modal[0] if truth is None else truth.astype(np.int64)
    found.examples += stop - start
    found.changed += int(changed.sum())
    found.pairs.update(_counted(modal[0], modal[1], classes=classes))
    probabilities = _probabilities(found, audited, blocks, target)
    if truth is not None:
        _count_right(found, audited, blocks, modal, target, start, stop)
        found.measured.add(audited, blocks, target)
    pairs = _count_pairs(found, audited, blocks, None if truth is None else target)
    if probabilities is None:  # the share of models that give the label takes the place of its probability
        harm = (blocks[0].labels == target).mean(0) - (blocks[1].labels == target).mean(0)
    else:
        harm = (probabilities[0] - probabilities[1]).astype(np.float64)
    _watch_labels(found, audited, blocks[0], target, truth)
    p_values = np.full(stop - start, np.nan)
    if counts[0] is not None and counts[1] is not None:
        p_values = tests.of(counts[0], counts[1], changed)
    found.p_values.update(p_values[changed & np.isfinite(p_values)].tolist())
    chosen = sampled[(sampled >= start) & (sampled < stop)] - start
    if len(chosen):
        for kept, block in zip(found.sample, blocks, strict=True):
            kept.append(block.labels[:, chosen].astype(np.int32))
    confidences = [None if block.confidence is None else block.confidence.mean(0) for block in blocks]
    columns: dict[str, np.ndarray] = {
        "row": np.arange(start, stop),
        "label": np.full(stop - start, -1, np.int32) if truth is None else target.astype(np.int32),
        "dense": modal[0].astype(np.int32),
        "compressed": modal[1].astype(np.int32),
        "harm": harm.astype(np.float32),
        "dense_share": shares[0].astype(np.float32),
        "compressed_share": shares[1].astype(np.float32),
        "p_value": p_values,
        "sureness": sureness(blocks[0], modal[0]).astype(np.float32),
    }
    for name, values in zip(
        ("dense_probability", "compressed_probability"), probabilities or (None, None), strict=True
    ):
        columns[name] = np.full(stop - start, np.nan, np.float32) if values is None else values
    for name, values in zip(("dense_confidence", "compressed_confidence"), confidences, strict=True):
        columns[name] = np.full(stop - start, np.nan, np.float32) if values is None else values
    if pairs is not None:
        columns["changed_share"] = pairs.changed
        for name, values in (("lost_share", pairs.lost), ("won_share", pairs.won)):
            columns[name] = np.full(stop - start, np.nan) if values is None else values
    return pa.record_batch([column_of(values) for values in columns.values()], list(columns))


def _probabilities(
    found: Tallied, audited: Audited, blocks: Sequence[SideBlock], target: np.ndarray
) -> list[np.ndarray] | None:
    """``[examples]`` mean probability of the target on each side; counts the shift."""
    for place, block in enumerate(blocks):
        if block.confidence is not None:
            found.confidence[place] += float(block.confidence.mean(0, dtype=np.float64).sum())
    if not audited.has_scores:
        return None
    means = []
    for place, block in enumerate(blocks):
        of_target = block.probability_of(target)
        assert of_target is not None
        means.append(of_target.mean(0))
        found.true_probability[place] += float(means[-1].sum(dtype=np.float64))
    shift = np.clip(((means[1] - means[0] + 1) * SHIFT_BINS / 2).astype(int), 0, SHIFT_BINS - 1)
    found.shift += np.bincount(shift, minlength=SHIFT_BINS)
    return means


def _count_right(
    found: Tallied,
    audited: Audited,
    blocks: Sequence[SideBlock],
    modal: Sequence[np.ndarray],
    truth: np.ndarray,
    start: int,
    stop: int,
) -> None:
    classes = audited.classes.count
    right = [block.labels == truth for block in blocks]
    sums = RightSums.of(right[0], right[1], truth, classes, audited.has_pairs)
    found.right = sums if found.right is None else found.right + sums
    is_right = [side == truth for side in modal]
    changed = modal[0] != modal[1]
    lost, rescued = is_right[0] & ~is_right[1], ~is_right[0] & is_right[1]
    found.flips.update(
        {"lost": int(lost.sum()), "rescued": int(rescued.sum()), "moved": int((changed & ~lost & ~rescued).sum())}
    )
    for place, side in enumerate(is_right):
        found.modal_right[place] += int(side.sum())
    by_class = np.stack([np.bincount(truth[mask], minlength=classes) for mask in (lost, rescued, changed)], axis=1)
    found.class_flips = by_class if found.class_flips is None else found.class_flips + by_class
    found.cells.update(_counted(truth, modal[0], classes=classes))
    found.moved.update(_counted(truth[changed], modal[0][changed], modal[1][changed], classes=classes))
    for place, group in enumerate(audited.groups):
        codes = group.codes.part(audited.matched.rows_of("metadata", start, stop))
        of_groups = RightSums.of(right[0], right[1], codes, len(group.values), audited.has_pairs)
        flips = np.stack([np.bincount(codes[mask], minlength=len(group.values)) for mask in (lost, rescued)], axis=1)
        if place == len(found.groups):
            found.groups.append(of_groups)
            found.group_flips.append(flips)
        else:
            found.groups[place] = found.groups[place] + of_groups
            found.group_flips[place] = found.group_flips[place] + flips
    if audited.has_scores:
        found_sums = [CalibrationSums.of(block.confidence, side) for block, side in zip(blocks, right, strict=True)]
        found.calibration = (
            [a + b for a, b in zip(found.calibration, found_sums, strict=True)] if found.calibration else found_sums
        )


def _count_pairs(
    found: Tallied, audited: Audited, blocks: Sequence[SideBlock], truth: np.ndarray | None
) -> PairShares | None:
    """Flips of one model against one, where the sides have other numbers of models."""
    if audited.comparison != "mean over pairs of models":
        return None
    dense, compressed = (block.labels for block in blocks)
    shares = PairShares.of(dense, compressed, truth)
    sums = PairSums.of(dense, compressed, truth, shares, audited.classes.count)
    found.one_to_one = sums if found.one_to_one is None else found.one_to_one + sums
    return shares


def _watch_labels(
    found: Tallied,
    audited: Audited,
    block: SideBlock,
    target: np.ndarray,
    truth: np.ndarray | None,
) -> None:
    """How sure the dense side is of each class where the label is that class."""
    if truth is None or not can_suspect_labels(audited):
        return
    of_label = sureness(block, target)
    sums = Thresholds.of(of_label, target, audited.classes.count)
    found.thresholds = sums if found.thresholds is None else found.thresholds + sums


def can_suspect_labels(audited: Audited) -> bool:
    """Whether the dense side can be confident at all: it has probabilities, or enough models to vote."""
    return audited.dense.has_scores or len(audited.dense.models) >= FEWEST_VOTERS


def sureness(block: SideBlock, target: np.ndarray) -> np.ndarray:
    """``[examples]`` probability of a label: the models' mean, or what their votes speak for."""
    of_label = block.probability_of(target)
    if of_label is not None:
        return np.asarray(of_label.mean(0))
    return vote_probability((block.labels == target).mean(0), len(block.labels))


def _counted(*columns: np.ndarray, classes: int) -> dict[Any, int]:
    """How often each row of class ids occurs."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        code = code * classes + column
    different, counts = np.unique(code, return_counts=True)
    rows = []
    for _ in columns:
        different, place = np.divmod(different, classes)
        rows.append(place)
    return dict(zip(zip(*(row.tolist() for row in reversed(rows)), strict=True), counts.tolist(), strict=True))


class _Tests:
    """Permutation p-values of changed examples; equal votes are tested once."""

    def __init__(self) -> None:
        self._known: dict[bytes, float] = {}

    def of(self, dense: np.ndarray, compressed: np.ndarray, changed: np.ndarray) -> np.ndarray:
        """``[examples]``; NaN where the label did not change: those need no test."""
        p_values = np.full(len(changed), np.nan)
        if not changed.any():
            return p_values
        patterns = _patterns(dense[changed], compressed[changed])
        different, which = np.unique(patterns.reshape(len(patterns), -1), axis=0, return_inverse=True)
        keys = [row.tobytes() for row in different]
        unseen = [place for place, key in enumerate(keys) if key not in self._known]
        if unseen:
            from piescope.measure.significance import vote_p_values

            rows = different[unseen].reshape(len(unseen), 2, -1)
            for place, p_value in zip(unseen, vote_p_values(rows[:, 0], rows[:, 1]).tolist(), strict=True):
                self._known[keys[place]] = p_value
        p_values[changed] = np.array([self._known[key] for key in keys])[which.reshape(-1)]
        return p_values


WIDTH = 8
"""Classes that votes are kept for at least, so that a pattern has one form whatever else is in its block."""


def _patterns(dense: np.ndarray, compressed: np.ndarray) -> np.ndarray:
    """``[examples, 2, classes]`` int16: votes of either side, classes without votes dropped, in one order for all."""
    size = int(compressed[0].sum()) + 1
    order = np.argsort(-(dense * size + compressed), axis=1, kind="stable")
    most = int(((dense + compressed) > 0).sum(1).max())
    width = -(-max(most, WIDTH) // WIDTH) * WIDTH
    chosen = order[:, :width]
    found = np.stack([np.take_along_axis(side, chosen, axis=1) for side in (dense, compressed)], axis=1)
    short = width - found.shape[2]
    return np.pad(found, ((0, 0), (0, 0), (0, max(0, short)))).astype(np.int16)
