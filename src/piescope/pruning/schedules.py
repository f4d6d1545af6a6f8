"""When pruning happens during a training, and how sparse the network is then."""

from __future__ import annotations

from pydantic import Field, model_validator

from piescope.spec import Spec


def gradual_sparsity(step: float, begin: float, end: float, final: float, initial: float = 0.0) -> float:
    """Sparsity after a pruning at ``step``: cubic from initial to final, flat before begin and after end.

    ``s_t = s_f + (s_i - s_f) * (1 - (t - b) / (e - b))^3``

    Args:
        step: t, in the unit of begin and end.
        begin: b, first pruning.
        end: e, above begin.
        final: s_f, 0 to 1.
        initial: s_i, 0 to final.

    Returns:
        a fraction between initial and final.

    Raises:
        ValueError: end is not after begin.

    Source: Zhu and Gupta 2017, equation 1, https://arxiv.org/abs/1710.01878.

    Example:
        >>> [round(gradual_sparsity(step, 0, 100, 0.9), 4) for step in (-1, 0, 50, 100, 101)]
        [0.0, 0.0, 0.7875, 0.9, 0.9]
    """
    if not end > begin:
        raise ValueError(f"end is {end} and begin {begin}; expected end after begin")
    if step <= begin:
        return initial
    if step >= end:
        return final
    return final + (initial - final) * (1 - (step - begin) / (end - begin)) ** 3


class Gradual(Spec):
    """Gradual pruning in one training: at begin, every ``frequency`` steps after it, and at end.

    Steps are 1-based optimiser steps; a pruning takes place before the batch of its step. The last pruning is always
    at ``end``, also where end - begin is no multiple of the frequency, so the final sparsity is exact.

    Example:
        >>> Gradual(begin=10, end=35, frequency=10).steps()
        (10, 20, 30, 35)
        >>> Gradual(begin=100, end=200, frequency=50).sparsity_at(150, final=0.8)
        0.7000000000000001
    """

    begin: int = Field(ge=1)
    end: int = Field(ge=2)
    frequency: int = Field(ge=1)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Gradual:
        if self.end <= self.begin:
            raise ValueError(
                f"begin {self.begin} and end {self.end}; expected an end after the begin; "
                "begin earlier or end later (steps count from the start of the training)"
            )
        return self

    def steps(self) -> tuple[int, ...]:
        """All pruning steps in order."""
        return (*range(self.begin, self.end, self.frequency), self.end)

    def is_due(self, step: int) -> bool:
        """Whether a pruning takes place before the batch of this step."""
        on_grid = self.begin <= step < self.end and (step - self.begin) % self.frequency == 0
        return on_grid or step == self.end

    def sparsity_at(self, step: int, final: float) -> float:
        """Sparsity after the pruning at this step."""
        return gradual_sparsity(step, self.begin, self.end, final)
