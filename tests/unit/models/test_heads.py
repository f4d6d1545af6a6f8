"""The projection head."""

from __future__ import annotations

import pytest
import torch

from piescope.models.heads import ProjectionHead

pytestmark = pytest.mark.shapes


def test_projection_head() -> None:
    head = ProjectionHead(128, 128, 128)
    assert [tuple(parameter.shape) for parameter in head.parameters()] == [(128, 128), (128,)] * 2
    features = torch.rand(3, 128)
    expected = (features @ head.hidden.weight.T + head.hidden.bias).clamp(
        min=0
    ) @ head.output.weight.T + head.output.bias
    torch.testing.assert_close(head(features), expected)
