"""The verdicts: made populations in which each must come out, and what is no evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from made_results import made, with_fewer
from piescope.measure.intervals import t_interval
from piescope.measure.pies import pie_mask
from piescope.report.layout.blocks import Table
from piescope.report.study.claim_parts import (
    CONFOUNDED,
    CONTRADICTED,
    NOT_MEASURED,
    SUPPORTED,
    UNDECIDED,
    Claim,
    Part,
    verdict_of,
)
from piescope.report.study.claim_rows import NOT_COUNTED, claims_rows
from piescope.report.study.claims import check_claims
from piescope.report.study.equal_loss import AT_EQUAL_LOSS, BEYOND_TUNING
from piescope.report.study.evidence import InCommon, log_ratio
from piescope.report.study.published import published
from piescope.report.study.questions import _claims
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.signal import Signal
from piescope.store.catalogue import ArmName, ControlOf
from piescope.wording import significant


def part(value: float, error: float, models: int = 6) -> Part:
    return Part("made", "made", "above", t_interval(float(value), float(error) ** 2, models - 1.0))


def beyond(found: Part, **changed: Any) -> Part:
    return dataclasses.replace(found, fair="beyond noise", **changed)


FAMILIES = {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}
CLASSES, EXAMPLES, MODELS = 5, 3000, 6


class World:
    """Populations with wanted shares of lost examples, Q-Scores and depths; arms not named lose nothing but noise."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.truth = self.random.integers(0, CLASSES, EXAMPLES)
        self.hard = self.random.random(EXAMPLES)  # what is lost first, in every arm
        self.lost: dict[tuple[str, str, float], np.ndarray] = {}
        self.moved: dict[tuple[str, str, float], np.ndarray] = {}  # wrong before and after, in other ways
        self.wrong = np.random.default_rng(7).random(EXAMPLES) < 0.3  # by all dense models
        self.q: dict[tuple[str, str, float], float] = {}
        self.z: dict[tuple[str, str, float], float] = {}
        self.l1: dict[tuple[str, str, float], float] = {}
        self.depth: dict[tuple[str, str, float], np.ndarray] = {}

    def lose(
        self, objective: str, pruning: str, sparsity: float, share: float, own: bool = False, classes: int = CLASSES
    ) -> None:
        """Loses the hardest examples of the first so many classes; ``own``: other ones than other objectives lose."""
        order = self.hard if not own else np.random.default_rng(len(objective)).random(EXAMPLES)
        order = np.where(self.truth < classes, order, -1.0)
        self.lost[objective, pruning, sparsity] = order >= np.quantile(order, 1 - share)

    def move(self, objective: str, pruning: str, sparsity: float, share: float) -> None:
        """Answers so many examples otherwise, and as wrongly."""
        order = np.where(self.wrong, np.random.default_rng(len(objective) + 5).random(EXAMPLES), -1.0)
        self.moved[objective, pruning, sparsity] = order >= np.quantile(order, 1 - share)

    def results(self, noise: float = 0.01) -> Results:
        base = made(
            FAMILIES, sparsities=(0.5, 0.9), class_names=tuple("abcde"), examples=EXAMPLES, models=MODELS, maps=False
        )
        arms, nothing = [], np.zeros(EXAMPLES, bool)
        for arm in base.arms:
            key = arm.objective, arm.pruning, arm.sparsity
            lost = self.lost.get(key, nothing) & ~self.wrong
            labels = (self.truth + (self.wrong | lost) + self.moved.get(key, nothing)) % CLASSES
            flips = self.random.random((MODELS, EXAMPLES)) < noise
            said = np.where(flips, self.random.integers(0, CLASSES, (MODELS, EXAMPLES)), labels)
            q = self.q.get(key, 1.0) + 0.1 * self.random.random((MODELS, EXAMPLES))
            q = q + 0.01 * self.random.normal(size=(MODELS, 1))
            depth = self.depth.get(key, 5 + 4 * lost)
            depth = np.clip(np.round(depth + self.random.normal(size=(MODELS, EXAMPLES))), 1, 16)
            z, l1 = (
                of.get(key, usual)
                + 0.1 * self.random.random((MODELS, EXAMPLES))
                + 0.01 * self.random.normal(size=(MODELS, 1))
                for of, usual in ((self.z, 5.0), (self.l1, 7.0))
            )
            arms.append(self._arm(arm, said, q, depth, z, l1))
        return dataclasses.replace(base, arms=tuple(arms), labels=self.truth)

    @staticmethod
    def _arm(
        arm: ArmResult, said: np.ndarray, q: np.ndarray, depth: np.ndarray, z: np.ndarray, l1: np.ndarray
    ) -> ArmResult:
        models = {
            "labels": said.astype(np.int16),
            "q": q.astype(np.float32),
            "z": z.astype(np.float32),
            "l1": l1.astype(np.float32),
            "depth": depth.astype(np.int16),
            "depth_baldock": depth.astype(np.int16) - 1,
        }
        return dataclasses.replace(arm, models=models)


@cache
def verdicts(make: Callable[[], World], noise: float = 0.01) -> dict[str, Claim]:
    return {claim.id: claim for claim in check_claims(make().results(noise))}


