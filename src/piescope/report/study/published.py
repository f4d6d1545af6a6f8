"""The paper's tables beside this run's: value, difference, and whether the comparison is a fair one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from piescope.report.study.frames import DepthRow, PiesRow, QScoreRow
from piescope.report.study.results import Results
from piescope.report.study.rows import ArmKey, CsvCell, Row
from piescope.spec import Spec

QUANTITIES: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("pies", ""), ("accuracy_mean", "accuracy_std")),
    3: (("hooker2019_pies", ""),),
    4: (("q_mean", "q_std"), ("z_mean", "z_std"), ("l1_mean", "l1_std")),
    5: (("q_mean", "q_std"), ("z_mean", "z_std"), ("l1_mean", "l1_std")),
    6: (("pie_mean", "pie_std"), ("non_pie_mean", "non_pie_std")),
}
"""What each of the paper's tables holds, and its spread; Table 3 repeats Table 1 beside counts of Hooker et al."""

NAMES = {
    "pies": "PIEs per 10,000",
    "hooker2019_pies": "PIEs per 10,000 (Hooker et al. 2019)",
    "accuracy_mean": "accuracy, %",
    "q_mean": "Q-Score",
    "z_mean": "Z-Score",
    "l1_mean": "L1 norm",
    "pie_mean": "depth of PIEs",
    "non_pie_mean": "depth of others",
}


@dataclass(frozen=True)
class PaperRow:
    """A line of one of the paper's tables: an arm and its numbers, by quantity."""

    arm: ArmKey
    values: dict[str, float]


class Conditions(Spec):
    """Under which the paper's numbers were made.

    ``image_size`` is height and width; ``models`` are of an arm, ``depth_models`` those of prediction depth; ``epochs``
    are of an objective's training, of a contrastive one's encoder.
    """

    data: str
    train_examples: int
    test_examples: int
    image_size: int
    model: str
    models: int
    depth_models: int
    epochs: dict[str, int]


class Finding(Spec):
    """What the paper says, what a run ``needs`` to be asked about it, and a note on what a verdict does not say.

    ``needs_fair``: what is lacking where a run has no fair comparison for it; ``needs_kept``: where it has the arms.
    """

    id: str
    statement: str
    needs: str
    note: str = ""
    needs_fair: str = ""
    needs_kept: str = ""
    only_where_classes_differ: bool = False


@dataclass(frozen=True)
class Published:
    """The paper as data: its findings, the rows of tables 1, 3, 4, 5 and 6, and their conditions."""

    conditions: Conditions
    tables: dict[int, tuple[PaperRow, ...]]
    findings: tuple[Finding, ...]


@cache
def published() -> Published:
    """What the paper prints."""
    path = resources.files("piescope.report.study") / "published" / "corti2022.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = {number: tuple(map(_paper_row, content[f"table{number}"]["rows"])) for number in QUANTITIES}
    findings = tuple(map(Finding.model_validate, content["findings"]))
    return Published(Conditions.model_validate(content["conditions"]), tables, findings)


def _paper_row(cells: dict[str, float]) -> PaperRow:
    arm = ArmKey(*(cells.pop(name) for name in ArmKey._fields))  # type: ignore[arg-type]
    return PaperRow(arm, cells)


def paper_value(table: int, objective: str, pruning: str, sparsity: float, quantity: str) -> float | None:
    """One cell; None where the paper has none.

    Example:
        >>> paper_value(1, "supcon", "gmp", 0.9, "pies")
        748
    """
    values = (row.values for row in published().tables[table] if row.arm == (objective, pruning, sparsity))
    return next(values, {}).get(quantity)


@dataclass(frozen=True)
class PublishedRow(Row):
    """One of the paper's numbers beside this run's, which is None where it was not measured.

    ``in_spreads``: the difference over sqrt((paper's std^2 + this run's std^2) / 2); None where one has none (PIEs).
    """

    table: int
    arm: ArmKey
    quantity: str
    paper: float
    paper_std: float | None
    this_run: float | None
    this_run_std: float | None
    difference: float | None
    in_spreads: float | None

    @property
    def is_count(self) -> bool:
        """Whether it counts PIEs: per 10,000, so without decimals."""
        return "PIEs per" in self.quantity


def published_rows(
    results: Results, pies: list[PiesRow], scores: list[QScoreRow], depths: list[DepthRow]
) -> list[PublishedRow]:
    """A row per published number whose arm this run has; PIE counts of both are per 10,000 test examples."""
    own: dict[ArmKey, dict[str, CsvCell]] = {}
    measured: list[PiesRow | QScoreRow | DepthRow] = [*pies, *scores, *depths]
    for row in measured:
        own.setdefault(row.arm, {}).update(row.cells())
    scale = 10_000 / len(results.labels)
    return [
        _beside(table, line, quantity, spread, own[line.arm], scale)
        for table, quantities in QUANTITIES.items()
        for line in published().tables[table]
        if line.arm in own
        for quantity, spread in quantities
        if quantity in line.values
    ]


def _beside(
    table: int, line: PaperRow, quantity: str, spread: str, own: dict[str, CsvCell], scale: float
) -> PublishedRow:
    paper, paper_std = line.values[quantity], line.values.get(spread)
    is_count = quantity in ("pies", "hooker2019_pies")
    here, here_std = _number(own["pies" if is_count else quantity]), _number(own.get(spread))
    if here is not None and is_count:
        here = here * scale
    difference = None if here is None else here - paper
    known = [std for std in (paper_std, here_std) if std]
    in_spreads = None
    if difference is not None and len(known) == 2:
        in_spreads = difference / float(np.sqrt(np.mean(np.square(known))))
    return PublishedRow(table, line.arm, NAMES[quantity], paper, paper_std, here, here_std, difference, in_spreads)


def _number(cell: CsvCell) -> float | None:
    assert not isinstance(cell, str), "quantities are numbers"
    return cell


def unfair_because(results: Results) -> list[str]:
    """In what the run's scale is not the paper's; empty where a comparison of numbers is fair.

    The recipe's other departures (rates, augmentation, pruning) are listed on their own.
    """
    conditions, study, data = published().conditions, results.study, results.data
    pairs: list[tuple[str, str | int, str | int]] = [
        ("data set", data.source, conditions.data),
        ("training images", data.train_examples, conditions.train_examples),
        ("test images", data.test_examples, conditions.test_examples),
        ("image height", data.image_shape[1], conditions.image_size),
        ("network", study.model, conditions.model),
        ("models an arm", study.models_per_arm, conditions.models),
    ]
    for objective, epochs in conditions.epochs.items():
        for training in study.trainings_of(objective)[:1]:  # of contrastive ones the encoder's
            pairs.append((f"epochs of {objective} training", training.epochs, epochs))
    if study.depth is not None:
        pairs.append(("models of prediction depth", study.depth.models, conditions.depth_models))
        if len(results.probe_points) != 16:
            pairs.append(("probes of prediction depth", len(results.probe_points), 16))
    return [f"{name}: {_text(here)} instead of {_text(there)}" for name, here, there in pairs if here != there]


def _text(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value
