"""A pruning method as data: criterion x scope x which tensors x whether weights may come back. Loads no torch."""

from __future__ import annotations

from typing import Literal

from piescope.spec import Spec

CriterionName = Literal["magnitude", "random"]
ScopeName = Literal["global", "layer"]
Counting = Literal["total", "remaining"]
Ranked = Literal["current", "last_forward"]


class Method(Spec):
    """How weights are chosen; when they go is the schedule's business.

    Attributes:
        criterion: what ranks the weights.
        scope: whether all weights compete (``"global"``) or each tensor has its own target (``"layer"``).
        biases: biases of convolutions and linear layers are pruned too.
        prune_head: the classification head is pruned too.
        regrowth: gradual pruning may bring weights back.
    """

    criterion: CriterionName = "magnitude"
    scope: ScopeName = "global"
    biases: bool = False
    prune_head: bool = True
    regrowth: bool = False
