"""Compressed copies of ONNX models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from made_models import asked, close
from piescope.adapters.copies import compressed_copy
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import ModelError
from piescope.models.wide_resnet import WideResNet

onnx = pytest.importorskip("onnx")


ort = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WideResNet]:
    net = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(0)).eval()
    path = tmp_path_factory.mktemp("onnx") / "wrn.onnx"
    sizes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(net, (torch.zeros(2, 1, 8, 8),), path, dynamo=True, verbose=False, dynamic_shapes=sizes)
    return path, net


@pytest.mark.sampled(8, heavy=True)
def test_onnx_is_pruned_as_its_module_is(exported: tuple[Path, WideResNet], batch: list[np.ndarray]) -> None:
    path, net = exported
    content = path.read_bytes()
    model = open_model(path)
    for text in ("magnitude:0.7", "2:4"):
        made, facts = compressed_copy(model, asked(text), 0, batch)
        reference, expected = compressed_copy(open_model(net), asked(text))
        assert facts.realised_sparsity is not None
        # exporters fold norms into convolutions, so magnitudes may differ; counts do not
        assert facts.realised_sparsity == pytest.approx(expected.realised_sparsity, abs=1e-3)
        assert made.scores(batch).scores is not None and facts.zipped_after < facts.zipped_before
        assert reference.scores(batch).scores is not None
    assert path.read_bytes() == content
    first, again, other = (
        compressed_copy(model, asked("random:0.5"), seed)[0].scores(batch).scores for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)  # type: ignore[arg-type]


def test_onnx_int8_by_onnxruntime(
    exported: tuple[Path, WideResNet], batch: list[np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    path, net = exported
    model = open_model(path)
    capfd.readouterr()
    made, facts = compressed_copy(model, asked("int8"), 0, batch)
    assert capfd.readouterr() == ("", "")
    assert "static quantiser (QDQ)" in facts.notes[0] and "96 pictures" in facts.notes[0]
    assert facts.bytes_after < 0.6 * facts.bytes_before
    close(model, made, batch, 0.3)
    close(compressed_copy(open_model(net), asked("int8"), 0, batch)[0], made, batch, 0.3)
    dynamic, facts = compressed_copy(model, asked("int8"))
    assert "convolutions stay float32" in facts.notes[0]
    close(model, dynamic, batch, 0.3)
    for text in ("int8", "magnitude:0.5"):
        with pytest.raises(ModelError, match="quantis"):
            compressed_copy(made, asked(text), 0, batch)


def test_matrices_of_onnx_have_their_inputs_first() -> None:
    """A MatMul's weight is [inputs, outputs], a Gemm's with transB [outputs, inputs]: groups run along the inputs."""
    from piescope.adapters.onnx_compress import compressed_onnx
    from piescope.adapters.onnx_models import OnnxModel
    from piescope.adapters.protocol import Settings

    rng = np.random.default_rng(0)
    helper = onnx.helper
    tensors = {"a": rng.normal(size=(64, 6)).astype(np.float32), "b": rng.normal(size=(10, 6)).astype(np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["pixels", "a"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "b"], ["out"], transB=1),
        ],
        "net",
        [helper.make_tensor_value_info("pixels", 1, ["n", 64])],
        [helper.make_tensor_value_info("out", 1, ["n", 10])],
        [onnx.numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    model = OnnxModel(proto.SerializeToString(), "net", Settings())
    made, facts = compressed_onnx(model, asked("2:4"), 0, None)
    assert isinstance(made.content, bytes) and facts.touched == ("a",)  # b has 6 inputs, no multiple of 4
    held = {
        each.name: onnx.numpy_helper.to_array(each)
        for each in onnx.load_model_from_string(made.content).graph.initializer
    }
    assert ((held["a"].T.reshape(-1, 4) != 0).sum(1) == 2).all() and np.array_equal(held["b"], tensors["b"])
    _, facts = compressed_onnx(model, asked("1:2"), 0, None)
    assert set(facts.touched) == {"a", "b"} and facts.realised_sparsity == 0.5


def test_weights_that_no_layer_has_as_they_lie_are_named(tmp_path: Path, batch: list[np.ndarray]) -> None:
    """A linear weight that is turned before it is multiplied; and all weights in nodes of their own."""
    random, helper = np.random.default_rng(0), onnx.helper
    first, second = (random.normal(size=shape).astype(np.float32) for shape in ((16, 64), (16, 10)))
    held = [onnx.numpy_helper.from_array(first, "a"), onnx.numpy_helper.from_array(second, "b")]
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Transpose", ["a"], ["turned"]),
        helper.make_node("MatMul", ["flat", "turned"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "b"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", ["n", 1, 8, 8]), ("y", ["n", 10]))
    ]

    def written(name: str, nodes: list[object], held: list[object]) -> Path:
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / name)
        return tmp_path / name

    _, facts = compressed_copy(open_model(written("turned.onnx", nodes, held)), asked("magnitude:0.5"))
    assert facts.touched == ("b",) and facts.realised_sparsity == 0.5
    assert any("left as they are" in note and "a (1,024 weights)" in note for note in facts.notes)
    constants = [
        helper.make_node("Constant", [], [name], value=tensor) for name, tensor in zip("ab", held, strict=True)
    ]
    with pytest.raises(ModelError, match=r"no float weights(.|\n)*export its weights as they are"):
        compressed_copy(open_model(written("constants.onnx", [*constants, *nodes], [])), asked("magnitude:0.5"))
