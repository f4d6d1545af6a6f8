"""What a study asks of a machine."""

from __future__ import annotations

import pytest

from piescope.study.cost import cost_of
from piescope.study.parse import load_study
from piescope.study.plan import make_plan


def test_steps_and_models_are_counted() -> None:
    cost = cost_of(make_plan(load_study("digits")))
    assert cost.models == 27 * 5
    assert (cost.steps["train"], cost.steps["finetune"], cost.steps["predict"] + cost.steps["depth"]) == (65, 70, 220)


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
