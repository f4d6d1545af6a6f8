"""Our SGD beside torch's class."""

import pytest
import torch
from torch import Tensor, nn

from conftest import run_python
from piescope.training.recipe import Training
from piescope.training.sgd import Sgd

GIVEN = {"learning_rate": 0.1, "batch_size": 5, "epochs": 1}


def parameters() -> list[nn.Parameter]:
    draws = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(shape, generator=draws)) for shape in ((4, 3), (4,), (2, 4, 3, 3), ())]


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.0},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
        {"momentum": 0.5, "weight_decay": 0.1},
    ],
)
@pytest.mark.parametrize("is_fused", [False, True])
def test_it_is_torchs_class_to_the_bit(settings: dict[str, float], is_fused: bool) -> None:
    ours, theirs, draws = parameters(), parameters(), torch.Generator().manual_seed(4)
    moved = Sgd(ours, Training(**GIVEN, **{"nesterov": False, **settings}), is_fused)
    kind = {"foreach": not is_fused, "fused": is_fused}
    expected = torch.optim.SGD(theirs, lr=1.0, **kind, **{"nesterov": False, **settings})  # type: ignore[arg-type]
    for step in range(7):
        moved.zero_grad()
        expected.zero_grad()
        assert all(parameter.grad is None for parameter in ours)
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if is_fused or place != step:  # torch's fused one asks for all from the beginning
                gradient: Tensor = torch.randn(one.shape, generator=draws)
                one.grad, other.grad = gradient.clone(), gradient.clone()
        moved.rate = expected.param_groups[0]["lr"] = 0.1 / (1 + step)
        moved.step()
        expected.step()
        assert all(map(torch.equal, ours, theirs))
    if settings["momentum"]:
        known = [expected.state[parameter]["momentum_buffer"] for parameter in theirs]
        assert all(
            momentum is not None and torch.equal(momentum, each)
            for momentum, each in zip(moved.momenta, known, strict=True)
        )


@pytest.mark.sampled(8, heavy=True)
def test_a_worker_that_trains_loads_no_compiler_and_no_statistics() -> None:
    done = run_python(
        """
import sys, torch
from piescope.study.steps import set_up_worker
set_up_worker("cpu")
assert torch.are_deterministic_algorithms_enabled()
from piescope.models.wide_resnet import WideResNet
from piescope.seeds import Seeds
from piescope.training.loop import TrainingData
from piescope.training.recipe import Augmentation, Normalisation, Training
from piescope.training.stages import train_supervised
data = TrainingData(torch.zeros(8, 1, 8, 8, dtype=torch.uint8), torch.arange(8) % 2, Normalisation(mean=(0.5,), std=(0.5,)))
recipe = Training(epochs=1, batch_size=4, learning_rate=0.1, augmentation=Augmentation(pad_and_crop=1))
train_supervised(WideResNet(10, 1, 2, 1), data, recipe, Seeds(0, 0))
print(sorted({name.split(".")[0] for name in sys.modules} & {"scipy", "sklearn", "numba", "umap", "faiss", "sympy"}), "torch._dynamo" in sys.modules)
"""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "[] False"
