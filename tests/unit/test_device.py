"""The path of a model from weights to probes on every device that this machine has."""

from __future__ import annotations

import copy

import pytest
import torch

from piescope.adapters.compression import Compression
from piescope.adapters.copies import compressed_copy
from piescope.adapters.opening import open_model
from piescope.data.augment import color_jitter, grayscale, pad_and_crop, random_resized_crop
from piescope.data.sources import load_digits
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters
from piescope.seeds import Seeds
from piescope.training.loop import TrainingData
from piescope.training.predict import predict, probe_all
from piescope.training.recipe import (
    Augmentation,
    Contrastive,
    GradualPruning,
    Normalisation,
    OneShotPruning,
    Training,
)
from piescope.training.stages import prune_and_finetune, train_contrastive, train_supervised

CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
)


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("criterion", ["magnitude", "random"])
def test_train_prune_finetune_predict_and_probe(device: str, criterion: str) -> None:
    seeds = Seeds(0, 0)
    train = load_digits().train
    images = torch.from_numpy(train.images[:60]).to(device)
    normalisation = Normalisation(mean=(0.3,), std=(0.4,))
    data = TrainingData(images, torch.from_numpy(train.labels[:60]).to(device), normalisation)
    recipe = Training(epochs=1, batch_size=20, learning_rate=0.05, augmentation=Augmentation(pad_and_crop=1))
    schedule = Gradual(begin=1, end=3, frequency=1)
    gradual = GradualPruning(
        kind="gradual", scope="layer", criterion=criterion, supervised=schedule, encoder=schedule, head=schedule,  # type: ignore[arg-type]
        regrowth=True,
    )  # fmt: skip
    one_shot = OneShotPruning(kind="one_shot", criterion=criterion, finetune=recipe)  # type: ignore[arg-type]

    def network() -> WideResNet:
        return WideResNet(10, 1, 10, 1, seeds.torch("weights")).to(device)

    supervised, contrastive, dense = network(), network(), network()
    train_supervised(supervised, data, recipe, seeds, gradual, 0.5)
    two_stages = Contrastive(encoder=recipe, head=recipe, temperature=0.5)
    train_contrastive(contrastive, data, two_stages, seeds, True, gradual, 0.5)
    prune_and_finetune(dense, data, one_shot, 0.8, seeds)
    for model, scope_is_layer, sparsity in ((supervised, True, 0.5), (contrastive, True, 0.5), (dense, False, 0.8)):
        parameters = prunable_parameters(model)
        zeros = [int((parameter == 0).sum()) for parameter in parameters.values()]
        sizes = [parameter.numel() for parameter in parameters.values()]
        if scope_is_layer:
            assert zeros == [round(sparsity * size) for size in sizes]
        else:
            assert sum(zeros) == round(sparsity * sum(sizes))
        logits, representations = predict(model, images, normalisation)
        assert logits.shape == (60, 10)
        assert representations.shape == (60, 64)
        assert [held.shape for held in probe_all(model, images, normalisation, ["input", "conv1"])] == [
            (60, 64),
            (60, 16),
        ]


@pytest.mark.parametrize("device", [CUDA])
def test_augmentations_draw_on_the_cpu_and_agree_between_devices(device: str) -> None:
    images = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def augmented(where: str) -> torch.Tensor:
        draws = torch.Generator().manual_seed(1)
        batch = pad_and_crop(images.to(where), 1, draws)
        batch = random_resized_crop(batch, (0.2, 1.0), draws)
        batch = color_jitter(batch, 0.4, 0.4, 0.4, 0.1, draws, 0.8)
        return grayscale(batch, 0.5, draws).cpu()

    torch.testing.assert_close(augmented(device), augmented("cpu"), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_int8_copies_stay_on_their_models_device(device: str) -> None:
    test = load_digits().test
    pictures = list(test.images[:64, 0])
    network = WideResNet(10, 1, 10, 1, Seeds(0, 0).torch("weights")).eval()
    here, there = (open_model(copy.deepcopy(network).to(place)) for place in ("cpu", device))
    copies = [compressed_copy(model, Compression("int8"), 0, pictures)[0] for model in (here, there)]
    assert copies[1].device.type == device  # type: ignore[attr-defined]
    first, second = (made.scores(pictures).scores for made in copies)
    assert first is not None and second is not None
    assert abs(first - second).max() < 0.05 * first.std()
