"""Compressed copies of an nn.Module: weights set to zero, or rounded to 8 bits with what comes into their layers.

int8 is static quantisation as kernels of x86 do it, computed in float32: weights symmetric per output channel, inputs
of convolutions and linear layers affine per tensor, all else untouched. Any module has it, on any device and
processor; a true kernel rounds in more places where it also keeps the sums of residual branches in 8 bits.

Source: Jacob et al. 2018, arXiv 1712.05877; Nagel et al. 2021, arXiv 2106.08295 (section 2).
"""

from __future__ import annotations

import copy
import io
import math
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune, remove_spectral_norm, remove_weight_norm

from piescope.adapters.compression import Compression, CopyFacts, pruned_note, pruning_masks
from piescope.adapters.protocol import ModelError, summary
from piescope.adapters.torch_models import TorchModel
from piescope.pruning.scope import prunable_parameters
from piescope.wording import counted, listed

CALIBRATED = 64
"""Pictures a forward pass of calibration."""

LARGEST, UNSIGNED = 127, 255
"""The highest level of a weight, and of what comes into a layer."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
LAYERS = (*CONVOLUTIONS, nn.Linear)


def compressed_module(
    model: TorchModel, compression: Compression, seed: int, calibration: Sequence[np.ndarray] | None
) -> tuple[TorchModel, CopyFacts]:
    """See `piescope.adapters.copies.compressed_copy`."""
    name = f"{model.name}, {compression.name}"
    if compression.method == "int8":
        return _quantised(model, name, calibration)
    module = _copied(model)
    weights = _prunable(module, model.name, compression)
    masks, notes = pruning_masks(dict(weights), dict.fromkeys(weights, 1), compression, seed, model.name)
    notes = (*notes, *left_note(module, weights))
    with torch.no_grad():
        for key, mask in masks.items():
            weights[key].masked_fill_(~mask.to(weights[key].device), 0.0)
    zeros = sum(int((weights[key] == 0).sum()) for key in weights)
    total = sum(weight.numel() for weight in weights.values())
    notes = (pruned_note(compression, zeros, total, len(masks)), *notes)
    before, after = sizes(model.module.state_dict()), sizes(module.state_dict())
    facts = CopyFacts(zeros / total, tuple(masks), before[0], after[0], before[1], after[1], notes)
    return model.with_module(module, name, notes), facts


def sizes(state: Mapping[str, object]) -> tuple[int, int]:
    """Bytes of a state_dict as torch.save writes it, and of the same compressed by zlib."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content, compressor = buffer.getbuffer(), zlib.compressobj(1)
    parts = (content[start : start + (1 << 24)] for start in range(0, len(content), 1 << 24))  # none of them is kept
    return len(content), sum(len(compressor.compress(part)) for part in parts) + len(compressor.flush())


def _copied(model: TorchModel) -> nn.Module:
    """A deep copy: tied weights stay tied, buffers come along.

    Raises:
        ModelError: tensors that cannot be copied.
    """
    try:
        module = copy.deepcopy(model.module)
    except (RuntimeError, TypeError, AttributeError) as reason:
        found, is_made = f"it cannot be copied ({summary(reason)})", "deepcopy protocol" in str(reason)
        cure = "take out what copy.deepcopy does not copy, or compress it yourself and audit both"
        if is_made:  # a weight that was computed with gradients
            cure = "remove hooks and reparametrisations first: torch.nn.utils.prune.remove(module, 'weight')"
        raise ModelError.of(model.name, "model", found, "a module that can be copied", cure) from None
    for layer in module.modules():
        if isinstance(layer, LAYERS):
            _made_plain(layer)
    return module


def _made_plain(layer: nn.Module) -> None:
    """A weight that is computed from others (weight norm, spectral norm, masks) becomes what it is in eval mode."""
    held = dict(layer.named_parameters(recurse=False)) | dict(layer.named_buffers(recurse=False))
    if parametrize.is_parametrized(layer):  # torch's own removal would change the class, which the original has too
        was = layer.training
        values = {name: getattr(layer.eval(), name).detach().clone() for name in layer.parametrizations}  # type: ignore[union-attr]
        layer.train(was).__class__ = type(layer).__bases__[0]
        del layer._modules["parametrizations"]
        for name, value in values.items():
            layer.register_parameter(name, nn.Parameter(value))
    elif "weight_mask" in held:
        prune.remove(layer, "weight")
    elif "weight_g" in held:
        remove_weight_norm(layer)
    elif "weight_u" in held:
        remove_spectral_norm(layer)


