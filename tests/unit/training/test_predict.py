"""What a trained network says of images."""

from __future__ import annotations

import pytest
import torch

from made_trainings import NORMALISATION, model
from piescope.data.sources import load_digits
from piescope.training.history import DivergedError
from piescope.training.predict import predict


def test_predictions_do_not_depend_on_company() -> None:
    net = model()
    images = torch.from_numpy(load_digits().test.images[:600])  # more than one batch
    logits, representations = predict(net, images, NORMALISATION)
    assert logits.shape == (600, 10)
    assert representations.shape == (600, 64)
    alone, _ = predict(net, images[599:], NORMALISATION)
    assert alone[0] == pytest.approx(logits[599], abs=1e-5)


def test_a_model_of_finite_weights_whose_answers_are_not_is_one_that_diverged() -> None:
    net = model()
    with torch.no_grad():
        net.conv1.weight.fill_(1e38)
    images = torch.from_numpy(load_digits().test.images[:20])
    with pytest.raises(DivergedError, match="of 20 of 20 images is NaN or infinite; lower the learning rate"):
        predict(net, images, NORMALISATION)
