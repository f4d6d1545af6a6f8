"""The pruner of one training: owns the masks, moves them along the schedule and holds them after every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, get_args

import torch
from torch import Generator, Tensor, nn

from piescope.pruning.criteria import CRITERIA
from piescope.pruning.masks import masks_from_scores, masks_of_what_remains
from piescope.pruning.method import Counting, CriterionName, Ranked, ScopeName
from piescope.pruning.schedules import Gradual

T = TypeVar("T", bound=Tensor)


class Pruner:
    """Prunes named parameters in place; nothing is attached to the model, so a checkpoint is a plain state_dict.

    It follows parameters that are moved (``model.to(...)``); of a model whose parameters were replaced by others
    (``load_state_dict(..., assign=True)``) it knows nothing. To go on with a former training, copy what `state` of its
    pruner held into that of a new one and call `masks_are_set`; without that the next pruning of the schedule, or the
    last where it is over, ranks the weights anew, of which zeros come first.

    Args:
        parameters: what may be pruned, by name, each once: floating-point tensors.
        criterion: ranks the weights.
        scope: which weights compete.
        regrowth: False: what is pruned stays pruned. True: each pruning ranks all weights again, the pruned ones by
            the value they had when they were pruned, so that they can come back with it (Zhu and Gupta 2017).
        generator: the criterion's only randomness; the same draws at each pruning, so random masks are nested too.
        schedule: when to prune, up to ``final``; None for a pruner that only holds what `prune` set.
        final: the schedule's last sparsity, above 0; 0 without a schedule.
        counting: ``"total"``: each pruning drops ``round(sparsity * n)`` of a group in all. ``"remaining"``: it drops
            a rounded share of the weights that remain, so roundings add up (the paper's code).
        ranked: ``"current"``: a pruning ranks the weights that there are. ``"last_forward"``: those that the last
            forward pass ran with, one optimiser step older, as torch's pruning without scores does (the paper's code).

    Raises:
        ValueError: an option that there is none of, a schedule without a final sparsity or the other way round,
            parameters that are no floating-point tensors by name, or one tensor under two names.

    Example:
        >>> layer = nn.Linear(4, 1, bias=False)
        >>> pruner = Pruner({"weight": layer.weight})
        >>> pruner.prune(0.5)
        >>> int((layer.weight == 0).sum())
        2
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        criterion: CriterionName = "magnitude",
        scope: ScopeName = "global",
        regrowth: bool = False,
        generator: Generator | None = None,
        schedule: Gradual | None = None,
        final: float = 0.0,
        counting: Counting = "total",
        ranked: Ranked = "current",
    ) -> None:
        for name, given, known in (
            ("criterion", criterion, tuple(CRITERIA)),
            ("scope", scope, get_args(ScopeName)),
            ("counting", counting, get_args(Counting)),
            ("ranked", ranked, get_args(Ranked)),
            ("regrowth", regrowth, (False, True)),
        ):
            if given not in known:
                raise ValueError(f"{name} is {given!r}; expected one of {list(known)}")
        if not isinstance(schedule, Gradual | None):
            raise ValueError(f"schedule is {schedule!r}; expected a Gradual (piescope.Gradual), or None")
        if not 0.0 <= final <= 1.0:
            raise ValueError(f"final is {final}; expected a fraction from 0 to 1 (0.9 for 90 %)")
        if (schedule is None) != (final == 0):
            beside = "without" if schedule is None else "with"
            cure = "both: schedule=Gradual(...), final=0.9, or neither, and prune(0.9)"
            raise ValueError(f"final is {final} {beside} a schedule; expected {cure}")
        self.parameters = floating_by_name(parameters)
        self.masks: dict[str, Tensor] = {
            name: torch.ones_like(parameter, dtype=torch.bool) for name, parameter in self.parameters.items()
        }
        self.schedule = schedule
        self.final = final
        self._last_step = 0 if schedule is None else schedule.steps()[-1]
        self.scope: ScopeName = scope
        self.regrowth = regrowth
        self.counting: Counting = counting
        self._asked = torch.zeros((), dtype=torch.float64)
        self._reached = 0.0  # the same, where no step waits for it
        self._criterion = CRITERIA[criterion]
        self._draws = (generator or torch.Generator()).get_state()
        self._dormant = {name: torch.zeros_like(tensor) for name, tensor in self.parameters.items()} if regrowth else {}
        # written to and never replaced: a captured step reads them where they are
        self._kept = {name: _bits_like(each) for name, each in self.parameters.items()}
        is_late = ranked == "last_forward"
        self._ran_with = {name: tensor.detach().clone() for name, tensor in self.parameters.items()} if is_late else {}
        self._keep()

    @torch.no_grad()
    def prune(self, sparsity: float) -> None:
        """Moves the masks to this sparsity and zeroes what they drop.

        Raises:
            ValueError: no fraction, less than before though nothing may regrow, or NaN among the weights.
        """
        self._follow()
        before = self._reached
        if sparsity < before and not self.regrowth:
            raise ValueError(
                f"sparsity is {sparsity} after {before}; what is pruned comes back only with regrowth=True"
            )
        values: dict[str, Tensor] = {
            name: torch.where(self.masks[name], tensor, self._dormant[name]) if self.regrowth else tensor
            for name, tensor in self.parameters.items()
        }
        generator = torch.Generator()
        generator.set_state(self._draws)
        scores = self._criterion(self._ran_with or values, generator)
        if self.counting == "remaining":
            share = 0.0 if before == 1 else 1 - (1 - sparsity) / (1 - before)
            self.masks = masks_of_what_remains(scores, share, self.scope, self.masks)
        else:
            self.masks = masks_from_scores(scores, sparsity, self.scope, None if self.regrowth else self.masks)
        self._asked.fill_(sparsity)
        self._reached = float(sparsity)
        for name, tensor in self.parameters.items():
            if self.regrowth:
                tensor.copy_(values[name])
                self._dormant[name] = values[name].masked_fill(self.masks[name], 0.0)
        self._keep()
        self.hold()

    def state(self) -> dict[str, Tensor]:
        """What later prunings and holds hang on, by name; a former one is copied into it, and `masks_are_set` told."""
        parts = {"mask": self.masks, "dormant": self._dormant, "ran_with": self._ran_with}
        named = {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
        return {**named, "asked": self._asked}

    def is_due(self, step: int) -> bool:
        """Whether the schedule has it prune before this step, 1-based; only then does the host wait for weights."""
        if self.schedule is None:
            return False
        if step <= self._last_step:
            return self.schedule.is_due(step)
        return self._reached < self.schedule.sparsity_at(self._last_step, self.final)  # made when it was over

    def before_step(self, step: int) -> None:
        """Prunes if that is due."""
        if self.schedule is not None and self.is_due(step):
            self.prune(self.schedule.sparsity_at(min(step, self._last_step), self.final))

    def masks_are_set(self) -> None:
        """To be told when masks have other values: what each step needs of them is made here."""
        self._reached = float(self._asked)
        self._keep()

    def _keep(self) -> None:
        for name, mask in self.masks.items():
            self._kept[name].copy_(mask)

    @torch.no_grad()
    def after_backward(self) -> None:
        """Drops the gradients of pruned weights: no momentum builds up behind a zero."""
        self._follow()
        if self._ran_with:
            torch._foreach_copy_(list(self._ran_with.values()), list(self.parameters.values()))
        graded = {name: each.grad for name, each in self.parameters.items() if each.grad is not None}
        _zero_others(list(graded.values()), [self._kept[name] for name in graded])

    @torch.no_grad()
    def hold(self) -> None:
        """Sets pruned weights to exactly 0; called after every optimiser step (momentum and decay move them)."""
        self._follow()
        _zero_others(list(self.parameters.values()), list(self._kept.values()))

    def _follow(self) -> None:
        """Takes all that it has of a parameter to where that was moved, and to its type."""
        for name, tensor in self.parameters.items():
            kept = self._kept[name]
            if kept.itemsize == tensor.itemsize and kept.device == tensor.device:
                continue
            self._kept[name] = _bits_like(tensor)
            self.masks[name] = self.masks[name].to(tensor.device)
            self._kept[name].copy_(self.masks[name])
            for held in (self._dormant, self._ran_with):
                if name in held:
                    held[name] = held[name].to(tensor.device, tensor.dtype)


BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Whole numbers as long as a weight, by bytes."""


def _bits_like(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, dtype=BITS[tensor.itemsize], requires_grad=False)


def floating_by_name(parameters: Mapping[str, T]) -> dict[str, T]:
    """The same as a dict, if these are floating-point tensors by name, and no two names are of one tensor.

    Raises:
        ValueError: something else.
    """
    given: object = parameters
    if not isinstance(given, Mapping):
        cure = "dict(model.named_parameters()), or piescope.pruning.scope.prunable_parameters(model)"
        raise ValueError(f"parameters is a {type(given).__name__}; expected tensors by name: {cure}")
    seen: dict[tuple[int, torch.device], str] = {}
    for name, tensor in parameters.items():
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            found = str(tensor.dtype) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"{name} is {found}; expected a tensor of floating-point numbers")
        first = seen.setdefault((tensor.data_ptr() or id(tensor), tensor.device), name)
        if first != name:
            raise ValueError(f"{first} and {name} are one tensor; name it once, or it is pruned twice")
    return dict(parameters)


def _zero_others(tensors: list[Tensor], kept: list[Tensor]) -> None:
    """What `masked_fill_` does with all others at once: as whole numbers times 0, and 0.0 is what has no bits."""
    if tensors:
        torch._foreach_mul_([each.view(bits.dtype) for each, bits in zip(tensors, kept, strict=True)], kept)
