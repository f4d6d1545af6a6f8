"""Modules of torch: modes, weights and what the classifier sees."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from made_models import Wrapped, photos
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import Model
from piescope.adapters.running import run_model
from piescope.data.pictures import Pictures
from piescope.models.wide_resnet import WideResNet


def test_a_module_keeps_its_modes_and_weights(net: WideResNet, digits: Pictures) -> None:
    net.train()
    net.stage1.eval()
    modes = {name: module.training for name, module in net.named_modules()}
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    model = open_model(net, name="net", pictures=digits)
    outputs = model.scores(digits.batch(0, 20))
    assert {name: module.training for name, module in net.named_modules()} == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    net.eval()
    with torch.no_grad():
        pixels = torch.from_numpy(np.stack(digits.batch(0, 20))[:, None].astype(np.float32) / 255)
        assert outputs.scores is not None and outputs.representation is not None
        assert np.allclose(outputs.scores, net(pixels).numpy(), atol=1e-5)
        assert np.allclose(outputs.representation, net.features(pixels).numpy(), atol=1e-5)
    assert any("--mean" in note for note in model.notes) and isinstance(model, Model)


def test_batches_of_any_size_say_the_same(net: WideResNet, digits: Pictures) -> None:
    model = open_model(net)
    whole = model.scores(digits.batch(0, 30)).scores
    parts = [model.scores(digits.batch(start, start + 7)).scores for start in range(0, 30, 7)]
    assert whole is not None
    assert np.allclose(np.concatenate(parts)[:30], whole, atol=1e-5)  # type: ignore[arg-type]


def test_a_softmax_behind_the_classifier_hides_no_representation() -> None:
    module = Wrapped(lambda logits, seen: logits.softmax(1))
    outputs = open_model(module).scores(photos(5, channels=1))
    assert outputs.scores is not None and np.allclose(outputs.scores.sum(1), 1, atol=1e-5)
    assert outputs.representation is not None and outputs.representation.shape == (5, 12)


def test_a_module_without_a_classifier_has_no_representation() -> None:
    class Pool(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.mean((2, 3))

    outputs = open_model(Pool()).scores(photos(3))
    assert outputs.scores is not None and outputs.representation is None


def test_half_precision_modules_get_half_precision() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).to(torch.bfloat16)
    outputs = open_model(module).scores(photos(3, channels=1))
    assert outputs.scores is not None and outputs.scores.dtype == np.float32


class LikeTimm(nn.Module):
    """A head as timm's, and a forward of its own around it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.fc = nn.Linear(64, 12), nn.Linear(12, 10)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1)).relu()

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        return x if pre_logits else self.fc(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features((x - 0.5) * 8)).flip(1)


def test_forward_and_its_hooks_are_what_is_audited(digits: Pictures) -> None:
    net, batch = LikeTimm().eval(), digits.batch(0, 20)
    pixels = torch.from_numpy(np.stack(batch)[:, None].astype(np.float32) / 255)
    outputs = open_model(net).scores(batch)
    assert outputs.scores is not None and outputs.representation is not None
    with torch.no_grad():
        assert np.allclose(outputs.scores, net(pixels).numpy(), atol=1e-6)
        assert np.allclose(outputs.representation, net.forward_features((pixels - 0.5) * 8).numpy(), atol=1e-6)
    net.register_forward_pre_hook(lambda _module, inputs: (inputs[0] * 0,))
    said = open_model(net).scores(batch).scores
    assert said is not None and np.allclose(said, said[:1])


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.sub_(0.5).div_(0.1).flatten(1))


def test_a_module_that_changes_its_input_says_the_same_each_time(digits: Pictures) -> None:
    model, batch = open_model(InPlace(), pictures=digits), digits.batch(0, 8)
    assert not any("asked again" in note for note in model.notes)
    first, again = open_model(InPlace()).scores(batch).scores, model.scores(batch).scores
    assert first is not None and again is not None and np.array_equal(first, again)


@pytest.mark.parametrize("kind", ["exported", "frozen"])
def test_what_has_but_one_mode_is_run_in_it(kind: str, digits: Pictures) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Dropout(0.5)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = (
            torch.export.export(net, (torch.zeros(8, 1, 8, 8),)).module()
            if kind == "exported"
            else torch.jit.freeze(torch.jit.script(net))  # type: ignore[no-untyped-call]
        )
    batch = digits.batch(0, 8)
    said, expected = open_model(made).scores(batch).scores, open_model(net).scores(batch).scores
    assert said is not None and np.allclose(said, expected, atol=1e-5)  # type: ignore[arg-type]


def test_a_dead_network_answers_one_class_and_is_no_votes(net: WideResNet, digits: Pictures) -> None:
    """All logits 0: whole numbers, and no labels of ten models."""
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.zero_()
    (part,) = run_model(open_model(net, pictures=digits), digits, "dense", lambda *_: None).parts
    assert (part.values, len(part.models), part.num_classes) == ("logits", 1, 10)
