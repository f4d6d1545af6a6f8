"""What a trained network says of images."""

from __future__ import annotations

import pytest
import torch

from made_trainings import NORMALISATION, model
from piescope.data.sources import load_digits
from piescope.training.predict import predict


def test_predictions_do_not_depend_on_company() -> None:
    net = model()
    images = torch.from_numpy(load_digits().test.images[:600])  # more than one batch
    logits, representations = predict(net, images, NORMALISATION)
    assert logits.shape == (600, 10)
    assert representations.shape == (600, 64)
    alone, _ = predict(net, images[599:], NORMALISATION)
    assert alone[0] == pytest.approx(logits[599], abs=1e-5)
