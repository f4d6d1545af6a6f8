"""When pruning happens during a training, and how sparse the network is then."""

from __future__ import annotations

from typing import Literal

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
        ValueError: end is not after begin, or a sparsity is no fraction.

    Source: Zhu and Gupta 2017, equation 1, https://arxiv.org/abs/1710.01878.

    Example:
        >>> [round(gradual_sparsity(step, 0, 100, 0.9), 4) for step in (-1, 0, 50, 100, 101)]
        [0.0, 0.0, 0.7875, 0.9, 0.9]
    """
    if not end > begin:
        raise ValueError(f"end is {end} and begin {begin}; expected end after begin")
    if not 0 <= initial <= final <= 1:
        raise ValueError(f"initial is {initial} and final {final}; expected 0 <= initial <= final <= 1 (0.9 for 90 %)")
    if step <= begin:
        return initial
    if step >= end:
        return final
    return final + (initial - final) * (1 - (step - begin) / (end - begin)) ** 3


class Gradual(Spec):
    """Gradual pruning in one training, every ``frequency`` optimiser steps (1-based; before the batch of its step).

    Two grids:

    - ``"begin"``: at begin, every frequency steps after it, and always at ``end``, also where end - begin is no
      multiple of the frequency, so the final sparsity is exact.
    - ``"multiples"``: at the multiples of the frequency from begin to end, each taking the next value of the sequence
      that starts at begin; where begin is no multiple, the last value of the sequence, the final sparsity, is never
      reached (the paper's code: 0.89988 for 0.9).

    Attributes:
        begin: first step at which pruning may happen.
        end: last.
        frequency: steps between prunings.
        grid: which steps.

    Example:
        >>> Gradual(begin=10, end=35, frequency=10).steps()
        (10, 20, 30, 35)
        >>> Gradual(begin=15, end=35, frequency=10, grid="multiples").steps()
        (20, 30)
        >>> Gradual(begin=100, end=200, frequency=50).sparsity_at(150, final=0.8)
        0.7000000000000001
    """

    begin: int = Field(ge=1)
    end: int = Field(ge=2)
    frequency: int = Field(ge=1)
    grid: Literal["begin", "multiples"] = "begin"

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Gradual:
        if self.end <= self.begin:
            raise ValueError(
                f"begin {self.begin} and end {self.end}; expected an end after the begin; "
                "begin earlier or end later (steps count from the start of the training)"
            )
        if self.grid == "multiples" and self._first_multiple() > self.end:
            raise ValueError(
                f"no multiple of {self.frequency} from {self.begin} to {self.end}; expected at least one pruning; "
                "prune more often, or take grid = 'begin'"
            )
        return self

    def _first_multiple(self) -> int:
        return -(-self.begin // self.frequency) * self.frequency

    def steps(self) -> tuple[int, ...]:
        """All pruning steps in order."""
        if self.grid == "multiples":
            return tuple(range(self._first_multiple(), self.end + 1, self.frequency))
        return (*range(self.begin, self.end, self.frequency), self.end)

    def unpruned_steps(self, steps: int) -> int:
        """How many of so many steps come before the first weight goes: the pruning at begin asks for none.

        Example:
            >>> Gradual(begin=10, end=35, frequency=10).unpruned_steps(50)
            19
        """
        if self.grid == "begin":
            return min(self.begin + self.frequency, self.end) - 1
        second = self._first_multiple() + self.frequency
        return steps if second > self.end else second - 1

    def is_due(self, step: int) -> bool:
        """Whether a pruning takes place before the batch of this step."""
        if self.grid == "multiples":
            return self.begin <= step <= self.end and step % self.frequency == 0
        on_grid = self.begin <= step < self.end and (step - self.begin) % self.frequency == 0
        return on_grid or step == self.end

    def sparsity_at(self, step: int, final: float) -> float:
        """Sparsity after the pruning at this step."""
        if self.grid == "multiples":
            step -= self._first_multiple() - self.begin
        return gradual_sparsity(step, self.begin, self.end, final)
