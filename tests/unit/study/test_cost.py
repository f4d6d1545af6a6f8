"""What a study asks of a machine."""

from __future__ import annotations

import pytest

from piescope.study.cost import cost_of, plan_json
from piescope.study.parse import load_study
from piescope.study.plan import make_plan


def test_cost_and_json() -> None:
    plan = make_plan(load_study("digits"))
    cost = cost_of(plan)
    told = plan_json(plan, cost, seconds=1.0, peak_memory_bytes=2)
    assert {"models", "training_flops", "disk_bytes", "seconds", "peak_memory_bytes", "arms"} <= set(told)
    assert (told["trainings"], told["finetunings"], told["evaluations"]) == (65, 70, 220)
    assert told["models"] == sum(arm["models"] for arm in told["arms"]) == 27 * 5
    assert set(told["arms"][0]) == {"objective", "pruning", "sparsity", "models"}


def test_the_papers_training_flops_come_out_as_published() -> None:
    """recipes.md: 60 dense models and 180 per pruned arm cost about 1.4e19 training FLOPs."""
    from piescope.models.build import ModelSpec, flops_per_sample

    flops = flops_per_sample(ModelSpec(depth=16, width=2), (3, 32, 32), 10)
    images, forward_backward, forward = 50_000, flops.forward_backward, flops.forward
    supervised = 205 * images * forward_backward
    contrastive = 500 * 2 * images * forward_backward + 100 * images * forward
    finetune = 30 * images * forward_backward
    total = (30 + 180) * supervised + (30 + 360) * contrastive + 360 * finetune
    assert total == pytest.approx(1.4e19, rel=0.03)
