"""The verdicts: made populations in which each must come out, and what is no evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from made_results import made
from piescope.measure.intervals import t_interval
from piescope.report.study.claim_parts import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, Part, verdict_of
from piescope.report.study.claims import check_claims, claims_rows
from piescope.report.study.results import ArmResult, Results

FAMILIES = {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}
CLASSES, EXAMPLES, MODELS = 5, 3000, 6


class World:
    """Populations with wanted shares of lost examples, Q-Scores and depths; arms not named lose nothing but noise."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.truth = self.random.integers(0, CLASSES, EXAMPLES)
        self.hard = self.random.random(EXAMPLES)  # what is lost first, in every arm
        self.lost: dict[tuple[str, str, float], np.ndarray] = {}
        self.q: dict[tuple[str, str, float], float] = {}
        self.depth: dict[tuple[str, str, float], np.ndarray] = {}

    def lose(
        self, objective: str, pruning: str, sparsity: float, share: float, own: bool = False, classes: int = CLASSES
    ) -> None:
        """Loses the hardest examples of the first so many classes; ``own``: other ones than other objectives lose."""
        order = self.hard if not own else np.random.default_rng(len(objective)).random(EXAMPLES)
        order = np.where(self.truth < classes, order, -1.0)
        self.lost[objective, pruning, sparsity] = order >= np.quantile(order, 1 - share)

    def results(self, noise: float = 0.01) -> Results:
        base = made(
            FAMILIES, sparsities=(0.5, 0.9), class_names=tuple("abcde"), examples=EXAMPLES, models=MODELS, maps=False
        )
        arms = []
        for arm in base.arms:
            key = arm.objective, arm.pruning, arm.sparsity
            lost = self.lost.get(key, np.zeros(EXAMPLES, bool))
            labels = np.where(lost, (self.truth + 1) % CLASSES, self.truth)
            flips = self.random.random((MODELS, EXAMPLES)) < noise
            said = np.where(flips, self.random.integers(0, CLASSES, (MODELS, EXAMPLES)), labels)
            q = self.q.get(key, 1.0) + 0.1 * self.random.random((MODELS, EXAMPLES))
            q = q + 0.01 * self.random.normal(size=(MODELS, 1))
            depth = self.depth.get(key, 5 + 4 * lost)
            depth = np.clip(np.round(depth + self.random.normal(size=(MODELS, EXAMPLES))), 1, 16)
            arms.append(self._arm(arm, said, q, depth))
        return dataclasses.replace(base, arms=tuple(arms), labels=self.truth)

    @staticmethod
    def _arm(arm: ArmResult, said: np.ndarray, q: np.ndarray, depth: np.ndarray) -> ArmResult:
        models = {
            "labels": said.astype(np.int16),
            "q": q.astype(np.float32),
            "depth": depth.astype(np.int16),
            "depth_baldock": depth.astype(np.int16) - 1,
        }
        return dataclasses.replace(arm, models=models)


@cache
def verdicts(make: Callable[[], World], noise: float = 0.01) -> dict[str, Claim]:
    return {claim.id: claim for claim in check_claims(make().results(noise))}


def paper_like() -> World:
    world = World()
    for sparsity, factor in ((0.5, 1.0), (0.9, 3.0)):
        own = sparsity == 0.5
        classes = 2 if own else CLASSES
        for objective, pruning, share in (
            ("supervised", "gmp", 0.04), ("supervised", "one_shot", 0.02), ("supcon", "gmp", 0.10),
            ("supcon", "delayed_gmp", 0.05), ("supcon", "one_shot", 0.08),
        ):  # fmt: skip
            world.lose(objective, pruning, sparsity, share * factor, own, classes)
    easy_to_hard = np.digitize(world.hard, np.linspace(0, 1, 12)).astype(float)
    for (objective, pruning, sparsity), lost in world.lost.items():
        world.q[objective, pruning, sparsity] = {"supervised": 0.98, "supcon": 0.7}[objective]
        kept = easy_to_hard if objective == "supervised" else 4 + 4 * np.random.default_rng(1).random(EXAMPLES)
        world.depth[objective, pruning, sparsity] = kept + 8 * lost
    for objective in FAMILIES:
        world.depth[objective, "dense", 0.0] = easy_to_hard
    return world


def opposite() -> World:
    """Everything the other way round."""
    world = World()
    for sparsity, factor in ((0.5, 3.0), (0.9, 1.0)):
        for objective, pruning, share in (
            ("supervised", "gmp", 0.04), ("supervised", "one_shot", 0.10), ("supcon", "gmp", 0.015),
            ("supcon", "delayed_gmp", 0.05), ("supcon", "one_shot", 0.03),
        ):  # fmt: skip
            world.lose(
                objective,
                pruning,
                sparsity,
                share * factor,
                own=sparsity == 0.9,
                classes=1 if sparsity == 0.9 else CLASSES,
            )
    easy_to_hard = np.digitize(world.hard, np.linspace(0, 1, 12)).astype(float)
    for (objective, pruning, sparsity), lost in world.lost.items():
        world.q[objective, pruning, sparsity] = {"supervised": 0.7, "supcon": 1.2}[objective]
        kept = easy_to_hard if objective == "supcon" else np.full(EXAMPLES, 9.0)
        world.depth[objective, pruning, sparsity] = kept - 5 * lost
    for objective in FAMILIES:
        world.depth[objective, "dense", 0.0] = easy_to_hard
    return world


