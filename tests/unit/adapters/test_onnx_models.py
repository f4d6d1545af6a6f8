"""ONNX models: every layout of their input, and every kind of damage."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made_models import RNG, fault, photos, same_scores
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import ModelError, Settings
from piescope.data.pictures import Pictures
from piescope.models.wide_resnet import WideResNet
from piescope.problems import InputError

onnx = pytest.importorskip("onnx")


ort = pytest.importorskip("onnxruntime")


def onnx_file(
    path: Path,
    shape: list[Any],
    nodes: list[Any],
    tensors: dict[str, np.ndarray],
    outputs: dict[str, list[Any]],
    kind: int = 1,
    **metadata: str,
) -> Path:
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.INT64 if name == "label" else 1, dims)
            for name, dims in outputs.items()
        ],
        [onnx.numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))
    return path


WEIGHT = RNG.normal(size=(3 * 8 * 8, 5)).astype(np.float32)


def linear_onnx(
    path: Path,
    shape: list[Any],
    outputs: dict[str, list[Any]] | None = None,
    last: bool = False,
    cast: bool = False,
    **options: Any,
) -> Path:
    """Pixels, flattened, times a matrix; channels first after a transposition where they come last."""
    node = onnx.helper.make_node
    before = [node("Transpose", ["pixels"], ["turned"], perm=[0, 3, 1, 2])] if last else []
    if cast:
        before.append(node("Cast", ["pixels"], ["turned"], to=1))
    source = "turned" if last or cast else "pixels"
    nodes = [*before, node("Flatten", [source], ["flat"]), node("MatMul", ["flat", "weight"], ["out"])]
    outputs = outputs or {"out": [shape[0], 5]}
    if "flat" in outputs:
        pass
    if "features" in outputs:
        nodes.append(node("Identity", ["flat"], ["features"]))
    if "label" in outputs:
        nodes.append(node("ArgMax", ["out"], ["label"], axis=1, keepdims=0))
    return onnx_file(path, shape, nodes, {"weight": WEIGHT}, outputs, **options)


@pytest.mark.parametrize("layout_", ["nchw", "free", "nhwc", "fixed", "flat"])
def test_onnx_inputs(tmp_path: Path, layout_: str) -> None:
    shapes = {
        "nchw": ["n", 3, 8, 8],
        "free": ["n", "c", "h", "w"],
        "nhwc": ["n", 8, 8, 3],
        "fixed": [4, 3, 8, 8],
        "flat": ["n", 192],
    }
    path = linear_onnx(tmp_path / "net.onnx", shapes[layout_], last=layout_ == "nhwc")
    batch = photos(6)
    for text in (f"onnx:{path}", str(path)):
        model = open_model(text, pictures=Pictures.of(batch))
        scores = model.scores(batch).scores
        expected = np.stack(batch).transpose(0, 3, 1, 2).reshape(6, -1) / 255 @ WEIGHT
        assert scores is not None and np.allclose(scores, expected, atol=1e-4)
        assert model.name == "onnx:net.onnx"
    fixed = open_model(path).scores(photos(2, 30, 40)) if layout_ in ("nchw", "nhwc", "fixed") else None
    assert fixed is None or (fixed.scores is not None and fixed.scores.shape == (2, 5))


def test_onnx_takes_uint8_as_it_is_and_other_outputs_apart(tmp_path: Path) -> None:
    outputs = {"label": ["n"], "features": ["n", 192], "out": ["n", 5]}
    path = linear_onnx(
        tmp_path / "net.onnx",
        ["n", 3, 8, 8],
        outputs,
        cast=True,
        kind=onnx.TensorProto.UINT8,
        class_names=json.dumps(list("abcde")),
    )
    batch = photos(3)
    model = open_model(path)
    answer = model.scores(batch)
    flat = np.stack(batch).transpose(0, 3, 1, 2).reshape(3, -1).astype(np.float32)
    assert answer.scores is not None and np.allclose(answer.scores, flat @ WEIGHT, rtol=1e-4)
    assert answer.representation is not None and np.array_equal(answer.representation, flat)
    assert model.class_names == tuple("abcde")
    assert "uint8" in fault(path, settings=Settings(scale="0-1"))


@pytest.mark.sampled(8, heavy=True)
def test_onnx_by_torch_says_what_torch_says(tmp_path: Path, net: WideResNet, digits: Pictures) -> None:
    path = tmp_path / "wrn.onnx"
    torch.onnx.export(
        net,
        (torch.zeros(2, 1, 8, 8),),
        path,
        dynamo=True,
        verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    model = open_model(path, pictures=digits)
    same_scores(model, net, digits.batch(0, 7))
    normalised = open_model(path, settings=Settings(mean=(0.3,), std=(0.5,)))
    again = open_model(net, settings=Settings(mean=(0.3,), std=(0.5,))).scores(digits.batch(0, 7)).scores
    assert np.allclose(normalised.scores(digits.batch(0, 7)).scores, again, atol=1e-4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"<html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs"),
        (b"PK\x03\x04zip", "torch.onnx.export"),
        (b"\x80\x02pickle", "torch.onnx.export"),
        (b"no protobuf" * 9, "onnxruntime loads"),
        (struct.pack("<Q", 20) + b'{"a": 1}            ', "safetensors"),
    ],
)
def test_other_files_are_no_onnx(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    message = fault(f"onnx:{path}")
    assert word in message and str(tmp_path) not in message


def test_onnx_models_that_do_not_fit(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "net.onnx", ["n", 3, 8, 8])
    whole = path.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    fault(tmp_path / "cut.onnx")
    assert "no such file" in fault(f"onnx:{tmp_path / 'none.onnx'}")
    flat = linear_onnx(tmp_path / "flat.onnx", ["n", 192])
    with pytest.raises(ModelError, match="192 as the model's input has"):
        open_model(flat).scores(photos(2, 9, 9))
    free = linear_onnx(tmp_path / "free.onnx", ["n", 3, "h", "w"])
    with pytest.raises(ModelError, match="called with"):
        open_model(free).scores(photos(2, 9, 9))
    seven = linear_onnx(tmp_path / "seven.onnx", ["n", 2, 4, 24])
    assert "1 or 3 channels" in fault(seven)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_damaged_onnx(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "whole.onnx"
    if not path.exists():
        linear_onnx(path, ["n", 3, 8, 8])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    (tmp_path / "drawn.onnx").write_bytes(content)
    try:
        open_model(tmp_path / "drawn.onnx").scores(photos(2))
    except InputError as error:
        assert "cure" in str(error)
