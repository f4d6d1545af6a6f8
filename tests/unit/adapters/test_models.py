"""Models by name: what they say of pictures, what is read off their files, and everything that is refused unopened."""

from __future__ import annotations

import dataclasses
import enum
import importlib.machinery
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from piescope.adapters.opening import as_model, check_no_predictions, is_model, names_a_model, open_model
from piescope.adapters.preparation import Fit, Preparation
from piescope.adapters.protocol import Model, ModelError, Outputs, Settings, class_columns
from piescope.adapters.weight_files import kind_of_weights
from piescope.adapters.weights import read_state
from piescope.data.opening import open_pictures
from piescope.data.pictures import Pictures
from piescope.data.sources import load_source
from piescope.models.wide_resnet import WideResNet
from piescope.problems import InputError
from piescope.store import layout
from piescope.store.artefacts import Store, as_tensors
from piescope.store.durable import as_json
from piescope.version import install_command

RNG = np.random.default_rng(0)


def photos(count: int = 4, height: int = 8, width: int = 8, channels: int = 3) -> list[np.ndarray]:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return [RNG.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


def fault(text: str | Path, **options: Any) -> str:
    """The message of a refusal, which has all its parts and no private path."""
    with pytest.raises(InputError) as caught:
        open_model(str(text), **options)
    message = str(caught.value)
    assert all(word in message for word in ("found", "expected", "cure"))
    return message


def wide_resnet(channels: int = 1, classes: int = 10) -> WideResNet:
    net = WideResNet(10, 1, classes, channels, torch.Generator().manual_seed(0))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # norms that do something in eval mode
            module.running_mean.uniform_(-0.1, 0.1)
    return net.eval()


@pytest.fixture
def net() -> WideResNet:
    torch.manual_seed(0)
    return wide_resnet()


@pytest.fixture
def digits() -> Pictures:
    return open_pictures("digits")


# --- preparation ------------------------------------------------------------------------------------------------


def test_preparation_against_plain_arithmetic() -> None:
    pictures = photos(3, 6, 5)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    made = Preparation(mean=mean, std=std)(pictures)
    for n in range(3):
        for channel in range(3):
            expected = (pictures[n][:, :, channel] / 255 - mean[channel]) / std[channel]
            assert np.allclose(made[n, channel], expected, atol=1e-6)
    assert made.dtype == np.float32
    signed = Preparation(scale="-1-1")(pictures)
    assert signed.min() >= -1 and np.allclose(
        signed, made * 0 + np.stack(pictures).transpose(0, 3, 1, 2) / 127.5 - 1, atol=1e-6
    )
    raw = Preparation(scale=None, bgr=True)(pictures)
    assert raw.dtype == np.uint8 and np.array_equal(raw[0, 0], pictures[0][:, :, 2])
    assert Preparation(scale="0-255")(pictures).max() > 1


def test_grey_and_rgb_meet() -> None:
    (grey,) = photos(1, channels=1)
    (rgb,) = photos(1)
    as_rgb = Preparation(channels=3, scale=None)([grey])
    assert all(np.array_equal(as_rgb[0, channel], grey) for channel in range(3))
    assert np.array_equal(
        Preparation(channels=1, scale=None)([rgb])[0, 0], np.asarray(Image.fromarray(rgb).convert("L"))
    )
    with pytest.raises(InputError, match="4 channels"):
        Preparation(channels=3)([np.zeros((2, 2, 4), np.uint8)])


def test_sizes_that_differ_need_a_size() -> None:
    with pytest.raises(InputError, match="--size"):
        Preparation()([*photos(1, 6, 6), *photos(1, 8, 8)])
    assert Preparation(fit=Fit.to((7, 5)))([*photos(1, 6, 6), *photos(1, 20, 9)]).shape == (2, 3, 7, 5)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (337, 225), (225, 337), (224, 224), (100, 90), (31, 97)])
def test_centre_crop_is_torchvisions(height: int, width: int) -> None:
    """Its documented steps in Pillow: the shorter side to 256, the longer truncated, the middle of 224 rounded."""
    (photo,) = photos(1, height, width)
    short = min(height, width)
    sides = (256, int(256 * height / short)) if width == short else (int(256 * width / short), 256)
    scaled = Image.fromarray(photo).resize(sides, Image.Resampling.BICUBIC)
    left, top = round((sides[0] - 224) / 2.0), round((sides[1] - 224) / 2.0)
    expected = np.asarray(scaled.crop((left, top, left + 224, top + 224)))
    made = Fit((224, 224), (256, 256), "center", "bicubic").apply(photo)
    assert np.array_equal(made, expected)


