"""gradual_sparsity against the recursion of the paper's code (recipes.md, P2); learning rates against torch."""

from __future__ import annotations

import math
from itertools import product
from typing import Literal

import pytest
import torch

from piescope.pruning.schedules import Gradual, gradual_sparsity
from piescope.training.schedule import Constant, Cosine, MultiStep

# recipes.md, P3: what the code's grids reach, in the paper's own steps: 39, 37 and 37 prunings
GRIDS = [(1000, 20000, 500, 39, 0.9), (125, 2476, 62, 37, 0.89988), (2440, 4760, 62, 37, 0.89995)]


@pytest.mark.parametrize(("begin", "end", "frequency", "prunings", "reached"), GRIDS)
def test_pruning_shares_of_what_remains_reaches_the_published_sparsities(
    begin: int, end: int, frequency: int, prunings: int, reached: float
) -> None:
    """A vector of weights pruned as the code does it: at each step a share gamma_k of those that remain."""
    weights = 10_000_000
    left = weights
    for k in range(prunings):
        now = gradual_sparsity(begin + k * frequency, begin, end, 0.9)
        before = gradual_sparsity(begin + (k - 1) * frequency, begin, end, 0.9) if k else 0.0
        gamma = (now - before) / (1 - before)  # P2: the share of the rest that takes s_{k-1} to s_k
        left -= round(gamma * left)
    assert 1 - left / weights == pytest.approx(reached, abs=6e-6)


@pytest.mark.parametrize(
    ("step", "expected"),
    # by hand, for 0.9 from 1000 to 20000: 0.9 * (1 - (1 - x)^3) at x = 0, 1/38, 1/2, 37/38, 1
    [(1000, 0.0), (1500, 0.069199), (10500, 0.7875), (19500, 0.899984), (20000, 0.9)],
)
def test_values_by_hand(step: int, expected: float) -> None:
    assert gradual_sparsity(step, 1000, 20000, 0.9) == pytest.approx(expected, abs=1e-6)


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


@pytest.mark.parametrize("grid", ["begin", "multiples"])
def test_unpruned_steps_are_those_before_the_first_sparsity_above_zero(grid: Literal["begin", "multiples"]) -> None:
    tried = 0
    for begin, end, frequency in product(range(1, 9), range(2, 13), range(1, 7)):
        try:
            schedule = Gradual(begin=begin, end=end, frequency=frequency, grid=grid)
        except ValueError:
            continue
        pruned = [step for step in range(1, 14) if schedule.is_due(step) and schedule.sparsity_at(step, 0.5) > 0]
        assert schedule.unpruned_steps(13) == min(pruned, default=14) - 1
        tried += 1
    assert tried > 200


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


@pytest.mark.parametrize(("final", "initial"), [(90, 0.0), (0.5, 0.9), (0.5, -0.1), (float("nan"), 0.0)])
def test_sparsities_are_fractions_that_rise(final: float, initial: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <= initial <= final <= 1"):
        gradual_sparsity(50, 0, 100, final, initial)
