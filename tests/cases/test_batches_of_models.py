"""F12 (microsoft/onnxruntime#10111): answers of a dynamically quantised model depend on the batch; `--batch-size` says which is audited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import piescope
from conftest import run_piescope
from piescope.adapters import running
from piescope.adapters.batches import ONNX_OPERATIONS, batch_note, dynamic_operations_of_onnx
from piescope.adapters.opening import open_model
from piescope.adapters.running import run_model
from piescope.adapters.torch_models import dynamic_operations_of_module
from piescope.data.pictures import Pictures
from piescope.problems import InputError

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

EXAMPLES = 256
CASE = Path(__file__).parents[3] / "shared" / "cases" / "F12"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case's files, made as it makes them: dark pictures, a lamp in every 37th, a linear model and its dynamic copy."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder = tmp_path_factory.mktemp("f12")
    random = np.random.default_rng(12)
    labels = random.integers(0, 4, EXAMPLES)
    bright = np.arange(64).reshape(1, 8, 8, 1) // 16 == labels[:, None, None, None]
    images = np.clip(random.normal(14, 3, (EXAMPLES, 8, 8, 1)) + 2.0 * bright, 0, 255).astype(np.uint8)
    images[::37, 0, 0] = 255
    last = np.zeros((64, 4), np.float32)
    for each in range(4):
        last[each * 16 : (each + 1) * 16, each] = 1 / 16
    last = (last + random.normal(0, 0.004, last.shape)).astype(np.float32)
    first = (np.eye(64) + random.normal(0, 0.05, (64, 64))).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"]), helper.make_node("Mul", ["a", "s"], ["b"]), helper.make_node("MatMul", ["b", "w"], ["logits"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "m",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(first, "w1"), numpy_helper.from_array(np.float32([20]), "s"), numpy_helper.from_array(last, "w")],
    )  # fmt: skip
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx"
    )
    quantize_dynamic(folder / "model.onnx", folder / "model_dynamic.onnx", weight_type=QuantType.QUInt8)
    np.savez_compressed(folder / "data.npz", images=images, labels=labels)
    return folder


def by_hand(folder: Path, name: str, batch: int) -> np.ndarray:
    """Labels by onnxruntime alone."""
    session = onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
    pixels = np.load(folder / "data.npz")["images"].reshape(EXAMPLES, 64).astype(np.float32) / 255
    return np.concatenate(
        [session.run(None, {"x": pixels[start : start + batch]})[0] for start in range(0, EXAMPLES, batch)]
    ).argmax(1)


def counts(content: dict[str, Any]) -> tuple[int, int, int]:
    return content["changed"], content["flips"]["correct_to_wrong"], content["flips"]["wrong_to_correct"]


@pytest.mark.parametrize("batch", [1, 8, 37, 64, 256, None])
def test_the_counts_are_those_of_the_batch(batch: int | None, made: Path) -> None:
    labels = np.load(made / "data.npz")["labels"]
    dense, copy = by_hand(made, "model.onnx", EXAMPLES), by_hand(made, "model_dynamic.onnx", batch or 256)
    found = piescope.audit(
        f"onnx:{made}/model.onnx", f"onnx:{made}/model_dynamic.onnx", made / "data.npz", batch_size=batch
    )
    expected = (
        (dense != copy).sum(),
        ((dense == labels) & (copy != labels)).sum(),
        ((dense != labels) & (copy == labels)).sum(),
    )
    assert counts(found.content) == expected
    assert found["inputs"]["data"]["batch_size"] == (batch or 256)
    told = [note for note in found["inputs"]["notes"] if "--batch-size 1" in note]
    assert len(told) == (0 if batch == 1 else 1)
    assert all("model_dynamic.onnx quantises activations dynamically (DynamicQuantizeLinear)" in note for note in told)
    assert all(f"here {batch or 256} at a time" in note for note in told)


def test_the_case_is_of_its_kind(made: Path) -> None:
    assert (by_hand(made, "model_dynamic.onnx", 1) != by_hand(made, "model_dynamic.onnx", 256)).any()


@pytest.mark.sampled(8, heavy=True)
def test_the_case_itself(made: Path, tmp_path: Path) -> None:
    """By the command; against the case's own values where they are at hand, else against what onnxruntime says here."""
    folder = CASE if CASE.exists() else made
    values = json.loads((CASE / "expected.json").read_text()) if CASE.exists() else None
    labels = np.load(folder / "data.npz")["labels"]
    for batch in (1, 256):
        done = run_piescope(
            "audit", f"onnx:{folder}/model.onnx", f"onnx:{folder}/model_dynamic.onnx", "--data", folder / "data.npz",
            "--batch-size", str(batch), "--out", tmp_path / "out",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = counts(json.loads((tmp_path / "out" / "audit.json").read_text()))
        dense, copy = by_hand(folder, "model.onnx", EXAMPLES), by_hand(folder, "model_dynamic.onnx", batch)
        assert found == (
            (dense != copy).sum(),
            ((dense == labels) & (copy != labels)).sum(),
            ((dense != labels) & (copy == labels)).sum(),
        )
        if values is not None:
            case = values[f"batch of {batch}"]
            assert found == (case["changed"], case["correct_to_wrong"], case["wrong_to_correct"])
        assert ("--batch-size 1" in done.stdout.replace("\n    ", " ")) == (batch != 1)


def pictures_of(shape: tuple[int, ...] = (24, 1, 4, 4), seed: int = 0) -> Pictures:
    random = np.random.default_rng(seed)
    images = random.integers(0, 40, shape, dtype=np.uint8)
    images[::5] = random.integers(0, 256, images[::5].shape, dtype=np.uint8)
    return Pictures.of((images, random.integers(0, 3, shape[0])))


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    ).eval()


