"""Signal or noise: what of an arm's PIEs seeds alone would make, what the rest hangs on, how sure that is. Rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import combinations, pairwise

import numpy as np

from piescope.measure.class_impact import class_equivalence, class_impact, no_class_lost_more
from piescope.measure.intervals import Interval
from piescope.measure.noise_floor import Floor, NoiseFloor, Null, excess_difference
from piescope.measure.overlap import OverlapTest, expected_intersections, overlap_test
from piescope.measure.pies import group_modal_labels, pie_mask, vote_entropy, vote_margin
from piescope.measure.ranking import cross_fitted, event_auroc_interval, mean_auroc_interval
from piescope.measure.replicates import ReplicateCurve, Subsamples
from piescope.report.study.frames import ArmResult, Results, Row

MARGIN = 1.0
"""Percentage points of recall that a class may lose and still count as kept."""

DRAWN_OUT = (2, 4)
"""The PIE count is drawn out to so many times the models that there are."""

MOST_INTERSECTIONS = 20

SHARED_PARENTS = "shared parents"

SCORES = {
    "q": "Q-Score",
    "q_aaai24": "Q-Score of AAAI-24",
    "depth_baldock": "prediction depth (Baldock)",
    "depth": "prediction depth (true label)",
    "entropy": "vote entropy",
    "margin": "vote margin",
    "all": "all of these, cross-fitted",
}
"""Scores of the dense models, each turned so that high means trouble (low Q, low margin)."""


class Signal:
    """The statistics of a run, each computed once."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.classes = len(results.class_names)
        self._floors = lru_cache(maxsize=None)(self._noise_floor)
        self._subsamples = lru_cache(maxsize=None)(self._subsamples_of)
        self._known: dict[tuple[str, str, float], Floor | None] = {}

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
        key = arm.objective, arm.pruning, arm.sparsity
        if key not in self._known:
            floors = self._floors(arm.objective)
            is_fresh = arm.control is not None and arm.control.kind == "fresh_dense"
            none = floors is None or is_fresh or arm.is_dense
            null: Null = "descended" if arm.descended else "same_seeds"
            self._known[key] = None if none or floors is None else floors.under(arm.labels, null)
        return self._known[key]

    def _subsamples_of(self, objective: str) -> Subsamples | None:
        dense = self.dense(objective)
        return None if dense is None or len(dense.labels) < 4 else Subsamples(dense.labels, self.classes)

    def curve(self, arm: ArmResult) -> ReplicateCurve | None:
        """How the PIE count changes with the number of models; None for fewer than 4."""
        subsamples = self._subsamples(arm.objective)
        return None if subsamples is None else subsamples.curve(arm.labels)

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """The rows of every table of this kind, by name."""
        return {
            "noise": list(self._noise()),
            "decomposition": list(self._decomposition()),
            "class_impact": list(self._class_impact()),
            "overlap": list(self._overlap()),
            "replicates": list(self._replicates()),
            "predictors": list(self._predictors()),
        }

    def _noise(self) -> Iterator[Row]:
        for arm in self.results.arms:
            floor = self.floor(arm)
            if floor is None:
                continue
            yield {
                **arm.named(),
                "n_models": arm.summary["n_models"],
                "pies": arm.summary["pies"],
                "null": floor.null,
                "dense_group": floor.sizes[0],
                "pruned_group": floor.sizes[1],
                "splits": floor.splits,
                **_told("observed", floor.observed),
                **_told("floor", floor.floor),
                **_told("excess", floor.excess),
                "changed": arm.summary["changed"],
                "confirmed": arm.summary["confirmed"],
                "test": arm.summary["test"],
                "smallest_p_value": arm.summary["smallest_p_value"],
            }

    def _decomposition(self) -> Iterator[Row]:
        for arm in self.results.pruned():
            floor = self.floor(arm)
            if floor is None:
                continue
            parts = {"seeds": floor.floor}
            tuned = self._control_floor(arm, "finetune_only", 0.0)
            if tuned is not None:
                parts |= {"fine_tuning": tuned.excess, "sparsity": excess_difference(floor, tuned, same_dense=True)}
            else:
                parts["fine_tuning_and_sparsity" if arm.descended else "sparsity"] = floor.excess
            random = self._control_floor(arm, "random_masks", arm.sparsity)
            if random is not None:
                parts["random_masks_beyond"] = excess_difference(random, floor, same_dense=True)
            for part, found in parts.items():
                yield {**arm.named(), "part": part, **_told("pies", found)}

    def _control_floor(self, arm: ArmResult, kind: str, sparsity: float) -> Floor | None:
        """Of an arm's control, where it was split into the same groups."""
        controls = self.results.controls(arm.objective, kind, arm.pruning)
        control = next((each for each in controls if each.sparsity == sparsity), None)
        same = control is not None and control.descended == arm.descended and control.labels.shape == arm.labels.shape
        return self.floor(control) if control is not None and same else None

    def _class_impact(self) -> Iterator[Row]:
        truth, names = self.results.labels, self.results.class_names
        for arm in self.results.pruned():
            dense = self.dense(arm.objective)
            if dense is None:
                continue
            sides = dense.labels, arm.labels, truth, self.classes
            paired = arm.descended and len(dense.labels) == len(arm.labels)
            tested = class_impact(*sides, method="paired" if paired else "hooker")
            both = {row["class"]: row for row in class_impact(*sides, method="bootstrap")}
            kept = class_equivalence(*sides, margin=MARGIN, paired=paired)
            same = {row["class"]: row for row in kept}
            none_lost = no_class_lost_more(kept)
            for row in tested:
                number = row["class"]
                yield {
                    **arm.named(),
                    **row,
                    "class": names[number],
                    **{key: both[number][key] for key in ("low", "high", "p_value", "q_value")},
                    "test": "paired" if paired else "hooker",
                    "test_p_value": row["p_value"],
                    "test_q_value": row["q_value"],
                    "p_lost_margin": same[number]["p_lost"],
                    "p_equivalent": same[number]["p_equivalent"],
                    "no_class_lost_margin": none_lost,
                }

    def _overlap(self) -> Iterator[Row]:
        for kind, a, b in self._pairs():
            sides = self._dense_for(a, b)
            if sides is None:
                continue
            dense_a, dense_b, shared = sides
            sets = [pie_mask(side.labels, arm.labels, self.classes) for side, arm in ((dense_a, a), (dense_b, b))]
            hardness = [vote_entropy(side.labels, self.classes) for side in (dense_a, dense_b)]
            any_set = overlap_test(sets[0], sets[1])
            hard = overlap_test(sets[0], sets[1], np.stack(hardness, axis=1))
            yield {
                "compared": kind,
                **{f"{name}_a": value for name, value in a.named().items()},
                **{f"{name}_b": value for name, value in b.named().items()},
                "dense_models": shared,
                "pies_a": int(sets[0].sum()),
                "pies_b": int(sets[1].sum()),
                "observed": any_set.observed,
                **_chance("", any_set, shared != SHARED_PARENTS),
                **_chance("hard_", hard, shared != SHARED_PARENTS),
            }

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
        for objective, pruning in self.results.families():
            own = [arm for arm in arms if (arm.objective, arm.pruning) == (objective, pruning)]
            for a, b in pairwise(own):
                yield "sparsities", a, b

    def intersections(self) -> list[Row]:
        """Examples in exactly these sets of PIEs at the main sparsity, the most frequent first (the upset figure)."""
        arms = [arm for arm in self.results.pruned() if arm.sparsity == self.results.main_sparsity]
        hardness = [dense.columns["dense_entropy"] for o in self.results.objectives() if (dense := self.dense(o))]
        if not 2 <= len(arms) <= 12 or not hardness:
            return []
        masks = np.stack([arm.columns["is_pie"].astype(bool) for arm in arms])
        place = (masks * (1 << np.arange(len(arms)))[:, None]).sum(0)
        observed = np.bincount(place, minlength=2 ** len(arms))
        chance, hard = expected_intersections(masks), expected_intersections(masks, np.stack(hardness, axis=1))
        rows = [
            {
                **{f"{arm.objective} {arm.pruning}": bool(members >> index & 1) for index, arm in enumerate(arms)},
                "examples": int(observed[members]),
                "by_chance": round(float(chance[members]), 6),
                "by_chance_if_equally_hard": round(float(hard[members]), 6),
            }
            for members in np.argsort(-observed, kind="stable")
            if members and observed[members]
        ]
        return rows[:MOST_INTERSECTIONS]

    def _replicates(self) -> Iterator[Row]:
        for arm in self.results.pruned():
            curve = self.curve(arm)
            if curve is None:
                continue
            most = int(curve.models[-1])
            for models in [*curve.models.tolist(), *(times * most for times in DRAWN_OUT)]:
                yield {
                    **arm.named(),
                    "models": models,
                    "drawn_out": models > most,
                    "pies": curve.pies_at(models),
                    "spread": curve.spread_at(models),
                    "repeat_error": _finite(curve.repeat_error_at(models)),
                    "error": _finite(curve.error_at(models)),
                    "limit": curve.limit,
                    "limit_low": curve.limit_low,
                    "limit_high": curve.limit_high,
                    "enough_to_repeat": curve.enough_to_repeat(),
                    "enough": curve.enough(),
                    "furthest": curve.furthest,
                }

    def foretold(self, models: int) -> list[Row]:
        """The PIE counts to expect of a study with so many models, and how well another would repeat them."""
        rows = []
        for arm in self.results.pruned():
            curve = self.curve(arm)
            if curve is not None:
                rows.append(
                    {
                        **arm.named(),
                        "models": models,
                        "pies": curve.pies_at(models),
                        "repeat_error": _finite(curve.repeat_error_at(models)),
                        "limit": curve.limit,
                        "limit_low": curve.limit_low,
                        "limit_high": curve.limit_high,
                        "enough_to_repeat": curve.enough_to_repeat(),
                        "furthest": curve.furthest,
                        "seen": int(curve.models[-1]),
                    }
                )
        return rows

    def _predictors(self) -> Iterator[Row]:
        for objective in self.results.objectives():
            dense = self.dense(objective)
            if dense is None or len(dense.labels) < 2:
                continue
            scores = DenseScores(dense, self.classes)
            wrong = dense.labels != self.results.labels
            for name, own in scores.of_each_model().items():
                found = mean_auroc_interval(own, wrong[: len(own)])
                yield {"objective": objective, "event": "error", **_NO_ARM, "score": name, **_ranked(found)}
            for arm in self.results.pruned():
                if arm.objective == objective:
                    for name, found in scores.ranking_of_pies(arm).items():
                        named = {"pruning": arm.pruning, "sparsity": arm.sparsity}
                        yield {"objective": objective, "event": "PIE", **named, "score": name, **_ranked(found)}


