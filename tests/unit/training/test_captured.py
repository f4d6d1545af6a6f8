"""A captured step reads its arguments and what stays where it is, and runs no Python again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from made_trainings import SEEDS, data, model
from piescope.pruning.schedules import Gradual
from piescope.training import means
from piescope.training.captured import WARM, Captured
from piescope.training.means import Means
from piescope.training.recipe import Augmentation, ColorJitter, Contrastive, GradualPruning, Training
from piescope.training.schedule import Cosine
from piescope.training.stages import History, train_contrastive, train_supervised
from recorded_steps import Tapes

STAGE = Training(
    epochs=6, batch_size=25, learning_rate=0.05, nesterov=True, weight_decay=1e-3, schedule=Cosine(),
    augmentation=Augmentation(
        pad_and_crop=1, resized_crop=(0.5, 1.0), horizontal_flip=0.5, grayscale=0.5,
        color_jitter=ColorJitter(brightness=0.4, hue=0.1, probability=0.8),
    ),
)  # three steps an epoch, the last one smaller; so both sizes are captured, and played  # fmt: skip
GMP = Gradual(begin=2, end=17, frequency=3)
GRADUAL = GradualPruning(
    kind="gradual", scope="layer", biases=True, regrowth=True, supervised=GMP, encoder=GMP, head=GMP
)

LATE = GRADUAL.model_copy(update={"regrowth": False, "counting": "remaining", "ranked": "last_forward"})


def trained(kind: str, captured: bool, precision: str = "float32") -> tuple[dict[str, Tensor], History]:
    net, given = model(), replace(data(), means=Means(queued=True, captured=captured))
    stage = STAGE.model_copy(update={"precision": precision})
    if kind.startswith("supervised"):
        pruning = (LATE if "late" in kind else GRADUAL, 0.7) if "gmp" in kind else ()
        return net.state_dict(), train_supervised(net, given, stage, SEEDS, *pruning)
    both = Contrastive(encoder=stage, head=stage, temperature=0.5)
    return net.state_dict(), train_contrastive(net, given, both, SEEDS, True, GRADUAL, 0.7)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["supervised", "supervised, gmp", "supervised, gmp, ranked late", "supcon, gmp"])
def test_a_training_of_captured_steps_is_the_same_to_the_bit(
    kind: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rates, masks, momentum, draws and the last, smaller batch included."""
    tapes, stages = Tapes(), 2 if "supcon" in kind else 1
    monkeypatch.setattr(means, "CudaGraphs", lambda: tapes)
    network, losses = trained(kind, True, precision)
    assert (tapes.warm, tapes.captured, tapes.played) == (6 * stages, 2 * stages, 10 * stages)
    expected, their_losses = trained(kind, False, precision)
    assert losses == their_losses
    assert [name for name, tensor in network.items() if not torch.equal(tensor, expected[name])] == []


def test_what_the_host_decides_is_decided_once() -> None:
    """So the test above can fail."""
    factor, calls, tapes = [1.0], list[float](), Tapes()

    def step(given: Tensor) -> Tensor:
        calls.append(factor[0])
        return given * factor[0]

    captured = Captured(step, tapes)
    given = torch.arange(3.0)
    for factor[0] in range(1, WARM + 4):
        made = captured(given).tolist()
    assert made == [0.0, WARM + 1, 2 * (WARM + 1)] and calls == list(range(1, WARM + 2))
    assert captured(given + 1).tolist() == [WARM + 1, 2 * (WARM + 1), 3 * (WARM + 1)]


def test_without_capturing_there_is_nothing_between() -> None:
    def step() -> Tensor:
        return torch.zeros(())

    assert Means(queued=True).done(step) is step


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("kind", ["supervised, gmp", "supcon, gmp"])
def test_on_a_gpu_graphs_give_the_same(kind: str) -> None:
    def on_a_card(captured: bool) -> History:
        net, given = model().cuda(), data()
        given = replace(
            given, images=given.images.cuda(), labels=given.labels.cuda(), means=Means(queued=True, captured=captured)
        )
        if kind.startswith("supervised"):
            return train_supervised(net, given, STAGE, SEEDS, GRADUAL, 0.7)
        both = Contrastive(encoder=STAGE, head=STAGE, temperature=0.5)
        return train_contrastive(net, given, both, SEEDS, True, GRADUAL, 0.7)

    ours, theirs = on_a_card(True), on_a_card(False)
    for stage, losses in ours.items():
        assert losses == pytest.approx(theirs[stage], rel=1e-3)