def paper_like() -> World:
    world = World()
    for sparsity, factor in ((0.5, 0.5), (0.9, 3.0)):
        own = sparsity == 0.5
        classes = 2 if own else CLASSES
        for objective, pruning, share in (
            ("supervised", "gmp", 0.04), ("supervised", "one_shot", 0.02), ("supcon", "gmp", 0.10),
            ("supcon", "delayed_gmp", 0.05), ("supcon", "one_shot", 0.08),
        ):  # fmt: skip
            world.lose(objective, pruning, sparsity, share * factor, own, classes)
            if objective == "supcon":
                world.move(objective, pruning, sparsity, 0.04 * factor)
    easy_to_hard = np.digitize(world.hard, np.linspace(0, 1, 12)).astype(float)
    for (objective, pruning, sparsity), lost in world.lost.items():
        world.q[objective, pruning, sparsity] = {"supervised": 0.98, "supcon": 0.7}[objective]
        world.z[objective, pruning, sparsity] = {"supervised": 4.99, "supcon": 4.5}[objective]
        world.l1[objective, pruning, sparsity] = {"supervised": 7.01, "supcon": 8.0}[objective]
        kept = easy_to_hard if objective == "supervised" else 16 * np.random.default_rng(1).random(EXAMPLES)
        world.depth[objective, pruning, sparsity] = kept + (8 if objective == "supcon" else 4) * lost
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
                share * (0.25 if (objective, sparsity) == ("supervised", 0.5) else factor),
                own=sparsity == 0.9,
                classes=1 if sparsity == 0.9 else CLASSES,
            )
            if objective == "supervised":
                world.move(objective, pruning, sparsity, 0.02)
    easy_to_hard = np.digitize(world.hard, np.linspace(0, 1, 12)).astype(float)
    for (objective, pruning, sparsity), lost in world.lost.items():
        world.q[objective, pruning, sparsity] = {"supervised": 0.7, "supcon": 1.2}[objective]
        world.z[objective, pruning, sparsity] = {"supervised": 4.5, "supcon": 5.2}[objective]
        world.l1[objective, pruning, sparsity] = {"supervised": 8.0, "supcon": 6.8}[objective]
        kept = easy_to_hard if objective == "supcon" else 6 + 10 * np.random.default_rng(1).random(EXAMPLES)
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


CLAIMS = [finding.id for finding in published().findings]


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_supported_where_it_holds(claim: str) -> None:
    # where few examples of one class are lost, and then more of all, classes differ less
    found = verdicts(opposite if claim == "C14" else paper_like)[claim]
    assert (found.verdict, found.reason) == (SUPPORTED, "")


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_contradicted_where_the_opposite_holds(claim: str) -> None:
    assert verdicts(paper_like if claim == "C14" else opposite)[claim].verdict == CONTRADICTED


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_undecided_where_nothing_differs(claim: str) -> None:
    found = verdicts(nothing_differs, noise=0.1)[claim]
    assert found.verdict == UNDECIDED
    assert found.reason


def test_one_model_decides_nothing() -> None:
    results = made(FAMILIES, models=1)
    for claim in check_claims(results):
        assert claim.verdict == (UNDECIDED if claim.parts else NOT_MEASURED)
        assert all(part.reason for part in claim.parts)


def test_a_claim_whose_arms_are_missing_says_which() -> None:
    for families, missing in (
        ({"supervised": ("gmp",)}, {"C1", "C2", "C3", "C4", "C6", "C8"}),
        ({"supcon": ()}, set("12345678")),
    ):
        found = {claim.id: claim for claim in check_claims(made(families))}
        for identity in missing:
            claim = found[identity if identity.startswith("C") else f"C{identity}"]
            assert (claim.verdict, claim.reason) == (NOT_MEASURED, f"needs {claim.missing}")


def test_what_is_not_kept_of_the_models_is_said_where_the_arms_are_there() -> None:
    """Z-Score and L1 norm, of C12: a study of one objective lacks another pruning, an old comparison the scores."""
    reasons = {}
    for name in ("supervised", "supcon"):
        families = {name: ("gmp",), "supcon": ("gmp",)}
        reasons[name] = {claim.id: claim.reason for claim in check_claims(made(families))}["C12"]
    assert reasons["supcon"] == "needs one pruning of both objectives"
    assert reasons["supervised"].startswith("needs each model's Z-Score and L1 norm, which the stored comparisons lack")


def test_what_contradicts_is_named() -> None:
    clear, clearer = dataclasses.replace(part(-9, 1), about="this"), dataclasses.replace(part(-12, 1), about="that")
    told = f"made: {significant(*clearer.bounds)}"
    assert Claim("C0", "made", (part(5, 1), clear, clearer)).reason == f"against it: that and 1 more; {told}"
    assert Claim("C0", "made", (part(5, 1), clearer)).reason == f"against it: that; {told}"
    of_opposite = verdicts(opposite)
    assert all(
        claim.reason.startswith("against it: ") for claim in of_opposite.values() if claim.verdict == CONTRADICTED
    )


