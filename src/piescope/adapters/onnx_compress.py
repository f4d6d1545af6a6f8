"""Compressed copies of an ONNX model: its weights set to zero, or onnxruntime's own quantiser."""

from __future__ import annotations

import logging
import tempfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from piescope.adapters.compression import Compression, CopyFacts, pruned_note, pruning_masks
from piescope.adapters.onnx_models import OnnxModel, filled
from piescope.adapters.protocol import ModelError, library, summary
from piescope.wording import listed

LAYERS = ("Conv", "Gemm", "MatMul")
CALIBRATED = 64
LARGEST = (1 << 31) - 1
"""Bytes of a protobuf message."""


def compressed_onnx(
    model: OnnxModel, compression: Compression, seed: int, calibration: Sequence[np.ndarray] | None
) -> tuple[OnnxModel, CopyFacts]:
    """See `piescope.adapters.copies.compressed_copy`."""
    onnx = library("onnx", model.name, "onnx")
    proto = _loaded(onnx, model)
    before = proto.SerializeToString()
    after, sparsity, touched, notes = (
        _quantised(onnx, model, proto, calibration)
        if compression.method == "int8"
        else _pruned(onnx, model, proto, compression, seed)
    )
    made = OnnxModel(after, f"{model.name}, {compression.name}", model.settings, notes)
    made.notes = notes
    made.class_names = model.class_names
    zipped = [len(zlib.compress(content, 1)) for content in (before, after)]
    return made, CopyFacts(sparsity, touched, len(before), len(after), zipped[0], zipped[1], notes)


def _loaded(onnx: Any, model: OnnxModel) -> Any:
    try:
        if isinstance(model.content, bytes):
            proto = onnx.load_model_from_string(model.content)
        else:
            proto = onnx.load(str(model.content))
        size = proto.ByteSize()
    except Exception as reason:  # protobuf's own errors, and those of data beside the file
        raise ModelError.of(model.name, "model", summary(reason), "a whole ONNX model", "export it again") from None
    if size > LARGEST:
        cure = "compress it yourself and audit both"
        raise ModelError.of(model.name, "model", f"{size:,} bytes", f"at most {LARGEST:,}", cure)
    return proto


def _pruned(
    onnx: Any, model: OnnxModel, proto: Any, compression: Compression, seed: int
) -> tuple[bytes, float | None, tuple[str, ...], tuple[str, ...]]:
    import torch

    tensors_of = {tensor.name: tensor for tensor in proto.graph.initializer}
    inputs = _input_axes(onnx, proto, tensors_of)
    if not inputs:
        found, expected = "no float weights of convolutions or linear layers", "some among its initializers"
        cure = "give the model from before quantisation, or export its weights as they are (do_constant_folding=True)"
        raise ModelError.of(model.name, f"--compress {compression.name}", found, expected, cure)
    arrays = {name: np.array(onnx.numpy_helper.to_array(tensors_of[name])) for name in inputs}
    tensors = {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    masks, notes = pruning_masks(tensors, inputs, compression, seed, model.name)
    for name, mask in masks.items():
        arrays[name][~mask.numpy()] = 0
        tensors_of[name].CopyFrom(onnx.numpy_helper.from_array(arrays[name], name))
    zeros = sum(int((array == 0).sum()) for array in arrays.values())
    total = sum(array.size for array in arrays.values())
    notes = (pruned_note(compression, zeros, total, len(masks)), *notes, *_left_note(onnx, proto, inputs))
    return proto.SerializeToString(), zeros / total, tuple(masks), notes


def _input_axes(onnx: Any, proto: Any, tensors: dict[str, Any]) -> dict[str, int]:
    """The float weights of convolutions and linear layers, each once, with the axis of their inputs."""
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    axes: dict[str, int] = {}
    for node in proto.graph.node:
        if node.op_type not in LAYERS or len(node.input) < 2 or node.input[1] not in tensors:
            continue
        weight = tensors[node.input[1]]
        if weight.data_type not in floats or len(weight.dims) < 2:
            continue
        turned = any(option.name == "transB" and option.i for option in node.attribute)
        axis = 1 if node.op_type == "Conv" or turned else len(weight.dims) - 2
        axes.setdefault(weight.name, axis)
    return axes


def _left_note(onnx: Any, proto: Any, taken: Collection[str]) -> tuple[str, ...]:
    """Which other floats with two axes or more there are: weights that are turned or made before a layer has them."""
    constants = [
        (node.output[0], option.t)
        for node in proto.graph.node
        for option in node.attribute
        if node.op_type == "Constant" and option.name == "value"
    ]
    held = [(tensor.name, tensor) for tensor in proto.graph.initializer] + constants
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    left = {
        name: int(np.prod(tensor.dims))
        for name, tensor in held
        if name not in taken and tensor.data_type in floats and sum(size > 1 for size in tensor.dims) > 1
    }
    if not left:
        return ()
    total = sum(left.values())
    return (f"left as they are, no layer having them as they lie: {listed(list(left), 4)} ({total:,} weights)",)


def _quantised(
    onnx: Any, model: OnnxModel, proto: Any, calibration: Sequence[np.ndarray] | None
) -> tuple[bytes, float | None, tuple[str, ...], tuple[str, ...]]:
    def refused(found: str, expected: str, cure: str) -> ModelError:
        return ModelError.of(model.name, "--compress int8", found, expected, cure)

    layers = [node.name or node.op_type for node in proto.graph.node if node.op_type in LAYERS]
    if not layers or any(node.op_type in ("QLinearConv", "DequantizeLinear") for node in proto.graph.node):
        found = "a model that is quantised already" if layers else "no convolution or linear layer"
        raise refused(found, "a float model with layers", "audit it against its float original")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(proto, str(source))
        try:
            how = _by_onnxruntime(model, str(source), str(target), calibration)
            content = target.read_bytes()
        except ModelError:
            raise
        except Exception as reason:  # whatever the quantiser cannot do
            expected = "a model that onnxruntime's quantiser takes"
            raise refused(summary(reason), expected, "quantise it yourself and audit both") from None
    made = onnx.load_model_from_string(content)
    if not any(node.op_type in ("DequantizeLinear", "DynamicQuantizeLinear") for node in made.graph.node):
        raise refused("nothing that was quantised", "layers", "give pictures to calibrate on")
    return content, None, tuple(layers), (f"int8: {len(layers)} layers by onnxruntime's {how}",)


def _by_onnxruntime(model: OnnxModel, source: str, target: str, calibration: Sequence[np.ndarray] | None) -> str:
    """Quantises one file into another, and says how."""
    from onnxruntime import quantization  # type: ignore[import-untyped]

    if not calibration:
        quantization.quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True)
        return (
            "dynamic quantiser: weights of linear layers int8 per channel, activations as they come; "
            "convolutions stay float32, as there were no pictures to calibrate on"
        )
    step = model.batch_size or min(CALIBRATED, len(calibration))
    parts = [calibration[start : start + step] for start in range(0, len(calibration), step)]
    batches = ({model.input_name: filled(model.pixels(part), model.batch_size)} for part in parts)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Batches under the input's name."""

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(batches, None)

    kinds = {"activation_type": quantization.QuantType.QUInt8, "weight_type": quantization.QuantType.QInt8}
    form = quantization.QuantFormat.QDQ
    quantization.quantize_static(source, target, Reader(), quant_format=form, per_channel=True, **kinds)
    return (
        "static quantiser (QDQ): weights int8 per channel, activations uint8 per tensor with ranges from "
        f"{len(calibration)} pictures"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser's advice goes nowhere."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
