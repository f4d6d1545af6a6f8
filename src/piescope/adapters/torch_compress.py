"""Compressed copies of an nn.Module: masks set to zero, or torch's own quantisers."""

from __future__ import annotations

import copy
import io
import logging
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from piescope.adapters.compression import Compression, Facts, pruned_note, pruning_masks
from piescope.adapters.protocol import ModelError
from piescope.adapters.torch_models import INSIDE, TorchModel
from piescope.pruning.scope import prunable_parameters

CALIBRATED = 64
"""Pictures a forward pass of calibration."""

ENGINES = ("x86", "fbgemm", "onednn", "qnnpack")
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def compressed_module(
    model: TorchModel, compression: Compression, seed: int, calibration: Sequence[np.ndarray] | None
) -> tuple[TorchModel, Facts]:
    """See `piescope.adapters.copies.compressed_copy`."""
    name = f"{model.name}, {compression.name}"
    if compression.method == "int8":
        return _quantised(model, name, calibration)
    module = _copied(model)
    weights = _prunable(module, model.name, compression)
    masks, notes = pruning_masks(dict(weights), dict.fromkeys(weights, 1), compression, seed, model.name)
    with torch.no_grad():
        for key, mask in masks.items():
            weights[key].masked_fill_(~mask.to(weights[key].device), 0.0)
    zeros = sum(int((weights[key] == 0).sum()) for key in weights)
    total = sum(weight.numel() for weight in weights.values())
    told = (pruned_note(compression, zeros, total, len(masks)), *notes)
    before, after = sizes(model.module), sizes(module)
    facts = Facts(zeros / total, tuple(masks), before[0], after[0], before[1], after[1], told)
    return model.with_module(module, name, told), facts


def sizes(module: nn.Module) -> tuple[int, int]:
    """Bytes of the state_dict as torch.save writes it, and of the same compressed by zlib."""
    counted = _Counter()
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    content = buffer.getbuffer()
    for start in range(0, len(content), 1 << 24):
        counted.add(content[start : start + (1 << 24)])
    return len(content), counted.end()


class _Counter:
    """The length of what zlib makes, without keeping it."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(1)
        self._length = 0

    def add(self, part: memoryview) -> None:
        self._length += len(self._compressor.compress(part))

    def end(self) -> int:
        return self._length + len(self._compressor.flush())


def _copied(model: TorchModel) -> nn.Module:
    """A deep copy: tied weights stay tied, buffers come along.

    Raises:
        ModelError: tensors that cannot be copied.
    """
    try:
        return copy.deepcopy(model.module)
    except (RuntimeError, TypeError, AttributeError) as reason:
        raise ModelError.of(
            model.name,
            "model",
            f"it cannot be copied ({str(reason).split('.')[0]})",
            "plain weights",
            "remove hooks and reparametrisations first: torch.nn.utils.prune.remove(module, 'weight')",
        ) from None


def _prunable(module: nn.Module, name: str, compression: Compression) -> dict[str, nn.Parameter]:
    """Weights that may go, tied ones once."""
    try:
        found = prunable_parameters(module)
    except ValueError as reason:
        raise ModelError.of(
            name,
            f"--compress {compression.name}",
            str(reason),
            "weights of convolutions or linear layers",
            "compress it yourself and audit both",
        ) from None
    first: dict[int, str] = {}
    for key, parameter in found.items():
        first.setdefault(id(parameter), key)
    return {key: found[key] for key in first.values()}


def _quantised(model: TorchModel, name: str, calibration: Sequence[np.ndarray] | None) -> tuple[TorchModel, Facts]:
    """Static quantisation by FX where the model can be traced; else dynamic, with convolutions' weights rounded."""
    _prunable(model.module, model.name, Compression("int8"))
    if calibration:
        model.scores(calibration[:2])  # finds the classifier by name, before layers become others
    quiet = logging.getLogger("torch.ao")
    level = quiet.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces where its quantisers will move to
        quiet.setLevel(logging.ERROR)
        try:
            module, notes, touched = _static_or_dynamic(model, calibration)
        finally:
            quiet.setLevel(level)
        copy_of = model.with_module(module, name, notes)
        before, after = sizes(model.module), sizes(module)
    return copy_of, Facts(None, touched, before[0], after[0], before[1], after[1], notes)


def _static_or_dynamic(
    model: TorchModel, calibration: Sequence[np.ndarray] | None
) -> tuple[nn.Module, tuple[str, ...], tuple[str, ...]]:
    source = _copied(model).cpu().float().eval()
    why = "there were no pictures to calibrate on"
    if calibration:
        try:
            with _engine():
                return _static(model, source, calibration)
        except ModelError:
            raise
        except Exception as reason:  # whatever the tracer, the quantiser or its kernels cannot do
            first = str(reason).strip().split("\n")[0]
            why = f"its forward pass cannot be quantised as a whole ({type(reason).__name__}: {first[:120]})"
            source = _copied(model).cpu().float().eval()
    with _engine():
        return _dynamic(source, why, None if not calibration else _batch(model, calibration[:2]))


