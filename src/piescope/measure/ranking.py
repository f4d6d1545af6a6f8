"""How well a score ranks examples: the worth of a measure is what it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num

from piescope.measure.arrays import same_length, to_numpy


def auroc(score: Float[Any, " examples"], event: Bool[Any, " examples"]) -> float | None:
    """Probability that a random example with the event scores above one without it; 0.5 is chance.

    Args:
            score: ``[examples]``, higher = the event is expected.
            event: ``[examples]``.

    Returns:
            0 to 1; None when no example, or every one, has the event.

    Example:
            >>> from typing import Any

    import numpy as np
            >>> auroc(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
            1.0
    """
    scores, events = to_numpy(score), to_numpy(event).astype(bool)
    same_length(score=scores, event=events)
    if events.all() or not events.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(events, scores))


def correlation(
    one: Num[Any, "*rows examples"], other: Num[Any, "*rows examples"], weights: Num[Any, "*draws examples"]
) -> Float[np.ndarray, "*rows"]:
    """Pearson's correlation over examples, each counted as often as its weight: -1 to 1; NaN where one is constant.

    Example:
        >>> round(float(correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]), np.ones(3))), 4)
        0.982
    """
    share = np.asarray(weights, np.float64)
    share = share / share.sum(-1, keepdims=True)
    centred = [each - (each * share).sum(-1, keepdims=True) for each in (np.asarray(one), np.asarray(other))]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.prod([np.sqrt((each**2 * share).sum(-1)) for each in centred], axis=0)
        return np.asarray((centred[0] * centred[1] * share).sum(-1) / spread)
