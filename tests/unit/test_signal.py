"""The tables of "signal or noise" on a made study with all control arms, against the measures called one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from made_results import made
from made_votes import votes_of
from piescope.measure.class_impact import class_impact
from piescope.measure.noise_floor import NoiseFloor, excess_pies
from piescope.measure.overlap import overlap_test
from piescope.measure.pies import pie_mask, vote_entropy, vote_margin
from piescope.report.study.claims import check_claims
from piescope.report.study.frames import ArmResult, Results
from piescope.report.study.signal import SCORES, Signal
from piescope.report.study.signal_words import in_short, sentences
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
    summary = {**like.summary, "n_models": len(said), "pies": int(columns["is_pie"].sum())}
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


def find(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row


def labels(results: Results, objective: str, pruning: str, sparsity: float = 0.9) -> np.ndarray:
    found = results.find(objective, pruning, 0.0 if pruning in ("dense", "fresh_dense", "finetune_only") else sparsity)
    assert found is not None
    return found.labels


@pytest.fixture(scope="module")
def signal(results: Results) -> Signal:
    return Signal(results)


def test_floors_are_of_full_size_and_the_null_is_named(results: Results, signal: Signal) -> None:
    rows = signal.rows["noise"]
    dense, fresh = (labels(results, "supcon", name) for name in ("dense", "fresh_dense"))
    for pruning, null in (("gmp", "same_seeds"), ("one_shot", "descended")):
        row = find(rows, objective="supcon", pruning=pruning, sparsity=0.9)
        pruned = labels(results, "supcon", pruning)
        assert row["null"] == null
        assert (row["dense_group"], row["pruned_group"]) == (MODELS, MODELS)
        assert row["observed"] == pie_mask(fresh, pruned, CLASSES).sum()
        assert row["floor"] == pie_mask(fresh, dense, CLASSES).sum()
        found = excess_pies(np.concatenate([dense, fresh]), pruned, CLASSES, null=null)  # type: ignore[arg-type]
        assert (row["excess"], row["excess_low"], row["excess_high"]) == (found.excess, *found.interval)
        assert row["pies"] == pie_mask(dense, pruned, CLASSES).sum()
    assert not [row for row in rows if row["pruning"] in ("dense", "fresh_dense")]


def test_parts_add_up_to_what_is_observed(results: Results, signal: Signal) -> None:
    for row in signal.rows["noise"]:
        if row["pruning"] not in ("gmp", "one_shot"):
            continue
        named = {key: row[key] for key in ("objective", "pruning", "sparsity")}
        parts = [r for r in signal.rows["decomposition"] if all(r[key] == value for key, value in named.items())]
        expected = (
            ["seeds", "sparsity"]
            if row["pruning"] == "gmp"
            else ["seeds", "fine_tuning", "sparsity", "random_masks_beyond"]
        )
        assert [part["part"] for part in parts] == expected
        assert sum(part["pies"] for part in parts if part["part"] != "random_masks_beyond") == pytest.approx(
            row["observed"]
        )
        assert all(part["pies_low"] <= part["pies"] <= part["pies_high"] for part in parts)
    beyond = find(signal.rows["decomposition"], objective="supcon", sparsity=0.9, part="random_masks_beyond")
    counts = [
        find(signal.rows["noise"], objective="supcon", sparsity=0.9, pruning=name)["observed"]
        for name in ("random", "one_shot")
    ]
    assert beyond["pies"] == pytest.approx(counts[0] - counts[1])


def test_without_controls_the_halves_are_taken_and_the_parts_are_named_together(results: Results) -> None:
    bare = Results(**{**vars(results), "arms": tuple(a for a in results.arms if not a.is_control)})
    signal = Signal(bare)
    row = find(signal.rows["noise"], objective="supervised", pruning="one_shot", sparsity=0.9)
    assert (row["dense_group"], row["pruned_group"]) == (3, 3)
    dense, pruned = labels(results, "supervised", "dense"), labels(results, "supervised", "one_shot")
    assert row["excess"] == NoiseFloor(dense, CLASSES).under(pruned, "descended").excess.value
    parts = {row["part"] for row in signal.rows["decomposition"]}
    assert parts == {"seeds", "sparsity", "fine_tuning_and_sparsity"}


def test_overlap_of_one_objective_takes_separate_dense_models(results: Results, signal: Signal) -> None:
    rows = signal.rows["overlap"]
    assert {row["compared"] for row in rows} == {"objectives", "prunings", "sparsities"}
    row = find(rows, compared="prunings", objective_a="supcon", sparsity_a=0.9)
    dense, fresh = (labels(results, "supcon", name) for name in ("dense", "fresh_dense"))
    sets = (  # one-shot against its own parents, so that their luck is on its side only
        pie_mask(fresh, labels(results, "supcon", "gmp"), CLASSES),
        pie_mask(dense, labels(results, "supcon", "one_shot"), CLASSES),
    )
    hard = np.stack([vote_entropy(fresh, CLASSES), vote_entropy(dense, CLASSES)], axis=1)
    assert row["dense_models"] == "separate"
    assert row["observed"] == (sets[0] & sets[1]).sum()
    assert row["p_value"] == overlap_test(*sets).p_value
    assert row["hard_p_value"] == overlap_test(*sets, difficulty=hard).p_value
    bare = Results(**{**vars(results), "arms": tuple(a for a in results.arms if not a.is_control)})
    assert (
        find(Signal(bare).rows["overlap"], compared="prunings", objective_a="supcon", sparsity_a=0.9)["dense_models"]
        == "the same"
    )


def test_intersections_count_every_pie_once(results: Results, signal: Signal) -> None:
    rows = signal.intersections()
    names = [name for name in rows[0] if isinstance(rows[0][name], bool)]
    assert len(names) == 4
    either = np.logical_or.reduce([a.columns["is_pie"] for a in results.pruned() if a.sparsity == 0.9])
    assert sum(row["examples"] for row in rows) == either.sum()
    counts = [row["examples"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    for name in names:
        objective, pruning = name.split()
        found = results.find(objective, pruning, 0.9)
        assert found is not None
        assert sum(row["examples"] for row in rows if row[name]) == found.columns["is_pie"].sum()


def test_class_impact_has_the_test_that_fits_and_the_interval_over_examples(results: Results, signal: Signal) -> None:
    rows = signal.rows["class_impact"]
    for pruning, method in (("gmp", "hooker"), ("one_shot", "paired")):
        dense, pruned = labels(results, "supervised", "dense"), labels(results, "supervised", pruning)
        tested = class_impact(dense, pruned, results.labels, CLASSES, method=method)  # type: ignore[arg-type]
        both = {row["class"]: row for row in class_impact(dense, pruned, results.labels, CLASSES, method="bootstrap")}
        own = [
            row for row in rows if (row["objective"], row["pruning"], row["sparsity"]) == ("supervised", pruning, 0.9)
        ]
        assert [row["class"] for row in own] == [results.class_names[row["class"]] for row in tested]
        for row, test in zip(own, tested, strict=True):
            assert (row["test"], row["test_p_value"]) == (method, test["p_value"])
            assert (row["low"], row["p_value"]) == (both[test["class"]]["low"], both[test["class"]]["p_value"])


def test_predictors_are_scikit_learns_aurocs(results: Results, signal: Signal) -> None:
    rows = signal.rows["predictors"]
    dense = results.find("supcon", "dense", 0.0)
    assert dense is not None
    wrong = dense.labels != results.labels
    expected = np.mean([roc_auc_score(w, -q) for w, q in zip(wrong, dense.models["q"], strict=True)])
    assert find(rows, objective="supcon", event="error", score="q")["auroc"] == pytest.approx(expected)
    others = [np.delete(dense.labels, k, 0) for k in range(MODELS)]  # a model's own vote would foretell its own error
    expected = np.mean([roc_auc_score(w, vote_entropy(o, CLASSES)) for w, o in zip(wrong, others, strict=True)])
    assert find(rows, objective="supcon", event="error", score="entropy")["auroc"] == pytest.approx(expected)
    pruned = results.find("supcon", "gmp", 0.9)
    assert pruned is not None
    row = find(rows, objective="supcon", event="PIE", pruning="gmp", sparsity=0.9, score="margin")
    assert row["auroc"] == pytest.approx(roc_auc_score(pruned.columns["is_pie"], -vote_margin(dense.labels, CLASSES)))
    assert {row["score"] for row in rows} == set(SCORES)
    assert not [row for row in rows if row["event"] == "error" and row["score"] == "depth"]  # it knows the label


def test_replicates_end_at_the_count_of_this_run_and_are_foretold_beyond(results: Results, signal: Signal) -> None:
    for row in signal.rows["replicates"]:
        if row["models"] == MODELS:
            found = results.find(row["objective"], row["pruning"], row["sparsity"])
            assert found is not None
            assert row["pies"] == found.summary["pies"]
    told = signal.foretold(24)
    assert len(told) == len(results.pruned())
    for row in told:
        here = find(
            signal.rows["replicates"], **{key: row[key] for key in ("objective", "pruning", "sparsity")}, models=24
        )
        assert row["pies"] == here["pies"]


def test_claims_have_the_same_comparison_beyond_noise(results: Results, signal: Signal) -> None:
    claims = {claim.id: claim for claim in check_claims(results, draws=10, signal=signal)}
    (part,) = [p for p in claims["C2"].parts if "beyond seed noise" in p.effect and p.about.startswith("90")]
    counts = [
        find(signal.rows["noise"], objective="supervised", pruning=name, sparsity=0.9)["excess"]
        for name in ("one_shot", "gmp")
    ]
    assert part.found.value == pytest.approx(100 * (counts[0] - counts[1]) / EXAMPLES)
    assert not part.counts


def test_sentences_follow_the_numbers(results: Results, signal: Signal) -> None:
    told = " ".join(sentences(signal))
    row = find(signal.rows["noise"], objective="supcon", pruning="gmp", sparsity=0.9)
    told = told.replace(SPACE, " ")
    assert f"{100 * row['floor'] / row['observed']:.0f} % (SupCon / GMP)" in told
    found = results.find("supcon", "gmp", 0.9)
    assert found is not None
    assert (
        in_short(signal, found)
        .replace(SPACE, " ")
        .startswith(f"{row['excess']:,.0f} [{row['excess_low']:,.0f}, {row['excess_high']:,.0f}] beyond")
    )
    assert "nan" not in told
