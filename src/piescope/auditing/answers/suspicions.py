"""What makes an audit's numbers doubtful, told before them: classes named differently, answers that are none."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from piescope.auditing.answers.changed import ChangedSums
from piescope.auditing.answers.confusions import ConfusionSums
from piescope.auditing.audited import Audited
from piescope.auditing.tally import Counted
from piescope.measure.relabelling import Relabelling, relabelling
from piescope.reading.predictions import LabelColumn, Predictions
from piescope.store.audit_answers import SideName
from piescope.store.audit_inputs import (
    AuditWarning,
    LabelsRelabelled,
    NearChance,
    NeverAnswered,
    NoSharedNames,
    OneAnswer,
    Renamed,
    SideRelabelled,
)

MOST_NAMED = 20
"""Classes that a warning names."""

OFTEN = 10
"""Examples of a class that a side should have answered now and then."""

NEARLY_ALL = 0.95
"""Share of one class among a side's answers from which on it answers that class only ..."""

NOT_NEARLY_ALL = 0.8
"""... if of what it should answer at most this share is of that class."""

FEWEST_FOR_CHANCE = 50
"""Examples from which on an accuracy is compared with guessing."""

CLEARLY = 1.645
"""Standard errors that an accuracy must be above guessing; one-sided 5 %."""


def suspicions(counted: Counted) -> list[AuditWarning]:
    """The warnings of an audit, the gravest first.

    All are about modal labels. What a renaming explains is not said again as an accuracy near chance or as a class
    that is never answered.
    """
    audited = counted.audited
    if audited.is_right_or_wrong:
        return []
    tables = _Tables.of(counted)
    renamings: list[AuditWarning] = [*_sides(audited, tables), *_labels(audited, tables)]
    warnings = [*renamings, *_no_shared_names(audited)]
    return warnings if renamings else [*warnings, *_answers(tables, audited.matched.by == "id")]


@dataclass(frozen=True, eq=False)
class _Cells:
    """How often two ids come together: ``[cells]`` of each."""

    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, counts: Mapping[tuple[int, int], int]) -> _Cells:
        pairs = np.array(list(counts), np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1], np.array(list(counts.values()), np.int64))

    def agreeing(self, image: np.ndarray) -> int:
        """Examples whose second id is the image of the first."""
        return int(self.counts[image[self.first] == self.second].sum())

    def totals(self, ids: np.ndarray, classes: int) -> np.ndarray:
        return np.bincount(ids, self.counts, classes).astype(np.int64)

    def explained(self, classes: int) -> Relabelling | None:
        return relabelling(self.first, self.second, self.counts, classes)


@dataclass(frozen=True, eq=False)
class _Tables:
    """Counts of (dense, compressed), and of (true, dense) and (true, compressed) where the truth is known."""

    names: Sequence[str]
    examples: int
    pairs: _Cells
    of_truth: dict[SideName, _Cells]

    @classmethod
    def of(cls, counted: Counted) -> _Tables:
        sums, of_truth = counted.get(ConfusionSums), dict[SideName, _Cells]()
        if sums is not None:
            of_truth = {"dense": _Cells.of(sums.cells), "compressed": _Cells.of(sums.compressed)}
        pairs = _Cells.of(counted[ChangedSums].pairs)
        return cls(counted.audited.classes.names, counted.examples, pairs, of_truth)

    @property
    def classes(self) -> int:
        return len(self.names)

    @property
    def same(self) -> np.ndarray:
        """``[classes]``: no class renamed."""
        return np.arange(self.classes)

    def answers(self, side: SideName) -> np.ndarray:
        """``[classes]``, how often a side gives each."""
        return self.pairs.totals(self.pairs.first if side == "dense" else self.pairs.second, self.classes)

    @property
    def truth(self) -> np.ndarray | None:
        """``[classes]``, how often each is the true one."""
        return self.of_truth["dense"].totals(self.of_truth["dense"].first, self.classes) if self.of_truth else None

    def right(self, side: SideName) -> int:
        return self.of_truth[side].agreeing(self.same)

    def right_if(self, side: SideName, image: np.ndarray) -> float:
        """Share of a side's modal labels that are right when classes are renamed, percent."""
        return 100 * self.of_truth[side].agreeing(image) / self.examples

    def image_of(self, spelt: Mapping[str, str]) -> np.ndarray:
        """``[classes]``, what each is called where it is written differently."""
        index = {name: place for place, name in enumerate(self.names)}
        image = self.same
        for one, other in spelt.items():
            image[index[one]] = index[other]
        return image


