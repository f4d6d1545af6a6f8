"""Learning-rate schedules as values: a factor on the recipe's learning rate, from 0 to 1."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from piescope.spec import Spec


def rising(milestones: tuple[int, ...]) -> tuple[int, ...]:
    """The milestones, if each is after the one before."""
    if any(later <= earlier for earlier, later in pairwise(milestones)):
        raise ValueError(f"{list(milestones)}; expected rising epochs; name each epoch once, in order")
    return milestones


Milestones = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), AfterValidator(rising)]
"""Epochs, 0-based, each after the one before."""


class Constant(Spec):
    """The same learning rate throughout."""

    kind: Literal["constant"] = "constant"

    def factor(self, epoch: float, epochs: int) -> float:
        """1 at every epoch."""
        return 1.0


class MultiStep(Spec):
    """Multiplied by ``gamma`` at the start of each milestone epoch (0-based).

    Example:
        >>> [MultiStep(milestones=(5, 30), gamma=0.1).factor(epoch, 50) for epoch in (4.9, 5.0)]
        [1.0, 0.1]
    """

    kind: Literal["multi_step"] = "multi_step"
    milestones: Milestones
    gamma: float = Field(gt=0, lt=1)

    def factor(self, epoch: float, epochs: int) -> float:
        """``gamma`` to the number of milestones reached."""
        return float(self.gamma ** sum(epoch >= milestone for milestone in self.milestones))


class Cosine(Spec):
    """Half a cosine from 1 to ``floor`` (Loshchilov and Hutter 2017); per step, or held over each epoch.

    Example:
        >>> [round(Cosine().factor(epoch, 10), 3) for epoch in (0, 5, 10)]
        [1.0, 0.5, 0.0]
    """

    kind: Literal["cosine"] = "cosine"
    floor: float = Field(default=0.0, ge=0, le=1)
    per: Literal["step", "epoch"] = "step"

    def factor(self, epoch: float, epochs: int) -> float:
        """``floor + (1 - floor) * (1 + cos(pi * epoch / epochs)) / 2``."""
        at = math.floor(epoch) if self.per == "epoch" else epoch
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * at / epochs)) / 2


class MultiStepCosine(Spec):
    """Milestones and a cosine that act on one learning rate in turn, as two of torch's schedulers on one optimizer.

    At the start of each epoch a milestone's ``gamma`` comes first; then the cosine moves what is left towards the
    floor by the ratio of its own values at this epoch and the last. That is no product of the two schedules: the floor
    is not multiplied (the paper's code: the linear head).

    Example:
        >>> schedule = MultiStepCosine(milestones=(60, 75, 90), gamma=0.2, floor=1e-3)
        >>> [round(schedule.factor(epoch, 100), 4) for epoch in (0, 59, 60, 90)]
        [1.0, 0.3611, 0.0693, 0.0005]
    """

    kind: Literal["multi_step_cosine"] = "multi_step_cosine"
    milestones: Milestones
    gamma: float = Field(gt=0, lt=1)
    floor: float = Field(default=0.0, ge=0, le=1)

    def factor(self, epoch: float, epochs: int) -> float:
        """Held over each epoch."""
        return _chained(self.milestones, self.gamma, self.floor, epochs)[min(math.floor(epoch), epochs - 1)]


@lru_cache(maxsize=64)
def _chained(milestones: tuple[int, ...], gamma: float, floor: float, epochs: int) -> tuple[float, ...]:
    factors = [1.0]
    for epoch in range(1, epochs):
        left = factors[-1] * (gamma if epoch in milestones else 1.0)
        ratio = (1 + math.cos(math.pi * epoch / epochs)) / (1 + math.cos(math.pi * (epoch - 1) / epochs))
        factors.append(floor + (left - floor) * ratio)
    return tuple(factors)


LearningRateSchedule = Annotated[Constant | MultiStep | Cosine | MultiStepCosine, Field(discriminator="kind")]
