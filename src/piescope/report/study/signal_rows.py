"""What of an arm's PIEs is signal: the rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from piescope.report.study.rows import ArmKey, Bounds, Cell, Row, Tables


@dataclass(frozen=True)
class NoiseRow(Row):
    """An arm's PIEs, of all models and between groups of equal size, and what seeds alone would make.

    Attributes:
        arm: which.
        n_models: how many.
        pies: of all models.
        null: which dense models its groups do not meet.
        dense_group: models in a group of dense ones.
        pruned_group: likewise of its own.
        splits: into groups.
        observed: PIEs between a dense and a pruned group.
        floor: between two dense groups.
        excess: the difference.
        changed: examples whose votes changed by more than chance.
        confirmed: PIEs among them.
        test: how models were permuted.
        smallest_p_value: that so many models can give.
    """

    arm: ArmKey
    n_models: int
    pies: int
    null: str
    dense_group: int
    pruned_group: int
    splits: int
    observed: Bounds
    floor: Bounds
    excess: Bounds
    changed: int
    confirmed: int
    test: str
    smallest_p_value: float


@dataclass(frozen=True)
class PartRow(Row):
    """One part of the PIEs between groups: what seeds, fine-tuning, or missing weights make of them."""

    arm: ArmKey
    part: str
    pies: Bounds


@dataclass(frozen=True)
class ClassImpactRow(Row):
    """What pruning does to a class (`piescope.measure.class_impact`).

    Attributes:
        arm: the pruned one.
        label: the class.
        examples: of the class.
        dense_recall: mean over models, in percent.
        pruned_recall: likewise.
        change: of the recall, in percentage points.
        impact: the change beyond that of the mean accuracy, with its interval over models and examples.
        effect_size: Hedges' g.
        p_value: of the interval's test.
        q_value: adjusted for the number of classes.
        test: ``paired`` or ``hooker``.
        test_p_value: of that test.
        test_q_value: adjusted.
        p_lost_margin: small: shown to have lost less than the margin.
        p_equivalent: small: shown to have neither lost nor gained the margin.
        no_class_lost_margin: of all classes of the arm; None: not to be told.
    """

    arm: ArmKey
    label: Annotated[str, "class"]
    examples: int
    dense_recall: float | None
    pruned_recall: float | None
    change: float | None
    impact: Annotated[Bounds, "impact", "low", "high"]
    effect_size: float | None
    p_value: float | None
    q_value: float | None
    test: str
    test_p_value: float | None
    test_q_value: float | None
    p_lost_margin: float | None
    p_equivalent: float | None
    no_class_lost_margin: bool | None


class Chance(NamedTuple):
    """How many examples two sets would share by chance, the observed number over that, and a two-sided p-value."""

    expected: float
    ratio: float | None
    p_value: float | None


@dataclass(frozen=True)
class OverlapRow(Row):
    """PIEs that two arms share.

    Attributes:
        compared: in what the two differ: ``objectives``, ``prunings`` or ``sparsities``.
        a: one arm.
        b: the other.
        dense_models: what the two sets share through them.
        pies_a: in one set.
        pies_b: in the other.
        observed: in both.
        chance: were one set drawn at random.
        hard: were it drawn at random among equally hard examples.
    """

    compared: str
    a: ArmKey
    b: ArmKey
    dense_models: str
    pies_a: int
    pies_b: int
    observed: int
    chance: Annotated[Chance, "expected", "ratio", "p_value"]
    hard: Annotated[Chance, "hard_expected", "hard_ratio", "hard_p_value"]


@dataclass(frozen=True)
class ReplicateRow(Row):
    """The PIE count of a number of models.

    Attributes:
        arm: whose.
        models: how many.
        drawn_out: more than there are.
        pies: mean over subsamples, or foretold.
        spread: standard deviation over studies with other seeds.
        repeat_error: within what share of the mean count 95 of 100 such studies would be.
        error: likewise of the count with any number of models.
        limit: the count with any number of models.
        enough_to_repeat: models for a ``repeat_error`` of 10 %; None: more than ``furthest``.
        enough: likewise for ``error``.
        furthest: what these models can tell of.
    """

    arm: ArmKey
    models: int
    drawn_out: bool
    pies: float
    spread: float
    repeat_error: float | None
    error: float | None
    limit: Bounds
    enough_to_repeat: int | None
    enough: int | None
    furthest: int


@dataclass(frozen=True)
class ForetoldRow(Row):
    """The PIE count to expect of a study with so many models, as `ReplicateRow`; ``seen``: models that there are."""

    arm: ArmKey
    models: int
    pies: float
    repeat_error: float | None
    limit: Bounds
    enough_to_repeat: int | None
    furthest: int
    seen: int


@dataclass(frozen=True)
class PredictorRow(Row):
    """How well a score of the dense models foretells a dense model's ``error``, or being a ``PIE`` of an arm."""

    arm: ArmKey
    event: str
    score: str
    auroc: Annotated[Bounds, "auroc", "low", "high"]


@dataclass(frozen=True)
class IntersectionRow(Row):
    """Examples that are in exactly these sets of PIEs; a column for each set.

    Attributes:
        members: objective and pruning of each set, and whether the examples are in it.
        examples: how many.
        by_chance: were the sets independent.
        if_equally_hard: were they independent among examples that the dense models find equally hard.
    """

    members: dict[tuple[str, str], bool]
    examples: int
    by_chance: float
    if_equally_hard: Annotated[float, "by_chance_if_equally_hard"]

    def cells(self) -> dict[str, Cell]:
        """A value for each column."""
        sets: dict[str, Cell] = {" ".join(family): is_in for family, is_in in self.members.items()}
        numbers = super().cells()
        del numbers["members"]
        return sets | numbers


@dataclass(frozen=True)
class SignalTables(Tables):
    """The tables of "signal or noise"."""

    noise: list[NoiseRow]
    decomposition: list[PartRow]
    class_impact: list[ClassImpactRow]
    overlap: list[OverlapRow]
    replicates: list[ReplicateRow]
    predictors: list[PredictorRow]
