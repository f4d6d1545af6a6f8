"""What the page of a study gives its explorer: every example in every arm, from what a report reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from piescope.measure.alignment import aligned_onto
from piescope.measure.neighbours import nearest_by_angle
from piescope.report.layout.explorer_data import (
    ArmShown,
    ArrayName,
    Axis,
    Cells,
    ExcessShown,
    ExplorerData,
    Head,
    Level,
    Packed,
    SideShown,
    SpriteSheets,
    Start,
)
from piescope.report.layout.sprites import sprites, without_picture
from piescope.report.study.forgotten import Forgotten, headline_arm
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey, finite
from piescope.report.study.words import OBJECTIVES_IN_FULL, family_name, hues_and_dashes
from piescope.store import layout
from piescope.wording import as_percent

FITTED_ALONE = (
    "Each map was fitted alone, by an earlier version, and then turned and scaled onto the dense one: that an example "
    "lies elsewhere says little. Running the study again fits the maps of an objective together."
)

MAP_STEPS = 1023
"""Of a side of a map: about the pixels of its drawing."""

NEIGHBOURS = 10
"""Nearest examples that are kept of each."""

MANY = 10_000
"""Examples from which on a page may be larger."""

MOST_READ = 500_000_000
"""Bytes of predictions that are read for probabilities: about two seconds; of more models there are none."""

ROOM, ROOM_OF_MANY = 13_500_000, 23_000_000
"""Characters of all that the explorer gets; the rest of 15 and of 25 million is the page's."""


def study_explorer(results: Results, rows: Sequence[Forgotten]) -> ExplorerData | None:
    """All that the explorer of a study's page shows; None where nothing is compared.

    Sides are the objectives' dense arms, arms their prunings; controls are left out, and so is an arm whose dense arm
    is not complete. ``score`` and neighbours are read from predictions, and null where those are not kept: neighbours
    are those of `nearest_by_angle` in the first dense model's representations. Maps of an objective that were fitted
    together are shown as they are, those that were each fitted alone are turned, mirrored and scaled onto the dense
    one (`aligned_onto`) and a note says so; all of an objective lie on one scale of 0 to 1.
    """
    dense_arms = [results.find(name, "dense", 0.0) for name in results.objectives()]
    by_objective = {dense.objective: dense for dense in dense_arms if dense is not None}
    by_arm = {row.arm.key: row for row in rows if row.arm.objective in by_objective}
    arms = [row.arm for row in by_arm.values()]
    objectives = [name for name in by_objective if any(arm.objective == name for arm in arms)]
    if not arms:
        return None
    packer = _Packer(results, [*(by_objective[name] for name in objectives), *arms])
    truth = packer.packed.whole("truth", results.labels, len(results.class_names) - 1)
    sides = tuple(packer.side(by_objective[name]) for name in objectives)
    families = list(dict.fromkeys(arm.key.family for arm in arms))
    styles = hues_and_dashes(families)
    shown = tuple(
        ArmShown(
            key="/".join(family),
            name=family_name(*family),
            side=objectives.index(family[0]),
            hue=styles[family][0],
            dash=styles[family][1],
            levels=tuple(
                packer.level(by_arm[arm.key], by_objective[family[0]])
                for arm in sorted(arms, key=lambda arm: arm.sparsity)
                if arm.key.family == family
            ),
        )
        for family in families
    )
    pictures, left_out = packer.pictures(arms)
    first = headline_arm(list(by_arm.values()))
    assert first is not None, "there are arms"
    head = Head(
        kind="study",
        title=results.study.title,
        axis=Axis("sparsity", "%"),
        classes=tuple(results.class_names),
        ids=results.data.ids,
        truth=truth,
        sides=sides,
        arms=shown,
        pictures=pictures,
        start=Start("/".join(first.arm.key.family), first.arm.sparsity),
    )
    maps = (FITTED_ALONE,) if any(arm.is_fitted_alone for arm in arms) else ()
    return ExplorerData(head, packer.packed, (*maps, *without_picture(left_out, len(results.labels))))


