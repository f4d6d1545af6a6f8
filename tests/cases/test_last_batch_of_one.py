"""F23 (pytorch/pytorch#7716): a last batch of one image under batch normalisation is refused before any work, with a cure that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from conftest import run_piescope
from piescope.data.batches import epoch_batches
from piescope.models.build import ModelSpec
from piescope.problems import StudyError
from piescope.seeds import Seeds
from piescope.study.checks import batch_without_a_last_one
from piescope.study.parse import parse_study
from piescope.study.plan import make_plan
from piescope.study.spec import Study
from piescope.training.loop import TrainingData
from piescope.training.recipe import Contrastive, OneShotPruning, Training
from piescope.training.stages import prune_and_finetune, train_contrastive, train_supervised

STUDY = """
name = "last-batch"
title = "A last batch of one"
replicates = 1
sparsities = [0.5]
[data]
source = "digits"
train_examples = {examples}
test_examples = 50
image_size = {size}
normalisation = {{ mean = [0.3052], std = [0.3759] }}
[model]
depth = 10
width = 1
[arms]
supervised = ["dense", "one_shot"]
[training.supervised]
epochs = 1
batch_size = {batch}
learning_rate = 0.05
[pruning.one_shot]
kind = "one_shot"
criterion = "magnitude"
finetune = {{ epochs = 1, batch_size = {finetuned}, learning_rate = 0.01 }}
"""

CONTRASTIVE = """
[training.{objective}]
temperature = 0.5
encoder = {{ epochs = 1, batch_size = 50, learning_rate = 0.05 }}
head = {{ epochs = 1, batch_size = 50, learning_rate = 0.05 }}
"""


def study_of(examples: int = 101, size: int = 4, batch: int = 50, finetuned: int = 50) -> str:
    return STUDY.format(examples=examples, size=size, batch=batch, finetuned=finetuned)


def places(text: str) -> list[str]:
    """Where a study is refused; empty: it is accepted and can be laid out."""
    try:
        make_plan(parse_study(text))
    except StudyError as error:
        assert all("batch of one" in problem.found for problem in error.problems), error
        return [problem.where for problem in error.problems]
    return []


BOTH = ["training.supervised.batch_size", "pruning.one_shot.finetune.batch_size"]


@pytest.mark.parametrize("height", range(1, 10))
def test_torch_refuses_one_image_exactly_where_the_last_map_is_one_value(height: int) -> None:
    spec = ModelSpec(depth=10, width=1)
    network = spec.build((1, 8, 8), 3, None).train()
    for width in range(1, 10):
        seen: list[tuple[int, ...]] = []
        hook = network.norm.register_forward_pre_hook(
            lambda _module, given, seen=seen: seen.append(tuple(given[0].shape[2:]))
        )
        network(torch.rand(2, 1, height, width))
        assert spec.last_map((1, height, width)) == seen[0]
        if seen[0] == (1, 1):
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                network(torch.rand(1, 1, height, width))
        else:
            network(torch.rand(1, 1, height, width))
        hook.remove()


@pytest.mark.parametrize("drop_last", [False, True])
def test_the_last_batch_is_that_of_the_loop(drop_last: bool) -> None:
    for examples in range(2, 40):
        for size in range(2, 15):
            recipe = Training(epochs=1, batch_size=size, learning_rate=1.0, drop_last=drop_last)
            batches = list(epoch_batches(examples, size, torch.Generator(), drop_last))
            if batches:
                assert recipe.last_batch(examples) == len(batches[-1]), (examples, size)


def test_the_size_that_is_advised_leaves_none_and_keeps_the_steps_where_it_can() -> None:
    for examples in range(3, 400):
        for size in range(2, examples):
            recipe = Training(epochs=1, batch_size=size, learning_rate=1.0)
            if recipe.last_batch(examples) != 1:
                continue
            cured = recipe.model_copy(update={"batch_size": batch_without_a_last_one(recipe, examples)})
            assert cured.batch_size >= 2
            assert cured.last_batch(examples) != 1
            alike = [b for b in range(2, size) if examples % b != 1 and -(-examples // b) == recipe.steps(examples)]
            assert not alike or cured.steps(examples) == recipe.steps(examples)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (study_of(), BOTH),
        (study_of(finetuned=49), BOTH[:1]),
        (study_of(batch=49), BOTH[1:]),
        (study_of(batch=100), BOTH),
        (study_of(batch=2), BOTH),
        (study_of(batch=101), BOTH[1:]),
        (study_of(batch=500, finetuned=500), []),
        (study_of(examples=100), []),
        (study_of(size=8), []),
        (study_of(size=5), []),
        (study_of(batch=20, finetuned=25), BOTH),
        (study_of().replace("batch_size = 50\n", "batch_size = 50\ndrop_last = true\n"), BOTH[1:]),
        (study_of().replace('"one_shot"]', '"one_shot", "random", "finetune_only", "fresh_dense"]'), BOTH),
        (study_of().replace('"dense", "one_shot"', '"dense"'), BOTH[:1]),  # a method that no arm takes trains nothing
    ],
)  # fmt: skip
def test_every_stage_that_normalises_each_image_once_is_looked_at(text: str, where: list[str]) -> None:
    assert places(text) == where


@pytest.mark.sampled(3)
def test_the_cures_are_accepted_and_run(tmp_path: Path) -> None:
    study = tmp_path / "last1.toml"
    study.write_text(study_of())
    refused = run_piescope("plan", study)
    assert refused.returncode == 2
    assert refused.stderr.count("write batch_size = 49, or drop_last = true") == 2
    dropped = (
        study.read_text()
        .replace("batch_size = 50\n", "batch_size = 50\ndrop_last = true\n")
        .replace("batch_size = 50,", "batch_size = 50, drop_last = true,")
    )
    smaller = study.read_text().replace("batch_size = 50", "batch_size = 49")
    for cured in (dropped, smaller):
        study.write_text(cured)
        assert places(cured) == []
        trained(parse_study(cured))
    done = run_piescope("run", study, "--out", tmp_path / "out", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr


def data_of(study: Study) -> TrainingData:
    splits = study.data.load()
    return TrainingData(
        torch.from_numpy(splits.train.images), torch.from_numpy(splits.train.labels).long(), study.data.normalisation
    )


def trained(study: Study) -> None:
    """Both trainings of the study, without the machinery of a run."""
    data, seeds = data_of(study), Seeds(study.seed, 0)
    network = study.model.build(study.data.facts.image_shape, 10, seeds.torch("weights"))
    recipe, pruning = study.training_of("supervised"), study.pruning["one_shot"]
    assert isinstance(recipe, Training)
    assert isinstance(pruning, OneShotPruning)
    train_supervised(network, data, recipe, seeds)
    prune_and_finetune(network, data, pruning, 0.5, seeds)


def test_what_is_refused_would_fail_and_what_is_not_would_not() -> None:
    text = study_of(examples=100).replace("train_examples = 100", "train_examples = 101")
    refused = parse_study(study_of(batch=49, finetuned=49))
    recipe = refused.training_of("supervised")
    assert isinstance(recipe, Training)
    network = refused.model.build((1, 4, 4), 10, None)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        train_supervised(network, data_of(refused), recipe.model_copy(update={"batch_size": 50}), Seeds(0, 0))
    assert places(text) == BOTH
    trained(parse_study(study_of(size=5)))


@pytest.mark.parametrize("objective", ["supcon", "simclr"])
def test_contrastive_stages_take_a_last_batch_of_one(objective: str) -> None:
    """Two views of the one image are two values; the head is trained on a frozen encoder."""
    text = (
        study_of(finetuned=49)
        .replace('supervised = ["dense", "one_shot"]', f'{objective} = ["dense", "one_shot"]')
        .replace("[training.supervised]\nepochs = 1\nbatch_size = 50\nlearning_rate = 0.05\n", "")
    )
    text = text.replace("[pruning.one_shot]", CONTRASTIVE.format(objective=objective) + "[pruning.one_shot]")
    assert places(text) == []
    assert places(text.replace("batch_size = 49", "batch_size = 50")) == BOTH[1:]
    study = parse_study(text)
    recipe = study.training_of(objective)  # type: ignore[arg-type]
    assert isinstance(recipe, Contrastive)
    network = study.model.build((1, 4, 4), 10, torch.Generator().manual_seed(0))
    losses = train_contrastive(network, data_of(study), recipe, Seeds(0, 0), objective == "supcon")
    assert len(losses["encoder"]) == len(losses["head"]) == 3
    assert all(map(torch.isfinite, map(torch.tensor, losses["encoder"] + losses["head"])))


CASE = Path(__file__).parents[3] / "shared" / "cases" / "F23"


def test_the_case_itself(tmp_path: Path) -> None:
    """The case's own files where they are at hand, and the same study written here."""
    made = {"last1": study_of(), "whole": study_of(examples=100), "last1_8x8": study_of(size=8)}
    for name, text in made.items():
        for candidate in (text, (CASE / f"{name}.toml").read_text() if CASE.exists() else text):
            assert places(candidate) == (BOTH if name == "last1" else []), name
            assert re.search(r"batch_size = 50", candidate)
