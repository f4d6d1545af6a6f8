"""A replicate that failed for good leaves its arm with the others, said wherever the arm is; a cure brings it back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from made_executors import FakeExecutor, Heard, raised
from piescope.report.study.build import build_report
from piescope.report.study.results import load_results
from piescope.store import layout
from piescope.store.artefacts import Store, as_tensors
from piescope.store.catalogue import Catalogue, CompleteArm
from piescope.store.durable import as_json
from piescope.study.catalogue import refresh_catalogue
from piescope.study.collect import unwanted
from piescope.study.execute import Outcome, execute
from piescope.study.executors.protocol import Task
from piescope.study.parents import Parents
from piescope.study.parse import parse_study
from piescope.study.partial import seeds_of, without
from piescope.study.plan import Plan, Ref, Step, make_plan
from piescope.study.steps import perform
from piescope.study.verify import verify
from piescope.wording import as_percent

REPLICATES = 6
STUDY = parse_study(f"""
name = "partial"
title = "A study that loses a model"
replicates = {REPLICATES}
sparsities = [0.5]
[data]
source = "digits"
train_examples = 200
test_examples = 100
normalisation = {{ mean = [0.3], std = [0.4] }}
[model]
depth = 10
width = 1
[arms]
supervised = ["dense", "gmp", "one_shot", "fresh_dense"]
[training.supervised]
epochs = 2
batch_size = 50
learning_rate = 0.1
[pruning.gmp]
kind = "gradual"
supervised = {{ begin = 1, end = 3, frequency = 1 }}
[pruning.one_shot]
kind = "one_shot"
finetune = {{ epochs = 1, batch_size = 50, learning_rate = 0.01 }}
[measures.prediction_depth]
models = 2
k = 5
points = ["conv1", "softmax"]
""")
PLAN = make_plan(STUDY)
STEPS = {step.label: step for step in PLAN.steps}
ARMS = {str(item.arm): item for item in PLAN.arms}
DENSE, FRESH, GMP, ONE_SHOT = ARMS


def refs(*labels: str) -> set[Ref]:
    return {STEPS[label].ref for label in labels}


def seeds(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {str(item.arm): seeds_of(item.compare) for item in plan.arms}


def but(*lost: int) -> tuple[int, ...]:
    return tuple(seed for seed in range(REPLICATES) if seed not in lost)


def test_an_arm_does_without_its_lost_models_and_the_others_stay_as_they_are() -> None:
    plan = without(PLAN, refs(f"{GMP}, seed 3"))
    assert seeds(plan) == {**seeds(PLAN), GMP: but(3)}
    kept, whole = next(item.compare for item in plan.arms if str(item.arm) == GMP), ARMS[GMP].compare
    for role in ("models", "dense", "pruned"):
        assert kept.parents[role] == tuple(ref for place, ref in enumerate(whole.parents[role]) if place != 3)
    assert kept.parents["pruned_depths"] == whole.parents["pruned_depths"]  # of the first two
    assert kept.parents["fresh"] == whole.parents["fresh"] and kept.key != whole.key and "5 of 6 models" in kept.label
    others = [(a.compare.key, b.compare.key) for a, b in zip(plan.arms, PLAN.arms, strict=True) if str(a.arm) != GMP]
    assert all(a == b for a, b in others)
    assert plan.steps[: len(PLAN.steps)] == PLAN.steps and plan.steps[len(PLAN.steps) :] == (kept,)


def test_a_lost_model_takes_its_depth_with_it() -> None:
    kept = next(item.compare for item in without(PLAN, refs(f"{GMP}, seed 0: predict")).arms if str(item.arm) == GMP)
    assert seeds_of(kept) == but(0)
    assert kept.parents["pruned_depths"] == (STEPS[f"{GMP}, seed 1: prediction depth"].ref,)
    assert kept.parents["dense_depths"] == (STEPS[f"{DENSE}, seed 1: prediction depth"].ref,)


def test_a_lost_dense_model_is_missed_in_every_arm_of_its_seeds() -> None:
    plan = without(PLAN, refs(f"{DENSE}, seed 1"))
    assert seeds(plan) == {DENSE: but(1), FRESH: seeds(PLAN)[FRESH], GMP: but(1), ONE_SHOT: but(1)}
    fresh = next(item.compare for item in plan.arms if str(item.arm) == FRESH)
    assert len(fresh.parents["dense"]) == 5 and len(fresh.parents["pruned"]) == 6


def test_an_arm_of_fewer_models_loses_its_own_and_those_of_its_seeds_alone() -> None:
    plan = make_plan(STUDY.model_copy(update={"replicates_of": {GMP: 4}}))

    def compared(*lost: str) -> dict[str, tuple[Ref, ...]]:
        compare = next(item.compare for item in without(plan, refs(*lost)).arms if str(item.arm) == GMP)
        return dict(compare.parents)

    def dense(*lost: int) -> tuple[Ref, ...]:
        return tuple(STEPS[f"{DENSE}, seed {seed}: predict"].ref for seed in but(*lost))

    for lost, own in (
        (f"{GMP}, seed 3", (0, 1, 2)),
        (f"{DENSE}, seed 3", (0, 1, 2)),
        (f"{DENSE}, seed 5", (0, 1, 2, 3)),
    ):
        parents = compared(lost)
        assert parents["pruned"] == tuple(STEPS[f"{GMP}, seed {seed}: predict"].ref for seed in own)
        assert parents["dense"] == dense(int(lost[-1]))
    assert (
        len(compared(*(f"{GMP}, seed {seed}" for seed in range(3)))["pruned"]) == 4
    )  # too few would be left: as it was


def test_fresh_models_are_lost_by_themselves() -> None:
    plan = without(PLAN, refs(f"{FRESH}, seed 7"))
    assert seeds(plan) == {**seeds(PLAN), FRESH: (6, 8, 9, 10, 11)}
    gmp = next(item.compare for item in plan.arms if str(item.arm) == GMP)
    assert len(gmp.parents["fresh"]) == 5 and len(gmp.parents["pruned"]) == 6


def test_where_too_few_seeds_would_be_left_to_all_an_arm_is_not_complete() -> None:
    lost = refs(*(f"{GMP}, seed {seed}" for seed in (0, 1)), *(f"{ONE_SHOT}, seed {seed}" for seed in (2, 3)))
    plan = without(PLAN, lost)
    assert seeds(plan) == {**seeds(PLAN), GMP: but(0, 1)}  # the next one would leave two of six
    all_lost = without(PLAN, refs(*(f"{GMP}, seed {seed}" for seed in range(REPLICATES))))
    assert seeds(all_lost) == seeds(PLAN)
    assert without(PLAN, {PLAN.data.ref}).arms == PLAN.arms


def test_what_is_there_stays() -> None:
    assert without(PLAN, refs(f"{GMP}, seed 3"), {ARMS[GMP].compare.ref}).arms == PLAN.arms


def made(task: Task, store: Store) -> None:
    """Models that nobody trained, which say what seed and arm have them say; the rest is computed."""
    step = task.step
    if step.kind in ("data", "compare"):
        perform(step, store, "cpu", lambda _: None)
        return
    generator = np.random.default_rng(list(step.label.encode()))
    group = {"names": ["all"], "weights": 1000, "zeros": 500, "target": 500}
    files = {
        "train": lambda: {layout.SPARSITY: as_json({"sparsity": 0.5, "groups": [group]})},
        "finetune": lambda: {layout.SPARSITY: as_json({"sparsity": 0.5, "groups": [group]})},
        "predict": lambda: {layout.PREDICTIONS: as_tensors(said(generator))},
        "depth": lambda: {layout.KNN_LABELS: as_tensors({"knn_labels": generator.integers(0, 10, (2, 100), np.int16)})},
    }[step.kind]()
    keys = tuple(ref.key for ref in step.parent_refs())
    contents = Parents(step, store).contents()
    store.write(step.kind, step.key, files, step.label, step.spec.model_dump(mode="json"), keys, ENVIRONMENT, contents)


ENVIRONMENT = {"device": "cpu", "torch": "none", "pack_size": 1, "threads": 1, "cpu": "none"}


def said(generator: np.random.Generator) -> dict[str, np.ndarray]:
    logits = generator.normal(size=(100, 10)).astype(np.float32)
    return {"logits": logits, "representations": np.abs(generator.normal(size=(100, 16))).astype(np.float32)}


def run(out: Path, *lost: str) -> Outcome:
    executor = FakeExecutor(out, make=made)
    for label in lost:
        executor.script(label, lambda task: raised(task.step.key))
    return execute(STUDY, out, executor, False, Heard())


def arms_of(out: Path) -> dict[str, CompleteArm]:
    arms = Catalogue.of(layout.catalogue(out).read_bytes()).arms
    return {f"{arm.objective} {arm.pruning}": arm for arm in arms}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which one model of gradual pruning diverged."""
    folder = tmp_path_factory.mktemp("partial") / "out"
    outcome = run(folder, f"{GMP}, seed 3")
    assert [failed.step.label for failed in outcome.failed] == [f"{GMP}, seed 3"]
    return folder


