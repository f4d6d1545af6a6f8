"""Signal or noise: what of an arm's PIEs seeds alone would make, what the rest hangs on, how sure that is. Rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import combinations, pairwise

import numpy as np

from piescope.measure.class_equivalence import class_equivalence, no_class_lost_more
from piescope.measure.class_impact import class_impact
from piescope.measure.flips import adjusted_p_values
from piescope.measure.intervals import FALSE_DISCOVERIES, NO_SPREAD, Interval
from piescope.measure.noise_floor import Floor, NoiseFloor, Null, excess_difference
from piescope.measure.overlap import OverlapTest, expected_intersections, overlap_test
from piescope.measure.pies import pie_mask, taxicab_distance, vote_entropy
from piescope.measure.ranking import mean_auroc_interval
from piescope.measure.replicates import ReplicateCurve, Subsamples
from piescope.report.study.predictors import DenseScores
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey, Bounds, finite
from piescope.report.study.signal_rows import (
    Chance,
    ClassImpactRow,
    ForetoldRow,
    IntersectionRow,
    NoiseRow,
    OverlapRow,
    PartRow,
    PredictorRow,
    ReplicateRow,
    SignalTables,
)

MARGIN = 1.0
"""Percentage points of recall that a class may lose and still count as kept."""

DRAWN_OUT = (2, 4)
"""The PIE count is drawn out to so many times the models that there are."""

MOST_INTERSECTIONS = 20

SHARED_PARENTS = "shared parents"


def clear_among(found: Sequence[Interval | None]) -> list[bool | None]:
    """Which are above 0, all together; None: not known, or without an interval."""
    p_values = [one.p_value if one is not None and one.error > 0 else np.nan for one in found]
    q_values = adjusted_p_values(np.array(p_values, np.float64)).tolist()
    return [
        None if one is None or np.isnan(q_value) else one.value > 0 and q_value <= FALSE_DISCOVERIES
        for one, q_value in zip(found, q_values, strict=True)
    ]


class Signal:
    """The statistics of a run, each computed once."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.classes = len(results.class_names)
        self._floors = lru_cache(maxsize=None)(self._noise_floor)
        self._subsamples = lru_cache(maxsize=None)(self._subsamples_of)
        self._known: dict[ArmKey, Floor | None] = {}

    @cached_property
    def clear(self) -> Mapping[ArmKey, bool | None]:
        """Of each pruned arm whether its excess over the seeds is above 0 among all of them; None: not known."""
        arms = self.results.pruned()
        floors = [self.floor(arm) for arm in arms]
        clear = clear_among([None if floor is None else floor.excess for floor in floors])
        return {arm.key: is_clear for arm, is_clear in zip(arms, clear, strict=True)}

    def dense(self, objective: str) -> ArmResult | None:
        """The dense arm of an objective."""
        return self.results.find(objective, "dense", 0.0)

    def fresh(self, objective: str) -> ArmResult | None:
        """Dense models with other seeds, where the study has them."""
        return next(iter(self.results.controls(objective, "fresh_dense")), None)

    def _noise_floor(self, objective: str) -> NoiseFloor | None:
        dense, fresh = self.dense(objective), self.fresh(objective)
        if dense is None:
            return None
        models = dense.labels if fresh is None else np.concatenate([dense.labels, fresh.labels])
        return NoiseFloor(models, self.classes) if len(models) > 1 else None

    def floor(self, arm: ArmResult) -> Floor | None:
        """The noise floor under an arm's PIEs; None where there is no second dense model, or for fresh dense models."""
        if arm.key not in self._known:
            floors = self._floors(arm.objective)
            is_fresh = arm.control is not None and arm.control.kind == "fresh_dense"
            none = floors is None or is_fresh or arm.is_dense
            null: Null = "descended" if arm.descended else "same_seeds"
            self._known[arm.key] = None if none or floors is None else floors.under(arm.labels, null)
        return self._known[arm.key]

    def _subsamples_of(self, objective: str, models: int) -> Subsamples | None:
        dense = self.dense(objective)
        return None if dense is None or models < 4 else Subsamples(dense.labels[:models], self.classes)

    def curve(self, arm: ArmResult) -> ReplicateCurve | None:
        """How the PIE count changes with the number of models; None for fewer than 4."""
        subsamples = self._subsamples(arm.objective, len(arm.labels))
        return None if subsamples is None else subsamples.curve(arm.labels)

    @cached_property
    def rows(self) -> SignalTables:
        """The rows of every table of this kind."""
        return SignalTables(
            noise=list(self._noise()),
            decomposition=list(self._decomposition()),
            class_impact=list(self.class_impact()),
            overlap=list(self._overlap()),
            replicates=list(self._replicates()),
            predictors=list(self._predictors()),
        )

    def _noise(self) -> Iterator[NoiseRow]:
        for arm in self.results.arms:
            floor = self.floor(arm)
            if floor is not None:
                yield NoiseRow(
                    arm=arm.key,
                    n_models=arm.summary.n_models,
                    pies=arm.summary.pies,
                    null=floor.null,
                    dense_group=floor.sizes[0],
                    pruned_group=floor.sizes[1],
                    splits=floor.splits,
                    observed=Bounds.of(floor.observed),
                    floor=Bounds.of(floor.floor),
                    excess=Bounds.of(floor.excess),
                    changed=arm.summary.changed,
                    confirmed=arm.summary.confirmed,
                    test=arm.summary.test,
                    smallest_p_value=arm.summary.smallest_p_value,
                    lasting=Bounds.of(floor.lasting) if np.isfinite(floor.lasting.value) else Bounds.of(None),
                    taxicab=self._taxicab(self.dense(arm.objective), arm) or 0.0,
                    taxicab_seeds=self._taxicab(self.dense(arm.objective), self.fresh(arm.objective)),
                    reason=floor.why_not or ("" if floor.excess.error > 0 else NO_SPREAD),
                )

    def _taxicab(self, dense: ArmResult | None, other: ArmResult | None) -> float | None:
        if dense is None or other is None:
            return None
        return round(float(taxicab_distance(dense.labels, other.labels, self.classes).mean()), 6)

    def _decomposition(self) -> Iterator[PartRow]:
        for arm in self.results.pruned():
            floor = self.floor(arm)
            if floor is None:
                continue
            parts = {"seeds": floor.floor}
            tuned = self._tuned(arm)
            if tuned is not None:
                parts |= {"fine_tuning": tuned.excess, "sparsity": excess_difference(floor, tuned)}
            else:
                parts["fine_tuning_and_sparsity" if arm.descended else "sparsity"] = floor.excess
            random = self._control_floor(arm, "random_masks", arm.sparsity)
            if random is not None:
                parts["random_masks_beyond"] = excess_difference(random, floor)
            for part, pies in parts.items():
                yield PartRow(arm.key, part, Bounds.of(pies))

    def beyond_tuning(self, arm: ArmResult) -> Interval | None:
        """How many more excess PIEs an arm has than its fine-tuning alone; None where the study has not both."""
        floor, tuned = self.floor(arm), self._tuned(arm)
        return None if floor is None or tuned is None else excess_difference(floor, tuned)

    def _tuned(self, arm: ArmResult) -> Floor | None:
        return self._control_floor(arm, "finetune_only", 0.0)

    def _control_floor(self, arm: ArmResult, kind: str, sparsity: float) -> Floor | None:
        """Of an arm's control, where it was split into the same groups."""
        controls = self.results.controls(arm.objective, kind, arm.pruning)
        control = next((control for control in controls if control.sparsity == sparsity), None)
        same = control is not None and control.descended == arm.descended and control.labels.shape == arm.labels.shape
        return self.floor(control) if control is not None and same else None

    def class_impact(self) -> Iterator[ClassImpactRow]:
        """What each pruned arm does to the recall of each class."""
        truth, names = self.results.labels, self.results.class_names
        for arm in self.results.pruned():
            dense = self.dense(arm.objective)
            if dense is None:
                continue
            sides = dense.labels, arm.labels, truth, self.classes
            paired = arm.descended and len(dense.labels) == len(arm.labels)
            two_way = class_impact(*sides, method="two_way_paired" if paired else "two_way")
            intervals = {row["class"]: row for row in two_way}
            equivalence = class_equivalence(*sides, margin=MARGIN, paired=paired)
            kept, none_lost = {row["class"]: row for row in equivalence}, no_class_lost_more(equivalence)
            for row in class_impact(*sides, method="paired" if paired else "hooker"):
                number = row["class"]
                interval = intervals[number]
                yield ClassImpactRow(
                    arm=arm.key,
                    label=names[number],
                    examples=row["examples"],
                    dense_recall=row["dense_recall"],
                    pruned_recall=row["pruned_recall"],
                    change=row["change"],
                    impact=Bounds(row["impact"], interval["low"], interval["high"]),
                    effect_size=row["effect_size"],
                    p_value=interval["p_value"],
                    q_value=interval["q_value"],
                    test="paired" if paired else "hooker",
                    test_p_value=row["p_value"],
                    test_q_value=row["q_value"],
                    p_lost_margin=kept[number]["p_lost"],
                    p_equivalent=kept[number]["p_equivalent"],
                    no_class_lost_margin=none_lost,
                    reason=interval["reason"],
                )

    def _overlap(self) -> Iterator[OverlapRow]:
        for kind, a, b in self._pairs():
            sides = self._dense_for(a, b)
            if sides is None:
                continue
            dense_a, dense_b, shared = sides
            sets = [pie_mask(side.labels, arm.labels, self.classes) for side, arm in ((dense_a, a), (dense_b, b))]
            hardness = [vote_entropy(side.labels, self.classes) for side in (dense_a, dense_b)]
            chance = overlap_test(sets[0], sets[1])
            hard = overlap_test(sets[0], sets[1], np.stack(hardness, axis=1))
            is_fair = shared != SHARED_PARENTS
            sizes, by_chance = [int(pies.sum()) for pies in sets], _chance(chance, is_fair)
            named = kind, a.key, b.key, shared
            # as hard is only roughly so: votes of few models say little of it
            equally_hard = _chance(hard, is_fair=False)
            yield OverlapRow(*named, sizes[0], sizes[1], chance.observed, by_chance, equally_hard)

    def _dense_for(self, a: ArmResult, b: ArmResult) -> tuple[ArmResult, ArmResult, str] | None:
        """What either arm's PIEs are counted against, and what the two sets share through it.

        A descended arm is counted against its own parents, whose luck is then on one side only; the other arm against
        fresh seeds. Of two descended arms one would meet other seeds with its parents' luck in the other's set.
        """
        dense_a, dense_b, fresh = self.dense(a.objective), self.dense(b.objective), self.fresh(a.objective)
        if dense_a is None or dense_b is None:
            return None
        if a.objective != b.objective:
            return dense_a, dense_b, "separate"
        if a.descended and b.descended:
            return dense_a, fresh or dense_b, SHARED_PARENTS
        if fresh is None:
            return dense_a, dense_b, "the same"
        return (fresh, dense_b, "separate") if b.descended else (dense_a, fresh, "separate")

    def _pairs(self) -> Iterator[tuple[str, ArmResult, ArmResult]]:
        arms = self.results.pruned()
        for a, b in combinations(arms, 2):
            if a.pruning == b.pruning and a.sparsity == b.sparsity:
                yield "objectives", a, b
            elif a.objective == b.objective and a.sparsity == b.sparsity:
                yield "prunings", a, b
        for family in self.results.families():
            own = [arm for arm in arms if arm.key.family == family]
            for a, b in pairwise(own):
                yield "sparsities", a, b

    def intersections(self) -> list[IntersectionRow]:
        """Examples in exactly these sets of PIEs at the main sparsity, the most frequent first (the upset figure)."""
        arms = [arm for arm in self.results.pruned() if arm.sparsity == self.results.main_sparsity]
        hardness = [dense.columns["dense_entropy"] for o in self.results.objectives() if (dense := self.dense(o))]
        if not 2 <= len(arms) <= 12 or not hardness:
            return []
        masks = np.stack([arm.is_pie for arm in arms])
        place = (masks * (1 << np.arange(len(arms)))[:, None]).sum(0)
        observed = np.bincount(place, minlength=2 ** len(arms))
        chance, hard = expected_intersections(masks), expected_intersections(masks, np.stack(hardness, axis=1))
        rows = [
            IntersectionRow(
                {arm.key.family: bool(members >> index & 1) for index, arm in enumerate(arms)},
                int(observed[members]),
                round(float(chance[members]), 6),
                round(float(hard[members]), 6),
            )
            for members in np.argsort(-observed, kind="stable")
            if members and observed[members]
        ]
        return rows[:MOST_INTERSECTIONS]

    def _curves(self) -> Iterator[tuple[ArmResult, ReplicateCurve]]:
        for arm in self.results.pruned():
            curve = self.curve(arm)
            if curve is not None:
                yield arm, curve

    def _replicates(self) -> Iterator[ReplicateRow]:
        for arm, curve in self._curves():
            most = int(curve.models[-1])
            beyond = [] if curve.reason else [times * most for times in DRAWN_OUT]
            for models in [*curve.models.tolist(), *beyond]:
                pies = curve.pies_at(models), curve.spread_at(models)
                errors = finite(curve.repeat_error_at(models)), finite(curve.error_at(models))
                enough = curve.enough_to_repeat(), curve.enough()
                limit = _limit(curve)
                yield ReplicateRow(arm.key, models, models > most, *pies, *errors, limit, *enough, curve.furthest)

    def foretold(self, models: Mapping[ArmKey, int]) -> list[ForetoldRow]:
        """The PIE counts to expect with so many models of each arm, and how well another study would repeat them.

        Only of arms whose counts can be drawn out.
        """
        rows = []
        for arm, curve in self._curves():
            if arm.key in models and not curve.reason:
                size = models[arm.key]
                pies, error = curve.pies_at(size), finite(curve.repeat_error_at(size))
                enough = curve.enough_to_repeat(), curve.furthest, int(curve.models[-1])
                rows.append(ForetoldRow(arm.key, size, pies, error, _limit(curve), *enough))
        return rows

    def _predictors(self) -> Iterator[PredictorRow]:
        for objective in self.results.objectives():
            dense = self.dense(objective)
            if dense is None or len(dense.labels) < 2:
                continue
            scores = DenseScores(dense, self.classes)
            wrong = dense.labels != self.results.labels
            for name, own in scores.of_each_model().items():
                interval = mean_auroc_interval(own, wrong[: len(own)])
                yield PredictorRow(dense.key, "error", name, Bounds.of(interval))
            for arm in self.results.pruned():
                if arm.objective == objective:
                    for name, ranked in scores.ranking_of_pies(arm).items():
                        yield PredictorRow(arm.key, "PIE", name, Bounds.of(ranked))


def _limit(curve: ReplicateCurve) -> Bounds:
    return Bounds(finite(curve.limit), finite(curve.limit_low), finite(curve.limit_high))


def _chance(test: OverlapTest, is_fair: bool) -> Chance:
    return Chance(round(test.expected, 6), finite(test.ratio), test.p_value if is_fair else None)
