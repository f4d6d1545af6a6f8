"""What tests of training share."""

from __future__ import annotations

import torch

from piescope.data.sources import load_digits
from piescope.models.wide_resnet import WideResNet
from piescope.seeds import Seeds
from piescope.training.loop import TrainingData
from piescope.training.recipe import Normalisation

SEEDS = Seeds(0, 0)


NORMALISATION = Normalisation(mean=(0.3,), std=(0.4,))


def data(examples: int = 60) -> TrainingData:
    train = load_digits().train
    return TrainingData(
        torch.from_numpy(train.images[:examples]), torch.from_numpy(train.labels[:examples]), NORMALISATION
    )


def model() -> WideResNet:
    return WideResNet(10, 1, 10, 1, SEEDS.torch("weights"))
