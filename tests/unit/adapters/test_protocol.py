"""What a user may say of a model's input, and which of its outputs is which class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from piescope.adapters.protocol import ModelError, Outputs, Settings, library, outputs_of_classes
from piescope.problems import InputError


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


def test_class_columns() -> None:
    model = ["tench, Tinca tinca", "sea_lion", "Dog"]
    columns = outputs_of_classes(model, ["dog", "tench", "sea lion"])
    assert columns is not None and columns.tolist() == [2, 0, 1]
    assert outputs_of_classes(model, ["dog", "wolf"]) is None
    assert outputs_of_classes(None, ["dog"]) is None
    assert outputs_of_classes(["crane, bird", "crane, machine"], ["crane, machine"]) is not None
    assert outputs_of_classes(["a", "a"], ["a"]) is None


def test_outputs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Outputs(np.zeros((1, 2), np.float32)).scores = None  # type: ignore[misc]


def test_a_library_that_lacks_another_is_expected_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_library.py").write_text("import that_is_nowhere.part\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, expected in (
        ("half_a_library", "half_a_library and that_is_nowhere"),
        ("that_is_nowhere", "that_is_nowhere"),
    ):
        with pytest.raises(ModelError) as refused:
            library(name, "timm:resnet18", "models")
        (problem,) = refused.value.problems
        assert (problem.found, problem.expected) == ("that_is_nowhere is not installed", expected)