@pytest.mark.sampled(8, heavy=True)
def test_an_arm_of_five_of_six_is_in_the_report_and_every_table_says_so(out: Path) -> None:
    arm = arms_of(out)["supervised gmp"]
    assert (arm.seeds, arm.lost) == (but(3), (3,)) and len(arms_of(out)) == 4
    assert all(other.lost == () for name, other in arms_of(out).items() if name != "supervised gmp")
    results = load_results(out)
    assert results is not None
    assert {each.pruning: each.summary.n_models for each in results.arms}["gmp"] == 5
    assert {len(each.labels) for each in results.arms if not each.has_fresh_seeds} == {5}
    document = build_report(out)
    assert document is not None
    told = f"Sup / GMP {as_percent(0.5)} has 5 of 6 (without seed 3)"
    page = layout.report(out).read_text()
    assert (
        told in page
        and "(excess, intervals, claims) is without seed 3 in every arm." in page
        and told in layout.summary(out).read_text()
    )
    tables = list(layout.results(out).glob("tables/*.tex"))
    assert len(tables) > 10
    assert all("has 5 of 6 (without seed 3)" in " ".join(table.read_text().split()) for table in tables)
    pies = layout.table(out, "pies", "csv").read_text().splitlines()
    counts = {line.split(",")[1]: line.split(",")[3] for line in pies[1:]}
    assert counts == {"dense": "6", "fresh_dense": "6", "gmp": "5", "one_shot": "6"}


