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