def test_claims_as_rows() -> None:
    world = paper_like()
    results = world.results()
    claims = check_claims(results)
    rows = claims_rows(results, claims)
    overall = {row.claim: row.verdict for row in rows if row.comparison == "overall"}
    assert list(overall) == CLAIMS == [f"C{number}" for number in range(1, 16)]
    gmp = next(row for row in rows if row.claim == "C1" and row.comparison.startswith("GMP"))
    value, low, high = gmp.bounds
    assert value is not None and low is not None and high is not None
    assert low < value < high
    pies = {o: (world.lost[o, "gmp", 0.9] & ~world.wrong).sum() for o in FAMILIES}
    pies["supcon"] += world.moved["supcon", "gmp", 0.9].sum()
    assert value == pytest.approx(pies["supcon"] / pies["supervised"], rel=0.1)
    assert gmp.paper == pytest.approx(748 / 273, abs=1e-6)


def test_a_comparison_is_of_the_models_that_its_arms_have_in_common() -> None:
    """Where two arms are small, what is of them is as if all were small, and all else as if none were."""
    large = World().results(0.3)
    small = with_fewer(large, 4, *range(len(large.arms)))
    few = [place for place, arm in enumerate(large.arms) if arm.sparsity == 0.5 and arm.pruning == "gmp"]
    studies = large, with_fewer(large, 4, *few), small
    sizes = set()
    for whole, mixed, cut in zip(
        *([p for c in check_claims(study) for p in c.parts] for study in studies), strict=True
    ):
        sizes.add((mixed.fair, mixed.models))
        if mixed.fair != AT_EQUAL_LOSS:  # is between sparsities that accuracies of all models choose
            assert repr(mixed.estimate) == repr((cut if mixed.models == 4 else whole).estimate), mixed.about
    assert sizes >= {("", 4), ("", 6), ("beyond seed noise", 4), ("beyond seed noise", 6), (AT_EQUAL_LOSS, 6)}


def test_objectives_are_compared_with_as_many_fresh_dense_models_or_none() -> None:
    plain = made({"supervised": ("gmp", "one_shot"), "supcon": ("gmp",)}, models=6)
    fresh = dataclasses.replace(plain.arms[0], pruning="fresh_dense", control=ControlOf(kind="fresh_dense"))
    beside = dataclasses.replace(plain, arms=(*plain.arms, fresh))
    without, with_one = ({claim.id: repr(claim.parts) for claim in check_claims(each)} for each in (plain, beside))
    assert without["C1"] == with_one["C1"] and without["C2"] != with_one["C2"]


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


def test_a_claim_that_holds_only_by_what_else_is_compared_is_confounded() -> None:
    world = paper_like()
    world.moved = {}  # every PIE is a loss of accuracy, and of that contrastive models have more
    claim = {claim.id: claim for claim in check_claims(world.results())}["C1"]
    assert verdict_of([part for part in claim.parts if part.fair != AT_EQUAL_LOSS]) == SUPPORTED
    assert claim.verdict == CONFOUNDED
    assert claim.reason.startswith(
        f"the paper's comparisons speak for it; {AT_EQUAL_LOSS} 2 of 2 do not: GMP, where either has lost "
    )


def gains_by_tuning(*tuned: str) -> Results:
    """Pruning loses as much of either; tuning alone puts 4 % of the contrastive models' answers right."""
    random, examples, order = np.random.default_rng(0), 4000, np.arange(4000)
    base = made({o: ("one_shot",) for o in FAMILIES}, (0.5, 0.9), tuple("abcd"), 1, examples, 6, False, False)
    truth = random.integers(0, 4, examples)
    arms = []

    def said(arm: ArmResult, lost: float, is_tuned: bool) -> dict[str, np.ndarray]:
        wrong = order >= (0.9 if not is_tuned or arm.objective == "supervised" else 0.94) * examples
        wrong = (wrong & (order >= 0.9 * examples)) | (order < lost * examples)
        flips = random.random((6, examples)) < 0.01
        return {**arm.models, "labels": ((truth + wrong + flips) % 4).astype(np.int16)}

    for arm in base.arms:
        lost = {0.0: 0.0, 0.5: 0.1, 0.9: 0.2}[arm.sparsity]
        arms.append(dataclasses.replace(arm, models=said(arm, lost, is_tuned=not arm.is_dense)))
        if arm.is_dense and arm.objective in tuned:
            control = ControlOf(kind="finetune_only", of="one_shot")
            made_of = said(arm, 0.0, is_tuned=True)
            arms.append(dataclasses.replace(arm, pruning="tuned", control=control, models=made_of, descended=True))
    return dataclasses.replace(base, arms=tuple(arms), labels=truth)


