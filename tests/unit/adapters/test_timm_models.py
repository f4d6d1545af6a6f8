"""Models of timm, with its weights or one's own."""

from __future__ import annotations

import enum
import importlib.machinery
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from made_models import fault, photos
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import Settings
from piescope.version import install_command


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
