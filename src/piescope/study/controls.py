"""Control arms: what a pruned arm differs from dense ones by, one thing at a time.

A PIE count mixes three things: other seeds, the fine-tuning (or change of loss) that comes with a pruning, and the
missing weights. A control has one of them less.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from piescope.spec import Spec
from piescope.training.recipe import GradualPruning, OneShotPruning


class FreshDense(Spec):
    """Dense models with seeds that no other arm has, as many as the study has replicates: what seeds alone change.

    Attributes:
        first_seed: theirs, from which on they are counted, so that a study that is to have more replicates later keeps
            them; None: those after the seeds of all others.
    """

    kind: Literal["fresh_dense"]
    first_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None


class FinetuneOnly(Spec):
    """The fine-tuning of a one-shot pruning, and nothing pruned: what the fine-tuning and its loss change.

    Attributes:
        of: name of the one-shot pruning.
    """

    kind: Literal["finetune_only"]
    of: str


class RandomMasks(Spec):
    """A pruning with all that belongs to it, but which weights go is drawn: what the choice of weights saves.

    Attributes:
        of: name of the pruning.
    """

    kind: Literal["random_masks"]
    of: str


Control = Annotated[FreshDense | FinetuneOnly | RandomMasks, Field(discriminator="kind")]

STANDARD: dict[str, Control] = {
    "fresh_dense": FreshDense(kind="fresh_dense"),
    "finetune_only": FinetuneOnly(kind="finetune_only", of="one_shot"),
    "random": RandomMasks(kind="random_masks", of="one_shot"),
    "random_gmp": RandomMasks(kind="random_masks", of="gmp"),
    "random_delayed_gmp": RandomMasks(kind="random_masks", of="delayed_gmp"),
}
"""Controls that a study may name among its arms without a table of its own."""


def method_of(
    control: Control, pruned: GradualPruning | OneShotPruning | None
) -> GradualPruning | OneShotPruning | None:
    """How a control's models are pruned; None: not at all.

    Args:
        control: the control.
        pruned: the method that it is a control of; None for fresh dense models.
    """
    if isinstance(control, FreshDense) or pruned is None:
        return None
    if isinstance(control, RandomMasks):
        return pruned.model_copy(update={"criterion": "random"})
    assert isinstance(pruned, OneShotPruning), "checked when the study was parsed"
    return OneShotPruning(kind="one_shot", finetune=pruned.finetune)  # which weights would go makes no difference
