"""Prediction depth: how deep in a network an example is decided (Baldock et al. 2021), in two conventions."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Int64

from piescope.axes import ExampleLabels, ProbeLabels
from piescope.measure.arrays import class_ids, same_length

Convention = Literal["baldock", "corti2022"]


def prediction_depth(
    knn_labels: ProbeLabels, target: ExampleLabels, convention: Convention = "baldock"
) -> Int64[np.ndarray, " examples"]:
    """The depth from which the kNN probes give the target label and keep giving it.

    Args:
        knn_labels: ``[probes, examples]``, the kNN's label at each probe, shallow to deep.
        target: ``[examples]``; the network's own prediction for ``"baldock"``, the true label for ``"corti2022"``.
        convention: ``"baldock"``: 0-based index of the first probe from which all agree with the target, 0 to
            ``probes``; 0 when all agree, ``probes`` when the last does not. ``"corti2022"``: 1-based index of the
            last probe that is wrong, and 1 when none is, 1 to ``probes``; "never wrong" and "wrong only at the
            first probe" both give 1, as in the paper's code.

    Returns:
        ``[examples]`` depths; higher is harder. Average over models with ``.mean``.

    Raises:
        ValueError: no probes, other numbers of examples, or an unknown convention.

    Source: Baldock et al. 2021, section 2, https://arxiv.org/abs/2106.09647; Corti et al. 2022, section 2 and code.

    Example:
        >>> knn = np.array([[0, 1, 1], [0, 1, 0], [0, 0, 1]])
        >>> prediction_depth(knn, np.zeros(3, int), "baldock").tolist()
        [0, 2, 3]
        >>> prediction_depth(knn, np.zeros(3, int), "corti2022").tolist()
        [1, 2, 3]
    """
    labels = class_ids(knn_labels, "knn_labels", 2)
    wanted = class_ids(target, "target", 1)
    same_length(knn_labels=labels, target=wanted)
    probes = len(labels)
    if probes == 0:
        raise ValueError("knn_labels hold no probes; expected [probes, examples] with at least one probe")
    wrong = labels != wanted
    last_wrong = np.where(wrong.any(0), probes - wrong[::-1].argmax(0), 0)  # 1-based; 0: never wrong
    if convention == "baldock":
        return last_wrong
    if convention == "corti2022":
        return np.maximum(last_wrong, 1)
    raise ValueError(f"convention is {convention!r}; expected 'baldock' or 'corti2022'")
