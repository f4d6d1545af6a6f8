"""What a trained network says of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_trainings import NORMALISATION, model
from piescope.data.augment import pad_and_crop
from piescope.data.batches import to_unit
from piescope.data.sources import load_digits
from piescope.training import predict as predicting
from piescope.training.history import DivergedError
from piescope.training.predict import predict, probe_all


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
    with pytest.raises(
        DivergedError, match="of 20 of 20 images is NaN or infinite; lower the learning rate, or the weight of q_score"
    ):
        predict(net, images, NORMALISATION)


def test_images_in_a_pass_change_no_draw_and_hardly_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    net, images = model(), torch.from_numpy(load_digits().train.images[:600])

    def told(pixels: int) -> list[np.ndarray]:
        monkeypatch.setattr(predicting, "PIXELS", pixels)
        draws = torch.Generator().manual_seed(0)
        held = probe_all(net, images, NORMALISATION, ["input", "conv1"], lambda x: pad_and_crop(to_unit(x), 1, draws))
        return [*held, *predict(net, images, NORMALISATION)]

    for few, many in zip(told(64 * 7), told(2**30), strict=True):
        np.testing.assert_allclose(few, many, atol=1e-5, rtol=1e-5)
