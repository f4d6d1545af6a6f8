"""Pages as their headers tell, against pyarrow's own view of whole files; damaged ones end in ValueError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pyarrow import parquet

from conftest import LONG
from piescope import parquet_pages
from piescope.parquet_pages import chunks_of, held_at_once

RANDOM = np.random.default_rng(0)
TABLE = pa.table(
    {
        "id": [f"example {number}" for number in range(5_000)],
        "label": pa.array(["cat", "dog"] * 2_500).dictionary_encode(),
        "truth": pa.array(RANDOM.random(5_000) < 0.5),
        "score": RANDOM.normal(size=5_000),
        "few": pa.array([None, 1] * 2_500, pa.int32()),
        "logits": pa.array(RANDOM.normal(size=(5_000, 3)).tolist(), pa.list_(pa.float32())),
        "both": [{"a": 1, "b": "x"}] * 5_000,
        "empty": pa.nulls(5_000, pa.float64()),
    }
)
WAYS: list[dict[str, Any]] = [
    {},
    {"compression": "zstd", "use_dictionary": False},
    {"compression": None, "row_group_size": 700},
    {"data_page_version": "2.0", "data_page_size": 1_000},
    {"write_page_index": True, "write_statistics": False, "write_page_checksum": True},
    {"column_encoding": {"score": "BYTE_STREAM_SPLIT"}, "use_dictionary": ["id"]},
]


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_sizes_are_those_that_were_written(how: dict[str, Any], tmp_path: Path) -> None:
    parquet.write_table(TABLE, path := tmp_path / "a.parquet", **how)
    metadata = parquet.ParquetFile(path).metadata
    written = [
        metadata.row_group(group).column(at)
        for group in range(metadata.num_row_groups)
        for at in range(metadata.num_columns)
    ]
    chunks = chunks_of(path, TABLE.column_names)
    assert len(chunks) == len(written)
    for chunk, known in zip(chunks, written, strict=True):
        assert chunk.column == known.path_in_schema.split(".")[0]
        assert chunk.values == known.num_values
        headers = known.total_uncompressed_size - chunk.unpacked
        assert 0 < headers < 0.9 * known.total_uncompressed_size or headers < 400  # which count there, and not here
        assert chunk.page <= chunk.unpacked
        assert (chunk.dictionary > 0) == (known.has_dictionary_page and chunk.column != "empty")
    assert chunks_of(path, ["score"]) == [chunk for chunk in chunks if chunk.column == "score"]
    assert 0 < held_at_once(chunks) <= 2 * sum(chunk.unpacked for chunk in chunks)
    assert held_at_once([]) == 0


def test_a_page_of_very_many_equal_texts(tmp_path: Path) -> None:
    texts = pa.table({"a": pa.array(["a" * 1_000] * 10_000)})
    parquet.write_table(
        texts, path := tmp_path / "a.parquet", use_dictionary=False, compression="zstd", data_page_size=2**30
    )
    (chunk,) = chunks_of(path, ["a"])
    assert chunk.page > 10_000_000 > 100 * path.stat().st_size


def test_pages_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet.write_table(TABLE.select(["score"]), path := tmp_path / "a.parquet", data_page_size=1, write_batch_size=1)
    assert chunks_of(path, ["score"])
    monkeypatch.setattr(parquet_pages, "MOST_PAGES", 100)
    monkeypatch.setattr(parquet_pages, "LEAST_PAGE", 1_000)
    with pytest.raises(ValueError, match=r"\d pages in"):
        chunks_of(path, ["score"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "whole.parquet"
    parquet.write_table(TABLE.slice(0, 50), path)
    return path


@settings(max_examples=300 * LONG)
@given(data=some.data())
def test_any_damage_is_a_value_error_or_facts(whole: Path, data: some.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for _ in range(data.draw(some.integers(1, 4))):
        content[data.draw(some.integers(footer, len(content) - 5) | some.integers(0, footer))] = data.draw(
            some.integers(0, 255)
        )
    path = whole.with_name("damaged.parquet")
    path.write_bytes(content[: data.draw(some.sampled_from([len(content)] * 3 + [len(content) // 2, 12, 3]))])
    try:
        for chunk in chunks_of(path, TABLE.column_names):
            assert chunk.page >= 0 and chunk.unpacked >= 0
    except ValueError:
        return
