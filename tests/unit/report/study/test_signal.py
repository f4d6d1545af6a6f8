"""The tables of "signal or noise" on a made study with all control arms, against the measures called one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from made_results import CASES, made
from made_votes import votes_of
from piescope.measure.class_impact import class_impact
from piescope.measure.intervals import NO_SPREAD
from piescope.measure.noise_floor import NoiseFloor, excess_difference, excess_pies
from piescope.measure.overlap import overlap_test
from piescope.measure.pies import pie_mask, vote_entropy, vote_margin
from piescope.report.study.claims import check_claims
from piescope.report.study.figures import draw
from piescope.report.study.forgotten import forgotten
from piescope.report.study.predictors import SCORES
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey, Bounds
from piescope.report.study.signal import Signal
from piescope.report.study.signal_rows import OverlapRow
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.signal_words import in_short, sentences
from piescope.report.study.words import family_name
from piescope.store.catalogue import ControlOf
from piescope.wording import SPACE

MODELS, EXAMPLES, CLASSES = 6, 300, 3
CONTROLS = {
    "fresh_dense": ControlOf(kind="fresh_dense"),
    "finetune_only": ControlOf(kind="finetune_only", of="one_shot"),
    "random": ControlOf(kind="random_masks", of="one_shot"),
}


def arm(
    random: np.random.Generator, like: ArmResult, pruning: str, sparsity: float, said: np.ndarray, dense: np.ndarray
) -> ArmResult:
    models = {"labels": said, **{name: random.random(said.shape) for name in ("q", "q_aaai24")}}
    models["depth"] = random.integers(1, 5, (2, EXAMPLES))
    models["depth_baldock"] = models["depth"] - 1
    columns = dict(like.columns)
    columns["is_pie"] = pie_mask(dense, said, CLASSES)
    columns["is_confirmed"] = columns["is_pie"]
    for side, votes in (("dense", dense), ("pruned", said)):
        columns[f"{side}_margin"], columns[f"{side}_entropy"] = (
            vote_margin(votes, CLASSES),
            vote_entropy(votes, CLASSES),
        )
    summary = like.summary.model_copy(update={"n_models": len(said), "pies": int(columns["is_pie"].sum())})
    descended = pruning in ("one_shot", "finetune_only", "random")
    return ArmResult(
        like.objective, pruning, sparsity, columns, summary, None, models, CONTROLS.get(pruning), descended
    )


@pytest.fixture(scope="module")
def results() -> Results:
    random = np.random.default_rng(0)
    base = made({"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "one_shot")}, examples=EXAMPLES, models=MODELS)
    arms = []
    for objective in ("supervised", "supcon"):
        chance = random.dirichlet(np.full(CLASSES, 0.4), EXAMPLES)
        dense = votes_of(random, chance, MODELS)
        for like in base.arms:
            if like.objective != objective:
                continue
            worse = 0.7 * chance + 0.3 * like.sparsity * np.roll(chance, 1, axis=1) + 0.3 * (1 - like.sparsity) * chance
            said = dense if like.is_dense else votes_of(random, worse, MODELS)
            arms.append(arm(random, like, like.pruning, like.sparsity, said, dense))
            if like.is_dense:
                for name in ("fresh_dense", "finetune_only"):
                    arms.append(arm(random, like, name, 0.0, votes_of(random, chance, MODELS), dense))
            if like.pruning == "one_shot":
                arms.append(arm(random, like, "random", like.sparsity, votes_of(random, worse, MODELS), dense))
    return Results(**{**vars(base), "arms": tuple(arms)})


class OfArm(Protocol):
    @property
    def arm(self) -> ArmKey: ...


R = TypeVar("R", bound=OfArm)


def find(rows: Sequence[R], arm: tuple[str, str, float], **wanted: Any) -> R:
    (row,) = [
        row for row in rows if row.arm == arm and all(getattr(row, name) == value for name, value in wanted.items())
    ]
    return row


def labels(results: Results, objective: str, pruning: str, sparsity: float = 0.9) -> np.ndarray:
    found = results.find(objective, pruning, 0.0 if pruning in ("dense", "fresh_dense", "finetune_only") else sparsity)
    assert found is not None
    return found.labels


@pytest.fixture(scope="module")
def signal(results: Results) -> Signal:
    return Signal(results)


def test_floors_are_of_full_size_and_the_null_is_named(results: Results, signal: Signal) -> None:
    rows = signal.rows.noise
    dense, fresh = (labels(results, "supcon", name) for name in ("dense", "fresh_dense"))
    for pruning, null in (("gmp", "same_seeds"), ("one_shot", "descended")):
        row = find(rows, ("supcon", pruning, 0.9))
        pruned = labels(results, "supcon", pruning)
        assert row.null == null
        assert (row.dense_group, row.pruned_group) == (MODELS, MODELS)
        of_fresh = [pie_mask(fresh, side, CLASSES).sum() for side in (pruned, dense)]
        assert row.excess.value == of_fresh[0] - of_fresh[1]
        assert row.floor.value == NoiseFloor(np.concatenate([dense, fresh]), CLASSES).under(pruned, null).floor.value  # type: ignore[arg-type]
        assert row.observed.value == pytest.approx(row.floor.value + row.excess.value)
        found = excess_pies(np.concatenate([dense, fresh]), pruned, CLASSES, null=null)  # type: ignore[arg-type]
        assert row.excess == (found.excess, *found.interval)
        assert row.pies == pie_mask(dense, pruned, CLASSES).sum()
    assert not [row for row in rows if row.arm.pruning in ("dense", "fresh_dense")]


@pytest.mark.parametrize(
    ("models", "varies", "why"), [(6, True, ""), (2, True, "no interval of fewer than 3 models"), (6, False, NO_SPREAD)]
)
def test_why_an_excess_has_no_interval_is_told(models: int, varies: bool, why: str) -> None:
    made_up = made({"supervised": ("gmp",)}, models=models, examples=90)
    if not varies:
        same = made_up.arms[0].models["labels"][:1].repeat(models, 0)
        arms = tuple(replace(each, models={**each.models, "labels": same}) for each in made_up.arms)
        made_up = replace(made_up, arms=arms)
    rows = Signal(made_up).rows.noise
    assert rows and all(row.reason == why for row in rows)
    assert all((row.excess.low is None) == bool(why) for row in rows)


def test_parts_add_up_to_what_is_observed(results: Results, signal: Signal) -> None:
    for row in signal.rows.noise:
        if row.arm.pruning not in ("gmp", "one_shot"):
            continue
        parts = [part for part in signal.rows.decomposition if part.arm == row.arm]
        expected = (
            ["seeds", "sparsity"]
            if row.arm.pruning == "gmp"
            else ["seeds", "fine_tuning", "sparsity", "random_masks_beyond"]
        )
        assert [part.part for part in parts] == expected
        counts = [part.pies.value or 0.0 for part in parts if part.part != "random_masks_beyond"]
        assert sum(counts) == pytest.approx(row.observed.value)
        for part in parts:
            value, low, high = part.pies
            assert value is not None and low is not None and high is not None
            assert low <= value <= high
    beyond = find(signal.rows.decomposition, ("supcon", "one_shot", 0.9), part="random_masks_beyond")
    random, one_shot = (
        find(signal.rows.noise, ("supcon", name, 0.9)).observed.value or 0.0 for name in ("random", "one_shot")
    )
    assert beyond.pies.value == pytest.approx(random - one_shot)


def test_without_controls_the_halves_are_taken_and_the_parts_are_named_together(results: Results) -> None:
    bare = Results(**{**vars(results), "arms": tuple(a for a in results.arms if not a.is_control)})
    signal = Signal(bare)
    row = find(signal.rows.noise, ("supervised", "one_shot", 0.9))
    assert (row.dense_group, row.pruned_group) == (3, 3)
    dense, pruned = labels(results, "supervised", "dense"), labels(results, "supervised", "one_shot")
    assert row.excess.value == NoiseFloor(dense, CLASSES).under(pruned, "descended").excess.value
    parts = {row.part for row in signal.rows.decomposition}
    assert parts == {"seeds", "sparsity", "fine_tuning_and_sparsity"}


def test_overlap_of_one_objective_takes_separate_dense_models(results: Results, signal: Signal) -> None:
    rows = signal.rows.overlap
    assert {row.compared for row in rows} == {"objectives", "prunings", "sparsities"}
    row = prunings_of_supcon(rows)
    dense, fresh = (labels(results, "supcon", name) for name in ("dense", "fresh_dense"))
    sets = (  # one-shot against its own parents, so that their luck is on its side only
        pie_mask(fresh, labels(results, "supcon", "gmp"), CLASSES),
        pie_mask(dense, labels(results, "supcon", "one_shot"), CLASSES),
    )
    hard = np.stack([vote_entropy(fresh, CLASSES), vote_entropy(dense, CLASSES)], axis=1)
    assert row.dense_models == "separate"
    assert row.observed == (sets[0] & sets[1]).sum()
    assert row.chance.p_value == overlap_test(*sets).p_value
    equally_hard = overlap_test(*sets, difficulty=hard)
    assert row.hard == (round(equally_hard.expected, 6), equally_hard.ratio, None)  # its null is only roughly true
    bare = Results(**{**vars(results), "arms": tuple(a for a in results.arms if not a.is_control)})
    assert prunings_of_supcon(Signal(bare).rows.overlap).dense_models == "the same"


def prunings_of_supcon(rows: list[OverlapRow]) -> OverlapRow:
    (row,) = [
        row for row in rows if row.compared == "prunings" and (row.a.objective, row.a.sparsity) == ("supcon", 0.9)
    ]
    return row


def test_intersections_count_every_pie_once(results: Results, signal: Signal) -> None:
    rows = signal.intersections()
    assert len(rows[0].members) == 4
    either = np.logical_or.reduce([a.is_pie for a in results.pruned() if a.sparsity == 0.9])
    counts = [row.examples for row in rows]
    assert sum(counts) == either.sum()
    assert counts == sorted(counts, reverse=True)
    for family in rows[0].members:
        found = results.find(*family, 0.9)
        assert found is not None
        assert sum(row.examples for row in rows if row.members[family]) == found.is_pie.sum()
    assert list(rows[0].cells())[3:] == ["supcon one_shot", "examples", "by_chance", "by_chance_if_equally_hard"]


def test_class_impact_has_the_test_that_fits_and_the_interval_over_examples(results: Results, signal: Signal) -> None:
    rows = signal.rows.class_impact
    for pruning, method, over in (("gmp", "hooker", "two_way"), ("one_shot", "paired", "two_way_paired")):
        dense, pruned = labels(results, "supervised", "dense"), labels(results, "supervised", pruning)
        tested = class_impact(dense, pruned, results.labels, CLASSES, method=method)  # type: ignore[arg-type]
        both = {row["class"]: row for row in class_impact(dense, pruned, results.labels, CLASSES, method=over)}  # type: ignore[arg-type]
        own = [row for row in rows if row.arm == ("supervised", pruning, 0.9)]
        assert [row.label for row in own] == [results.class_names[row["class"]] for row in tested]
        for row, test in zip(own, tested, strict=True):
            assert (row.test, row.test_p_value) == (method, test["p_value"])
            assert (row.impact.low, row.p_value) == (both[test["class"]]["low"], both[test["class"]]["p_value"])


def test_predictors_are_scikit_learns_aurocs(results: Results, signal: Signal) -> None:
    rows = signal.rows.predictors
    dense = results.find("supcon", "dense", 0.0)
    assert dense is not None
    wrong = dense.labels != results.labels
    expected = np.mean([roc_auc_score(w, -q) for w, q in zip(wrong, dense.models["q"], strict=True)])
    assert find(rows, dense.key, event="error", score="q").auroc.value == pytest.approx(expected)
    others = [np.delete(dense.labels, k, 0) for k in range(MODELS)]  # a model's own vote would foretell its own error
    expected = np.mean([roc_auc_score(w, vote_entropy(o, CLASSES)) for w, o in zip(wrong, others, strict=True)])
    assert find(rows, dense.key, event="error", score="entropy").auroc.value == pytest.approx(expected)
    pruned = results.find("supcon", "gmp", 0.9)
    assert pruned is not None
    row = find(rows, pruned.key, event="PIE", score="margin")
    assert row.auroc.value == pytest.approx(
        roc_auc_score(pruned.columns["is_pie"], -vote_margin(dense.labels, CLASSES))
    )
    assert {row.score for row in rows} == set(SCORES)
    assert not [row for row in rows if row.event == "error" and row.score == "depth"]  # it knows the label


def test_replicates_end_at_the_count_of_this_run_and_are_foretold_beyond(results: Results, signal: Signal) -> None:
    for row in signal.rows.replicates:
        if row.models == MODELS:
            found = results.find(*row.arm)
            assert found is not None
            assert row.pies == found.summary.pies
    foretold = signal.foretold({arm.key: 24 for arm in results.pruned()})
    assert len(foretold) == len(results.pruned())
    few = results.pruned()[0].key
    assert [row.models for row in signal.foretold({few: 12})] == [12]
    for ahead in foretold:
        assert ahead.pies == find(signal.rows.replicates, ahead.arm, models=24).pies


def test_of_four_models_an_arm_counts_are_shown_and_nothing_is_foretold() -> None:
    four = Signal(made({"supervised": ("gmp",)}, sparsities=(0.9,), models=4, examples=120))
    (arm,) = four.results.pruned()
    assert [row.models for row in four.rows.replicates] == [2, 3, 4]
    assert {(row.limit, row.error, row.drawn_out) for row in four.rows.replicates} == {
        (Bounds(None, None, None), None, False)
    }
    assert four.foretold({arm.key: 4}) == four.foretold({arm.key: 40}) == []
    table = signal_tables(four)["replicates"]
    assert list(table.rows[0][-2:]) == ["–", "–"] and "fewer than 5 models" in table.caption
    (told,) = [sentence for sentence in sentences(four) if "would repeat" in sentence]
    assert "these cannot tell" in told and "nan" not in told.lower()
    (axes,) = draw(four, 10).figure.axes
    assert [line.get_linestyle() for line in axes.lines] == ["-"]


def test_claims_have_the_same_comparison_beyond_noise(results: Results, signal: Signal) -> None:
    claims = {claim.id: claim for claim in check_claims(results, signal=signal)}
    (part,) = [p for p in claims["C2"].parts if "beyond seed noise" in p.effect and p.about.startswith("90")]
    one_shot, gmp = (
        find(signal.rows.noise, ("supervised", name, 0.9)).excess.value or 0.0 for name in ("one_shot", "gmp")
    )
    assert part.estimate.value == pytest.approx(100 * (one_shot - gmp) / EXAMPLES)
    assert part.fair == "beyond seed noise"
    (part,) = [p for p in claims["C1"].parts if p.fair == "beyond seed noise" and p.about.startswith("GMP")]
    arms = [results.find(objective, "gmp", 0.9) for objective in ("supcon", "supervised")]
    one, other = (signal.floor(arm) for arm in arms if arm is not None)
    assert one is not None and other is not None
    assert part.estimate == excess_difference(one, other).times(100 / EXAMPLES)  # by seed, between objectives, too


def test_sentences_follow_the_numbers(results: Results, signal: Signal) -> None:
    text = " ".join(sentences(signal)).replace(SPACE, " ")
    row = find(signal.rows.noise, ("supcon", "gmp", 0.9))
    assert row.floor.value and row.observed.value
    assert f"{100 * row.floor.value / row.observed.value:.0f} % (SupCon / GMP)" in text
    found = results.find("supcon", "gmp", 0.9)
    assert found is not None
    value, low, high = (f"{number:,.0f}" for number in row.excess if number is not None)
    assert in_short(signal, found).replace(SPACE, " ").startswith(f"{value} [{low}, {high}] beyond")
    assert "nan" not in text


def test_arms_that_are_not_clear_are_those_that_curve_and_headline_draw_pale() -> None:
    """By the false discovery rate among all arms, not by each one's own interval."""
    for results in CASES.values():
        signal = Signal(results)
        if not signal.rows.noise:
            continue
        rows = {row.arm.key: row for row in forgotten(signal)}
        assert {key: row.is_clear for key, row in rows.items()} == signal.clear
        text = " ".join(sentences(signal))
        main = [arm for arm in results.pruned() if arm.sparsity == results.main_sparsity]
        floors = [(arm, floor) for arm in main if (floor := signal.floor(arm)) is not None and floor.observed.value > 0]
        unclear = [family_name(arm.objective, arm.pruning) for arm, _ in floors if not signal.clear[arm.key]]
        told = f"Not clearly more, among all arms: {', '.join(unclear)}." in text
        assert told == bool(unclear) or not floors


def test_what_is_said_of_an_arm_is_of_all_models_that_it_has() -> None:
    results = CASES["fewer models in two arms"]
    signal = Signal(results)
    fewer, other = (signal.floor(arm) for arm in results.pruned()[:2])
    noise = {row.arm: row for row in signal.rows.noise}
    assert fewer is not None and other is not None
    assert [noise[arm.key].n_models for arm in results.pruned()[:2]] == [4, 6]
    dense = results.arms[0].labels
    assert fewer.observed == NoiseFloor(dense, 3).under(results.pruned()[0].labels, "same_seeds").observed
    curve = signal.curve(results.pruned()[0])
    assert curve is not None and curve.models[-1] == 4
    assert curve.pies[-1] == pie_mask(dense[:4], results.pruned()[0].labels, 3).sum()


def test_claims_of_fewer_models_leave_the_floors_of_all() -> None:
    results = CASES["fewer models in two arms"]
    signal, alone = Signal(results), Signal(results)
    check_claims(results, signal)
    for arm in results.pruned():
        ours, theirs = signal.floor(arm), alone.floor(arm)
        assert ours is not None and theirs is not None and ours.excess == theirs.excess, arm.key
