"""Probes: what a network holds at an ordered list of named points inside it. Any nn.Module will do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

INPUT = "input"
OUTPUT = "softmax"


def pooled(maps: Tensor) -> Float[Tensor, "batch dims"]:
    """Global average over space: ``[batch, dims, height, width]`` to ``[batch, dims]``; vectors come back as they are.

    Raises:
        ValueError: another number of axes: which of ``[batch, tokens, dims]`` is to be averaged is not to be guessed.
    """
    if maps.ndim not in (2, 4):
        raise ValueError(
            f"a probe point gives shape {list(maps.shape)}; expected [batch, dims] or [batch, dims, height, width]: "
            "probe a module after the tokens are pooled"
        )
    return maps.flatten(2).mean(2) if maps.ndim == 4 else maps


def probe(model: nn.Module, images: Tensor, points: Sequence[str]) -> list[Float[Tensor, "batch _"]]:
    """Runs the model once and returns what it holds at each point, in the order of ``points``.

    Args:
        model: any module; its train or eval mode and its gradients setting are the caller's.
        images: ``[batch, ...]``, what the model takes.
        points: names of submodules as in ``model.named_modules()``; the output of each is averaged over space. Two
            more names: ``"input"``, the images themselves, flattened; ``"softmax"``, the softmax of what the model
            returns (Baldock et al. 2021 probe both).

    Returns:
        one ``[batch, dims]`` tensor per point; dims differ from point to point.

    Raises:
        ValueError: a point does not exist (the message lists close names), means two things, is repeated, was not
            reached by the forward pass, ran more than once (a shared module), or gives no tensor.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        >>> [tuple(values.shape) for values in probe(net, torch.zeros(2, 1, 8, 8), ["input", "0", "1"])]
        [(2, 64), (2, 4), (2, 4)]
    """
    modules = dict(model.named_modules())
    if len(set(points)) != len(points):
        raise ValueError(f"probe points are repeated: {list(points)}; name each point once")
    for point in points:
        if point not in modules and point not in (INPUT, OUTPUT):
            close = get_close_matches(point, [*modules, INPUT, OUTPUT], n=3, cutoff=0.4)
            raise ValueError(f"no module named {point!r} to probe; close names: {', '.join(close) or 'none'}")
        if point in modules and point in (INPUT, OUTPUT):
            raise ValueError(f"a module is named {point!r}, which stands for what goes in or out: rename it to probe")
    reached = {INPUT: images.flatten(1).clone()} if INPUT in points else dict[str, Tensor]()

    def keep(point: str, _module: nn.Module, _inputs: object, output: object) -> None:
        if point in reached:
            raise ValueError(f"module {point!r} ran twice in one pass; probe a module that is used once")
        if not isinstance(output, Tensor):
            raise ValueError(f"module {point!r} returns {type(output).__name__}; expected a tensor to probe")
        # a later layer may work in place
        reached[point] = pooled(output) if output.ndim == 4 else pooled(output).clone()

    with ExitStack() as hooks:
        for point in (point for point in points if point in modules):
            hooks.enter_context(modules[point].register_forward_hook(partial(keep, point)))
        output = model(images)
    if OUTPUT in points:
        reached[OUTPUT] = torch.softmax(output, dim=1)
    missing = [point for point in points if point not in reached]
    if missing:
        raise ValueError(f"the forward pass did not reach {missing}; probe modules that it calls")
    return [reached[point] for point in points]