def test_squash_border_and_pictures_smaller_than_the_cut() -> None:
    (photo,) = photos(1, 30, 60)
    assert np.array_equal(
        Fit((16, 16), (16, 16), "squash").apply(photo),
        np.asarray(Image.fromarray(photo).resize((16, 16), Image.Resampling.BILINEAR)),
    )
    bordered = Fit((16, 16), (16, 16), "border", fill=(9, 8, 7)).apply(photo)
    assert bordered.shape == (16, 16, 3) and bordered[0, 0].tolist() == [9, 8, 7] == bordered[-1, -1].tolist()
    assert np.array_equal(bordered[4:12], np.asarray(Image.fromarray(photo).resize((16, 8), Image.Resampling.BILINEAR)))
    padded = Fit((10, 10), (4, 4), "squash", fill=(5,)).apply(photos(1, 4, 4, 1)[0])
    assert padded.shape == (10, 10) and padded[0, 0] == 5 and (padded != 5).sum() >= 10


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mode=st.sampled_from(["center", "squash", "border"]),
    channels=st.sampled_from([1, 3, 4]),
)
def test_any_picture_comes_to_the_size(
    height: int, width: int, size: tuple[int, int], mode: Any, channels: int
) -> None:
    shape = (height, width) if channels == 1 else (height, width, channels)
    made = Fit(size, size, mode).apply(np.zeros(shape, np.uint8))
    assert made.shape[:2] == size and made.dtype == np.uint8


def test_settings_are_checked() -> None:
    for wrong in (
        {"size": (0, 5)},
        {"mean": (0.1, 0.2)},
        {"std": (0.0,)},
        {"scale": "0-2"},
        {"channels": "rbg"},
        {"mean": (float("nan"),)},
    ):
        with pytest.raises(InputError, match="cure"):
            Settings(**wrong)  # type: ignore[arg-type]


# --- Python values ----------------------------------------------------------------------------------------------


def test_a_module_keeps_its_modes_and_weights(net: WideResNet, digits: Pictures) -> None:
    net.train()
    net.stage1.eval()
    modes = {name: module.training for name, module in net.named_modules()}
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    model = as_model(net, name="net", pictures=digits)
    outputs = model.scores(digits.batch(0, 20))
    assert {name: module.training for name, module in net.named_modules()} == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    net.eval()
    with torch.no_grad():
        pixels = torch.from_numpy(np.stack(digits.batch(0, 20))[:, None].astype(np.float32) / 255)
        assert outputs.scores is not None and outputs.representation is not None
        assert np.allclose(outputs.scores, net(pixels).numpy(), atol=1e-5)
        assert np.allclose(outputs.representation, net.features(pixels).numpy(), atol=1e-5)
    assert any("--mean" in note for note in model.notes) and isinstance(model, Model)


def test_batches_of_any_size_say_the_same(net: WideResNet, digits: Pictures) -> None:
    model = as_model(net)
    whole = model.scores(digits.batch(0, 30)).scores
    parts = [model.scores(digits.batch(start, start + 7)).scores for start in range(0, 30, 7)]
    assert whole is not None
    assert np.allclose(np.concatenate(parts)[:30], whole, atol=1e-5)  # type: ignore[arg-type]


class Wrapped(nn.Module):
    """Returns what a test asks for."""

    def __init__(self, how: Any) -> None:
        super().__init__()
        self.body = nn.Linear(64, 12)
        self.head = nn.Linear(12, 3)
        self.how = how

    def forward(self, pixels: Tensor) -> Any:
        seen = self.body(pixels.flatten(1)).relu()
        return self.how(self.head(seen), seen)


@dataclasses.dataclass
class Answer:
    logits: Tensor


@pytest.mark.parametrize(
    "how",
    [
        lambda logits, seen: logits,
        lambda logits, seen: (logits, seen),
        lambda logits, seen: [logits],
        lambda logits, seen: {"loss": None, "logits": logits},
        lambda logits, seen: {"features": seen, "scores": logits},
        lambda logits, seen: Answer(logits),
        lambda logits, seen: logits[:, :, None, None],
        lambda logits, seen: (logits, logits.argmax(1)),
    ],
    ids=["tensor", "tuple", "list", "dict", "features first", "object", "maps", "with labels"],
)
def test_outputs_in_any_wrapping(how: Any) -> None:
    module = Wrapped(how)
    outputs = as_model(module).scores(photos(5, channels=1))
    plain = Wrapped(lambda logits, seen: (logits, seen))
    plain.load_state_dict(module.state_dict())
    batch = photos(5, channels=1)
    outputs = as_model(module).scores(batch)
    logits, seen = plain(torch.from_numpy(np.stack(batch).astype(np.float32) / 255))
    assert outputs.scores is not None and outputs.representation is not None
    assert np.allclose(outputs.scores, logits.detach().numpy(), atol=1e-5)
    assert np.allclose(outputs.representation, seen.detach().numpy(), atol=1e-5)


def test_a_softmax_behind_the_classifier_hides_no_representation() -> None:
    module = Wrapped(lambda logits, seen: logits.softmax(1))
    outputs = as_model(module).scores(photos(5, channels=1))
    assert outputs.scores is not None and np.allclose(outputs.scores.sum(1), 1, atol=1e-5)
    assert outputs.representation is not None and outputs.representation.shape == (5, 12)


