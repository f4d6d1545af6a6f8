"""What Q-Scores refuse, and that tensors are arrays to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from piescope.measure.q_score import q_score, q_score_aaai24


def test_what_the_q_score_refuses() -> None:
    with pytest.raises(ValueError, match="2 entries of the representations are NaN or infinite"):
        q_score(np.array([np.nan, np.inf, 1.0]))
    with pytest.raises(ValueError, match="at least one dim"):
        q_score(np.zeros((3, 0)))


def test_tensors_have_the_scores_of_arrays() -> None:
    h = torch.rand(4, 5, requires_grad=True)
    assert np.allclose(q_score(h).q, q_score(h.detach().numpy()).q)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_tensors_of_few_bits_have_the_scores_of_their_values(dtype: torch.dtype) -> None:
    h = torch.rand(4, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert np.array_equal(q_score(h).q, q_score(np.array(h.tolist())).q)


def test_bad_arguments_of_the_later_q_score_are_refused() -> None:
    h = np.random.default_rng(0).normal(size=(4, 5))
    for frequency in ((-0.1, 0.5), (0.5, 0.1), (0.0, 1.1), (np.nan, 0.5)):
        with pytest.raises(ValueError, match="expected 0 <= low <= high <= 1"):
            q_score_aaai24(h, frequency=frequency)
    with pytest.raises(ValueError, match="deviations -1"):
        q_score_aaai24(h, deviations=-1)
    with pytest.raises(ValueError, match="diverged"):
        q_score_aaai24(np.where(h == h.max(), np.nan, h))
    for shape in ((5,), (0, 5), (4, 0)):
        with pytest.raises(ValueError, match="representations have shape"):
            q_score_aaai24(np.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_differs_by_rounding_alone_has_no_spread_in_any_precision(dtype: torch.dtype) -> None:
    h = torch.full((1, 64), 0.3, dtype=dtype)
    h[0, 0] *= 1 + torch.finfo(dtype).eps
    assert q_score(h).z.tolist() == [0.0]
    h[0, 0] *= 2
    assert q_score(h).z[0] > 7


@pytest.mark.parametrize("h", [np.array([["1", "2"]]), np.array([[1j, 2.0]]), np.array([[None, 1.0]])])
def test_only_real_numbers_are_representations(h: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected real numbers"):
        q_score(h)


def test_masked_values_are_no_values() -> None:
    hidden = np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    with pytest.raises(ValueError, match="1 values are masked"):
        q_score(hidden)
    assert q_score(np.ma.array([[1.0, 2.0]])).q[0] == q_score(np.array([[1.0, 2.0]])).q[0]
