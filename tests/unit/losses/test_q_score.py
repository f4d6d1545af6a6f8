"""Q-Score in torch is that of `measure`, and its gradients are right, finite and 0 where there is no score."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import Tensor

from piescope.losses.q_score import FORMS, Form, q_scores, q_scores_aaai24
from piescope.measure import q_score as measure


def spiky(batch: int = 12, dims: int = 64, dtype: torch.dtype = torch.float64) -> Tensor:
    """Representations with one or two features far above the others, in few examples each: they count in AAAI-24."""
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(batch, dims, generator=generator, dtype=dtype)
    values[torch.arange(batch), torch.arange(batch) % dims] += 8
    values[::3, -1] += 9
    return values


CASES = {
    "of a ReLU": lambda: torch.randn(40, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64).relu(),
    "of either sign": lambda: torch.randn(40, 17, generator=torch.Generator().manual_seed(2), dtype=torch.float64),
    "spiky": spiky,
    "one feature": lambda: torch.eye(3, 64, dtype=torch.float64)[[0, 1, 1, 2]],
    "large": lambda: spiky() * 1e200,
    "small": lambda: spiky() * 1e-200,
    "one dimension": lambda: torch.tensor([[2.0], [0.0]], dtype=torch.float64),
    "zero, constant, and so but for rounding": lambda: torch.stack(
        [torch.zeros(64), torch.full((64,), 3.0), torch.full((64,), 0.1) + torch.eye(64)[0] * 1e-8, torch.arange(64.0)]
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_both_forms_are_those_of_measure(name: str) -> None:
    for given in (CASES[name](), CASES[name]().float()):
        if not bool(given.isfinite().all()):
            continue  # large, in float32
        exact = 1e-12 if given.dtype == torch.float64 else 2e-5
        np.testing.assert_allclose(q_scores(given), measure.q_score(given).q, rtol=exact, atol=exact)
        np.testing.assert_allclose(q_scores_aaai24(given), measure.q_score_aaai24(given), rtol=exact, atol=exact)


def test_settings_are_those_of_measure() -> None:
    ours, theirs = (inspect.signature(each).parameters for each in (q_scores_aaai24, measure.q_score_aaai24))
    assert {name: ours[name].default for name in ("deviations", "frequency")} == {
        name: theirs[name].default for name in ("deviations", "frequency")
    }


@pytest.mark.parametrize("form", FORMS)
def test_gradients_against_differences(form: Form) -> None:
    given = spiky().requires_grad_()
    assert int((FORMS[form](given) > 0).sum()) == len(given)  # each has a score, so a gradient
    assert torch.autograd.gradcheck(FORMS[form], (given,), eps=1e-7, atol=1e-6)
    (gradient,) = torch.autograd.grad(FORMS[form](given).sum(), given)
    assert float(gradient.abs().min(1).values.max()) > 0
    assert (
        float((gradient * given.detach()).sum(1).abs().max()) < 1e-12
    )  # along a representation nothing changes: no scale


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_where_there_is_no_score_there_is_no_gradient_and_others_have_theirs(form: Form, dtype: torch.dtype) -> None:
    alone = spiky(dtype=dtype)
    beside = torch.cat([alone, torch.zeros(2, 64, dtype=dtype), torch.full((1, 64), 0.3, dtype=dtype)])
    gradients = []
    for given in (alone.requires_grad_(), beside.requires_grad_()):
        scores = FORMS[form](given)
        assert scores.dtype == torch.promote_types(dtype, torch.float32)
        (gradient,) = torch.autograd.grad(scores.sum(), given)
        gradients.append(gradient)
    assert bool((gradients[1][len(alone) :] == 0).all())
    assert torch.equal(gradients[0], gradients[1][: len(alone)]) and bool(gradients[0].isfinite().all())


@pytest.mark.parametrize("form", FORMS)
def test_a_step_up_the_gradient_forms_representations_better(form: Form) -> None:
    given = spiky().requires_grad_()
    before = FORMS[form](given)
    (gradient,) = torch.autograd.grad(before.sum(), given)
    assert bool((FORMS[form](given + 0.01 * gradient) > before).all())