def left_note(module: nn.Module, weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Which other weights there are: of layers that are neither convolutions nor linear, as attention's."""
    taken = {id(weight) for weight in weights.values()}
    left = {name: weight for name, weight in module.named_parameters() if weight.ndim > 1 and id(weight) not in taken}
    if not left:
        return ()
    total = sum(weight.numel() for weight in left.values())
    return (f"left as they are, being of no convolution or linear layer: {listed(list(left), 4)} ({total:,} weights)",)


def _prunable(module: nn.Module, name: str, compression: Compression) -> dict[str, nn.Parameter]:
    """Weights that may go, tied ones once."""
    try:
        weights = prunable_parameters(module)
    except ValueError as reason:
        expected, cure = "weights of convolutions or linear layers", "compress it yourself and audit both"
        raise ModelError.of(name, f"--compress {compression.name}", str(reason), expected, cure) from None
    first = {id(parameter): key for key, parameter in reversed(weights.items())}
    return {key: parameter for key, parameter in weights.items() if first[id(parameter)] == key}


def _quantised(model: TorchModel, name: str, calibration: Sequence[np.ndarray] | None) -> tuple[TorchModel, CopyFacts]:
    """Weights rounded to 8 bits per output channel; what comes into their layers, too, where ranges are known."""
    module = _copied(model).float()
    _prunable(module, model.name, Compression("int8"))
    layers = {
        key: layer
        for key, layer in module.named_modules()
        if isinstance(layer, LAYERS) and isinstance(layer.weight, nn.Parameter)
    }
    made = model.with_module(module, name)
    ranges = _ranges(made, layers, calibration or ())
    levels: dict[int, tuple[Tensor, Tensor]] = {}  # by place in memory: tied weights are one
    for layer in layers.values():
        weight = layer.weight.detach()
        if weight.data_ptr() not in levels:
            levels[weight.data_ptr()] = to_int8(weight)
            weight.copy_(from_int8(*levels[weight.data_ptr()]))
    for key, (low, high) in ranges.items():
        layers[key].register_forward_pre_hook(partial(_rounded_input, low, high))
    weights = {f"{key}.weight": layer.weight for key, layer in layers.items()}
    made.notes = (_int8_note(layers, ranges, len(calibration or ())), *left_note(module, weights))
    before, after = sizes(model.module.state_dict()), sizes(_as_saved(module, levels))
    return made, CopyFacts(None, tuple(layers), before[0], after[0], before[1], after[1], made.notes)


def to_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Each output channel on 255 symmetric levels up to its largest magnitude.

    Args:
        weight: ``[outputs, ...]``.

    Returns:
        levels of -127 to 127 of the same shape, int8; what one level is worth, ``[outputs]``.

    Example:
        >>> levels, scale = to_int8(torch.tensor([[1.27, 0.014]]))
        >>> levels.tolist(), [round(value, 4) for value in from_int8(levels, scale)[0].tolist()]
        ([[127, 1]], [1.27, 0.01])
    """
    scale = (weight.flatten(1).abs().amax(1) / LARGEST).clamp_min(torch.finfo(torch.float32).tiny)
    levels = torch.round(weight / _beside(scale, weight)).clamp(-LARGEST, LARGEST).to(torch.int8)
    return levels, scale


def from_int8(levels: Tensor, scale: Tensor) -> Tensor:
    """The float32 weights that levels stand for; see `to_int8`."""
    return levels * _beside(scale, levels)


def _beside(scale: Tensor, weight: Tensor) -> Tensor:
    return scale.reshape(-1, *[1] * (weight.ndim - 1))


def _ranges(
    model: TorchModel, layers: Mapping[str, nn.Module], pictures: Sequence[np.ndarray]
) -> dict[str, tuple[float, float]]:
    """The smallest and largest number that comes into each layer, and 0; layers that see nothing are left out."""
    ranges: dict[str, tuple[float, float]] = {}

    def look(name: str, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs:
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = min(low, float(inputs[0].min())), max(high, float(inputs[0].max()))

    with ExitStack() as hooks:
        for name, layer in layers.items():
            hooks.enter_context(layer.register_forward_pre_hook(partial(look, name)))
        for start in range(0, len(pictures), CALIBRATED):
            model.scores(pictures[start : start + CALIBRATED])
    return {name: (low, high) for name, (low, high) in ranges.items() if 0 < high - low < math.inf}


def _rounded_input(low: float, high: float, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What comes into a layer on 256 levels of its range, one of which is 0."""
    step = (high - low) / UNSIGNED
    return (torch.fake_quantize_per_tensor_affine(inputs[0], step, round(-low / step), 0, UNSIGNED), *inputs[1:])


def _int8_note(layers: Mapping[str, nn.Module], ranges: Mapping[str, object], pictures: int) -> str:
    kinds = [(CONVOLUTIONS, "convolution"), ((nn.Linear,), "linear layer")]
    counts = [(sum(isinstance(layer, kind) for layer in layers.values()), noun) for kind, noun in kinds]
    whose = listed([counted(count, noun) for count, noun in counts if count])
    weights = f"int8: the weights of {whose} rounded to 8 bits per output channel"
    if not pictures:
        return f"{weights}, all else as it was: there were no pictures to calibrate on; computed in float32"
    left = [name for name in layers if name not in ranges]
    but = f" (but for {listed(left, 3)})" if left else ""
    return (
        f"{weights}, what comes into these layers{but} to 8 bits per tensor, with ranges from "
        f"{counted(pictures, 'picture')}; computed in float32 with what was rounded"
    )


def _as_saved(module: nn.Module, levels: Mapping[int, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The state_dict with weights as they are stored in 8 bits: levels, and a scale for each output channel."""
    saved: dict[str, Tensor] = {}
    for key, tensor in module.state_dict().items():
        if tensor.data_ptr() in levels:
            saved[key], saved[f"{key}_scale"] = levels[tensor.data_ptr()]
        else:
            saved[key] = tensor
    return saved
