"""gradual_sparsity against the recursion of the paper's code (recipes.md, P2); learning rates against torch."""

from __future__ import annotations

import math

import pytest
import torch

from piescope.pruning.schedules import Gradual, gradual_sparsity
from piescope.training.schedule import Constant, Cosine, MultiStep


@pytest.mark.parametrize("final", [0.3, 0.5, 0.7, 0.9, 0.95, 0.99])
@pytest.mark.parametrize(("begin", "end", "frequency"), [(1000, 20000, 500), (125, 2476, 62), (2440, 4760, 62)])
def test_gammas_of_the_papers_code_step_by_step(final: float, begin: int, end: int, frequency: int) -> None:
    """The code prunes a share gamma_k of what remains; what remains after k prunings must be 1 - s_k."""
    remaining = 1.0
    for step in range(begin, end + 1, frequency):
        wanted = final * (1 - (1 - (step - begin) / (end - begin)) ** 3)
        gamma = 1 - (1 - wanted) / remaining
        assert -1e-12 <= gamma < 1
        remaining *= 1 - gamma
        assert gradual_sparsity(step, begin, end, final) == pytest.approx(1 - remaining, abs=1e-12)


def test_the_papers_supervised_schedule_has_39_prunings_and_ends_exactly() -> None:
    schedule = Gradual(begin=1000, end=20000, frequency=500)
    assert len(schedule.steps()) == 39
    assert schedule.sparsity_at(schedule.steps()[-1], 0.9) == 0.9


def test_initial_before_begin_and_final_after_end() -> None:
    assert gradual_sparsity(0, 10, 20, 0.9, initial=0.2) == 0.2
    assert gradual_sparsity(10, 10, 20, 0.9, initial=0.2) == 0.2
    assert gradual_sparsity(20, 10, 20, 0.9, initial=0.2) == 0.9
    assert gradual_sparsity(99, 10, 20, 0.9, initial=0.2) == 0.9


def test_steps_and_is_due_agree() -> None:
    schedule = Gradual(begin=3, end=20, frequency=4)
    assert tuple(step for step in range(40) if schedule.is_due(step)) == schedule.steps() == (3, 7, 11, 15, 19, 20)


def torch_rates(scheduler: type, epochs: int, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    steps = scheduler(optimizer, **options)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steps.step()
    return rates


def test_multi_step_against_torch() -> None:
    theirs = torch_rates(torch.optim.lr_scheduler.MultiStepLR, 90, milestones=[5, 30, 50, 80], gamma=0.1)
    ours = MultiStep(milestones=(5, 30, 50, 80), gamma=0.1)
    assert [ours.factor(epoch, 90) for epoch in range(90)] == pytest.approx(theirs)


def test_cosine_against_torch() -> None:
    theirs = torch_rates(torch.optim.lr_scheduler.CosineAnnealingLR, 50, T_max=50, eta_min=1e-3)
    per_epoch = Cosine(floor=1e-3, per="epoch")
    assert [per_epoch.factor(epoch + 0.7, 50) for epoch in range(50)] == pytest.approx(theirs)
    assert Cosine().factor(25.0, 50) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)


def test_constant() -> None:
    assert {Constant().factor(epoch, 9) for epoch in (0.0, 4.5, 8.9)} == {1.0}
