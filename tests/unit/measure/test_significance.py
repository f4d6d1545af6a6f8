"""What the permutation test refuses, and nothing is nothing."""

from __future__ import annotations

import numpy as np
import pytest

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
