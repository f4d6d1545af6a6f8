"""State dicts from files that nobody vouches for: what is read off them, and what is refused unopened."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.utils import prune

from conftest import LONG
from made_models import fault, same_scores
from piescope.adapters.opening import open_model
from piescope.adapters.weight_files import kind_of_weights
from piescope.adapters.weights import read_state
from piescope.data.pictures import Pictures
from piescope.models.wide_resnet import WideResNet
from piescope.problems import InputError


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


def test_a_whole_pickle_of_something_else_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "plain.pt"
    for value in ({"a": 1}, [1, 2], "text"):
        path.write_bytes(pickle.dumps(value))
        said = fault(f"WRN-10-1@{path}")
        assert "a pickle that torch.save did not write" in said and "torch.save(model.state_dict(), 'model.pt')" in said
        assert "damaged" not in said and "truncated" not in said


def test_a_state_dict_within_too_many_others_is_said_to_be(tmp_path: Path, net: WideResNet) -> None:
    path, value = tmp_path / "deep.pt", net.state_dict()
    for depth in range(1, 6):
        value = {"state_dict": value}
        torch.save(value, path)
        if depth < 3:
            assert len(read_state(path).tensors) == len(net.state_dict())
        else:
            said = fault(f"WRN-10-1@{path}")
            assert "a state_dict within 3 others, or more" in said and "torch.save(model.state_dict()" in said


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
    max_examples=150 * LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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
