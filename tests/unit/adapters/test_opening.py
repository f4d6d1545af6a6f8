"""Which texts and values are models, and what is told when one is opened."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from made_models import fault
from piescope import audit
from piescope.adapters.opening import check_no_predictions, is_model, names_a_model, open_model
from piescope.adapters.protocol import ModelError, Settings
from piescope.data.opening import open_pictures
from piescope.data.pictures import Pictures
from piescope.data.sources import load_source
from piescope.models.wide_resnet import WideResNet
from piescope.problems import InputError


def test_active_dropout_is_noted(digits: Pictures) -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(64, 10)

        def forward(self, pixels: Tensor) -> Tensor:
            return self.head(nn.functional.dropout(pixels.flatten(1), 0.5, training=True))

    assert any("asked again" in note for note in open_model(Noisy(), pictures=digits).notes)
    quiet = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
    assert not any("asked again" in note for note in open_model(quiet, pictures=digits).notes)


def test_too_few_classes_are_found_at_once(digits: Pictures) -> None:
    with pytest.raises(ModelError, match="3 outputs, and labels up to 9"):
        open_model(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), pictures=digits)


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


def test_a_copy_that_lost_the_names_of_its_classes_has_those_of_the_model(digits: Pictures) -> None:
    """Not the alphabetical ones of the pictures' folders."""
    torch.manual_seed(0)
    named, bare = (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)) for _ in range(2))
    bare.load_state_dict(named.state_dict())
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    named.class_names = words  # type: ignore[assignment]
    labels = None if digits.labels is None else np.array([sorted(words).index(words[label]) for label in digits.labels])
    pictures = replace(digits, class_names=tuple(sorted(words)), labels=labels)
    for sides in ((named, bare), (bare, named)):
        found = audit(*sides, pictures)
        assert found["changed"] == 0 and found["accuracy"]["change"] == 0
        assert any("has no names of classes: those of" in str(notes) for notes in [found["inputs"]["notes"]])