def test_what_fine_tuning_alone_changes_is_no_loss_by_pruning() -> None:
    """Contrastive models gain by it what pruning takes, so at equal net loss more of them is pruned away."""
    claim = {claim.id: claim for claim in check_claims(gains_by_tuning(*FAMILIES))}["C1"]
    found = {part.fair: part for part in claim.parts}
    assert np.exp(found[AT_EQUAL_LOSS].estimate.value) == pytest.approx(24 / 16, rel=0.03)
    assert np.exp(found[BEYOND_TUNING].estimate.value) == pytest.approx(1.0, abs=0.03)
    assert found[BEYOND_TUNING].about.startswith("one-shot against fine-tuned models, where either has lost 20 points")
    assert claim.verdict == CONFOUNDED
    assert f"; {BEYOND_TUNING} 1 of 1 does not: one-shot" in claim.reason
    for some in ((), ("supcon",)):  # of both or of none
        (claim, *_) = check_claims(gains_by_tuning(*some))
        assert BEYOND_TUNING not in {part.fair for part in claim.parts} and claim.verdict == SUPPORTED


def equally_damaged(seed: int, models: int = 5, examples: int = 1000) -> Results:
    """One-shot models that keep four fifths of their parents' luck, gradual ones with luck of their own, as much lost."""
    random = np.random.default_rng(seed)
    base = made({"supervised": ("gmp", "one_shot")}, (0.9,), ("a", "b"), 1, examples, models, depth=False, maps=False)
    hard, harm = random.beta(0.5, 2, examples), 2.0 * (random.random(examples) < 0.1)

    def said(luck: np.ndarray, harm: np.ndarray) -> np.ndarray:
        return (luck < 1 / (1 + (1 / hard - 1) * np.exp(-harm))).astype(np.int16)

    luck = {name: random.random((models, examples)) for name in ("dense", "gmp")}
    again = random.random((models, examples)) < 0.2
    luck["one_shot"] = np.where(again, random.random((models, examples)), luck["dense"])
    arms = (
        dataclasses.replace(arm, models={**arm.models, "labels": said(luck[arm.pruning], harm * (not arm.is_dense))})
        for arm in base.arms
    )
    return dataclasses.replace(base, arms=tuple(arms), labels=np.zeros(examples, np.int64))


@pytest.mark.sampled(8, heavy=True)
def test_pruned_models_that_lose_as_much_are_not_said_to_lose_less_for_having_parents() -> None:
    claims = [next(c for c in check_claims(equally_damaged(seed)) if c.id == "C2") for seed in range(60)]
    counts = [verdict_of([part for part in claim.parts if not part.fair]) for claim in claims]
    assert counts.count(SUPPORTED) > 40  # the paper's own comparison says that most often
    found = [claim.verdict for claim in claims]
    # one in forty is the promise; more than 6 of 60 would come by chance once in a thousand times
    assert found.count(SUPPORTED) <= 6
    assert found.count(CONFOUNDED) > 30


def test_three_models_without_fresh_ones_tell_nothing_beyond_noise_and_why() -> None:
    (claim,) = (each for each in check_claims(equally_damaged(0, models=3)) if each.id == "C2")
    (fair,) = (part for part in claim.parts if part.fair)
    assert np.isfinite(fair.estimate.value)
    assert fair.bounds[1:] == (None, None)
    assert fair.reason == "no interval of groups of 2 and 1 models of other seeds"


def test_what_cannot_be_compared_fairly_is_not_decided() -> None:
    paper, fair = part(5, 1), dataclasses.replace(part(5, float("nan")), fair="beyond noise")
    for parts, lacks in (
        ((paper,), "there are too few models"),
        ((paper, fair), "beyond noise there is no interval of fewer than 3 models"),
        ((paper, dataclasses.replace(fair, why="nothing like it")), "beyond noise there is nothing like it"),
    ):
        claim = Claim("C0", "made", parts, needs_fair="there are too few models")
        assert (claim.verdict, claim.reason) == (UNDECIDED, f"the paper's comparisons speak for it, but {lacks}")
    there, fair = (dataclasses.replace(each, about="other") for each in (paper, part(5, 1)))
    parts = paper, there, beyond(part(5, float("nan"))), beyond(fair)
    claim = Claim("C0", "made", parts, needs_fair="-")
    lacks = "beyond noise (made) there is no interval of fewer than 3 models"
    assert (claim.verdict, claim.reason) == (UNDECIDED, f"the paper's comparisons speak for it, but {lacks}")
    against = dataclasses.replace(paper, estimate=part(-5, 1).estimate)
    claim = Claim("C0", "made", (against, *parts[1:]), needs_fair="-")
    assert (claim.verdict, claim.reason) == (UNDECIDED, f"1 of 2 comparisons like the paper's against it, but {lacks}")
    claim = Claim("C0", "made", (against, parts[2]), needs_fair="-")
    assert (
        claim.reason
        == "the paper's comparisons speak against it, but beyond noise there is no interval of fewer than 3 models"
    )


