"""What the contrastive losses refuse."""

from __future__ import annotations

import pytest
import torch

from piescope.losses.contrastive import simclr_loss, supcon_loss


def test_what_is_no_tensor_or_no_temperature_is_refused_by_its_name() -> None:
    views = torch.eye(2).repeat(2, 1).view(2, 2, 2)
    with pytest.raises(ValueError, match="projections: a ndarray"):
        supcon_loss(views.numpy(), torch.tensor([0, 1]), 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="labels: a list"):
        supcon_loss(views, [0, 1], 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two views or more"):
        simclr_loss(views[:, :1], 0.5)
    with pytest.raises(ValueError, match="expected numbers above 0"):
        supcon_loss(views, torch.tensor([0, 1]), float("nan"))