class _Packer:
    """Arrays of the arms that are shown."""

    def __init__(self, results: Results, shown: list[ArmResult]) -> None:
        self.packed = Packed()
        self._results = results
        self._classes, self._examples = len(results.class_names), len(results.labels)
        self._spans = {name: _span([arm.columns[f"pruned_{name}"] for arm in shown]) for name in ("q", "depth")}
        self._maps = _maps(shown)
        stored = sum(kept.manifest.files[layout.PREDICTIONS].bytes for arm in shown for kept in arm.predictions)
        self._has_scores = stored <= MOST_READ

    def side(self, dense: ArmResult) -> SideShown:
        neighbours = self._neighbours(dense)
        name = OBJECTIVES_IN_FULL.get(dense.objective, dense.objective)
        return SideShown(dense.objective, name, len(dense.labels), self._cells(dense, None), neighbours)

    def level(self, row: Forgotten, dense: ArmResult) -> Level:
        arm, excess = row.arm, row.excess
        return Level(
            value=arm.sparsity,
            label=as_percent(arm.sparsity),
            models=len(arm.labels),
            cells=self._cells(arm, dense),
            seeds=row.seeds.value,
            excess=None if excess.value is None else ExcessShown(excess.value, excess.low, excess.high),
            is_clear=row.is_clear,
            accuracy=finite(arm.summary.accuracy_mean),
        )

    def _cells(self, arm: ArmResult, dense: ArmResult | None) -> Cells:
        packed, name, label = self.packed, "/".join(map(str, arm.key)), arm.columns["pruned_label"]
        side, truth = None if dense is None else "/".join(map(str, dense.key)), self._results.labels

        def votes(part: str, classes: np.ndarray, near: ArrayName | None = None) -> ArrayName:
            return packed.whole(f"{name}/{part}", (arm.labels == classes).sum(0), len(arm.labels), near)

        modal = votes("modal", label)
        return Cells(
            label=packed.whole(f"{name}/label", label, self._classes - 1, side and f"{side}/label"),
            modal=modal,
            right=votes("right", truth, modal),
            dense=None if dense is None else votes("dense", dense.columns["pruned_label"], modal),
            confirmed=None if dense is None else packed.whole(f"{name}/confirmed", arm.columns["is_confirmed"], 1),
            score=packed.measured(f"{name}/score", arm.probabilities(truth) if self._has_scores else None, (0.0, 1.0)),
            q=packed.measured(f"{name}/q", arm.columns["pruned_q"], self._spans["q"]),
            depth=packed.measured(f"{name}/depth", arm.columns["pruned_depth"], self._spans["depth"]),
            map=self._map(arm, dense),
        )

    def _map(self, arm: ArmResult, dense: ArmResult | None) -> ArrayName | None:
        near = "/".join(map(str, (*dense.key, "map"))) if dense is not None and dense.key in self._maps else None
        name = "/".join(map(str, (*arm.key, "map")))
        return self.packed.measured(name, self._maps.get(arm.key), (0.0, 1.0), MAP_STEPS, near)

    def _neighbours(self, dense: ArmResult) -> ArrayName | None:
        representations = dense.representations()
        count = min(NEIGHBOURS, self._examples - 1)
        if representations is None or count < 1:
            return None
        nearest = nearest_by_angle(representations, count)
        return self.packed.whole(f"{dense.objective}/neighbours", nearest, self._examples - 1)

    def pictures(self, arms: list[ArmResult]) -> tuple[SpriteSheets | None, int]:
        """Of all examples, or of as many as there is room for: those that most arms change."""
        changes = np.sum([arm.is_pie for arm in arms], axis=0)
        ranked = np.argsort(-changes, kind="stable").tolist()
        room = ROOM if self._examples <= MANY else ROOM_OF_MANY
        left = room - self.packed.characters() - sum(map(len, self._results.data.ids))
        return sprites(self.packed, self._pixels, ranked, self._examples, left)

    def _pixels(self, example: int) -> np.ndarray:
        image = self._results.images[example]
        return np.ascontiguousarray((image[:3] if len(image) >= 3 else image[[0, 0, 0]]).transpose(1, 2, 0))


def _span(columns: list[np.ndarray]) -> tuple[float, float]:
    """The lowest and the highest of all that is known."""
    known = np.concatenate(columns)
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _maps(shown: list[ArmResult]) -> dict[ArmKey, np.ndarray]:
    """Maps of ``[examples, 2]``: each objective's on the same axes, together in a square of 0 to 1."""
    placed = dict[ArmKey, np.ndarray]()
    for objective in dict.fromkeys(arm.objective for arm in shown):
        maps = dict(_aligned([arm for arm in shown if arm.objective == objective]))
        if maps:
            every = np.concatenate(list(maps.values()))
            low, high = every.min(0), every.max(0)
            size = float((high - low).max()) or 1.0
            placed |= {key: 0.5 + (points - (low + high) / 2) / size for key, points in maps.items()}
    return placed


def _aligned(arms: list[ArmResult]) -> Iterator[tuple[ArmKey, np.ndarray]]:
    """The maps that there are; on axes of their own they are laid onto the first: the dense one."""
    known = [(arm, arm.embedding.astype(np.float64)) for arm in arms if arm.embedding is not None]
    for arm, points in known:
        yield arm.key, aligned_onto(points, known[0][1]) if arm.is_fitted_alone else points
