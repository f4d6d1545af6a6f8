"""What a report tells of what was run: in words, and in values that are the study's."""

from __future__ import annotations

import pytest

from piescope.store.catalogue import Described
from piescope.study.describe import describe
from piescope.study.parse import builtin_studies, load_study, parse_study

EXTRA = """
extends = "digits"
name = "extra"
replicates = [3, 5, 8, 13, 21]
[training.supervised.augmentation]
pad_and_crop = 2
resized_crop = [0.2, 1.0]
color_jitter = { brightness = 0.4, hue = 0.1, probability = 0.8 }
grayscale = 0.2
[pruning.gmp]
prune_head = false
regrowth = true
[pruning.unused]
kind = "one_shot"
finetune = { epochs = 1, batch_size = 50, learning_rate = 0.01 }
"""


def test_trainings_in_words() -> None:
    (told,) = describe(parse_study(EXTRA)).trainings_of("supervised")
    assert told.text == (
        "16 epochs, batch 50, SGD 0.1 (cosine), Nesterov momentum 0.9, weight decay 0.0005; augmentation: pad and crop 2, "
        "resized crop 0.2 to 1, grayscale 0.2, color jitter (brightness 0.4, contrast 0, saturation 0, hue 0.1, probability 0.8)"
    )
    encoder, head = describe(load_study("corti2022-reference-code")).trainings_of("supcon")
    assert (encoder.stage, head.stage) == ("encoder", "head")
    assert encoder.text.endswith("probability 0.8); temperature 0.5, loss times temperature / 0.07")
    assert head.text.startswith("100 epochs, batch 256, SGD 0.1 (multi-step-cosine), momentum 0.9, weight decay 0;")


def test_prunings_in_words() -> None:
    told = {method.name: method for method in describe(parse_study(EXTRA)).methods}
    assert list(told) == ["gmp", "delayed_gmp", "one_shot"]  # not the one that no arm has
    assert told["gmp"].text.startswith(
        "magnitude, layer, convolution and linear weights and biases, not of the head, weights may come back; supervised: steps 20 to 160, every 10;"
    )
    assert "; then fine-tuning, whole network, cross-entropy: 4 epochs, batch 50" in told["one_shot"].text
    paper = describe(load_study("corti2022-reference-code")).method("gmp")
    assert paper is not None
    assert (
        ", counted as a share of what remains, ranked as of the last forward pass; supervised: steps 1000 to 20000, every 500 (at its multiples);"
        in paper.text
    )


def test_measures_in_words_and_values() -> None:
    told = describe(load_study("corti2022-reference-code"))
    assert told.depth is not None
    assert (told.depth.models, told.depth.k) == (5, 30)
    assert told.depth.bank == "the training images under one draw of the augmentation"
    assert told.maps_of_mean
    assert told.maps is not None
    assert told.maps.settings == "n_neighbors 15, min_dist 0.1, random_state 0"
    assert not describe(load_study("digits")).maps_of_mean


def test_values_are_the_studys() -> None:
    told = describe(parse_study(EXTRA))
    assert (told.replicates, told.models_per_arm, told.model) == ((3, 5, 8, 13, 21), 5, "WRN-10-1")
    assert told.method("fresh_dense") is None
    assert told.trainings_of("simclr") == ()
    for name in builtin_studies():
        study, told = load_study(name), describe(load_study(name))
        assert {each.objective: each.prunings for each in told.objectives} == study.arms
        assert told.sparsities == study.sparsities
        assert told.models_per_arm == len(study.seeds)


@pytest.mark.parametrize("name", builtin_studies())
def test_what_is_told_survives_the_file(name: str) -> None:
    told = describe(load_study(name))
    assert Described.model_validate_json(told.model_dump_json()) == told
