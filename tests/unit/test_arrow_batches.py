"""Packed buffers of Arrow files as they say of themselves; damaged files end in ValueError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from conftest import LONG
from piescope.arrow_batches import unpacked_batches

TABLE = pa.table(
    {
        "a": np.zeros(3_000),
        "b": pa.array(["cat", "dog"] * 1_500).dictionary_encode(),
        "c": [[1.0, 2.0]] * 3_000,
        "d": ["text"] * 3_000,
    }
)


def largest_batch(path: Path) -> int:
    return max(unpacked_batches(path), default=0)


def write(path: Path, kind: str, codec: str | None, rows: int) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=codec)
    new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with new(path, TABLE.schema, options=options) as writer:
        writer.write_table(TABLE, rows)
    return path


@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_batch_is_as_large_as_its_buffers(kind: str, codec: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.arrow", kind, codec, 1_000)
    assert abs(largest_batch(path) - TABLE.slice(0, 1_000).nbytes) < 100
    assert largest_batch(write(tmp_path / "b.arrow", kind, codec, 3_000)) > 2.5 * largest_batch(path)


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_what_is_not_packed_unpacks_to_nothing(kind: str, tmp_path: Path) -> None:
    assert largest_batch(write(tmp_path / "a.arrow", kind, None, 1_000)) == 0


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"\xff\xff\xff\xff\xff\xff\xff\x7f"])
def test_what_is_no_arrow_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        largest_batch(tmp_path / "a.arrow")


@settings(max_examples=200 * LONG)
@given(data=some.data(), kind=some.sampled_from(["file", "stream"]))
def test_any_damage_is_a_value_error_or_a_size(
    tmp_path_factory: pytest.TempPathFactory, data: some.DataObject, kind: str
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "damaged.arrow", kind, "zstd", 1_000)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(some.integers(1, 4))):
        content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    path.write_bytes(content)
    try:
        assert largest_batch(path) >= 0
    except ValueError:
        return
