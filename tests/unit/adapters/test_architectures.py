"""Weights without code: a built-in architecture, or a model that a study trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from made_models import fault, same_scores
from piescope.adapters.opening import names_a_model, open_model
from piescope.adapters.protocol import Settings
from piescope.data.pictures import Pictures
from piescope.models.wide_resnet import WideResNet
from piescope.store import layout
from piescope.store.artefacts import Store, as_tensors
from piescope.store.durable import as_json


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
    assert "model.safetensors has 99 bytes" in fault(made.folder)
    (made.folder / layout.MANIFEST).write_text("{}")
    assert "manifest" in fault(made.folder)
    (made.folder / layout.MANIFEST).write_text("[" * 100_000)
    assert "manifest" in fault(made.folder)
