"""WideResNets against formulas, and their initial weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from piescope.models.wide_resnet import WideResNet

pytestmark = pytest.mark.shapes


def test_wrn_16_2_has_exactly_the_papers_parameters() -> None:
    model = WideResNet(16, 2, num_classes=10, channels=3)
    kinds = {nn.Conv2d: 0, nn.BatchNorm2d: 0, nn.Linear: 0}
    for module in model.modules():
        if type(module) in kinds:
            kinds[type(module)] += sum(parameter.numel() for parameter in module.parameters())
    assert list(kinds.values()) == [688_560, 1_824, 1_290]
    assert sum(parameter.numel() for parameter in model.parameters()) == 691_674


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (4, 17), (3, 64)])
@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 2), (22, 1)])
def test_any_image_size_and_channel_count(channels: int, size: int, depth: int, width: int) -> None:
    model = WideResNet(depth, width, num_classes=7, channels=channels)
    images = torch.rand(2, channels, size, size)
    features = model.features(images)
    assert features.shape == (2, model.dims) == (2, 64 * width)
    assert bool((features >= 0).all())
    assert torch.equal(model(images), model.logits(model.features(images)))


def functional_wide_resnet(state: dict[str, torch.Tensor], images: torch.Tensor, blocks: int) -> torch.Tensor:
    """The network again, written as formulas over its state_dict, in eval mode."""

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        scale = state[f"{name}.weight"] / torch.sqrt(var + 1e-5)
        return x * scale.view(1, -1, 1, 1) + (state[f"{name}.bias"] - mean * scale).view(1, -1, 1, 1)

    x = functional.conv2d(images, state["conv1.weight"], padding=1)
    for stage in (1, 2, 3):
        for block in range(blocks):
            name = f"stage{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            active = norm(f"{name}.norm1", x).clamp(min=0)
            inner = functional.conv2d(active, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            inner = functional.conv2d(
                norm(f"{name}.norm2", inner).clamp(min=0), state[f"{name}.conv2.weight"], padding=1
            )
            shortcut = state.get(f"{name}.shortcut.weight")
            x = inner + (x if shortcut is None else functional.conv2d(active, shortcut, stride=stride))
    pooled = norm("norm", x).clamp(min=0).mean((2, 3))
    return pooled @ state["head.weight"].T + state["head.bias"]


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 2)])
def test_against_formulas(depth: int, width: int) -> None:
    model = WideResNet(depth, width, 10, 3, torch.Generator().manual_seed(0))
    model(torch.rand(8, 3, 16, 16))  # moves the running statistics off their initial values
    model.eval()
    images = torch.rand(4, 3, 16, 16)
    expected = functional_wide_resnet(model.state_dict(), images, (depth - 4) // 6)
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_follow_the_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(3)).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)  # the global generator is left alone
    torch.manual_seed(123)
    two = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(3)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert float(one["head.bias"].abs().max()) == 0
    fan_out = 16 * 9
    assert float(one["conv1.weight"].std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.2)


@pytest.mark.parametrize(("depth", "width", "classes"), [(12, 1, 10), (4, 1, 10), (10, 0, 10), (10, 1, 0)])
def test_impossible_networks_are_refused(depth: int, width: int, classes: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        WideResNet(depth, width, classes)