@pytest.mark.parametrize(
    ("fair", "verdict", "reason"),
    [
        (part(5, 1), SUPPORTED, ""),
        (part(3, 1), SUPPORTED, ""),
        (part(4, 3), UNDECIDED, "for it, but beyond noise 1 of 1 unclear"),  # as much, less sure
        (part(-1, 3), UNDECIDED, "for it, but beyond noise 1 of 1 unclear"),
        (part(1, 1), CONFOUNDED, "for it; beyond noise 1 of 1 does not: made"),  # less, and nothing is left for sure
        (part(-1, 1), CONFOUNDED, "for it; beyond noise 1 of 1 does not: made"),
        (part(-5, 1), CONFOUNDED, "for it; beyond noise they speak against it"),
    ],
)
def test_it_is_confounded_only_where_the_fair_interval_leaves_the_papers_effect_out(
    fair: Part, verdict: str, reason: str
) -> None:
    for side in (1, -1):
        parts = part(side * 5, 1), beyond(part(side * fair.estimate.value, fair.estimate.error))
        claim = Claim("C0", "made", parts, needs_fair="-")
        assert claim.verdict == (CONTRADICTED if side < 0 and verdict == SUPPORTED else verdict)
        if side > 0:
            assert claim.reason == (reason and f"the paper's comparisons speak {reason}")


def test_a_fair_effect_in_another_unit_is_held_against_the_papers_in_that_unit() -> None:
    for whole, verdict in ((9.0, CONFOUNDED), (2.0, UNDECIDED)):
        parts = part(5, 1), beyond(part(2, 1), whole=whole)
        assert Claim("C0", "made", parts, needs_fair="-").verdict == verdict
    of_c2 = verdicts(paper_like)["C2"].parts  # whose unit is the same
    for paper, fair in zip(of_c2[::2], of_c2[1::2], strict=True):
        assert (paper.fair, paper.about) == ("", fair.about) and fair.whole == pytest.approx(paper.estimate.value)


def test_what_speaks_against_it_does_so_in_one_comparison_both_ways() -> None:
    papers = part(-9, 1), dataclasses.replace(part(5, 1), about="other")
    for one, other, verdict in (
        (part(5, 1), part(-9, 1), CONFOUNDED),
        (part(-8, 4), part(-9, 1), UNDECIDED),
        (part(-9, 1), part(1, 1), CONTRADICTED),
    ):
        parts = *papers, beyond(one), beyond(other, about="other")
        assert Claim("C0", "made", parts, needs_fair="-").verdict == verdict


def test_without_any_fair_comparison_nothing_speaks_against_what_needs_one() -> None:
    assert Claim("C0", "made", (part(-9, 1),), needs_fair="there are too few models").verdict == UNDECIDED


def test_what_needs_no_fair_comparison_speaks_against_by_itself() -> None:
    """C8: that PIEs are shared at low sparsity is no matter of how they grow."""
    shared, grown = dataclasses.replace(part(-9, 1), about="low"), dataclasses.replace(part(5, 1), about="growth")
    fair = dataclasses.replace(part(5, 1), about="growth", fair="beyond chance")
    assert Claim("C0", "made", (shared, grown, fair), needs_fair="-").verdict == CONTRADICTED
    assert Claim("C0", "made", (grown, fair), needs_fair="-").verdict == SUPPORTED


def test_nothing_holds_of_all_while_an_arm_is_missing() -> None:
    whole = paper_like().results()
    arms = tuple(arm for arm in whole.arms if arm.key != ("supervised", "one_shot", 0.9))
    missing = (ArmName(objective="supervised", pruning="one_shot", sparsity=0.9),)
    claim = {c.id: c for c in check_claims(dataclasses.replace(whole, arms=arms, missing=missing))}["C2"]
    assert verdict_of([part for part in claim.parts if not part.fair]) == SUPPORTED
    lacks = "there is no Sup / one-shot at 90\N{NO-BREAK SPACE}% yet"
    assert (claim.verdict, claim.reason) == (UNDECIDED, f"the paper's comparisons speak for it, but {lacks}")


def test_a_handful_of_pies_has_no_interval() -> None:
    world = nothing_differs()
    rare = np.random.default_rng(1).permutation(EXAMPLES)[:4]
    world.lost["supervised", "gmp", 0.5] = np.isin(np.arange(EXAMPLES), rare)
    parts = {claim.id: claim.parts for claim in check_claims(world.results(noise=0.0))}["C5"]
    of_few = [part for part in parts if part.about == "Sup / GMP, 50\N{NO-BREAK SPACE}%"]
    assert [part.reason for part in of_few] == ["no interval of fewer than 10 PIEs"] * 2
    assert all(np.isfinite(part.estimate.value) for part in of_few)


@pytest.mark.parametrize(("one", "other"), [(0.3, 15.0), (1.0, 15.0), (2.0, 30.0), (6.0, 6.0), (15.0, 45.0)])
def test_ratios_of_few_pies_are_as_sure_as_they_say(one: float, other: float) -> None:
    """Without the variance of the half PIE that is added 63 % would hold the truth where one count is about 0."""
    random, held, called = np.random.default_rng(2), [], []
    results = made(FAMILIES, examples=600)
    compared = InCommon(results, Signal(results), models=3, depth_models=0)
    for _ in range(250):
        terms = [np.tile(random.random(600) < expected / 600, (4, 1)).astype(float) for expected in (one, other)]
        counts = terms[0][0].sum(), terms[1][0].sum()
        if sum(counts) >= 10:
            found = compared.ratio_part("made", "made", log_ratio, *terms, counts=counts).estimate
            held.append(found.low <= np.log(one / other) <= found.high)
            called.append(found.low > 0 or found.high < 0)
    error = (0.95 * 0.05 / len(held)) ** 0.5
    assert np.mean(held) > 0.95 - 3 * error
    assert one != other or np.mean(called) < 0.05 + 3 * error


