"""What steps are made of."""

from __future__ import annotations

from collections import Counter

from piescope.study.paces import MappedExample, ProbedModel, StartUp, TrainedImage, forks_in_images, stages_of, work_of
from piescope.study.parse import load_study
from piescope.study.plan import make_plan
from piescope.study.tuning import made_of

DIGITS = load_study("digits")
PLAN = make_plan(DIGITS)
NAMED = {step.label: step for step in PLAN.steps}


def test_all_images_of_a_plan_are_counted_with_their_views() -> None:
    trained = [step for step in PLAN.steps if step.kind in ("train", "finetune")]
    amounts = made_of(PLAN)
    images = sum(amount for question, amount in amounts.items() if isinstance(question, TrainedImage))
    assert images == sum(step.forward_backward + step.taken_over + step.forward for step in trained)
    counted = Counter(question.what for question in amounts)
    assert counted == {"start": 1, "training": 4, "predict": 1, "depth": 1, "project": 1}
    assert list(amounts)[:5] == [StartUp(), *(each for each in amounts if isinstance(each, TrainedImage))]


def test_how_long_a_training_lasts_and_at_which_rate_is_no_question() -> None:
    longer = DIGITS.training.supervised.model_copy(update={"epochs": 99, "learning_rate": 0.5})  # type: ignore[union-attr]
    larger = longer.model_copy(update={"batch_size": 99})
    asked = []
    for training in (DIGITS.training.supervised, longer, larger):
        study = DIGITS.model_copy(update={"training": DIGITS.training.model_copy(update={"supervised": training})})
        dense = {step.label: step for step in make_plan(study).steps}["supervised dense, seed 0"]
        asked.append(stages_of(study, dense))
    assert asked[0] == asked[1] != asked[2]


def test_a_batch_is_no_larger_than_the_data_are() -> None:
    data = DIGITS.data.model_copy(update={"train_examples": 20})
    (stage,) = stages_of(DIGITS.model_copy(update={"data": data}), NAMED["supervised dense, seed 0"])
    assert stage.training.batch_size == 20


def test_stages_of_each_kind_of_training() -> None:
    staged = {
        label: [stage.stage for stage in stages_of(DIGITS, NAMED[label])]
        for label in ("supervised gmp 0.5, seed 1", "supcon dense, seed 1", "supcon one_shot 0.9, seed 1")
    }
    assert list(staged.values()) == [["supervised"], ["supcon", "head"], ["supervised"]]


def test_forks_are_told_in_images_with_their_views() -> None:
    delayed, gmp = (NAMED[f"supcon {arm} 0.9, seed 0"] for arm in ("delayed_gmp", "gmp"))
    assert list(forks_in_images(DIGITS, delayed).values()) == [54 * 200, 9 * 200]
    assert list(forks_in_images(DIGITS, gmp).values()) == [9 * 200]
    assert forks_in_images(DIGITS, NAMED["supcon one_shot 0.9, seed 0"]) == {}


def test_measures_are_asked_at_the_size_of_the_study() -> None:
    (probed,), (mapped,) = (
        work_of(DIGITS, NAMED[name]) for name in ("supcon dense, seed 0: prediction depth", "supcon: UMAP")
    )
    assert isinstance(probed, ProbedModel) and (probed.bank, probed.asked, len(probed.points)) == (1000, 797, 12)
    assert isinstance(mapped, MappedExample) and (mapped.examples, mapped.dims) == (797, 64)
    assert work_of(DIGITS, NAMED["supcon: UMAP"]) == {mapped: 7 * 797}
    assert work_of(DIGITS, PLAN.data) == {}