def _sides(audited: Audited, tables: _Tables) -> list[AuditWarning]:
    """Whether the two sides call the same classes by other names or ids."""
    odd: SideName = "compressed"
    if tables.of_truth and tables.right("dense") < tables.right("compressed"):
        odd = "dense"
    spelt = _spelt_alike(*(_names(side.parts) for side in (audited.dense, audited.compressed)))
    if spelt:
        before, after = (
            tables.examples - tables.pairs.agreeing(image) for image in (tables.same, tables.image_of(spelt))
        )
        renamed, examples = _by_spelling(spelt, odd == "compressed"), tables.examples
        return [SideRelabelled(side=odd, renamed=renamed, examples=examples, before=before, after=after)]
    why = tables.pairs.explained(tables.classes)
    if why is None:
        return []
    renamed = _renamed(why, tables.names, second=odd == "compressed")
    return [SideRelabelled(side=odd, renamed=renamed, examples=why.examples, before=why.before, after=why.after)]


def _labels(audited: Audited, tables: _Tables) -> list[AuditWarning]:
    """Whether the labels call their classes otherwise than the side that is right more often."""
    if not tables.of_truth:
        return []
    best: SideName = "dense" if tables.right("dense") >= tables.right("compressed") else "compressed"
    spelt = _spelt_alike(_names([audited.truth]), _names(getattr(audited, best).parts))
    if spelt:
        image, renamed = tables.image_of(spelt), _by_spelling(spelt, second=False)
    else:
        why = tables.of_truth[best].explained(tables.classes)
        if why is None:
            return []
        image, renamed = why.image, _renamed(why, tables.names, second=False)
    dense, compressed = (
        (tables.right_if(side, tables.same), tables.right_if(side, image)) for side in ("dense", "compressed")
    )
    return [LabelsRelabelled(renamed=renamed, dense=dense, compressed=compressed)]


def _renamed(why: Relabelling, names: Sequence[str], second: bool) -> Renamed:
    """What to do to the second, or the first, to make it like the other."""
    moved = np.sort(why.moved) if why.kind == "swap" else why.moved
    pairs = [(names[int(one)], names[int(why.image[one])]) for one in moved]
    if second and why.kind != "swap":
        pairs = [(other, one) for one, other in pairs]
    by = None if why.kind != "shift" else -why.by if second else why.by
    return Renamed(how=why.kind, by=by, classes=tuple(pairs[:MOST_NAMED]), moved=len(pairs))


def _by_spelling(spelt: dict[str, str], second: bool) -> Renamed:
    pairs = [(other, one) if second else (one, other) for one, other in spelt.items()]
    return Renamed(how="spelling", by=None, classes=tuple(pairs[:MOST_NAMED]), moved=len(pairs))


def _names(parts: Sequence[Predictions | LabelColumn | None]) -> set[str] | None:
    """The names that occur in files of labels; None where any has ids or scores."""
    every = set[str]()
    for part in parts:
        names = part.class_names if isinstance(part, Predictions) else None if part is None else part.names
        if names is None or (isinstance(part, Predictions) and part.values != "labels"):
            return None
        every |= set(names)
    return every


