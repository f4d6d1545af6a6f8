"""Compressed copies of modules: exactly what was asked for, said exactly, and the original as it was."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from made_models import asked, close
from piescope.adapters.compression import Compression
from piescope.adapters.copies import compressed_copy
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import Model, ModelError
from piescope.adapters.torch_models import TorchModel
from piescope.models.wide_resnet import WideResNet

PRUNINGS = ("magnitude:0.5", "magnitude:0.9", "random:0.3", "2:4", "1:4")


@pytest.fixture
def net() -> WideResNet:
    made = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return made


def module_of(model: Model) -> nn.Module:
    assert isinstance(model, TorchModel)
    return model.module


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {
        f"{name}.weight": each.weight
        for name, each in module.named_modules()
        if isinstance(each, (nn.Conv2d, nn.Linear))
    }


@pytest.mark.parametrize("text", [*PRUNINGS, "int8"])
def test_the_original_stays_as_it_is(net: WideResNet, batch: list[np.ndarray], text: str) -> None:
    net.train()
    model = open_model(net)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    said = model.scores(batch).scores
    made, facts = compressed_copy(model, asked(text), 0, batch)
    other = made.scores(batch)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert net.training and all(module.training for module in net.modules())
    assert np.array_equal(said, model.scores(batch).scores)  # type: ignore[arg-type]
    assert other.scores is not None and not np.array_equal(other.scores, said)  # type: ignore[arg-type]
    assert other.representation is not None and other.representation.shape == (len(batch), 64)
    assert facts.touched and facts.notes and made.notes == facts.notes
    assert text.split(":")[0] in made.name or ":" in made.name


@pytest.mark.parametrize("amount", [0.25, 0.5, 0.9])
def test_magnitude_is_torchs_global_pruning(net: WideResNet, amount: float) -> None:
    made, facts = compressed_copy(open_model(net), Compression("magnitude", amount))
    weights = weights_of(net)
    total = sum(weight.numel() for weight in weights.values())
    assert facts.realised_sparsity == round(amount * total) / total
    reference = WideResNet(10, 1, 10, 1)
    reference.load_state_dict(net.state_dict())
    layers = [(each, "weight") for each in reference.modules() if isinstance(each, (nn.Conv2d, nn.Linear))]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=amount)
    expected = {
        f"{name}.weight": each.weight
        for name, each in reference.named_modules()
        if isinstance(each, (nn.Conv2d, nn.Linear))
    }
    for name, weight in weights_of(module_of(made)).items():
        assert torch.equal(weight, expected[name].detach())
    untouched = set(net.state_dict()) - set(weights)
    for name in untouched:
        assert torch.equal(module_of(made).state_dict()[name], net.state_dict()[name])


def test_random_is_drawn_from_the_seed_and_knows_nothing(net: WideResNet) -> None:
    def zeros(seed: int, amount: float = 0.5) -> list[Tensor]:
        made, _ = compressed_copy(open_model(net), Compression("random", amount), seed)
        return [weight == 0 for weight in weights_of(module_of(made)).values()]

    first, again, other, more = zeros(1), zeros(1), zeros(2), zeros(1, 0.8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(bool((b | ~a).all()) for a, b in zip(first, more, strict=True))  # nested as amounts grow
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights_of(net).values()])
    gone = torch.cat([each.flatten() for each in first])
    assert 0.95 < float(magnitudes[gone].mean() / magnitudes[~gone].mean()) < 1.05
    before = torch.get_rng_state()
    zeros(3)
    assert torch.equal(before, torch.get_rng_state())


def test_two_of_four(net: WideResNet) -> None:
    made, facts = compressed_copy(open_model(net), asked("2:4"))
    for name, weight in weights_of(module_of(made)).items():
        if name == "conv1.weight":  # one input channel
            assert torch.equal(weight, net.conv1.weight)
            continue
        groups = weight.detach().movedim(1, -1).reshape(-1, 4)
        assert bool(((groups != 0).sum(1) == 2).all())
    assert any("conv1.weight" in note for note in facts.notes)
    assert facts.realised_sparsity is not None and 0.49 < facts.realised_sparsity < 0.5


def test_zeros_take_no_room_once_they_are_zipped(net: WideResNet) -> None:
    half, ninety = (compressed_copy(open_model(net), Compression("magnitude", amount))[1] for amount in (0.5, 0.9))
    assert half.bytes_before == half.bytes_after == ninety.bytes_after
    assert half.zipped_before == ninety.zipped_before > half.zipped_after > ninety.zipped_after


class Tied(nn.Module):
    """Two layers that are one."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64, bias=False)
        self.second = nn.Linear(64, 64, bias=False)
        self.second.weight = self.first.weight
        self.head = nn.Linear(64, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.second(self.first(pixels.flatten(1)).relu()).relu())