@pytest.mark.parametrize(("classes", "examples"), [(5, 600), (40, 800)])
def test_classes_that_lose_alike_do_not_differ_more_for_losing_more(classes: int, examples: int) -> None:
    names, found = tuple(f"c{number}" for number in range(classes)), []
    for seed in range(30):
        random = np.random.default_rng(seed)
        base = made({"supervised": ("gmp",)}, (0.5, 0.9), names, 1, examples, 5, depth=False, maps=False)
        truth = random.integers(0, classes, examples)
        arms = []
        for arm in base.arms:
            lost = random.random(examples) < {0.0: 0.0, 0.5: 0.03, 0.9: 0.2}[arm.sparsity]
            noise = random.random((5, examples)) < 0.02
            labels = ((truth + lost + noise) % classes).astype(np.int16)
            arms.append(dataclasses.replace(arm, models={**arm.models, "labels": labels}))
        claims = check_claims(dataclasses.replace(base, arms=tuple(arms), labels=truth))
        found.append(next(claim for claim in claims if claim.id == "C14").verdict)
    assert found.count(SUPPORTED) <= 5  # one in forty each: six of thirty come by chance once in ten thousand times


@pytest.mark.parametrize("models", [3, 5])
def test_classes_that_each_model_loses_of_its_own_do_not_differ(models: int) -> None:
    """None is worse in expectation: the growth is 0 in the mean, where with the models' variance it would be 33 or 20."""
    classes, found = 10, []
    base = made({"supervised": ("gmp",)}, (0.5, 0.9), tuple("abcdefghij"), 1, 800, models, depth=False, maps=False)
    for seed in range(60):
        random = np.random.default_rng(seed)
        truth, own = random.integers(0, classes, 800), random.normal(0.25, 0.1, (models, classes))
        arms = []
        for arm in base.arms:
            lost = random.random((models, 800)) < (own[:, truth] if arm.sparsity == 0.9 else 0.05)
            arms.append(
                dataclasses.replace(arm, models={**arm.models, "labels": ((truth + lost) % classes).astype(np.int16)})
            )
        claims = check_claims(dataclasses.replace(base, arms=tuple(arms), labels=truth))
        (part,) = next(claim for claim in claims if claim.id == "C14").parts
        assert models == 5 or part.reason == "no interval of fewer than 5 models"
        found.append((part.estimate.value, part.p_for < 0.025))
    values, supported = np.array(found).T
    assert abs(values.mean()) < 3 * values.std() / 60**0.5
    assert supported.sum() <= 6  # one in forty each: more than 6 of 60 come by chance once in a thousand times


def test_of_classes_that_are_alike_at_both_ends_there_is_no_interval() -> None:
    """PIEs evenly over all classes, and all of them lost alike: such an interval would hold the truth in 99.7 % of studies."""
    world = World()
    for sparsity, share in ((0.5, 0.1), (0.9, 0.2)):
        world.lose("supervised", "gmp", sparsity, share)
        world.lose("supervised", "one_shot", sparsity, share, classes=2 if sparsity == 0.5 else CLASSES)
    claims = {claim.id: claim for claim in check_claims(world.results())}
    for claim in ("C7", "C14"):
        even, uneven = (part for part in claims[claim].parts if part.about.startswith("Sup /"))
        assert np.isnan(even.estimate.error) and np.isfinite(even.estimate.value), claim
        assert even.reason == "no interval of classes too alike"
        assert uneven.estimate.error > 0 and not uneven.reason, claim
    assert "(classes too alike)" in claims["C7"].reason


def test_nothing_is_compared_at_equal_loss_between_the_dense_models_and_the_first_sparsity() -> None:
    world = paper_like()
    world.lose("supcon", "gmp", 0.5, 0.2)  # more at once than supervised models ever lose
    claim = {claim.id: claim for claim in check_claims(world.results())}["C1"]
    why = [part.why for part in claim.parts if part.fair == AT_EQUAL_LOSS and part.about == "GMP"]
    assert why == ["nothing to compare: no lower sparsity loses less"]
    assert claim.verdict == UNDECIDED
    lacks = f"{AT_EQUAL_LOSS} (GMP) there is {why[0]}"
    assert claim.reason == f"the paper's comparisons speak for it, but {lacks}"


def test_no_two_of_the_papers_comparisons_have_one_name() -> None:
    for claim in verdicts(paper_like).values():
        names = [part.about for part in claim.parts if not part.fair]
        assert len(names) == len(set(names)) > 0, claim.id


