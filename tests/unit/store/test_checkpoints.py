"""Checkpoints as files: read as they were written, or not at all."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from piescope.store import durable
from piescope.store.checkpoints import Origin, UnusableCheckpointError, read_checkpoint, write_checkpoint

ORIGIN = Origin(key="0" * 32, parents={"1" * 32: "2" * 32}, environment={"threads": 1, "libraries": {"numpy": "2.0"}})
ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # in another order of bytes
    "asked": np.array(0.1),
    "mask": np.array([True, False]),
    "nothing": np.zeros((0, 3)),
    "draws": np.arange(4, dtype=np.uint8),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "checkpoints" / "0.safetensors"
    write_checkpoint(written, ORIGIN, "encoder", ARRAYS)
    return written


def test_what_was_written_is_read(path: Path) -> None:
    stage, arrays = read_checkpoint(path, ORIGIN)
    assert stage == "encoder"
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(arrays[name], array)


def test_equal_checkpoints_have_equal_bytes(path: Path) -> None:
    before = path.read_bytes()
    write_checkpoint(path, ORIGIN, "encoder", dict(reversed(ARRAYS.items())))
    assert path.read_bytes() == before


def test_no_flipped_bit_and_no_missing_byte_goes_unnoticed(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(UnusableCheckpointError):
            read_checkpoint(path, ORIGIN)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(UnusableCheckpointError):
            read_checkpoint(path, ORIGIN)


class Marks:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_what_is_no_checkpoint_is_refused_and_never_executed(path: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    deep = b"[" * 100_000
    for content in (
        pickle.dumps(Marks(marker)),
        b"",
        b"\xff" * 8 + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"null",
        len(deep).to_bytes(8, "little") + deep,
        (19).to_bytes(8, "little") + b'{"__metadata__":[]}',
    ):
        path.write_bytes(content)
        with pytest.raises(UnusableCheckpointError, match="cannot be read"):
            read_checkpoint(path, ORIGIN)
    path.unlink()
    with pytest.raises(UnusableCheckpointError, match="cannot be read"):
        read_checkpoint(path, ORIGIN)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": "3" * 32}, "key '0000"),
        ({"parents": {}}, r"parents .*, here \{\}"),
        ({"format_version": 0}, "format_version 1, here 0"),
        ({"environment": {"threads": 2, "libraries": {"numpy": "2.0"}}}, "made with threads 1, here 2$"),
        ({"environment": {"threads": 1, "libraries": {"numpy": "2.1"}}}, r"libraries .*2\.0.*2\.1"),
    ],
)
def test_of_another_step_or_machine_it_is_refused_saying_what_differs(
    path: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(UnusableCheckpointError, match=said):
        read_checkpoint(path, ORIGIN.model_copy(update=changed))


def test_the_last_one_stays_until_the_next_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, ORIGIN, "head", {"weights": np.ones(3)})
    assert read_checkpoint(path, ORIGIN)[0] == "encoder"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
