"""What replicate curves refuse."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.replicates import replicate_curve


def test_replicates_refuse_bad_input() -> None:
    said = np.zeros((5, 4), int)
    for wrong, match in [
        ((said[:3], said[:3]), "at least 4"),
        ((said, said[:4]), "as many"),
        ((said, said[:, :2]), "differ"),
    ]:
        with pytest.raises(ValueError, match=match):
            replicate_curve(*wrong, 2)
    agreed = replicate_curve(said, said, 2)
    assert agreed.pies.tolist() == [0.0] * 4
    assert agreed.enough() is None


@pytest.mark.parametrize("models", [1, 0, -1, float("nan")])
def test_of_fewer_models_than_were_tried_nothing_is_told(models: float) -> None:
    votes = np.random.default_rng(0).integers(0, 3, (2, 8, 200))
    curve = replicate_curve(votes[0], votes[1], 3)
    assert curve.pies_at(2) > 0
    with pytest.raises(ValueError, match="expected 2 or more"):
        curve.pies_at(models)  # type: ignore[arg-type]


def test_nonsense_is_refused() -> None:
    votes = np.random.default_rng(0).dirichlet(np.ones(3), 200).argmax(1)[None, None].repeat(8, 1).repeat(2, 0)
    curve = replicate_curve(votes[0], votes[1], 3)
    for part_of_a_model in (2.5, 8.5, float("inf")):
        for asked in (curve.pies_at, curve.spread_at, curve.repeat_error_at, curve.error_at):
            with pytest.raises(ValueError, match="expected a whole number"):
                asked(part_of_a_model)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 2 or more"):
        curve.spread_at(0)
    for error in (-1.0, float("nan"), float("inf")):
        for enough in (curve.enough, curve.enough_to_repeat):
            with pytest.raises(ValueError, match="expected a share, 0 or more"):
                enough(error)
    assert curve.pies_at(np.int64(40)) == 0  # type: ignore[arg-type]
