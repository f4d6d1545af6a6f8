"""Trainings as data."""

from __future__ import annotations

import pytest
import torch

from piescope.training.recipe import Augmentation


def test_augmentation_spec_applies_what_it_names() -> None:
    images = torch.rand(8, 3, 8, 8)
    assert torch.equal(Augmentation().apply(images, torch.Generator()), images)
    everything = Augmentation(
        pad_and_crop=1, resized_crop=(0.2, 1.0), horizontal_flip=0.5, vertical_flip=0.5,
        color_jitter={"brightness": 0.4, "hue": 0.1, "probability": 0.8}, grayscale=0.2,  # type: ignore[arg-type]
    )  # fmt: skip
    assert everything.apply(images, torch.Generator().manual_seed(0)).shape == images.shape
    with pytest.raises(ValueError, match="smallest, largest"):
        Augmentation(resized_crop=(0.9, 0.2))