def _spelt_alike(first: set[str] | None, second: set[str] | None) -> dict[str, str]:
    """Names that only the first has, and those that only the second has and that differ in how they are written."""
    if first is None or second is None:
        return {}
    one, other = ({_bare(name): name for name in sorted(names)} for names in (first - second, second - first))
    if len(one) != len(first - second) or len(other) != len(second - first):
        return {}  # cases of letters mean something here
    return {one[bare]: other[bare] for bare in one if bare in other}


def _bare(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or folded


def _no_shared_names(audited: Audited) -> list[AuditWarning]:
    if audited.matched.examples < 2:  # one other answer is a change as any
        return []
    known = {
        "dense": _names(audited.dense.parts),
        "compressed": _names(audited.compressed.parts),
        "labels": _names([audited.truth]),
    }
    warnings: list[AuditWarning] = []
    for one, other in (("dense", "compressed"), ("dense", "labels"), ("compressed", "labels")):
        first, second = known[one], known[other]
        if first and second and not first & second and not _spelt_alike(first, second):
            warnings.append(NoSharedNames(between=(one, other), names=(min(first), min(second))))
    return warnings


def _answers(tables: _Tables, has_sure_rows: bool) -> list[AuditWarning]:
    """What a side answers, and what it should: the true labels or, without them, what the other side answers."""
    warnings: list[AuditWarning] = []
    sides: tuple[tuple[SideName, SideName], ...] = (("dense", "compressed"), ("compressed", "dense"))
    for side, other in sides:
        said, truth = tables.answers(side), tables.truth
        against, wanted = ("labels", truth) if truth is not None else (other, tables.answers(other))
        one = _one_answer(side, said, wanted, against, tables.names)
        if truth is None and side == "dense" and (said + wanted).max() == 2 * said.sum() >= 2 * OFTEN:
            answer = tables.names[int(said.argmax())]  # both sides give it always: nothing can change
            one = OneAnswer(side=side, answer=answer, against=against, share=100.0, expected=100.0)
        if one is not None:
            warnings.append(one)
            continue
        warnings += _never_answered(side, said, wanted, against, tables.names)
        if truth is not None:
            warnings += _near_chance(side, tables.right(side), said, truth, has_sure_rows)
    return warnings


def _one_answer(
    side: SideName, said: np.ndarray, wanted: np.ndarray, against: str, names: Sequence[str]
) -> OneAnswer | None:
    total, most = said.sum(), int(said.argmax())
    share, expected = said[most] / total, wanted[most] / total
    if total - wanted[most] < OFTEN or share < NEARLY_ALL or expected > NOT_NEARLY_ALL:
        return None
    shares = {"share": float(100 * share), "expected": float(100 * expected)}
    return OneAnswer(side=side, answer=names[most], against=against, **shares)


def _never_answered(
    side: SideName, said: np.ndarray, wanted: np.ndarray, against: str, names: Sequence[str]
) -> list[AuditWarning]:
    never = np.flatnonzero((said == 0) & (wanted >= OFTEN))
    never = never[np.argsort(-wanted[never], kind="stable")]
    if not len(never):
        return []
    named = {names[place]: int(wanted[place]) for place in never[:MOST_NAMED]}
    classes, examples = tuple(named), tuple(named.values())
    return [NeverAnswered(side=side, classes=classes, examples=examples, count=len(never), against=against)]


def _near_chance(
    side: SideName, right: int, said: np.ndarray, truth: np.ndarray, has_sure_rows: bool
) -> list[AuditWarning]:
    total = int(truth.sum())
    if total < FEWEST_FOR_CHANCE or (truth > 0).sum() < 2:
        return []
    chance = float((said / total) @ (truth / total))
    if right > total * chance + CLEARLY * np.sqrt(total * chance * (1 - chance)):
        return []
    shares = {"accuracy": 100 * right / total, "chance": 100 * chance}
    return [NearChance(side=side, has_sure_rows=has_sure_rows, **shares)]