@pytest.mark.parametrize(
    ("how", "word"),
    [
        (lambda logits, seen: logits[:, 0], "2 or more classes"),
        (lambda logits, seen: logits[:, :1], "2 or more classes"),
        (lambda logits, seen: logits[:2], "scores"),
        (lambda logits, seen: "cat", "scores"),
        (lambda logits, seen: None, "scores"),
        (lambda logits, seen: {}, "scores"),
        (lambda logits, seen: logits * float("nan"), "NaN"),
        (lambda logits, seen: logits + float("inf"), "infinity"),
        (lambda logits, seen: torch.full((5,), -1), "class id"),
        (lambda logits, seen: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_outputs_that_are_no_scores(how: Any, word: str) -> None:
    with pytest.raises(ModelError, match=word):
        as_model(Wrapped(how)).scores(photos(5, channels=1))


def test_a_module_without_a_classifier_has_no_representation() -> None:
    class Pool(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.mean((2, 3))

    outputs = as_model(Pool()).scores(photos(3))
    assert outputs.scores is not None and outputs.representation is None


def test_any_function() -> None:
    seen: list[np.ndarray] = []

    def says(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels)
        return pixels.reshape(len(pixels), -1).argmax(1) % 4

    batch = photos(6)
    labels = as_model(says).scores(batch).labels
    assert labels is not None and labels.dtype == np.int64 and len(labels) == 6
    assert seen[0].dtype == np.uint8 and np.array_equal(seen[0], np.stack(batch).transpose(0, 3, 1, 2))
    as_model(says, settings=Settings(scale="0-1", mean=(0.5,))).scores(batch)
    assert seen[1].dtype == np.float32 and seen[1].min() >= -0.5
    with pytest.raises(ModelError, match="ValueError"):
        as_model(lambda pixels: np.zeros(3).reshape(2, 2)).scores(batch)
    with pytest.raises(ModelError, match=r"nn\.Module or a function"):
        as_model(3)


def test_active_dropout_is_noted(digits: Pictures) -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(64, 10)

        def forward(self, pixels: Tensor) -> Tensor:
            return self.head(nn.functional.dropout(pixels.flatten(1), 0.5, training=True))

    assert any("asked again" in note for note in as_model(Noisy(), pictures=digits).notes)
    quiet = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
    assert not any("asked again" in note for note in as_model(quiet, pictures=digits).notes)


def test_too_few_classes_are_found_at_once(digits: Pictures) -> None:
    with pytest.raises(ModelError, match="3 outputs, and labels up to 9"):
        as_model(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), pictures=digits)


def test_half_precision_modules_get_half_precision() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).to(torch.bfloat16)
    outputs = as_model(module).scores(photos(3, channels=1))
    assert outputs.scores is not None and outputs.scores.dtype == np.float32


def test_class_columns() -> None:
    model = ["tench, Tinca tinca", "sea_lion", "Dog"]
    columns = class_columns(model, ["dog", "tench", "sea lion"])
    assert columns is not None and columns.tolist() == [2, 0, 1]
    assert class_columns(model, ["dog", "wolf"]) is None
    assert class_columns(None, ["dog"]) is None
    assert class_columns(["crane, bird", "crane, machine"], ["crane, machine"]) is not None
    assert class_columns(["a", "a"], ["a"]) is None


# --- files of weights -------------------------------------------------------------------------------------------


def same_scores(model: Model, net: nn.Module, batch: list[np.ndarray]) -> None:
    scores = model.scores(batch).scores
    with torch.no_grad():
        expected = net(torch.from_numpy(np.stack(batch)[:, None].astype(np.float32) / 255))
    assert scores is not None and np.allclose(scores, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".ckpt"])
def test_weights_of_a_built_in_architecture(tmp_path: Path, net: WideResNet, digits: Pictures, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_file(net.state_dict(), path)
    else:
        torch.save(net.state_dict(), path, _use_new_zipfile_serialization=suffix != ".ckpt")
    for text, options in (
        (f"WRN-10-1@{path}", {}),
        (str(path), {"settings": Settings(architecture="WRN-10-1")}),
        (str(path), {}),
    ):
        model = open_model(text, pictures=digits, **options)  # type: ignore[arg-type]
        same_scores(model, net, digits.batch(0, 9))
        assert model.values == "logits" and str(tmp_path) not in model.name
    assert names_a_model(f"WRN-10-1@{path}") and names_a_model(str(path))


@pytest.mark.parametrize(
    ("wrap", "word"),
    [
        (lambda state: {"state_dict": state, "epoch": 3}, "state_dict"),
        (lambda state: {"model": state, "optimizer": {"lr": 0.1}}, "model"),
        (lambda state: {"module." + name: each for name, each in state.items()}, "module."),
        (lambda state: {"_orig_mod." + name: each for name, each in state.items()}, "_orig_mod."),
        (lambda state: {"module._orig_mod." + name: each for name, each in state.items()}, "_orig_mod."),
        (lambda state: {"state_dict": {"model." + name: each for name, each in state.items()}}, "model."),
        (
            lambda state: {name.replace("stage1.", "stage1._orig_mod."): each for name, each in state.items()},
            "_orig_mod.",
        ),
        (
            lambda state: {name: each.half() if each.is_floating_point() else each for name, each in state.items()},
            "float16",
        ),
        (lambda state: {**state, "epoch": 7}, "epoch"),
        (lambda state: {name: each for name, each in state.items() if "num_batches" not in name}, ""),
    ],
)
def test_what_training_scripts_wrap_around_weights(
    tmp_path: Path, net: WideResNet, digits: Pictures, wrap: Any, word: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(wrap(net.state_dict()), path)
    model = open_model(f"WRN-10-1@{path}", pictures=digits)
    assert any(word in note for note in model.notes)
    if word != "float16":
        same_scores(model, net, digits.batch(0, 5))


def test_pruning_masks_are_merged(tmp_path: Path, net: WideResNet, digits: Pictures) -> None:
    for name in ("conv1", "stage2.0.conv1"):
        prune.l1_unstructured(net.get_submodule(name), "weight", amount=0.5)
    path = tmp_path / "pruned.pt"
    torch.save(net.state_dict(), path)
    assert "conv1.weight_orig" in net.state_dict()
    model = open_model(f"WRN-10-1@{path}")
    same_scores(model, net, digits.batch(0, 5))
    assert any("merged 2 pruning masks" in note and "were not 0" in note for note in model.notes)
    state = net.state_dict()
    state["conv1.weight_mask"] = state["conv1.weight_mask"] * 0.5
    torch.save(state, path)
    assert "values other than 0 and 1" in fault(f"WRN-10-1@{path}")


def test_masks_beside_weights_that_are_not_zero(tmp_path: Path, net: WideResNet) -> None:
    state = net.state_dict()
    mask = torch.ones_like(state["conv1.weight"])
    mask[:4] = 0
    torch.save({**state, "conv1.weight_mask": mask}, tmp_path / "a.pt")
    read = read_state(tmp_path / "a.pt")
    assert bool((read.tensors["conv1.weight"][:4] == 0).all()) and any(
        "36 masked weights" in note for note in read.notes
    )
    named = {
        "conv1.parametrizations.weight.original": state["conv1.weight"],
        "conv1.parametrizations.weight.0.mask": mask,
    }
    torch.save({**{name: each for name, each in state.items() if name != "conv1.weight"}, **named}, tmp_path / "b.pt")
    assert torch.equal(read_state(tmp_path / "b.pt").tensors["conv1.weight"], read.tensors["conv1.weight"])


class Evil:
    """What a pickle can do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        import os

        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_are_never_run(tmp_path: Path, zipped: bool) -> None:
    mark = tmp_path / "it-ran"
    path = tmp_path / "evil.pt"
    torch.save({"conv1.weight": Evil(mark)}, path, _use_new_zipfile_serialization=zipped)
    message = fault(f"WRN-10-1@{path}")
    assert "system" in message and "safetensors" in message and not mark.exists()
    for protocol in (0, 2, 4):
        path.write_bytes(pickle.dumps({"weights": Evil(mark)}, protocol))
        fault(f"WRN-10-1@{path}")
        assert not mark.exists()


def test_whole_models_are_refused(tmp_path: Path, net: WideResNet) -> None:
    torch.save(net, tmp_path / "whole.pt")
    assert "WideResNet" in fault(tmp_path / "whole.pt") and "state_dict" in fault(tmp_path / "whole.pt")


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.pt", b"", "empty"),
        ("a.safetensors", b"", "empty"),
        ("a.safetensors", b"<!DOCTYPE html><html>404</html>", "HTML"),
        ("a.pt", b"\n <html>", "HTML"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "tf2onnx"),
        ("a.keras", zipped(metadata_dot_json=b"{}", config_dot_json=b"{}"), "Keras"),
        ("a.pt2", zipped(net__archive_format=b"pt2", net__models__model_dot_json=b"{}"), "onnx"),
        ("a.pt", zipped(net__data_dot_pkl=b"", net__constants_dot_pkl=b""), "TorchScript"),
        ("a.pt", zipped(readme_dot_txt=b"hello"), "zip of readme.txt"),
        ("a.npz", zipped(a_dot_npy=b""), "NumPy"),
        ("a.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 50, "TensorFlow Lite"),
        ("a.pt", b"\x1f\x8b" + b"\0" * 50, "gzip"),
        ("a.safetensors", struct.pack("<Q", 1 << 60) + b"{", "header"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{}", "state_dict"),
        ("a.safetensors", struct.pack("<Q", 2) + b"[]", "no safetensors"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{[", "malformed"),
        ("a.pt", b"PK\x03\x04 and then nothing", "zip"),
        ("a.pt", b"\x80\x02}q\x00.", "damaged file of torch.save"),
        ("a.pt", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a PNG image"),
        ("a.pt", b"GGUF\3\0\0\0" + b"\0" * 50, "give the model it was made from"),
        ("a.pt", b"#!/bin/sh\n", "a script"),
        ("a.pt", b"PAR1" + b"\0" * 50, "a Parquet file"),
        ("a.pt", b"GARBAGE" * 9, "no kind"),
    ],
)
def test_other_files_are_refused_by_their_first_bytes(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = fault(f"WRN-10-1@{path}")
    assert word in message and str(tmp_path) not in message


def test_torchscript_and_exported_programs_made_by_torch(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()
    with pytest.warns(DeprecationWarning):
        torch.jit.script(module).save(tmp_path / "script.pt")  # type: ignore[no-untyped-call]
    assert "TorchScript" in fault(tmp_path / "script.pt") and "onnx" in fault(tmp_path / "script.pt")
    torch.export.save(torch.export.export(module, (torch.zeros(1, 1, 8, 8),)), tmp_path / "program.pt2")
    assert "exported program" in fault(tmp_path / "program.pt2")


def test_a_zip_bomb_is_not_opened(tmp_path: Path, net: WideResNet) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("net/data/0", b"\0" * 50_000_000)
    assert "grows from" in fault(path)


def test_truncated_and_damaged_weights(tmp_path: Path, net: WideResNet) -> None:
    for suffix in (".safetensors", ".pt"):
        path = tmp_path / f"net{suffix}"
        if suffix == ".pt":
            torch.save(net.state_dict(), path)
        else:
            save_file(net.state_dict(), path)
        whole = path.read_bytes()
        for length in (len(whole) - 1, len(whole) // 2, 100, 9):
            path.write_bytes(whole[:length])
            fault(f"WRN-10-1@{path}")


def test_names_shapes_and_numbers_that_do_not_fit(tmp_path: Path, net: WideResNet) -> None:
    path = tmp_path / "net.safetensors"

    def saved(state: dict[str, Tensor]) -> str:
        save_file(state, path)
        return fault(f"WRN-10-1@{path}")

    state = net.state_dict()
    assert "1 missing: norm.weight" in saved({name: each for name, each in state.items() if name != "norm.weight"})
    assert "1 unexpected: more.weight" in saved({**state, "more.weight": torch.zeros(3)})
    assert "1 differ: norm.weight [3] for [64]" in saved({**state, "norm.weight": torch.zeros(3)})
    assert "NaN or infinity in 1" in saved(
        {**state, "norm.weight": torch.full((64,), 1.0).index_fill(0, torch.tensor([3]), float("nan"))}
    )
    save_file(state, path)
    assert "missing" in fault(f"WRN-16-1@{path}") or "shapes" in fault(f"WRN-16-1@{path}")
    assert "6 n + 4" in fault(f"WRN-11-1@{path}")
    assert "6 n + 4" in fault(f"WRN-9994-99@{path}")
    assert "WRN-16-2" in fault(f"resnet50@{path}")
    save_file({"a.weight": torch.zeros(3, 3)}, path)
    assert "architecture" in fault(path)
    assert "no such file" in fault(tmp_path / "nothing.safetensors")
    quantised = torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8)
    torch.save({"a.weight": quantised}, tmp_path / "q.pt")
    assert "ONNX" in fault(tmp_path / "q.pt")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_bytes_are_weights_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Random bytes, and whole files with damage: a state, or an InputError; no other exception, no hang."""
    whole = tmp_path / "whole.safetensors"
    if not whole.exists():
        small = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.zeros(2)}
        save_file(small, whole)
        torch.save(small, tmp_path / "zip.pt")
        torch.save(small, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    source = data.draw(st.sampled_from(["whole.safetensors", "zip.pt", "old.pt", "nothing"]))
    content = bytearray(data.draw(st.binary(max_size=64)) if source == "nothing" else (tmp_path / source).read_bytes())
    start = (
        data.draw(st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", struct.pack("<Q", 20) + b'{"a":']))
        if source == "nothing"
        else b""
    )
    content[:0] = start
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    path = tmp_path / "drawn.bin"
    path.write_bytes(content)
    try:
        kind_of_weights(path)
        read_state(path)
    except InputError as error:
        assert "cure" in str(error)


# --- a study's models -------------------------------------------------------------------------------------------


def test_a_model_of_a_study(tmp_path: Path, net: WideResNet, digits: Pictures) -> None:
    store = Store(tmp_path)
    names = [f"digit {digit}" for digit in range(10)]
    store.write("data", "d" * 32, {layout.DATA_FACTS: as_json({"class_names": names})}, "data", {})
    spec = {
        "data": {"source": "digits", "normalisation": {"mean": [0.3], "std": [0.4]}, "image_size": None},
        "model": {"family": "wide_resnet", "depth": 10, "width": 1},
    }
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    made = store.write(
        "train", "e" * 32, {layout.MODEL: as_tensors(state)}, "supervised dense, seed 1", spec, ("d" * 32,)
    )
    for text in (made.folder, made.folder / layout.MODEL):
        assert names_a_model(str(text))
        model = open_model(text, pictures=digits)
        assert model.name == "supervised dense, seed 1" and model.class_names == tuple(names)
        scores = model.scores(digits.batch(0, 6)).scores
        pixels = (torch.from_numpy(np.stack(digits.batch(0, 6))[:, None]) / 255 - 0.3) / 0.4
        with torch.no_grad():
            assert scores is not None and np.allclose(scores, net(pixels).numpy(), atol=1e-5)
    (made.folder / layout.MODEL).write_bytes(b"x" * 99)
    assert "SHA-256" in fault(made.folder)
    (made.folder / layout.MANIFEST).write_text("{}")
    assert "manifest" in fault(made.folder)
    (made.folder / layout.MANIFEST).write_text("[" * 100_000)
    assert "manifest" in fault(made.folder)


# --- timm -------------------------------------------------------------------------------------------------------


class StandIn(types.ModuleType):
    """As much of torchvision as timm needs to be imported; nothing of it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kinds = "NEAREST BILINEAR BICUBIC BOX HAMMING LANCZOS"
        value: Any = enum.Enum(name, kinds) if name == "InterpolationMode" else type(name, (nn.Module,), {})
        setattr(self, name, value)
        return value


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    if importlib.util.find_spec("torchvision") is None:
        parts = (
            "",
            ".ops",
            ".ops.misc",
            ".transforms",
            ".transforms.functional",
            ".models",
            ".models.feature_extraction",
        )
        for part in (*parts, ".datasets", ".datasets.folder", ".utils", ".io"):
            monkeypatch.setitem(sys.modules, f"torchvision{part}", StandIn(f"torchvision{part}"))
        sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]  # type: ignore[attr-defined]
    import timm as library

    yield library
    for name in [name for name in sys.modules if name == "timm" or name.startswith("timm.")]:
        del sys.modules[name]


def test_timm_with_ones_own_weights(tmp_path: Path, timm: Any) -> None:
    made = timm.create_model("test_resnet", pretrained=False, num_classes=7, in_chans=1).eval()
    path = tmp_path / "own.safetensors"
    save_file(made.state_dict(), path)
    for text, options in (
        (f"timm:test_resnet@{path}", {}),
        (str(path), {"settings": Settings(architecture="timm:test_resnet")}),
    ):
        model = open_model(text, **options)  # type: ignore[arg-type]
        batch = photos(3, 200, 170, channels=1)
        outputs = model.scores(batch)
        with torch.no_grad():
            pixels = torch.from_numpy(model.prepare(batch))  # type: ignore[attr-defined]
            assert pixels.shape == (3, 1, 160, 160)
            features = made.forward_features(pixels)
            assert outputs.scores is not None and outputs.representation is not None
            assert np.allclose(outputs.scores, made(pixels).numpy(), atol=1e-5)
            assert np.allclose(outputs.representation, made.forward_head(features, pre_logits=True).numpy(), atol=1e-5)
        assert str(tmp_path) not in model.name


def test_timms_configurations_are_read_as_timm_reads_them(timm: Any) -> None:
    from timm.data import resolve_data_config

    from piescope.adapters.timm_models import preparation_of

    for name in (
        "test_resnet",
        "test_vit",
        "resnet10t",
        "vit_tiny_patch16_224",
        "mobilenetv3_small_050",
        "efficientnet_b1",
    ):
        told = timm.create_model(name, pretrained=False).pretrained_cfg
        expected = resolve_data_config(pretrained_cfg=told)
        made = preparation_of(told)
        assert made.fit is not None and made.fit.size == tuple(expected["input_size"][1:])
        assert made.fit.scaled == tuple(int(side / expected["crop_pct"]) for side in expected["input_size"][1:])
        assert (made.mean, made.std) == (tuple(expected["mean"]), tuple(expected["std"]))
        assert made.fit.interpolation == expected["interpolation"] and made.fit.mode == expected["crop_mode"]


def test_timms_own_weights_are_asked_for_without_pickles(timm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network here: what is tested is that pretrained weights are asked for, and that torch.load is held to tensors."""
    import os

    asked: list[Any] = []
    original = timm.create_model

    def create(name: str, pretrained: bool = False, **options: Any) -> Any:
        asked.append((name, pretrained, os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")))
        return original(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", create)
    model = open_model("timm:test_vit")
    assert asked == [("test_vit", True, "1")] and "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ
    outputs = model.scores(photos(2, 50, 70))
    assert outputs.scores is not None and outputs.scores.shape == (2, 1000)
    assert outputs.representation is not None and outputs.representation.ndim == 2
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    assert "no network" in fault("timm:test_vit") and "@FILE" in fault("timm:test_vit")
    assert "resnet18" in fault("timm:resnet_18")
    assert "model" in fault("timm:hf-hub:someone/something")


def test_without_timm_the_cure_is_named() -> None:
    code = (
        "import sys; sys.modules['torchvision'] = None; sys.modules['timm'] = None; sys.modules['transformers'] = None\n"
        "from piescope.adapters.opening import open_model\n"
        "for text in ('timm:resnet18', 'hf:someone/resnet'):\n"
        "    try: open_model(text)\n"
        "    except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count(install_command("models")) == 2


# --- transformers -----------------------------------------------------------------------------------------------

transformers = pytest.importorskip("transformers")


def quietly(save: Any, folder: Path) -> None:
    transformers.utils.logging.disable_progress_bar()
    save(folder)


@pytest.fixture(params=["vit", "resnet"])
def hf_folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, nn.Module]:
    torch.manual_seed(0)
    names = {index: f"class {index}" for index in range(10)}
    if request.param == "vit":
        config = transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=16,
            patch_size=4,
            id2label=names,
        )
        made = transformers.ViTForImageClassification(config)
    else:
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", id2label=names
        )
        made = transformers.ResNetForImageClassification(config)
    folder = tmp_path / f"my-{request.param}"
    quietly(made.save_pretrained, folder)
    return folder, made.eval()


def save_processor(folder: Path, **more: Any) -> None:
    told = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.3, 0.4],
        "resample": 3,
        "rescale_factor": 1 / 255,
        **more,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(told))


def test_a_folder_of_transformers(
    hf_folder: tuple[Path, nn.Module], digits: Pictures, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, made = hf_folder
    save_processor(folder)
    capfd.readouterr()
    for text in (f"hf:{folder}", str(folder)):
        assert names_a_model(text)
        model = open_model(text, pictures=digits)
        batch = digits.batch(0, 4)
        outputs = model.scores(batch)
        expected = []
        for photo in batch:  # by hand: grey to RGB, squashed to 16 x 16 by Pillow, scaled, normalised
            scaled = np.asarray(Image.fromarray(photo).convert("RGB").resize((16, 16), Image.Resampling.BICUBIC))
            expected.append((scaled / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4])
        pixels = torch.from_numpy(np.stack(expected).transpose(0, 3, 1, 2)).float()
        with torch.no_grad():
            answer = made(pixels, output_hidden_states=True)
        assert outputs.scores is not None and np.allclose(outputs.scores, answer.logits.numpy(), atol=1e-4)
        assert outputs.representation is not None
        if "vit" in text:
            assert np.allclose(
                outputs.representation, made.vit(pixels).last_hidden_state[:, 0].detach().numpy(), atol=1e-4
            )
        else:
            assert np.allclose(
                outputs.representation, made.resnet(pixels).pooler_output.flatten(1).detach().numpy(), atol=1e-4
            )
        assert model.class_names is not None and model.class_names[3] == "class 3"
        assert model.name == f"hf:{folder.name}" and model.values == "logits"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("hf_folder", ["resnet"], indirect=True)
def test_what_the_user_says_replaces_the_processor(hf_folder: tuple[Path, nn.Module]) -> None:
    folder, made = hf_folder
    save_processor(folder)
    batch = photos(2, 30, 24)
    model = open_model(f"hf:{folder}", settings=Settings(size=(16, 16), mean=(0.1,), std=(0.7,)))
    pixels = Preparation(3, fit=Fit.to((16, 16)), mean=(0.1,), std=(0.7,))(batch)
    scores = model.scores(batch).scores
    with torch.no_grad():
        assert scores is not None and np.allclose(scores, made(torch.from_numpy(pixels)).logits.numpy(), atol=1e-5)


def test_folders_of_transformers_that_are_refused(hf_folder: tuple[Path, nn.Module]) -> None:
    folder, made = hf_folder
    weights = (folder / "model.safetensors").read_bytes()
    told = json.loads((folder / "config.json").read_text())
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "git lfs pull" in fault(f"hf:{folder}")
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "truncated" in fault(f"hf:{folder}")
    state = made.state_dict()
    head = next(name for name in state if "classifier" in name)
    save_file(
        {name: each for name, each in state.items() if name != head}, folder / "model.safetensors", {"format": "pt"}
    )
    assert head in fault(f"hf:{folder}") and "trained to classify" in fault(f"hf:{folder}")
    save_file({**state, head: state[head] * float("nan")}, folder / "model.safetensors", {"format": "pt"})
    assert "NaN" in fault(f"hf:{folder}")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert "save_pretrained" in fault(f"hf:{folder}")
    (folder / "model.safetensors").write_bytes(weights)
    for config in (
        "{",
        "[]",
        "{}",
        json.dumps({**told, "model_type": "no-such"}),
        json.dumps({**told, "hidden_size": "x", "embedding_size": "x"}),
    ):
        (folder / "config.json").write_text(config)
        fault(f"hf:{folder}")
    (folder / "config.json").unlink()
    fault(f"hf:{folder}")
    assert not names_a_model(str(folder))


def test_code_of_a_hub_model_is_not_run(hf_folder: tuple[Path, nn.Module], tmp_path: Path) -> None:
    folder, _ = hf_folder
    mark = tmp_path / "it-ran"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Config: pass\nclass Net: pass\n")
    told = json.loads((folder / "config.json").read_text())
    told["model_type"] = "own-code"
    told["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForImageClassification": "evil.Net"}
    (folder / "config.json").write_text(json.dumps(told))
    assert "--trust-code" in fault(f"hf:{folder}", trust_code=True)
    assert not mark.exists()


def test_a_hub_name_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "local folder" in fault("hf:nobody/has-this-model")


# --- ONNX -------------------------------------------------------------------------------------------------------

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
    again = as_model(net, settings=Settings(mean=(0.3,), std=(0.5,))).scores(digits.batch(0, 7)).scores
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


# --- code -------------------------------------------------------------------------------------------------------


def test_code_runs_only_where_it_is_trusted(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    (tmp_path / "neighbour.py").write_text("CLASSES = 4\n")
    path = tmp_path / "net.py"
    path.write_text(
        "import torch, neighbour\n"
        f"open({str(mark)!r}, 'w')\n"
        "def build(): return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, neighbour.CLASSES))\n"
        "def plain(): return lambda pixels: pixels.reshape(len(pixels), -1)[:, :4].astype('float32')\n"
        "def wrong(): return 3\n"
        "def fails(): raise KeyError('weights')\n"
        "def leaves(): raise SystemExit(0)\n"
    )
    message = fault(f"{path}:build")
    assert "--trust-code" in message and not mark.exists()
    assert names_a_model(f"{path}:build")
    before = list(sys.path)
    outputs = open_model(f"{path}:build", trust_code=True).scores(photos(3))
    assert outputs.scores is not None and outputs.scores.shape == (3, 4) and mark.exists()
    assert open_model(f"{path}:plain", trust_code=True).scores(photos(3)).scores is not None
    assert "a int" in fault(f"{path}:wrong", trust_code=True)
    assert "line 6" in fault(f"{path}:fails", trust_code=True)
    assert "SystemExit" in fault(f"{path}:leaves", trust_code=True)
    assert "one of: build" in fault(f"{path}:bild", trust_code=True)
    assert "no such file" in fault(f"{tmp_path / 'none.py'}:build", trust_code=True)
    assert sys.path == before and "neighbour" not in sys.modules


def test_two_files_with_neighbours_of_one_name(tmp_path: Path) -> None:
    """dense/net.py and pruned/net.py each import their own layers.py."""
    for folder, classes in (("dense", 3), ("pruned", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "layers_of_it.py").write_text(f"CLASSES = {classes}\n")
        (tmp_path / folder / "net.py").write_text(
            "from layers_of_it import CLASSES\nimport numpy as np\ndef build(): return lambda pixels: np.zeros((len(pixels), CLASSES))\n"
        )
    for folder, classes in (("dense", 3), ("pruned", 5)):
        scores = open_model(f"{tmp_path / folder / 'net.py'}:build", trust_code=True).scores(photos(2)).scores
        assert scores is not None and scores.shape == (2, classes)


# --- names ------------------------------------------------------------------------------------------------------


def test_which_texts_name_models(tmp_path: Path) -> None:
    predictions, weights = tmp_path / "predictions.safetensors", tmp_path / "weights.safetensors"
    save_file({"logits": torch.zeros(3, 2)}, predictions)
    save_file({"conv1.weight": torch.zeros(3, 2)}, weights)
    assert names_a_model(str(weights)) and not names_a_model(str(predictions))
    assert names_a_model(str(predictions), Settings(architecture="WRN-10-1"))
    for text in (
        "timm:resnet18",
        "hf:google/vit",
        "onnx:a",
        "a.onnx",
        "a.pt",
        "a.h5",
        "a.pt2",
        "net.py:build",
        "WRN-16-2@x.bin",
    ):
        assert names_a_model(text)
    for text in ("dense.csv", "a.npz", "runs/*.parquet", "someone@example.csv", "timm:", "", "a.py", "x.safetensors"):
        assert not names_a_model(text) or "@" in text


def test_which_sides_are_models(tmp_path: Path, net: WideResNet) -> None:
    assert is_model(net, False) and is_model(lambda pixels: pixels, False) and not is_model([0, 1], True)
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "config.json").write_text("{}")
    assert is_model(runs, False) and is_model(str(runs), True)
    (runs / "first.csv").write_text("id,prediction\n")
    assert is_model(runs, True) and not is_model(runs, False)  # settings of a run beside its predictions
    os.mkfifo(tmp_path / "pipe.onnx")
    assert not is_model(tmp_path / "pipe.onnx", True)
    (tmp_path / "labels.pt").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(InputError, match="a pickle"):
        check_no_predictions(tmp_path / "labels.pt")
    check_no_predictions(net)
    check_no_predictions("timm:resnet18")


def test_nothing_of_that_name(tmp_path: Path) -> None:
    assert "no such file" in fault("no-such-model")
    assert "config.json" in fault(tmp_path)
    assert "no such file" in fault("line\nbreak.pt")


def test_the_real_thing_from_end_to_end(tmp_path: Path) -> None:
    """A network that was trained on digits, saved, opened by its file and asked about the test half."""
    splits = load_source("digits")
    torch.manual_seed(0)
    net = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(0)).train()
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    pixels = torch.from_numpy(splits.train.images).float() / 255
    labels = torch.from_numpy(splits.train.labels)
    for step in range(60):
        rows = torch.arange(step * 100, step * 100 + 100) % len(labels)
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(pixels[rows]), labels[rows]).backward()
        optimiser.step()
    save_file(net.state_dict(), tmp_path / "digits.safetensors")
    pictures = open_pictures("digits")
    model = open_model(tmp_path / "digits.safetensors", pictures=pictures)
    answers = [model.scores(pictures.batch(start, start + 256)) for start in range(0, len(pictures), 256)]
    said = np.concatenate([answer.scores.argmax(1) for answer in answers if answer.scores is not None])
    assert (said == pictures.labels).mean() > 0.9


def test_outputs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Outputs(np.zeros((1, 2), np.float32)).scores = None  # type: ignore[misc]
