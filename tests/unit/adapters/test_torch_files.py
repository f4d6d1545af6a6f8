"""Files of torch.save as our reader has them, against torch's own; what is no whole file is refused."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from made_models import fault
from piescope.adapters.protocol import ModelError
from piescope.adapters.torch_files import open_torch_file
from piescope.adapters.weights import read_state
from piescope.models.build import ModelSpec

KINDS = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16),
    *(torch.int8, torch.uint8, torch.bool, torch.uint16, torch.float8_e4m3fn, torch.float8_e5m2),
)


def tensors() -> Iterator[tuple[str, Tensor]]:
    """Of every kind, and lying in every way."""
    numbers = torch.arange(-30, 30).reshape(3, 4, 5)
    for kind in KINDS:
        yield str(kind), numbers.abs().to(kind) if kind in (torch.uint8, torch.uint16) else numbers.to(kind)
    plain = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    yield from {
        "turned": plain.T,
        "part": plain[2:5, ::2],
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "number": torch.tensor(3.5),
        "nothing": torch.zeros(0, 3),
        "expanded": torch.ones(1, 3).expand(4, 3),
        "parameter": nn.Parameter(plain.clone()),
        "coalesced": torch.eye(4).to_sparse().coalesce(),
        "repeated": torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.tensor([1.0, 2.0]), (3, 4)),
        "rows": torch.sparse_coo_tensor(torch.tensor([[2, 0]]), torch.ones(2, 3), (4, 3)),
        "hooked": _with_attribute(plain.clone()),
    }.items()


def _with_attribute(tensor: Tensor) -> Tensor:
    tensor.note = "kept with it"  # type: ignore[attr-defined]
    return tensor


def as_read(tensor: Tensor) -> Tensor:
    """What the reader makes of a tensor: dense, and floats as float32."""
    dense = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    return dense.float() if dense.is_floating_point() else dense


@pytest.mark.parametrize("zipped", [True, False])
def test_every_tensor_is_torch_s_own(tmp_path: Path, zipped: bool) -> None:
    made = dict(tensors())
    if not zipped:
        made = {name: each for name, each in made.items() if each.dtype not in KINDS[-3:]}  # the older kind has none
    shared = torch.arange(8.0)
    made |= {"whole": shared, "its half": shared[4:]}
    path = tmp_path / "net.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(OrderedDict(made), path, _use_new_zipfile_serialization=zipped)
        opened = torch.load(path, weights_only=True)
    read = read_state(path).tensors
    assert list(read) == list(opened)
    for name, tensor in opened.items():
        expected = as_read(tensor)
        assert read[name].dtype == expected.dtype, name
        assert torch.equal(read[name], expected), name


def test_what_stands_beside_the_weights_is_described_and_not_made(tmp_path: Path) -> None:
    net = ModelSpec(depth=10, width=1).build((1, 8, 8), 3, torch.Generator().manual_seed(0))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.zeros(2, 1, 8, 8)).sum().backward()
    optimiser.step()
    saved: dict[str, Any] = {
        "model": net.state_dict(),
        "optimizer": optimiser.state_dict(),
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "kind": torch.float16,
        "random": torch.get_rng_state(),
        "seen": {1, 2},
        "bytes": b"\xff\x00",
        "loss": [0.5, None, True, 2**80, "é"],
    }
    path = tmp_path / "training.ckpt"
    torch.save(saved, path)
    content = open_torch_file(path).content
    assert list(content) == list(saved) and content["loss"] == saved["loss"] and content["size"] == (1, 2)
    state = read_state(path)
    assert all(torch.equal(state.tensors[name], tensor) for name, tensor in net.state_dict().items())


def test_a_pickle_by_a_later_protocol(tmp_path: Path) -> None:
    for protocol in (2, 3, 4, 5):
        torch.save({"a.weight": torch.arange(3.0)}, tmp_path / "net.pt", pickle_protocol=protocol)
        assert read_state(tmp_path / "net.pt").tensors["a.weight"].tolist() == [0, 1, 2]


def test_what_is_no_plain_tensor_is_named_with_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    for tensor, cure in (
        (torch.empty(3, device="meta"), "once its weights are loaded"),
        (torch.eye(3).to_sparse_csr(), "to_dense"),
        (torch.ones(3, dtype=torch.complex64), "weights of a classifier"),
    ):
        torch.save({"a.weight": torch.ones(2), "b.weight": tensor}, path)
        message = fault(f"WRN-10-1@{path}")
        assert "b.weight" in message and cure in message


def test_indices_outside_a_sparse_tensor(tmp_path: Path) -> None:
    indices = torch.tensor([[0, 3]])
    with torch.sparse.check_sparse_tensor_invariants(False):
        torch.save({"a": torch.sparse_coo_tensor(indices, torch.ones(2), (2,))}, tmp_path / "net.pt")
    with pytest.raises(ModelError, match="sparse tensor that is damaged"):
        read_state(tmp_path / "net.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_storages_that_are_shorter_than_their_tensors(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "net.pt"
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"M\xe8\x03", b"M\xe9\x03"))  # 1000 as a pickle has it
    with pytest.raises(ModelError, match="ends at byte"):
        read_state(path)
