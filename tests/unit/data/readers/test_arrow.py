"""Data sets of Hugging Face on disk: shards, halves, damage, and memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from made_pictures import FEATURES, RNG, fault, hf_table, picture, write_stream
from piescope.data.opening import open_pictures
from piescope.data.readers.arrow import pictures_of_arrow, pictures_of_parquet
from piescope.problems import DataError


def save_to_disk(root: Path, shards: list[pa.Table]) -> None:
    root.mkdir(parents=True)
    names = [f"data-{index:05d}-of-{len(shards):05d}.arrow" for index in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        write_stream(shard, root / name)
    (root / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    (root / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))


def test_save_to_disk_in_shards(tmp_path: Path) -> None:
    held = [picture(6 + index, 5) for index in range(5)]
    save_to_disk(tmp_path / "saved", [hf_table(held[:3], [0, 1, 0]), hf_table(held[3:], [1, 1])])
    pictures = open_pictures(str(tmp_path / "saved"))
    assert pictures.labels is not None and pictures.labels.tolist() == [0, 1, 0, 1, 1]
    assert pictures.class_names == ("cat", "dog") and pictures.ids[4] == "test-000004"
    for made, expected in zip(pictures.batch(2, 5), held[2:], strict=True):
        assert np.array_equal(made, expected)
    assert "datasets" not in sys.modules


def test_a_dict_of_halves(tmp_path: Path) -> None:
    root = tmp_path / "saved"
    save_to_disk(root / "train", [hf_table([picture()] * 3, [0, 1, 0])])
    save_to_disk(root / "validation", [hf_table([picture()] * 2, [0, 1])])
    (root / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    test, train = open_pictures(str(root)), open_pictures(f"train:{root}")
    assert (len(test), len(train)) == (2, 3) and any("validation" in note for note in test.notes)


def test_parquet_shards_are_read_a_row_group_at_a_time(tmp_path: Path) -> None:
    held = [picture(6 + index, 5) for index in range(9)]
    labels = [0, 1, 0, 1, 1, 0, 0, 1, 1]
    (tmp_path / "data").mkdir()
    for index, part in enumerate((slice(0, 5), slice(5, 9))):
        table = hf_table(held[part], labels[part], id=[f"p{row}" for row in range(9)[part]])
        parquet.write_table(table, tmp_path / "data" / f"test-{index:05d}-of-00002.parquet", row_group_size=2)
    parquet.write_table(hf_table([picture()], [0]), tmp_path / "data" / "train-00000-of-00001.parquet")
    pictures = open_pictures(str(tmp_path))
    assert pictures.labels is not None and pictures.labels.tolist() == labels
    assert list(pictures.ids) == [f"p{row}" for row in range(9)]
    for start, stop in ((0, 9), (3, 7), (8, 9), (1, 2), (0, 1)):
        for made, expected in zip(pictures.batch(start, stop), held[start:stop], strict=True):
            assert np.array_equal(made, expected)
    assert len(open_pictures(f"train:{tmp_path}")) == 1


@pytest.mark.sampled(3)
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """400 pictures of 1 MB in 100 row groups, walked through in a process that may not keep them."""
    noise = RNG.integers(0, 256, (580, 580, 3), dtype=np.uint8)
    table = hf_table([noise] * 4, [0, 1, 0, 1])
    with parquet.ParquetWriter(
        tmp_path / "test.parquet", table.schema, compression="none", use_dictionary=False
    ) as writer:
        for _ in range(60):
            writer.write_table(table)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from piescope.data.opening import open_pictures\n"
        f"pictures = open_pictures({str(tmp_path)!r})\n"
        "pictures.batch(0, 4)\n"
        "def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024\n"
        "before = peak()\n"
        "for start in range(0, len(pictures), 4): pictures.batch(start, start + 4)\n"
        "print(len(pictures), peak() - before, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, grown, torch = done.stdout.split()
    assert count == "240" and int(grown) < 100 and torch == "False"


def test_hidden_labels(tmp_path: Path) -> None:
    parquet.write_table(hf_table([picture()] * 2, [-1, -1]), tmp_path / "test.parquet")
    pictures = open_pictures(str(tmp_path))
    assert pictures.labels is None and any("no labels" in note for note in pictures.notes)
    parquet.write_table(hf_table([picture()] * 2, [-1, 1]), tmp_path / "test.parquet")
    assert "class ids" in fault(tmp_path)


def test_faults_of_hugging_face_folders(tmp_path: Path) -> None:
    elsewhere = hf_table([picture()], [0])
    kind = elsewhere.schema.field("image").type
    elsewhere = elsewhere.set_column(0, "image", pa.array([{"bytes": None, "path": "/home/someone/x.png"}], kind))
    parquet.write_table(elsewhere, tmp_path / "elsewhere.parquet")
    with pytest.raises(DataError, match="lies elsewhere"):
        open_pictures(str(tmp_path / "elsewhere.parquet")).batch(0, 1)
    parquet.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "text.parquet")
    assert "pictures" in fault(tmp_path / "text.parquet")
    root = tmp_path / "saved"
    save_to_disk(root, [hf_table([picture()], [0])])
    for state in (
        '{"_data_files": [{"filename": "../elsewhere.parquet"}]}',
        '{"_data_files": []}',
        "[]",
        "{",
        "[" * 100_000,
    ):
        (root / "state.json").write_text(state)
        fault(root)
    whole = hf_table([picture()] * 2, [0, 7])
    parquet.write_table(whole, tmp_path / "label.parquet")
    assert "class names" in fault(tmp_path / "label.parquet")
    (tmp_path / "only").mkdir()
    parquet.write_table(hf_table([picture()], [0]), tmp_path / "only" / "train-00000-of-00001.parquet")
    assert "train:" in fault(tmp_path / "only")


def test_offsets_that_lie_are_found_before_they_are_followed(tmp_path: Path) -> None:
    """Arrow would read beyond its buffers."""
    offsets = np.array([0, 1 << 30, 10], np.int32)
    column = pa.Array.from_buffers(pa.binary(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"x" * 10)])
    table = pa.table({"image": column})
    with pa.OSFile(str(tmp_path / "lie.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    assert "no whole table" in fault(tmp_path / "lie.arrow")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_pictures_that_unpack_to_far_more_than_their_file(kind: str, tmp_path: Path) -> None:
    rows = pa.table({"image": pa.array([bytes(10_000_000)] * 16), "label": [0, 1] * 8})
    path = tmp_path / f"test.{kind}"
    if kind == "parquet":
        parquet.write_table(rows, path, use_dictionary=False, compression="zstd")
        read = pictures_of_parquet
    else:
        with pa.ipc.new_file(path, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(rows)
        read = pictures_of_arrow
    with pytest.raises(DataError, match="rows that unpack to 160,"):
        read([path], "data", "test")