@pytest.mark.parametrize("text", [*PRUNINGS, "int8"])
def test_tied_weights_stay_tied_and_count_once(batch: list[np.ndarray], text: str) -> None:
    net = Tied()
    made, facts = compressed_copy(open_model(net), asked(text), 0, batch)
    assert made.scores(batch).scores is not None
    if text == "int8":
        return
    copy = module_of(made)
    assert copy.first.weight is copy.second.weight and copy.first.weight is not net.first.weight
    zeros = int((copy.first.weight == 0).sum() + (copy.head.weight == 0).sum())
    assert facts.realised_sparsity == zeros / (64 * 64 + 640)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64)), "nothing to prune"),
        (lambda: lambda pixels: pixels.reshape(len(pixels), -1)[:, :10].astype(float), "a function"),
    ],
)
@pytest.mark.parametrize("text", ["magnitude:0.5", "int8", "2:4"])
def test_nothing_to_prune(made: Any, word: str, text: str, batch: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match=word):
        compressed_copy(open_model(made()), asked(text), 0, batch)


def test_weights_that_cannot_be_compressed() -> None:
    wide = nn.Sequential(nn.Flatten(), nn.Linear(63, 5))
    with pytest.raises(ModelError, match="multiple of 4"):
        compressed_copy(open_model(wide), asked("2:4"))
    with torch.no_grad():
        wide[1].weight[0, 0] = math.nan  # type: ignore[index]
    with pytest.raises(ModelError, match="NaN"):
        compressed_copy(open_model(wide), asked("magnitude:0.5"))
    masked = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    prune.l1_unstructured(masked[1], "weight", amount=0.5)
    masked(torch.zeros(1, 64)).sum()
    with pytest.raises(ModelError, match="remove"):
        compressed_copy(open_model(masked), asked("magnitude:0.5"))


def test_zeros_that_were_there_count_as_gone() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        net[1].weight[:5] = 0  # type: ignore[index]
    _, facts = compressed_copy(open_model(net), asked("magnitude:0.5"))
    assert facts.realised_sparsity == 0.5
    _, facts = compressed_copy(open_model(net), asked("random:0.5"))
    assert facts.realised_sparsity is not None and 0.65 < facts.realised_sparsity < 0.85


def test_int8_is_what_integers_compute(batch: list[np.ndarray]) -> None:
    """Levels of weights and pictures multiplied and added as whole numbers, in NumPy."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    made, _ = compressed_copy(open_model(net), asked("int8"), 0, batch[:48])
    weight, bias = (parameter.detach().numpy().astype(np.float64) for parameter in net.parameters())
    scale = np.abs(weight).max(1, keepdims=True) / 127
    step = max(picture.max() for picture in batch[:48]) / 255 / 255
    pixels = np.stack(batch).reshape(len(batch), -1) / 255
    levels = np.clip(np.rint(pixels / step), 0, 255).astype(np.int64)
    sums = levels @ np.rint(weight / scale).astype(np.int64).T
    assert np.abs(made.scores(batch).scores - (sums * scale.T * step + bias)).max() < 1e-5  # type: ignore[operator]


def test_static_int8_quantises_convolutions_too(net: WideResNet, batch: list[np.ndarray]) -> None:
    model = open_model(net)
    made, facts = compressed_copy(model, asked("int8"), 0, batch)
    assert set(facts.touched) == {name.removesuffix(".weight") for name in weights_of(net)}
    assert "9 convolutions and 1 linear layer rounded" in facts.notes[0] and "96 pictures" in facts.notes[0]
    assert facts.bytes_after < 0.5 * facts.bytes_before and facts.realised_sparsity is None
    on_levels(made)
    close(model, made, batch, 0.3)
    weights_only, _ = compressed_copy(model, asked("int8"))
    assert not np.array_equal(made.scores(batch).scores, weights_only.scores(batch).scores)  # type: ignore[arg-type]


def on_levels(model: Model) -> None:
    """Each output channel's weights are whole multiples of its largest by 127."""
    for name, weight in weights_of(module_of(model)).items():
        for channel in weight.detach().flatten(1):
            step = channel.abs().max() / 127
            assert torch.allclose(channel / step, (channel / step).round(), atol=1e-3), name


def test_without_pictures_to_calibrate_on(net: WideResNet, batch: list[np.ndarray]) -> None:
    model = open_model(net)
    made, facts = compressed_copy(model, asked("int8"))
    assert "no pictures to calibrate on" in facts.notes[0] and "9 convolutions" in facts.notes[0]
    on_levels(made)
    close(model, made, batch, 0.3)


def test_int8_says_of_a_picture_the_same_in_any_batch(net: WideResNet, batch: list[np.ndarray]) -> None:
    made, _ = compressed_copy(open_model(net), asked("int8"), 0, batch[:48])
    whole = made.scores(batch).scores
    alone = np.concatenate([made.scores([picture]).scores for picture in batch[:8]])  # type: ignore[misc]
    assert whole is not None and np.abs(whole[:8] - alone).max() < 0.02 * whole.std()
    assert not made.dynamic_operations  # type: ignore[attr-defined]