def test_the_papers_own_numbers_speak_against_it_nowhere_that_counts() -> None:
    """A run that found what the paper's tables print contradicts none of its findings."""
    papers = made(FAMILIES, sparsities=(0.3, 0.5, 0.7, 0.9), examples=300, models=4, maps=False)
    claims = check_claims(papers)
    excepted = {(claim.id, part.about) for claim in claims for part in claim.parts if part.is_excepted}
    assert excepted == {
        ("C10", "SupCon / delayed GMP and one-shot, 70\u00a0%"),
        ("C11", "SupCon / one-shot and GMP, 30\u00a0%"),
    }
    rows = claims_rows(papers, claims)
    assert {(row.claim, row.comparison) for row in rows if NOT_COUNTED in row.reason} == excepted
    beside = [row for row in rows if (row.claim, row.comparison) in excepted]
    assert len(beside) == 4 and all(row.reason.endswith(NOT_COUNTED) for row in beside)  # the fair ones neither
    for claim in claims:  # as if each comparison had found the paper's number, for sure
        parts = [
            dataclasses.replace(p, estimate=t_interval(np.log(p.paper) if p.is_ratio else p.paper, 1e-9, 5.0))
            for p in claim.parts
            if p.paper is not None
        ]
        assert not parts or Claim(claim.id, "made", tuple(parts)).verdict == SUPPORTED, claim.id


def test_what_the_printed_numbers_alone_say_is_told_apart() -> None:
    """Beyond the paper's sparsities a run may say something else."""
    printed, beyond_it = dataclasses.replace(part(5, 1), about="90 %", paper=2.0), dataclasses.replace(part(-9, 1))
    claim = Claim("C0", "made", (printed, beyond_it))
    assert (claim.verdict, claim.verdict_in_paper) == (CONTRADICTED, SUPPORTED)
    fair = beyond(part(1, 1), about="90 %"), beyond(part(-5, 1))
    claim = Claim("C0", "made", (printed, fair[0], beyond_it, fair[1]), needs_fair="more")
    assert (claim.verdict, claim.verdict_in_paper) == (CONTRADICTED, CONFOUNDED)  # with the fair ones beside them
    assert Claim("C0", "made", (part(5, 1), beyond_it)).verdict_in_paper is None
    assert Claim("C0", "made", (printed, dataclasses.replace(printed, about="70 %"))).verdict_in_paper == SUPPORTED
    results, alike = made(FAMILIES, models=4), Claim("C0", "made", (printed,))
    rows = claims_rows(results, [claim])
    assert [row.verdict_in_paper for row in rows] == [CONFOUNDED, None, None, None, None]
    section = _claims(results, [claim, alike])
    assert section is not None and isinstance(section.blocks[0], Table)
    (_, _, told), (_, _, nothing) = section.blocks[0].rows
    assert (told, nothing) == (f"{claim.reason}; where the paper prints numbers: confounded", "")


def test_depth_that_spread_before_pruning_is_no_evidence_about_pruning() -> None:
    """Supervised networks spread more, as they did unpruned: the paper's comparisons speak against C13, the fair ones do not."""
    world = World()
    base = np.random.default_rng(2).normal(size=EXAMPLES)
    for objective, width in (("supervised", 3.0), ("supcon", 1.5)):
        for key in [(objective, "dense", 0.0), *((objective, p, s) for p in ("gmp", "one_shot") for s in (0.5, 0.9))]:
            world.depth[key] = 8 + width * base
            if key[2]:
                world.lose(*key, 0.1)
    results = world.results()
    claim = next(claim for claim in check_claims(results) if claim.id == "C13")
    assert claim.verdict == CONFOUNDED and "beyond unpruned models" in claim.reason
    assert all(part.p_against < 0.001 for part in claim.parts if not part.fair)

    def spread(objective: str, of: str, is_pie: np.ndarray) -> float:
        arm = results.find(objective, of, 0.0 if of == "dense" else 0.9)
        assert arm is not None
        return float(arm.models["depth"].mean(0)[is_pie].std())

    for part_of, among in (("PIEs", True), ("others", False)):
        spreads = []
        for objective in ("supcon", "supervised"):
            dense, pruned = (results.find(objective, *of) for of in (("dense", 0.0), ("gmp", 0.9)))
            assert dense is not None and pruned is not None
            chosen = pie_mask(dense.labels, pruned.labels, CLASSES) == among
            spreads.append((spread(objective, "gmp", chosen), spread(objective, "dense", chosen)))
        told = {p.fair: p.estimate.value for p in claim.parts if p.about == f"GMP, 90\u00a0%, {part_of}"}
        (one, one_before), (other, other_before) = spreads
        assert told[""] == pytest.approx(one - other)
        assert told["beyond unpruned models"] == pytest.approx((one - one_before) - (other - other_before))


def test_a_spread_of_a_handful_of_examples_has_no_interval_and_says_of_which() -> None:
    world = World()
    for objective in FAMILIES:
        world.lose(objective, "gmp", 0.9, 1.0)
        world.move(objective, "gmp", 0.9, 0.3)  # all that were wrong before: hardly an example is no PIE
    claim = next(claim for claim in check_claims(world.results(noise=0.0)) if claim.id == "C13")
    found = {part.about: part.reason for part in claim.parts if "90" in part.about and "GMP" in part.about}
    assert found == {
        "GMP, 90\u00a0%, PIEs": "",
        "GMP, 90\u00a0%, others": "no interval of fewer than 10 examples that are no PIEs",
    }


