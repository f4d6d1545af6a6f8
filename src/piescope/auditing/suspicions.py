"""What makes an audit's numbers doubtful, told before them: classes named differently, answers that are none."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from piescope.auditing.tally import Audited, Tallied
from piescope.measure.relabelling import Relabelling, relabelling
from piescope.reading.files import fault
from piescope.reading.parts import LabelColumn, Predictions

SideName = Literal["dense", "compressed"]
SIDES: tuple[SideName, SideName] = ("dense", "compressed")

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


@dataclass(frozen=True)
class Renamed:
    """How classes would have to be renamed.

    Attributes:
        how: ``shift``, ``swap`` or ``permutation`` of class ids; ``spelling``: the same names, written differently.
        by: what is to be added to the ids, of a shift; None for the others.
        classes: pairs of a name as given and the name that it should be, the most frequent first, at most 20.
        moved: how many pairs there are.
    """

    how: Literal["shift", "swap", "permutation", "spelling"]
    by: int | None
    classes: list[list[str]]
    moved: int


@dataclass(frozen=True)
class SideRelabelled:
    """One renaming of one side's classes explains most of the changes.

    Attributes:
        side: whose classes would be renamed: with true labels the side that is right less often, else the compressed.
        renamed: how.
        examples: all of them.
        before: examples whose labels differ as given.
        after: examples whose labels differ when that side's classes are renamed.
        kind: of the warning.
    """

    side: SideName
    renamed: Renamed
    examples: int
    before: int
    after: int
    kind: str = field(default="side_relabelled", init=False)


@dataclass(frozen=True)
class LabelsRelabelled:
    """One renaming of the true labels makes a side right.

    Attributes:
        renamed: how.
        dense: share of modal labels that are right, in percent: as given, and with renamed labels.
        compressed: likewise.
        kind: of the warning.
    """

    renamed: Renamed
    dense: list[float]
    compressed: list[float]
    kind: str = field(default="labels_relabelled", init=False)


@dataclass(frozen=True)
class NoSharedNames:
    """Two files of class names have none in common.

    Attributes:
        between: two of ``dense``, ``compressed`` and ``labels``.
        names: a name of each.
        kind: of the warning.
    """

    between: list[str]
    names: list[str]
    kind: str = field(default="no_shared_names", init=False)


@dataclass(frozen=True)
class OneAnswer:
    """A side answers (nearly) one class only.

    Attributes:
        side: which.
        answer: that class.
        share: of its answers, percent.
        expected: share of that class in what it is compared with, percent.
        against: what that is: ``labels``, ``dense`` or ``compressed``.
        kind: of the warning.
    """

    side: SideName
    answer: str
    share: float
    expected: float
    against: str
    kind: str = field(default="one_answer", init=False)


@dataclass(frozen=True)
class NeverAnswered:
    """Classes that a side never answers, though there are examples of them.

    Attributes:
        side: which.
        classes: by name, the most frequent first, at most 20.
        examples: of each of these in what it is compared with.
        count: how many such classes there are.
        against: what that is: ``labels``, ``dense`` or ``compressed``.
        kind: of the warning.
    """

    side: SideName
    classes: list[str]
    examples: list[int]
    count: int
    against: str
    kind: str = field(default="never_answered", init=False)


@dataclass(frozen=True)
class NearChance:
    """A side is right no more often than guesses that give each class as often would be.

    Attributes:
        side: which.
        accuracy: share of modal labels that are right, percent.
        chance: expected of such guesses, percent.
        has_sure_rows: rows were matched by id: no other order of them explains it.
        kind: of the warning.
    """

    side: SideName
    accuracy: float
    chance: float
    has_sure_rows: bool
    kind: str = field(default="near_chance", init=False)


Warned = SideRelabelled | LabelsRelabelled | NoSharedNames | OneAnswer | NeverAnswered | NearChance


def suspicions(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    """The warnings of audit.json, the gravest first: each its ``kind`` and what is known of it.

    All are about modal labels. What a renaming explains is not said again as an accuracy near chance or as a class
    that is never answered.
    """
    tables = _Tables.of(audited, tallied)
    found: list[Warned] = [*_sides(audited, tables), *_labels(audited, tables)]
    found += _no_shared_names(audited)
    if not any(isinstance(each, SideRelabelled | LabelsRelabelled) for each in found):
        found += _answers(tables, audited.matched.by == "id")
    return [{"kind": each.kind, **asdict(each)} for each in found]


@dataclass(frozen=True, eq=False)
class _Cells:
    """How often two ids come together: ``[cells]`` of each."""

    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, found: Mapping[tuple[int, int], int]) -> _Cells:
        pairs = np.array(list(found), np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1], np.array(list(found.values()), np.int64))

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
    def of(cls, audited: Audited, tallied: Tallied) -> _Tables:
        of_truth: dict[SideName, _Cells] = {}
        if tallied.right is not None:
            after = Counter(tallied.cells)
            for (true, dense, compressed), count in tallied.moved.items():
                after[true, dense] -= count
                after[true, compressed] += count
            of_truth = {"dense": _Cells.of(tallied.cells), "compressed": _Cells.of(+after)}
        return cls(audited.classes.names, tallied.examples, _Cells.of(tallied.pairs), of_truth)

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

    def image_of(self, spelt: Mapping[str, str]) -> np.ndarray:
        """``[classes]``, what each is called where it is written differently."""
        index = {name: place for place, name in enumerate(self.names)}
        image = self.same
        for one, other in spelt.items():
            image[index[one]] = index[other]
        return image


def _sides(audited: Audited, tables: _Tables) -> list[Warned]:
    """Whether the two sides call the same classes by other names or ids."""
    odd: SideName = "compressed"
    if tables.of_truth and tables.right("dense") < tables.right("compressed"):
        odd = "dense"
    spelt = _spelt_alike(*(_names(side.parts) for side in (audited.dense, audited.compressed)))
    if spelt:
        before, after = (
            tables.examples - tables.pairs.agreeing(image) for image in (tables.same, tables.image_of(spelt))
        )
        return [SideRelabelled(odd, _by_spelling(spelt, odd == "compressed"), tables.examples, before, after)]
    found = tables.pairs.explained(tables.classes)
    if found is None:
        return []
    renamed = _renamed(found, tables.names, second=odd == "compressed")
    return [SideRelabelled(odd, renamed, found.examples, found.before, found.after)]


def _labels(audited: Audited, tables: _Tables) -> list[Warned]:
    """Whether the labels call their classes otherwise than the side that is right more often."""
    if not tables.of_truth:
        return []
    best: SideName = "dense" if tables.right("dense") >= tables.right("compressed") else "compressed"
    spelt = _spelt_alike(_names([audited.truth]), _names(getattr(audited, best).parts))
    if spelt:
        image, renamed = tables.image_of(spelt), _by_spelling(spelt, second=False)
    else:
        found = tables.of_truth[best].explained(tables.classes)
        if found is None:
            return []
        image, renamed = found.image, _renamed(found, tables.names, second=False)
    dense, compressed = (
        [100 * tables.of_truth[side].agreeing(each) / tables.examples for each in (tables.same, image)]
        for side in SIDES
    )
    return [LabelsRelabelled(renamed, dense, compressed)]


def _renamed(found: Relabelling, names: Sequence[str], second: bool) -> Renamed:
    """What to do to the second, or the first, to make it like the other."""
    moved = np.sort(found.moved) if found.kind == "swap" else found.moved
    pairs = [(int(one), int(found.image[one])) for one in moved]
    as_given = [
        [names[other], names[one]] if second and found.kind != "swap" else [names[one], names[other]]
        for one, other in pairs
    ]
    by = None if found.kind != "shift" else -found.by if second else found.by
    return Renamed(found.kind, by, as_given[:MOST_NAMED], len(as_given))


def _by_spelling(spelt: dict[str, str], second: bool) -> Renamed:
    pairs = [[other, one] if second else [one, other] for one, other in spelt.items()]
    return Renamed("spelling", None, pairs[:MOST_NAMED], len(pairs))


def _names(parts: Sequence[Predictions | LabelColumn | None]) -> set[str] | None:
    """The names that occur in files of labels; None where any has ids or scores."""
    found: set[str] = set()
    for part in parts:
        names = part.class_names if isinstance(part, Predictions) else None if part is None else part.names
        if names is None or (isinstance(part, Predictions) and part.values != "labels"):
            return None
        found |= set(names)
    return found


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


def _no_shared_names(audited: Audited) -> list[Warned]:
    known = {
        "dense": _names(audited.dense.parts),
        "compressed": _names(audited.compressed.parts),
        "labels": _names([audited.truth]),
    }
    found: list[Warned] = []
    for one, other in (("dense", "compressed"), ("dense", "labels"), ("compressed", "labels")):
        first, second = known[one], known[other]
        if first and second and not first & second and not _spelt_alike(first, second):
            found.append(NoSharedNames([one, other], [min(first), min(second)]))
    return found


def _answers(tables: _Tables, has_sure_rows: bool) -> list[Warned]:
    """What a side answers, and what it should: the true labels or, without them, what the other side answers."""
    found: list[Warned] = []
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        said, truth = tables.answers(side), tables.truth
        against, wanted = ("labels", truth) if truth is not None else (other, tables.answers(other))
        one = _one_answer(side, said, wanted, against, tables.names)
        if one is not None:
            found.append(one)
            continue
        found += _never_answered(side, said, wanted, against, tables.names)
        if truth is not None:
            found += _near_chance(side, tables.right(side), said, truth, has_sure_rows)
    return found


def _one_answer(
    side: SideName, said: np.ndarray, wanted: np.ndarray, against: str, names: Sequence[str]
) -> OneAnswer | None:
    total, most = said.sum(), int(said.argmax())
    share, expected = said[most] / total, wanted[most] / total
    if total - wanted[most] < OFTEN or share < NEARLY_ALL or expected > NOT_NEARLY_ALL:
        return None
    return OneAnswer(side, names[most], float(100 * share), float(100 * expected), against)


def _never_answered(
    side: SideName, said: np.ndarray, wanted: np.ndarray, against: str, names: Sequence[str]
) -> list[Warned]:
    never = np.flatnonzero((said == 0) & (wanted >= OFTEN))
    never = never[np.argsort(-wanted[never], kind="stable")]
    if not len(never):
        return []
    shown = never[:MOST_NAMED]
    return [
        NeverAnswered(
            side, [names[place] for place in shown], [int(wanted[place]) for place in shown], len(never), against
        )
    ]


def _near_chance(side: SideName, right: int, said: np.ndarray, truth: np.ndarray, has_sure_rows: bool) -> list[Warned]:
    total = int(truth.sum())
    if total < FEWEST_FOR_CHANCE or (truth > 0).sum() < 2:
        return []
    chance = float((said / total) @ (truth / total))
    if right > total * chance + CLEARLY * np.sqrt(total * chance * (1 - chance)):
        return []
    return [NearChance(side, 100 * right / total, 100 * chance, has_sure_rows)]


TOLERANCE = 1.0
"""Points by which the accuracy that a user remembers may be off."""


def check_accuracy(expected: float, content: Mapping[str, Any], source: str) -> None:
    """Refuses an audit whose dense side is not as accurate as the user knows it to be: the files were misread.

    Args:
        expected: accuracy of the dense side, percent.
        content: of audit.json: ``accuracy``, ``warnings``, ``n_examples``.
        source: of the dense predictions.

    Raises:
        InputError: there are no true labels; or the 95 % interval of the accuracy excludes all of ``expected`` and
            the point around it.
    """
    accuracy = content["accuracy"]
    if accuracy is None:
        cure = "name the true labels, --labels FILE, or leave --expect-accuracy out"
        raise fault(source, "--expect-accuracy", "no true labels", "labels to tell an accuracy by", cure)
    low, high = (accuracy["dense"] if end is None else end for end in accuracy["dense_interval"])
    if low - TOLERANCE <= expected <= high + TOLERANCE:
        return
    raise fault(
        source,
        "--expect-accuracy",
        f"a dense accuracy of {accuracy['dense']:.1f} % (95 % interval {low:.1f} to {high:.1f})",
        f"{expected:g} %",
        _likely_reason(content["warnings"], content["inputs"]["matched_by"]),
    )


def _likely_reason(warnings: Sequence[Mapping[str, Any]], matched_by: str) -> str:
    for row in warnings:
        if row["kind"] == "labels_relabelled":
            what = _in_short(row["renamed"], "the labels")
            return (
                f"{what} the dense side would be right in {row['dense'][1]:.1f} %: write labels and predictions alike"
            )
        if row["kind"] == "side_relabelled" and row["side"] == "dense":
            what = _in_short(row["renamed"], "the dense side")
            return f"{what} all but {row['after']:,} of {row['examples']:,} answers would be those of the other side"
        if row["kind"] == "no_shared_names" and "labels" in row["between"]:
            return f"the labels call a class {row['names'][1]!r}, the predictions {row['names'][0]!r}: write them alike"
    rows = (
        "rows in another order (ids in all files rule that out), " if matched_by == "row" else "ids of other examples, "
    )
    return f"likely causes: {rows}classes in another order, labels of another split, or another file: check these"


def _in_short(renamed: Mapping[str, Any], whose: str) -> str:
    if renamed["how"] == "shift":
        return f"if the ids of {whose} were shifted by {renamed['by']:+d},"
    pairs = ", ".join(f"{given} as {read}" for given, read in renamed["classes"][:3])
    return f"if {whose} were read otherwise ({pairs}{' ...' if renamed['moved'] > 3 else ''})"