def test_int8_of_any_forward_pass(batch: list[np.ndarray]) -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Conv2d(1, 4, 3)
            self.head = nn.Linear(144, 10)
            self.unused = nn.Linear(2, 2)

        def forward(self, pixels: Tensor) -> Tensor:
            seen = self.body(pixels)
            if seen.mean() > 0:
                seen = seen.relu()
            return self.head(seen.flatten(1))

    torch.manual_seed(0)
    model = open_model(Branching().double())
    made, facts = compressed_copy(model, asked("int8"), 0, batch)
    assert "2 linear layers rounded" in facts.notes[0] and "(but for unused)" in facts.notes[0]
    assert facts.touched == ("body", "head", "unused")
    close(model, made, batch, 0.3)


def test_attention_that_reads_its_weights_itself(batch: list[np.ndarray]) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.head = nn.Linear(8, 10)

        def forward(self, pixels: Tensor) -> Tensor:
            rows = pixels[:, 0]
            return self.head(self.attention(rows, rows, rows)[0].mean(1))

    torch.manual_seed(0)
    model = open_model(Attends())
    made, facts = compressed_copy(model, asked("int8"), 0, batch)
    assert facts.touched == ("attention.out_proj", "head") and "(but for attention.out_proj)" in facts.notes[0]
    close(model, made, batch, 0.5)


def test_tied_weights_are_stored_once(batch: list[np.ndarray]) -> None:
    tied, loose = Tied(), Tied()
    loose.second.weight = nn.Parameter(loose.first.weight.detach().clone())
    once, twice = (compressed_copy(open_model(made), asked("int8"), 0, batch)[1] for made in (tied, loose))
    assert 64 * 64 <= twice.bytes_after - once.bytes_after < 2 * 64 * 64


def test_making_an_int8_copy_warns_of_nothing(
    net: WideResNet, batch: list[np.ndarray], recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    made, _ = compressed_copy(open_model(net), asked("int8"), 0, batch)
    made.scores(batch)
    assert not list(recwarn) and capfd.readouterr().err == ""


def test_int8_of_a_subclass_keeps_its_representation(batch: list[np.ndarray]) -> None:

    class Own(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return nn.functional.linear(inputs, self.weight, self.bias)

    torch.manual_seed(0)
    model = open_model(nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), Own(8, 10)))
    made, facts = compressed_copy(model, asked("int8"), 0, batch)
    assert set(facts.touched) == {"0", "4"} and "1 linear layer rounded" in facts.notes[0]
    dense, other = model.scores(batch).representation, made.scores(batch).representation
    assert dense is not None and other is not None and dense.shape == other.shape
    assert 0 < np.abs(dense - other).max() < 0.1 * np.abs(dense).max()


def _masked(layer: nn.Conv2d) -> None:
    prune.l1_unstructured(layer, "weight", 0.3)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        layer(torch.zeros(1, layer.in_channels, 8, 8))  # its weight is a tensor without a history now


WRAPPED = {
    "weight norm": torch.nn.utils.parametrizations.weight_norm,
    "spectral norm": torch.nn.utils.parametrizations.spectral_norm,
    "former weight norm": torch.nn.utils.weight_norm,
    "mask": _masked,
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("name", WRAPPED)
def test_weights_that_are_computed_are_compressed_as_what_they_are(name: str, batch: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )
    net.eval()
    with torch.no_grad():
        WRAPPED[name](net[2])  # type: ignore[operator]
    before, kind = open_model(net).scores(batch).scores, type(net[2])
    total = sum(net[place].weight.numel() for place in (0, 2, 5))
    made, facts = compressed_copy(open_model(net), asked("magnitude:0.5"))
    module = module_of(made)
    zeros = sum(int((module[place].weight == 0).sum()) for place in (0, 2, 5))  # type: ignore[index]
    assert zeros == round(total / 2) and facts.realised_sparsity == zeros / total
    assert "2.weight" in facts.touched
    after = open_model(net).scores(batch).scores
    assert type(net[2]) is kind and before is not None and np.array_equal(before, after)  # type: ignore[arg-type]
    rounded, _ = compressed_copy(open_model(net), asked("int8"), 0, batch)
    close(open_model(net), rounded, batch, 0.3)


def test_weights_of_other_layers_are_named(batch: list[np.ndarray]) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.attention, self.fc = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            rows = x[:, 0]
            return self.fc(self.attention(rows, rows, rows)[0].flatten(1))

    for text in ("magnitude:0.5", "int8"):
        _, facts = compressed_copy(open_model(Attends()), asked(text), 0, batch)
        assert any(
            "left as they are" in note and "attention.in_proj_weight (192 weights)" in note for note in facts.notes
        )


def test_what_cannot_be_copied_is_refused_with_why() -> None:
    class Locked(nn.Linear):
        def __init__(self) -> None:
            super().__init__(64, 10)
            self.lock = threading.Lock()

    with pytest.raises(ModelError, match=r"cannot pickle(.|\n)*copy.deepcopy does not copy"):
        compressed_copy(open_model(Locked()), asked("magnitude:0.5"))
