"""The suite runs under jaxtyping's import hook: a wrong shape or dtype must be caught by the annotation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from piescope.data.augment import horizontal_flip
from piescope.losses.contrastive import supcon_loss
from piescope.measure.pies import pie_mask
from piescope.models.wide_resnet import WideResNet


@pytest.mark.shapes
def test_wrong_shapes_are_caught() -> None:
    with pytest.raises(TypeCheckError):
        pie_mask(np.zeros((2, 3), int), np.zeros((2, 4), int), 2)
    with pytest.raises(TypeCheckError):
        supcon_loss(torch.zeros(2, 2, 3), torch.zeros(5, dtype=torch.long), 0.5)
    with pytest.raises(TypeCheckError):
        horizontal_flip(torch.zeros(3, 8, 8), 0.5, torch.Generator())
    with pytest.raises(TypeCheckError):
        WideResNet(10, 1, 10, 1)(torch.zeros(1, 8, 8))
