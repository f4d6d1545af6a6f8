"""F18 (pytorch/pytorch#40859, jacobgil/pytorch-pruning#26): both sides are opened and tried before either looks at all pictures."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import piescope
from conftest import run_piescope, run_program
from piescope.data.sources import load_digits
from piescope.models.wide_resnet import WideResNet
from piescope.problems import InputError

CASE = Path(__file__).parents[3] / "shared" / "cases" / "F18"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints as people save them, of a network that was not trained: what is read, not how good it is."""
    made = tmp_path_factory.mktemp("f18")
    network = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(18)).eval()
    torch.save(network.state_dict(), made / "dense.pt")
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            prune.l1_unstructured(module, "weight", 0.3)
    state = network.state_dict()
    torch.save(state, made / "pruned_masks.pt")
    prefixed = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "state_dict": prefixed, "best_acc1": 71.2}, made / "checkpoint.pth.tar")
    merged = WideResNet(10, 1, 10, 1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            prune.remove(module, "weight")
    merged.load_state_dict(network.state_dict())
    torch.save(merged.state_dict(), made / "merged.pt")
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), made / "whole_model.pth")
    dense = torch.load(made / "dense.pt")
    torch.save(
        {name: tensor[:8] if name == "conv1.weight" else tensor for name, tensor in dense.items()},
        made / "fewer_channels.pt",
    )
    torch.save({name: tensor for name, tensor in dense.items() if not name.startswith("stage3")}, made / "no_stage3.pt")
    torch.save(
        {name: tensor[:7] if name.startswith("head") else tensor for name, tensor in dense.items()},
        made / "seven_classes.pt",
    )
    torch.save(
        {name: tensor[:8] if name.startswith("head") else tensor for name, tensor in dense.items()},
        made / "eight_classes.pt",
    )
    (made / "text.pt").write_text("not weights\n")
    (made / "empty.pt").touch()
    (made / "cut.pt").write_bytes((made / "dense.pt").read_bytes()[:2000])
    (made / "net.onnx").write_text("not a network")
    (made / "build.py").write_text("def net():\n    raise RuntimeError('no')\n")
    return made


REFUSED = {
    "WRN-10-1@nosuch.pt": "no such file",
    "WRN-10-1@whole_model.pth": "a pickle that would run",
    "WRN-10-1@fewer_channels.pt": "conv1.weight [8, 1, 3, 3] for [16, 1, 3, 3]",
    "WRN-10-1@no_stage3.pt": "stage3",
    "WRN-10-1@seven_classes.pt": "7 outputs",
    "WRN-10-2@dense.pt": "differ",
    "WRN-16-1@dense.pt": "stage",
    "WRN-10-1@text.pt": "text.pt",
    "WRN-10-1@empty.pt": "empty.pt",
    "WRN-10-1@cut.pt": "cut.pt",
    "onnx:net.onnx": "net.onnx",
    "onnx:nosuch.onnx": "no such file",
    "timm:nosuchmodel@dense.pt": "nosuchmodel",
    "build.py:net": "--trust-code",
    "./nosuch.safetensors": "nosuch",
}


@pytest.mark.parametrize("second", REFUSED)
@pytest.mark.parametrize("swapped", [False, True], ids=["compressed", "dense"])
def test_a_fault_of_one_side_is_told_before_the_other_runs(
    second: str, swapped: bool, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder)
    heard: list[Any] = []
    sides = ("WRN-10-1@dense.pt", second)
    with pytest.raises(InputError) as caught:
        piescope.audit(
            *(sides[::-1] if swapped else sides),
            "digits",
            out=tmp_path / "out",
            on_progress=lambda *what: heard.append(what),
        )
    assert REFUSED[second] in str(caught.value)
    assert heard == []
    assert not (tmp_path / "out").exists()


def test_other_numbers_of_classes_are_told_first(folder: Path) -> None:
    """Eight outputs are enough for pictures of three classes, but not those of a model with ten."""
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8), random.integers(0, 3, 20)
    heard: list[Any] = []
    for one, two in (("dense", "eight_classes"), ("eight_classes", "dense")):
        with pytest.raises(InputError, match="outputs, where"):
            piescope.audit(
                f"WRN-10-1@{folder}/{one}.pt",
                f"WRN-10-1@{folder}/{two}.pt",
                data,
                on_progress=lambda *what: heard.append(what),
            )
    assert heard == []