def nothing_differs() -> World:
    world = World(seed=3)
    own = np.random.default_rng(4).normal(size=EXAMPLES)
    for pruning in ("gmp", "delayed_gmp", "one_shot"):
        for objective in FAMILIES:
            for sparsity in (0.5, 0.9):
                # as many lost, half of all losses shared: neither unique nor common
                world.lose(objective, pruning, sparsity, 0.02)
                mine = np.random.default_rng(len(objective)).random(EXAMPLES) < 0.02
                world.lost[objective, pruning, sparsity] = world.lost[objective, pruning, sparsity] | mine
                # half of an example's depth is its own, half the arm's
                mine = np.random.default_rng(len(objective) + len(pruning)).normal(size=EXAMPLES)
                world.depth[objective, pruning, sparsity] = 8 + 2 * (own * 0.532**0.5 + mine * 0.468**0.5)
    for objective in FAMILIES:
        mine = np.random.default_rng(99 + len(objective)).normal(size=EXAMPLES)
        world.depth[objective, "dense", 0.0] = 8 + 2 * (own * 0.532**0.5 + mine * 0.468**0.5)
    return world


@pytest.mark.parametrize("claim", [f"C{number}" for number in range(1, 9)])
def test_each_claim_is_supported_where_it_holds(claim: str) -> None:
    assert verdicts(paper_like)[claim].verdict == SUPPORTED


@pytest.mark.parametrize("claim", [f"C{number}" for number in range(1, 9)])
def test_each_claim_is_contradicted_where_the_opposite_holds(claim: str) -> None:
    assert verdicts(opposite)[claim].verdict == CONTRADICTED


@pytest.mark.parametrize("claim", [f"C{number}" for number in range(1, 9)])
def test_each_claim_is_undecided_where_nothing_differs(claim: str) -> None:
    found = verdicts(nothing_differs, noise=0.1)[claim]
    assert found.verdict == UNDECIDED
    assert found.reason


def test_one_model_decides_nothing() -> None:
    results = made(FAMILIES, models=1)
    for claim in check_claims(results):
        assert claim.verdict == UNDECIDED
        assert all(part.reason for part in claim.parts)


def test_a_claim_whose_arms_are_missing_says_which() -> None:
    for families, missing in (
        ({"supervised": ("gmp",)}, {"C1", "C2", "C3", "C4", "C6", "C8"}),
        ({"supcon": ()}, set("12345678")),
    ):
        found = {claim.id: claim for claim in check_claims(made(families))}
        for identity in missing:
            claim = found[identity if identity.startswith("C") else f"C{identity}"]
            assert claim.verdict == UNDECIDED
            assert claim.reason.startswith("not measured here: ")


def part(value: float, error: float, models: int = 6) -> Part:
    return Part("made", "made", "above", t_interval(value, error**2, models - 1))


def test_claims_as_rows() -> None:
    results = paper_like().results()
    claims = check_claims(results)
    rows = claims_rows(results, claims)
    overall = {row.claim: row.verdict for row in rows if row.comparison == "overall"}
    assert list(overall) == [f"C{number}" for number in range(1, 9)]
    gmp = next(row for row in rows if row.claim == "C1" and row.comparison.startswith("GMP"))
    value, low, high = gmp.bounds
    assert value is not None and low is not None and high is not None
    assert low < value < high
    assert value == pytest.approx(0.3 / 0.12, rel=0.1)
    assert gmp.paper == pytest.approx(748 / 273, abs=1e-6)


def test_what_is_told_for_comparison_decides_nothing() -> None:
    strong, told = part(5, 1), dataclasses.replace(part(-9, 1), claimed=None)
    assert verdict_of([strong, told]) == SUPPORTED
    assert verdict_of([told]) == UNDECIDED
    rows = claims_rows(made(FAMILIES), [Claim("C0", "made", (strong, told))])
    assert [row.verdict for row in rows] == [SUPPORTED, SUPPORTED, ""]
    assert rows[2].reason == "for comparison only"


def test_controls_and_methods_of_ones_own_are_no_evidence_about_the_papers() -> None:
    results = made({"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")})
    abouts = {part.about for claim in check_claims(results) for part in claim.parts}
    assert abouts
    assert not [about for about in abouts if "my own" in about]
    random = tuple(method.model_copy(update={"criterion": "random"}) for method in results.study.methods)
    study = results.study.model_copy(update={"methods": random})
    assert not [claim for claim in check_claims(dataclasses.replace(results, study=study)) if claim.parts]


def test_an_arm_whose_dense_arm_is_not_there_yet_is_left_out() -> None:
    whole = made(FAMILIES)
    for objective in FAMILIES:
        arms = tuple(arm for arm in whole.arms if not (arm.is_dense and arm.objective == objective))
        found = {claim.id: claim for claim in check_claims(dataclasses.replace(whole, arms=arms))}
        assert not found["C1"].parts
        assert not found["C8"].parts
        assert found["C5"].parts