def test_seeds_are_compared_with_the_same_seeds(out: Path) -> None:
    results, store = load_results(out), Store(out)
    assert results is not None
    for arm in results.arms:
        if arm.has_fresh_seeds:
            continue
        for place, seed in enumerate(but(3)):
            label = f"supervised dense, seed {seed}" if arm.is_dense else f"supervised {arm.pruning} 0.5, seed {seed}"
            step: Step = STEPS[f"{label}: predict"]
            logits = store.load("predict", step.key).tensors(layout.PREDICTIONS)["logits"]
            assert (arm.labels[place] == logits.argmax(1)).all()
            assert len(arm.predictions) == 5 and arm.predictions[place].key == step.key


def test_a_comparison_without_a_lost_model_is_neither_unwanted_nor_unknown(out: Path) -> None:
    assert unwanted(out) == []
    told = verify(out, 1, lambda _: None)
    assert told.faults == [] and told.steps == len(PLAN.steps) - 3 + 1  # one comparison for another
    assert "supervised gmp" in arms_of(out)
    refresh_catalogue(out)
    assert arms_of(out)["supervised gmp"].lost == (3,)


def test_the_same_command_tries_again_and_makes_the_arm_whole(out: Path, tmp_path: Path) -> None:
    again = run(out, f"{GMP}, seed 3")
    assert (again.ran, len(again.failed)) == (0, 1)  # and the comparison of five is not made twice
    cured = run(out)
    assert cured.failed == [] and cured.waiting == 0
    arm = arms_of(out)["supervised gmp"]
    assert (arm.seeds, arm.lost, arm.compare) == (but(), (), ARMS[GMP].compare.key)
    assert all("lost" not in each for each in json.loads(layout.catalogue(out).read_bytes())["arms"])