def test_copies_that_cannot_be_made_are_told_before_the_model_runs(folder: Path) -> None:
    heard: list[Any] = []
    layer = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()

    class Fixed(nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return pixels.flatten(1)[:, :10] + 0.001 * pixels.flatten(1)[:, 20:30]

    images = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8), np.zeros(20, int)
    for model, compress in ((Fixed(), "magnitude:0.5"), (layer, "magnitude:0.5 60:64 3:7")):
        with pytest.raises(InputError):
            piescope.audit(model, None, images, compress=compress, on_progress=lambda *what: heard.append(what))
    for compressed, copies in ((None, "magnitude:0.5"), (layer, None)):
        with pytest.raises(InputError, match="leave --label-column out"):
            piescope.audit(
                *(layer, compressed, images),
                compress=copies,
                label_column="label",
                on_progress=lambda *what: heard.append(what),
            )
    assert [each for each in heard if each[0] == "dense"] == []


def test_masks_and_prefixes_are_read_as_what_they_are(folder: Path) -> None:
    """A mask beside its weights, a wrapper's prefix, a dict around it: all say what the merged weights say."""
    with torch.no_grad():
        network = WideResNet(10, 1, 10, 1).eval()
        pixels = torch.tensor(load_digits().test.images).reshape(-1, 1, 8, 8).float() / 255
        expected = {}
        for name in ("dense", "merged"):
            network.load_state_dict(torch.load(folder / f"{name}.pt"))
            expected[name] = network(pixels).argmax(1).numpy()
    labels = load_digits().test.labels
    for name in ("pruned_masks.pt", "checkpoint.pth.tar", "merged.pt"):
        found = piescope.audit(f"WRN-10-1@{folder}/dense.pt", f"WRN-10-1@{folder}/{name}", "digits")
        assert found["changed"] == (expected["dense"] != expected["merged"]).sum() > 0
        assert (
            found["flips"]["correct_to_wrong"] == ((expected["dense"] == labels) & (expected["merged"] != labels)).sum()
        )


def of_the_case(made: Path) -> tuple[Path, dict[str, int]]:
    """The case's own files, made in a copy of it, and the values that it expects."""
    shutil.copytree(CASE, made / "F18")
    shutil.copy(CASE.parent / "common.py", made / "common.py")
    for path in (made / "F18", *(made / "F18").iterdir(), made / "common.py"):
        path.chmod(0o755)
    environment = {**os.environ, "OUT": str(made)}
    assert run_program([sys.executable, made / "F18" / "make.py"], env=environment).returncode == 0
    return made / "in", json.loads((CASE / "expected.json").read_text())["pruned_masks"]


def of_this_kind(made: Path) -> tuple[Path, dict[str, int]]:
    """Files of the same kind, and the values by torch alone."""
    network = WideResNet(10, 1, 10, 1).eval()
    data, labels = torch.tensor(load_digits().test.images).reshape(-1, 1, 8, 8).float() / 255, load_digits().test.labels
    said = []
    with torch.no_grad():
        for name in ("dense", "merged"):
            network.load_state_dict(torch.load(made / f"{name}.pt"))
            said.append(network(data).argmax(1).numpy())
    dense, copy = said
    return made, {
        "changed": int((dense != copy).sum()),
        "correct_to_wrong": int(((dense == labels) & (copy != labels)).sum()),
    }


@pytest.mark.sampled(3)
@pytest.mark.parametrize("source", ["case", "kind"] if CASE.exists() else ["kind"])
def test_by_the_command(source: str, folder: Path, tmp_path: Path) -> None:
    """The case itself where its files are beside the project, and its kind everywhere."""
    inside, values = of_the_case(tmp_path) if source == "case" else of_this_kind(folder)
    sides = ["audit", "WRN-10-1@dense.pt", "WRN-10-1@pruned_masks.pt", "--data", "digits"]
    done = run_piescope(*sides, "--out", tmp_path / "out", cwd=inside)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert (content["changed"], content["flips"]["correct_to_wrong"]) == (values["changed"], values["correct_to_wrong"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("second", ["whole_model.pth", "nosuch.pt"])
def test_the_command_refuses_before_any_picture_is_looked_at(second: str, folder: Path, tmp_path: Path) -> None:
    sides = ["WRN-10-1@dense.pt", f"WRN-10-1@{second}"]
    done = run_piescope("audit", *sides, "--data", "digits", "--out", tmp_path / "no", cwd=folder)
    assert done.returncode == 2
    assert "of 797 examples" not in done.stderr
