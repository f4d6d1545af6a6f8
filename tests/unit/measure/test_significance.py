"""What the permutation test refuses, and nothing is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from piescope.measure.significance import confirmed_pies


def test_significance_refuses_bad_input_and_nothing_is_nothing() -> None:
    labels = np.zeros((3, 4), int)
    with pytest.raises(ValueError, match="expected a rate"):
        confirmed_pies(labels, labels, 2, alpha=1.5)
    with pytest.raises(ValueError, match="expected pairs"):
        confirmed_pies(labels, labels[:2], 2, paired=True)
    with pytest.raises(ValueError, match="numbers of examples differ"):
        confirmed_pies(labels, labels[:, :2], 2)
    empty = confirmed_pies(labels[:, :0], labels[:, :0], 2)
    assert [len(part) for part in empty] == [0, 0, 0]
    assert confirmed_pies(labels, labels, 2).p_values.tolist() == [1.0] * 4


def test_votes_of_thousands_of_models_have_exact_p_values() -> None:
    """3 against 1,200 models: all agree, and 500 of the many say what the three say."""
    many = np.zeros((1200, 2), int)
    many[:500, 1] = 1
    p_values, _, confirmed = confirmed_pies(np.array([[0, 1]] * 3), many, 2)
    assert p_values[0] == 1.0 and not confirmed[0]
    dealt = np.arange(4)
    apart = np.abs(dealt / 3 - (503 - dealt) / 1200)
    exact = stats.hypergeom(1203, 503, 3).pmf(dealt)[apart >= apart[3] - 1e-12].sum()
    assert p_values[1] == pytest.approx(exact, rel=1e-9)
