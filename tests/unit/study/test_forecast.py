"""What a study takes, by paces that are given: nothing is measured here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_executors import three_models
from piescope.study.calibrations import Pace
from piescope.study.forecast import REPORT, ROUGH_START, Forecast, bytes_of_largest_step, forecast
from piescope.study.paces import StartUp, TrainedImage
from piescope.study.parse import load_study, parse_study
from piescope.study.plan import Plan, make_plan
from piescope.study.tuning import made_of

STUDY = """
name = "many"
title = "Many"
seed = 1
replicates = 2
sparsities = [0.5]
[data]
source = "arrays"
normalisation = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }
PART
holds = { train_examples = 1_000_000, test_examples = 1_000, image_shape = [3, 64, 64], num_classes = 10 }
[model]
depth = 10
width = 1
[arms]
supervised = ["dense", "gmp"]
[training.supervised]
epochs = 1
batch_size = 50
learning_rate = 0.1
[pruning.gmp]
kind = "gradual"
scope = "layer"
supervised = { begin = 5, end = 20, frequency = 5 }
"""


def expected(plan: Plan, workers: int, image: float = 1.0, start: float = ROUGH_START) -> Forecast:
    """With so many seconds for a trained image, and next to none for all else that is measured."""
    paces = {each: Pace(seconds=image if isinstance(each, TrainedImage) else 1e-9) for each in made_of(plan)}
    return forecast(plan, workers, {**paces, StartUp(): Pace(seconds=start, peak_bytes=10**9)})


def test_images_that_are_mapped_are_no_memory_of_a_worker() -> None:
    image, taken = 3 * 64 * 64, {}
    for part in ("", "train_examples = 50_000"):
        taken[part] = bytes_of_largest_step(make_plan(parse_study(STUDY.replace("PART", part))))
    assert taken[""] < 10_000 * image
    assert 50_000 * image < taken["train_examples = 50_000"] < 70_000 * image


def test_the_last_step_keeps_one_core_busy_and_the_other_waits_for_it() -> None:
    plan = three_models()
    training = 16 * 1000.0
    alone, two, three, many = (expected(plan, workers) for workers in (1, 2, 3, 8))
    assert alone.seconds == pytest.approx(3 * training, rel=0.01)
    assert two.seconds == pytest.approx(2 * training, rel=0.01)  # and not one and a half
    assert three.seconds == pytest.approx(training, rel=0.01) == pytest.approx(many.seconds, rel=0.01)
    assert alone.processor_seconds == pytest.approx(3 * training, rel=0.01)
    assert two.processor_seconds == pytest.approx(alone.processor_seconds, rel=0.01)


def test_what_trainings_share_is_done_once() -> None:
    digits = load_study("digits")
    measures = digits.measures.model_copy(update={"prediction_depth": None, "projection": None})
    changed = {"replicates": 1, "arms": {"supcon": ("dense", "delayed_gmp")}, "measures": measures}
    plan = make_plan(digits.model_copy(update=changed))
    shared = sum(step.taken_over for step in plan.steps)
    done = sum(step.forward_backward + step.forward for step in plan.steps if step.kind == "train")
    assert shared == 3 * 54 * 200
    assert expected(plan, 1).processor_seconds == pytest.approx(done, rel=0.01)
    # of four that begin at once each does all of it
    assert expected(plan, 4).processor_seconds == pytest.approx(done + shared, rel=0.01)


def test_of_a_plan_that_is_half_done_only_the_rest_is_foretold() -> None:
    plan = three_models()
    models = [step for step in plan.steps if step.kind == "train"]
    left = replace(plan, steps=tuple(step for step in plan.steps if step not in (plan.data, *models[1:])))
    assert expected(left, 2).seconds == pytest.approx(16 * 1000, rel=0.01)
    nothing = expected(replace(plan, steps=()), 2, image=0.0)
    assert ROUGH_START + REPORT < nothing.seconds < 20


def test_what_is_not_measured_takes_longer_where_a_start_does() -> None:
    plan = three_models()
    quick, slow = (expected(plan, 1, image=0.0, start=factor * ROUGH_START) for factor in (1, 3))
    assert slow.seconds == pytest.approx(3 * quick.seconds, rel=0.01)


def test_memory_is_that_of_the_workers_that_there_is_work_for() -> None:
    plan = three_models()
    few, many = (expected(plan, workers).peak_memory_bytes for workers in (2, 200))
    assert 2 * 10**9 < few < 3 * 10**9
    assert len(plan.steps) * 10**9 < many < 10 * 10**9