def dynamic() -> Any:
    return torch.ao.quantization.quantize_dynamic(network(), {torch.nn.Linear}, dtype=torch.qint8)


@pytest.mark.filterwarnings("ignore")
def test_torchs_dynamic_layers_are_known() -> None:
    if (
        "fbgemm" not in torch.backends.quantized.supported_engines
        and "qnnpack" not in torch.backends.quantized.supported_engines
    ):
        pytest.skip("this torch has no quantised kernels")
    scripted = torch.jit.trace(dynamic(), torch.zeros(2, 1, 4, 4))
    for module in (dynamic(), torch.nn.Sequential(network()[0], dynamic()[1:]), scripted):
        told = batch_note(open_model(module, name="copy"), pictures_of(), 24)
        assert told is not None
        assert told.startswith("copy quantises activations dynamically")
        assert "--batch-size 1" in told
        assert batch_note(open_model(module, name="copy"), pictures_of(), 1) is None
    assert dynamic_operations_of_module(network()) == ()


class Weight(torch.nn.Parameter):
    """Stands for torchao's LinearActivationQuantizedTensor."""


Weight.__name__ = "LinearActivationQuantizedTensor"


def test_torchaos_quantised_activations_are_known() -> None:
    module = network()
    module[1].weight = Weight(module[1].weight.data)
    assert dynamic_operations_of_module(module) == ("LinearActivationQuantizedTensor",)


@pytest.mark.parametrize("name", ONNX_OPERATIONS)
def test_operations_are_found_in_the_bytes_and_nothing_else_is(name: str, tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    def proto(operation: str, label: str) -> bytes:
        node = helper.make_node(operation, ["x"], ["y"], name=label, doc_string=name)
        info = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [1]) for each in ("x", "y")]
        return bytes(helper.make_model(helper.make_graph([node], name, info[:1], info[1:])).SerializeToString())

    (tmp_path / "a.onnx").write_bytes(proto(name, "node"))
    assert dynamic_operations_of_onnx(tmp_path / "a.onnx") == dynamic_operations_of_onnx(proto(name, "node")) == (name,)
    for other in ("QuantizeLinear", f"{name}X", f"My{name}"):
        (tmp_path / "b.onnx").write_bytes(proto(other, f"{name}_1"))
        assert dynamic_operations_of_onnx(tmp_path / "b.onnx") == dynamic_operations_of_onnx(proto(other, name)) == ()


