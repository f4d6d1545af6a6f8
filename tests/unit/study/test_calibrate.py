"""What a study takes here, as far as nothing is measured."""

from __future__ import annotations

from piescope.study.calibrate import bytes_of_largest_step
from piescope.study.parse import parse_study
from piescope.study.plan import make_plan

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


def test_images_that_are_mapped_are_no_memory_of_a_worker() -> None:
    image, taken = 3 * 64 * 64, {}
    for part in ("", "train_examples = 50_000"):
        taken[part] = bytes_of_largest_step(make_plan(parse_study(STUDY.replace("PART", part))))
    assert taken[""] < 10_000 * image
    assert 50_000 * image < taken["train_examples = 50_000"] < 70_000 * image
