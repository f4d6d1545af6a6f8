"""What of an arm's PIEs is signal: the rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from piescope.report.study.rows import ArmKey, Bounds, CsvCell, Row, Tables


@dataclass(frozen=True)
class NoiseRow(Row):
    """An arm's PIEs of all models, and between groups of models.

    ``observed``: between a dense and a pruned group; ``floor``: between two dense ones of the same two sizes
    (``dense_group``, ``pruned_group``); ``excess``: the difference. The groups never meet what ``null`` says.
    ``changed``: examples whose votes changed by more than chance, by the ``test`` that models were permuted in;
    ``confirmed``: PIEs among them. ``lasting``: PIEs that would stay with ever more models, no part of ``excess``: it
    may be above that, or below 0. ``taxicab``: mean distance of the two distributions of votes, 0 to 2, of all models;
    ``taxicab_seeds``: of the dense models and fresh ones. ``reason``: why the excess has
    no interval; empty: it has one.
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
    lasting: Bounds
    taxicab: float
    taxicab_seeds: float | None
    reason: str


@dataclass(frozen=True)
class PartRow(Row):
    """One part of the PIEs between groups: what seeds, fine-tuning, or missing weights make of them."""

    arm: ArmKey
    part: str
    pies: Bounds


@dataclass(frozen=True)
class ClassImpactRow(Row):
    """What pruning does to the recall of a class, in percent and percentage points (`piescope.measure.class_impact`).

    ``p_value`` and ``q_value`` are of the interval of ``impact``, over models and examples; those behind ``test`` of
    that test. ``p_lost_margin``, small: shown to have lost less than the margin; ``no_class_lost_margin``: of all
    classes of the arm, None where it cannot be told. ``reason``: why ``impact`` has no interval; empty: it has one.
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
    reason: str


class Chance(NamedTuple):
    """How many examples two sets would share by chance, the observed number over that, and a two-sided p-value."""

    expected: float
    ratio: float | None
    p_value: float | None


@dataclass(frozen=True)
class OverlapRow(Row):
    """PIEs that two arms share, which differ in ``compared``: ``objectives``, ``prunings`` or ``sparsities``.

    ``dense_models``: what the two sets share through them. ``chance``: were one set drawn at random; ``hard``: were it
    drawn at random among equally hard examples.
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
    """The PIE count of a number of models, mean over subsamples or ``drawn_out`` to more than there are.

    ``spread``: standard deviation over studies with other seeds; ``repeat_error``: within what share of the mean count
    95 of 100 of them would be, and ``error`` of ``limit``, the count with any number of models. Models that are
    ``enough`` bring these to 10 %; None: more than ``furthest``, of which these models can tell. Where nothing can be
    drawn out (`ReplicateCurve.reason`) there is no ``limit``, no ``error``, nor a row beyond the models that there are.
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
class ForgottenRow(Row):
    """Examples that change label in an arm, between all models, between groups, and between groups of dense models.

    ``is_clear``: the excess over the seeds is, among all arms together; None: it cannot be told.
    """

    arm: ArmKey
    changed: int
    in_groups: Bounds
    seeds: Bounds
    excess: Bounds
    is_clear: bool | None


@dataclass(frozen=True)
class IntersectionRow(Row):
    """Examples that are in exactly these sets of PIEs, each named by objective and pruning; a column for each set.

    ``by_chance``: were the sets independent; ``if_equally_hard``: among examples that dense models find equally hard.
    """

    members: dict[tuple[str, str], bool]
    examples: int
    by_chance: float
    if_equally_hard: Annotated[float, "by_chance_if_equally_hard"]

    def cells(self) -> dict[str, CsvCell]:
        """A value for each column."""
        sets: dict[str, CsvCell] = {" ".join(family): is_in for family, is_in in self.members.items()}
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
