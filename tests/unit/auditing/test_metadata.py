"""Groups of a metadata file: categories as they are, numbers in quarters, and what is no group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from piescope.auditing.metadata import MOST_VALUES, NONE, Metadata, read_metadata
from piescope.problems import InputError
from piescope.reading.hints import Hints


def read(folder: Path, **columns: Any) -> Metadata:
    path = folder / "meta.parquet"
    parquet.write_table(pa.table(columns), path)
    return read_metadata(path, Hints())


def members(metadata: Metadata, place: int = 0) -> list[str]:
    """The group of each example."""
    group = metadata.groups[place]
    return [group.values[code] for code in group.codes.part(slice(None))]


def test_texts_are_groups_in_their_order_and_empty_cells_are_one(tmp_path: Path) -> None:
    metadata = read(tmp_path, id=["p", "q", "r", "s"], camera=["right", None, " left ", "right"])
    (group,) = metadata.groups
    assert (group.column, group.values) == ("camera", (NONE, "left", "right"))
    assert members(metadata) == ["right", NONE, "left", "right"]
    assert metadata.examples == 4 and metadata.ids.to_pylist() == ["p", "q", "r", "s"]


def test_few_whole_numbers_are_categories(tmp_path: Path) -> None:
    metadata = read(tmp_path, age=[3, 1, None, 12, 3])
    assert metadata.groups[0].values == ("1", "3", "12", NONE)
    assert members(metadata) == ["3", "1", NONE, "12", "3"]


def test_many_numbers_are_cut_into_quarters(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).permutation(400) + 0.5
    metadata = read(tmp_path, size=np.append(numbers, np.nan))
    (group,) = metadata.groups
    assert len(group.values) == 5 and group.values[-1] == NONE
    assert group.values[0].startswith("up to ") and group.values[3].startswith("above ")
    codes = group.codes.part(slice(None))
    assert np.bincount(codes).tolist() == [100, 100, 100, 100, 1]
    lowest = [numbers[codes[:-1] == code].min() for code in range(4)]
    assert lowest == sorted(lowest) and members(metadata)[-1] == NONE


def test_ends_that_are_close_get_as_many_digits_as_tell_them_apart(tmp_path: Path) -> None:
    metadata = read(tmp_path, time=1_000_000 + np.arange(100) / 100)
    assert len(set(metadata.groups[0].values)) == 4 and "1000000.2" in metadata.groups[0].values[0]


def test_columns_of_names_are_left_out_and_told(tmp_path: Path) -> None:
    texts = [f"address {row}" for row in range(MOST_VALUES + 1)]
    metadata = read(tmp_path, address=texts, camera=["left"] * len(texts))
    assert [group.column for group in metadata.groups] == ["camera"]
    assert any("'address' is not used: more than 200 different values" in note for note in metadata.notes)


@pytest.mark.parametrize(
    "columns", [{"address": [f"{row} x" for row in range(300)]}, {"numbers": [None, float("nan")]}]
)
def test_a_file_without_any_group_is_refused(tmp_path: Path, columns: dict[str, list[Any]]) -> None:
    with pytest.raises(InputError, match="is not used"):
        read(tmp_path, **columns)


def test_arrays_and_empty_tables_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "meta.npy", np.zeros(3))
    with pytest.raises(InputError, match="a npy file"):
        read_metadata(tmp_path / "meta.npy", Hints())
    with pytest.raises(InputError, match="at least one example"):
        read(tmp_path, camera=pa.array([], pa.string()))
