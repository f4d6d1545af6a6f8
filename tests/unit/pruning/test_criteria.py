"""What ranks the weights."""

from __future__ import annotations

import torch

from piescope.pruning.criteria import CRITERIA
from piescope.pruning.masks import masks_from_scores


def test_random_criterion_ignores_the_weights() -> None:
    parameters = {"w": torch.arange(100.0)}
    scores = CRITERIA["random"](parameters, torch.Generator().manual_seed(0))
    again = CRITERIA["random"]({"w": torch.zeros(100)}, torch.Generator().manual_seed(0))
    assert torch.equal(scores["w"], again["w"])
    mask = masks_from_scores(scores, 0.5)["w"]
    assert int(mask.sum()) == 50
    assert not torch.equal(mask, torch.arange(100) >= 50)