_NO_ARM: Row = {"pruning": "dense", "sparsity": 0.0}


class DenseScores:
    """Scores of examples from the dense models alone: before anything is pruned. High: trouble is expected."""

    def __init__(self, dense: ArmResult, classes: int) -> None:
        self._classes = classes
        self._labels = dense.labels
        self._models = len(dense.labels)
        self._others = ~np.eye(self._models, dtype=bool)
        signs = {"q": -1, "q_aaai24": -1, "depth_baldock": 1, "depth": 1}
        self._of_models = {
            name: sign * dense.models[name].astype(np.float64) for name, sign in signs.items() if name in dense.models
        }
        self._votes = {
            "entropy": np.stack([vote_entropy(self._labels[kept], classes) for kept in self._others]),
            "margin": np.stack([-vote_margin(self._labels[kept], classes) for kept in self._others]),
        }
        self._of_all = {
            **{name: each.mean(0) for name, each in self._of_models.items()},
            "entropy": vote_entropy(self._labels, classes),
            "margin": -vote_margin(self._labels, classes),
        }

    def of_each_model(self) -> dict[str, np.ndarray]:
        """``[models, examples]``: each model's own, or all others' votes; depth only where labels are not used."""
        own = {name: each for name, each in self._of_models.items() if name != "depth"}
        return {**own, **self._votes}

    def without(self, name: str) -> np.ndarray:
        """``[models, examples]``: the score of all models but one."""
        if name in self._votes:
            return self._votes[name]
        each = self._of_models[name]
        rows = np.broadcast_to(each.mean(0), (self._models, each.shape[1])).copy()
        if len(each) > 1:
            rows[: len(each)] = (each.sum(0) - each) / (len(each) - 1)
        return rows

    def ranking_of_pies(self, arm: ArmResult) -> dict[str, Interval | None]:
        """The AUROC of each score, and of all of them together, for being a PIE of this arm."""
        is_pie = arm.columns["is_pie"].astype(bool)
        modal = group_modal_labels(
            self._labels, np.concatenate([np.ones((1, self._models)), self._others]), self._classes
        )
        models = len(arm.labels)
        groups = np.concatenate([np.ones((1, models)), ~np.eye(models, dtype=bool)])
        pruned = group_modal_labels(arm.labels, groups, self._classes)
        together = models == self._models  # of the same seeds
        if together:
            events, strata = modal[1:] != pruned[1:], [models]
        else:
            events = np.concatenate([modal[1:] != pruned[0], modal[0] != pruned[1:]])
            strata = [self._models, models]
        found = {}
        for name, score in self._of_all.items():
            without = self.without(name)
            if not together:
                without = np.concatenate([without, np.broadcast_to(score, (models, len(score)))])
            found[name] = event_auroc_interval(score, is_pie, without, events, strata)
        combined = cross_fitted(np.stack(list(self._of_all.values()), axis=1), is_pie)
        if combined is not None:
            fixed = np.broadcast_to(combined, events.shape)
            found["all"] = event_auroc_interval(combined, is_pie, fixed, events, strata)
        return found


def _told(name: str, found: Interval) -> Row:
    return {name: found.value, f"{name}_low": _finite(found.low), f"{name}_high": _finite(found.high)}


def _ranked(found: Interval | None) -> Row:
    if found is None:
        return {"auroc": None, "low": None, "high": None}
    return {"auroc": found.value, "low": _finite(found.low), "high": _finite(found.high)}


def _chance(prefix: str, found: OverlapTest, is_fair: bool) -> Row:
    return {
        f"{prefix}expected": round(found.expected, 6),
        f"{prefix}ratio": _finite(found.ratio),
        f"{prefix}p_value": found.p_value if is_fair else None,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