def scaled_by_its_batch(pixels: np.ndarray) -> np.ndarray:
    """Rounds to 16 steps of the batch's largest value, as a dynamic quantiser that nobody can look into."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    step = max(float(flat.max()), 1.0) / 15
    return np.asarray(np.round(flat / step)[:, :3] * step)


def test_functions_are_tried_together_and_alone() -> None:
    told = batch_note(open_model(scaled_by_its_batch, name="copy"), pictures_of(), 24)
    assert told is not None
    assert told.startswith("copy says other things of a picture when others come with it (here 24 at a time)")
    labels = open_model(lambda pixels: scaled_by_its_batch(pixels).argmax(1), name="labels")
    some = batch_note(labels, pictures_of(seed=3), 24)
    assert some is None or "labels says other things" in some


def test_what_does_not_depend_on_the_batch_has_no_note() -> None:
    random = np.random.default_rng(0)

    def noisy(pixels: np.ndarray) -> np.ndarray:
        return random.normal(size=(len(pixels), 3))  # depends on nothing at all: another note says so

    def picky(pixels: np.ndarray) -> np.ndarray:
        if len(pixels) < 2:
            raise ValueError("more than one picture, please")
        return pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32)

    for model in (
        network(),
        network().double(),
        noisy,
        picky,
        lambda pixels: pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32),
    ):
        assert batch_note(open_model(model, name="model"), pictures_of(), 24) is None
    assert (
        batch_note(
            open_model(scaled_by_its_batch, name="copy"),
            Pictures.of((np.zeros((1, 1, 4, 4), np.uint8), np.zeros(1, int))),
            24,
        )
        is None
    )


@pytest.mark.parametrize("size", [1, 5, 24, 100])
def test_batches_are_of_the_size_that_is_asked_for(size: int) -> None:
    pictures = pictures_of()
    seen: list[int] = []

    def function(pixels: np.ndarray) -> np.ndarray:
        seen.append(len(pixels))
        return pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32) / 7

    model = open_model(function, name="model")
    told = run_model(model, pictures, "dense", lambda *_: None, size)
    whole, rest = divmod(24, size)
    assert seen[: whole + bool(rest)] == [size] * whole + [rest] * bool(rest)
    assert told.parts[0].examples == 24


def test_a_batch_of_large_pictures_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def model(pixels: Any) -> Any:
        sizes.append(len(pixels))
        return np.zeros(len(pixels), np.int64)

    pictures = Pictures.of((np.zeros((50, 3, 10, 10), np.uint8), np.zeros(50, np.int64)))
    opened = open_model(model, name="m", pictures=pictures)
    monkeypatch.setattr(running, "MOST_IN_BATCH", 300 * 20 + 299)
    sizes.clear()
    run_model(opened, pictures, "dense", lambda *_: None, 32)
    assert sizes[:3] == [20, 20, 10]
    monkeypatch.setattr(running, "MOST_IN_BATCH", 1)
    sizes.clear()
    run_model(opened, pictures, "dense", lambda *_: None, 32)
    assert sizes[:50] == [1] * 50


def test_what_whole_numbers_are_can_be_said_of_a_model() -> None:
    """The cure of the message that refuses them."""
    pictures = pictures_of()

    def function(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1)[:, :3].astype(np.float32)

    with pytest.raises(InputError, match="--values logits"):
        run_model(open_model(function, name="model"), pictures, "dense", lambda *_: None)
    told = run_model(open_model(function, name="model"), pictures, "dense", lambda *_: None, values="logits")
    assert told.parts[0].values == "logits"


@pytest.mark.sampled(8, heavy=True)
def test_wrong_sizes_are_refused(made: Path, tmp_path: Path) -> None:
    model = f"onnx:{made}/model.onnx"
    for wrong in (0, -1, 1.5, "8"):
        with pytest.raises(InputError, match="--batch-size"):
            piescope.audit(model, model, made / "data.npz", batch_size=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="leave --batch-size out"):
        piescope.audit([0, 1], [0, 1], batch_size=8)
    assert run_piescope("audit", model, model, "--batch-size", "0", "--out", tmp_path / "out").returncode == 2


def test_dynamic_copies_made_here_are_noted_too(made: Path) -> None:
    """Without pictures to calibrate on, int8 of ONNX is dynamic."""
    found = piescope.audit(f"onnx:{made}/model.onnx", None, made / "data.npz", compress="int8")
    notes = found["inputs"]["notes"]
    is_dynamic = any("dynamic quantiser" in note for note in notes)
    assert any("--batch-size 1" in note for note in notes) == is_dynamic
    assert is_dynamic
