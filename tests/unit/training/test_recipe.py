"""Trainings as data."""

from __future__ import annotations

import pytest
import torch

from piescope.spec import content_key
from piescope.training.recipe import Augmentation, Contrastive, GradualPruning, Normalisation, QScoreTerm, Training


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


def test_a_training_in_float32_has_the_key_that_it_had_before_there_was_a_choice() -> None:
    plain, rounded = (Training(epochs=2, batch_size=5, learning_rate=0.1, precision=p) for p in ("float32", "bfloat16"))
    assert plain == Training(epochs=2, batch_size=5, learning_rate=0.1)
    assert "precision" not in plain.model_dump(mode="json")
    assert content_key(plain) == "39ae1f8c57c9bedf93b41502660a87bc"
    assert rounded.model_dump(mode="json") == plain.model_dump(mode="json") | {"precision": "bfloat16"}
    for training in (plain, rounded):
        assert Training.model_validate(training.model_dump()) == training
        assert Training.model_validate_json(training.model_dump_json()) == training
    with pytest.raises(ValueError, match="float32"):
        Training(epochs=2, batch_size=5, learning_rate=0.1, precision="float16")  # type: ignore[arg-type]


def test_what_ranks_current_weights_has_the_key_that_it_had_before_there_was_a_choice() -> None:
    plain, torchs = (GradualPruning(kind="gradual", ranked=ranked) for ranked in ("current", "last_forward"))
    assert plain == GradualPruning(kind="gradual")
    assert content_key(plain) == "dfacc4390eaaa104b32a2144c67bf927"
    assert torchs.model_dump(mode="json") == plain.model_dump(mode="json") | {"ranked": "last_forward"}
    for method in (plain, torchs):
        assert GradualPruning.model_validate_json(method.model_dump_json()) == method
    with pytest.raises(ValueError, match="ranked 'last_forward'; expected one of them"):
        GradualPruning(kind="gradual", ranked="last_forward", regrowth=True)
    with pytest.raises(ValueError, match="random masks look at no weights"):
        GradualPruning(kind="gradual", ranked="last_forward", criterion="random")
    GradualPruning(kind="gradual", ranked="current", criterion="random")  # the cure


def test_a_training_without_a_regulariser_has_the_key_that_it_had_before_there_was_one() -> None:
    plain = Training(epochs=2, batch_size=5, learning_rate=0.1)
    regularised = plain.model_copy(update={"q_score": QScoreTerm(weight=0.5)})
    assert content_key(plain) == "39ae1f8c57c9bedf93b41502660a87bc"
    assert regularised.model_dump(mode="json") == plain.model_dump(mode="json") | {
        "q_score": {"weight": 0.5, "form": "v1"}
    }
    assert Training.model_validate_json(regularised.model_dump_json()) == regularised
    assert Contrastive(encoder=regularised, head=plain, temperature=0.5).encoder.q_score == QScoreTerm(weight=0.5)
    with pytest.raises(ValueError, match="move it to encoder"):
        Contrastive(encoder=plain, head=regularised, temperature=0.5)
    with pytest.raises(ValueError, match="greater than 0"):
        QScoreTerm(weight=0.0)


@pytest.mark.parametrize(("mean", "std"), [(125.4, 0.25), (-0.1, 0.25), (0.4, 63.0), (0.4, 0.0), (float("nan"), 0.25)])
def test_a_normalisation_is_of_pixels_from_0_to_1(mean: float, std: float) -> None:
    """Of pixels from 0 to 255 every image would be nearly the same, and a study of that tell nothing."""
    for given in ({"mean": (mean,), "std": (std,)}, {"mean": (0.5, mean), "std": (0.25, std)}):
        with pytest.raises(ValueError, match=r"mean|std"):
            Normalisation(**given)
    Normalisation(mean=(0.0, 1.0), std=(0.0001, 1.0))
