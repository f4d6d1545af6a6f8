"""How well a score ranks examples: the worth of a measure is what it predicts."""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool, Float

from piescope.measure.arrays import same_length, to_numpy


def auroc(score: Float[Any, " examples"], event: Bool[Any, " examples"]) -> float | None:
    """Probability that a random example with the event scores above one without it; 0.5 is chance.

    Args:
        score: ``[examples]``, higher = the event is expected.
        event: ``[examples]``.

    Returns:
        0 to 1; None when no example, or every one, has the event.

    Example:
        >>> import numpy as np
        >>> auroc(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
        1.0
    """
    scores, events = to_numpy(score), to_numpy(event).astype(bool)
    same_length(score=scores, event=events)
    if events.all() or not events.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(events, scores))