def _static(
    model: TorchModel, source: nn.Module, calibration: Sequence[np.ndarray]
) -> tuple[nn.Module, tuple[str, ...], tuple[str, ...]]:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    first = _batch(model, calibration[:2])
    mapping = get_default_qconfig_mapping(torch.backends.quantized.engine)
    with torch.no_grad():
        expected = source(first)
        prepared = prepare_fx(copy.deepcopy(source), mapping, (first,))
        if not torch.allclose(_tensor(prepared(first)), _tensor(expected), rtol=1e-3, atol=1e-4):
            raise ValueError("the traced model says something else")
        for start in range(0, len(calibration), CALIBRATED):
            prepared(_batch(model, calibration[start : start + CALIBRATED]))
        module = convert_fx(prepared)
        module.eval()
        if not bool(torch.isfinite(_tensor(module(first))).all()):
            raise ValueError("the quantised model gives NaN")
    if model.classifier:
        _mark_classifier(module, model.classifier)
    layers, touched = _counts(source, module)
    if not touched:
        raise ValueError("no layer was quantised")
    told = (
        f"int8: {layers} by torch.ao's static FX quantiser ({torch.backends.quantized.engine}): weights per channel, "
        f"activations per tensor with ranges from {len(calibration)} pictures; it runs on the CPU"
    )
    return module, (told,), touched


def _dynamic(source: nn.Module, why: str, batch: Tensor | None) -> tuple[nn.Module, tuple[str, ...], tuple[str, ...]]:
    """Linear layers by torch.ao's dynamic quantiser; weights of convolutions rounded to 8 bits per output channel."""
    from torch.ao.quantization import quantize_dynamic

    linear = [key for key, each in source.named_modules() if isinstance(each, nn.Linear)]
    convolutions = [key for key, each in source.named_modules() if isinstance(each, CONVOLUTIONS)]
    module: Any = source
    kept_float = ""
    if linear:
        module = quantize_dynamic(copy.deepcopy(source), {nn.Linear}, dtype=torch.qint8)
        try:
            with torch.no_grad():
                if batch is not None:
                    module(batch)
        except Exception as reason:  # a layer whose weight is read elsewhere (nn.MultiheadAttention does so)
            kept_float = f" (as torch's kernels for linear layers fail here: {type(reason).__name__})"
            module = source
    in_place = [*convolutions, *(linear if kept_float else [])]
    rounded: set[int] = set()
    with torch.no_grad():
        for key in in_place:
            weight = module.get_submodule(key).weight
            if id(weight) not in rounded:
                rounded.add(id(weight))
                weight.copy_(rounded_to_int8(weight))
    quantised = [] if kept_float else linear
    told = []
    if quantised:
        told.append(
            f"{len(quantised)} linear layers by torch.ao's dynamic quantiser (weights int8 per tensor, activations "
            "int8 as they come)"
        )
    if in_place:
        told.append(
            f"the weights of {len(in_place)} {'layers' if kept_float else 'convolutions'} rounded to int8 per output "
            f"channel and computed in float32{kept_float}"
        )
    return module, (f"int8: {'; '.join(told)}; not static, as {why}",), (*quantised, *in_place)


def rounded_to_int8(weight: Tensor) -> Tensor:
    """Each output channel's weights on 255 symmetric levels up to its largest magnitude, by torch's own rounding.

    Example:
        >>> [round(value, 4) for value in rounded_to_int8(torch.tensor([[1.27, 0.014]]))[0].tolist()]
        [1.27, 0.01]
    """
    scale = (weight.detach().flatten(1).abs().amax(1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
    zero = torch.zeros(len(weight), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight.detach(), scale, zero, 0, -127, 127)


def _counts(source: nn.Module, module: nn.Module) -> tuple[str, tuple[str, ...]]:
    """How many layers of each kind became int8, in words, and their names."""
    quantised = {key for key, each in module.named_modules() if key and type(each).__module__.startswith("torch.ao.nn")}
    layers = dict(source.named_modules())
    quantised |= {key for key in layers if key and hasattr(module, _packed(key))}  # subclasses become plain calls
    told, touched = [], []
    for kinds, word in ((CONVOLUTIONS, "convolutions"), ((nn.Linear,), "linear layers")):
        whole = [key for key, each in layers.items() if isinstance(each, kinds)]
        done = [key for key in whole if key in quantised]
        touched += done
        if whole:
            told.append(f"{len(done)} of {len(whole)} {word}")
    return " and ".join(told), tuple(touched)


def _packed(layer: str) -> str:
    """As FX names the int8 weights of a layer that it took apart."""
    return f"{layer.replace('.', '_')}_packed_weight_0"


def _mark_classifier(module: Any, classifier: str) -> None:
    """Puts a layer that does nothing before a classifier that is no module any more, so that its input can be read."""
    if classifier in dict(module.named_modules()):
        return
    for node in list(module.graph.nodes):
        weights = [
            each for each in node.all_input_nodes if each.op == "get_attr" and each.target == _packed(classifier)
        ]
        if node.op == "call_function" and weights:
            module.add_submodule(INSIDE, nn.Identity())
            with module.graph.inserting_before(node):
                seen = module.graph.call_module(INSIDE, (node.args[0],))
            node.replace_input_with(node.args[0], seen)
            module.recompile()
            return


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    raise TypeError(f"it returns a {type(value).__name__}")


def _batch(model: TorchModel, pictures: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(model.prepare(pictures)).float()


@contextmanager
def _engine() -> Iterator[None]:
    """The processor's kernels for 8 bits."""
    supported = torch.backends.quantized.supported_engines
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = next((each for each in ENGINES if each in supported), before)
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