def test_a_comparison_that_the_paper_excepts_decides_nothing() -> None:
    against = dataclasses.replace(part(-9, 1), about="that")
    excepted = dataclasses.replace(against, paper=-0.3)
    assert Claim("C0", "made", (part(5, 1), against)).verdict == CONTRADICTED
    assert Claim("C0", "made", (part(5, 1), excepted)).verdict == SUPPORTED
    assert Claim("C0", "made", (part(1, 1), dataclasses.replace(part(9, 1), paper=-0.3))).verdict == UNDECIDED
    ratio = dataclasses.replace(against, is_ratio=True)
    assert [dataclasses.replace(ratio, paper=paper).is_excepted for paper in (0.8, 1.2)] == [True, False]
    unheard = Claim("C0", "made", (part(5, 1), beyond(part(5, 1)), excepted, beyond(excepted)), needs_fair="more")
    assert unheard.verdict == SUPPORTED
    nothing = Claim("C0", "made", (excepted, beyond(excepted)), needs_fair="more")
    why = "no comparison counts: the paper's own numbers lie on the other side"
    assert (nothing.verdict, nothing.reason) == (UNDECIDED, why)


def test_comparisons_that_speak_against_it_if_taken_alone_are_named() -> None:
    against = [dataclasses.replace(part(-2.8, 1), about=f"arm {number}") for number in range(3)]
    strong, weak = [part(5, 1)] * 20, part(1, 1)
    claim = Claim("C0", "made", (*strong, *against[:1]))
    assert claim.reason == "20 of 21 for it; 1 against it if taken alone: arm 0"
    claim = Claim("C0", "made", (*strong, *against, weak))
    reason = "1 of 24 unclear: made; 3 against it if taken alone"
    assert (claim.verdict, claim.reason) == (UNDECIDED, reason)


def test_a_reason_says_why_nothing_is_clear() -> None:
    few, unclear = dataclasses.replace(part(1, float("nan")), why="no interval of fewer than 10 PIEs"), part(1, 1)
    other, rare = (dataclasses.replace(each, about="other") for each in (unclear, few))
    for parts, reason in (
        ((few, other), "2 of 2 unclear: made (fewer than 10 PIEs) and other"),
        ((few, rare), "2 of 2 unclear (fewer than 10 PIEs)"),
        ((few, rare, part(5, 1)), "2 of 3 unclear (fewer than 10 PIEs): made and other"),
        ((unclear, other), "2 of 2 unclear"),
    ):
        assert Claim("C0", "made", parts).reason == reason
    of_one = {claim.id: claim for claim in check_claims(made({"supervised": ("gmp", "one_shot")}, models=1))}
    assert of_one["C2"].reason == "2 of 2 unclear (fewer than 3 models)"


def test_a_reason_says_what_would_decide() -> None:
    weak = dataclasses.replace(part(1, 0.75), estimate=t_interval(1.0, 0.75**2, 9, lasting=0.1), models=10)
    never = dataclasses.replace(weak, about="that", estimate=t_interval(1.0, 0.75**2, 9, lasting=0.6))
    claim = Claim("C0", "made", (part(5, 1), weak, never))
    assert claim.reason == "2 of 3 unclear: made (about 25 models) and that"


@pytest.mark.parametrize(("share", "verdict"), [(0.02, SUPPORTED), (0.2, CONTRADICTED)])
def test_q_score_in_the_loss_is_judged_where_a_study_has_it(share: float, verdict: str) -> None:
    world = World()
    world.lose("supervised", "gmp", 0.9, 0.1)
    results = world.results()
    assert [claim.id for claim in check_claims(results)][-1] == "C15"
    twins = {"dense": 0.0, "gmp": share}
    regularised = [
        dataclasses.replace(
            arm, objective="supervised_q", models=arm.models | {"labels": forgets(results, twins[arm.pruning])}
        )
        for arm in results.arms
        if arm.objective == "supervised" and arm.sparsity in (0.0, 0.9) and arm.pruning in twins
    ]
    every = dataclasses.replace(results, arms=(*results.arms, *regularised))
    found = check_claims(every)
    assert [claim.id for claim in found] == [*(f"C{number}" for number in range(1, 16)), "Q1"]
    counted, beyond = found[-1].parts  # of gmp at 90 %, all that both have
    assert found[-1].verdict == verdict and not counted.fair and beyond.fair
    pies = {
        objective: pie_mask(
            *(every.find(objective, *arm).labels for arm in (("dense", 0.0), ("gmp", 0.9))), CLASSES
        ).sum()  # type: ignore[union-attr]
        for objective in ("supervised", "supervised_q")
    }
    assert counted.estimate.value == pytest.approx(100 / EXAMPLES * (pies["supervised_q"] - pies["supervised"]))


def forgets(results: Results, share: float) -> np.ndarray:
    """What models say that lose such a share of the examples, and one in a hundred by noise of their own."""
    random, truth = np.random.default_rng(1), results.labels
    lost = np.arange(EXAMPLES) < share * EXAMPLES
    noise = random.random((MODELS, EXAMPLES)) < 0.01
    said = np.where(lost, (truth + 1) % CLASSES, truth)
    return np.where(noise, random.integers(0, CLASSES, (MODELS, EXAMPLES)), said).astype(np.int16)
