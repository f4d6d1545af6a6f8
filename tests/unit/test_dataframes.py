"""Tables for people: pandas where it is, Arrow always."""

from __future__ import annotations

import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from piescope.dataframes import as_dataframe, table_of

ROWS = pa.table({"class": ["cat", "dog", "猫"], "lost": [3, 0, None]})


def test_where_pandas_is_it_is_a_data_frame() -> None:
    rows = as_dataframe(ROWS)
    assert isinstance(rows, pd.DataFrame)
    assert rows["class"].tolist() == ["cat", "dog", "猫"]


@pytest.fixture
def without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)


@pytest.mark.usefixtures("without_pandas")
def test_where_it_is_not_it_is_an_arrow_table() -> None:
    rows = as_dataframe(ROWS)
    assert isinstance(rows, pa.Table)
    assert rows.equals(ROWS)


def test_a_pandas_that_knows_no_arrow_stream_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pd.DataFrame, "__arrow_c_stream__")
    assert isinstance(as_dataframe(ROWS), pa.Table)


@pytest.mark.parametrize("has_pandas", [True, False])
def test_others_take_either_up_through_arrows_interface(has_pandas: bool, request: pytest.FixtureRequest) -> None:
    if not has_pandas:
        request.getfixturevalue("without_pandas")
    rows = as_dataframe(ROWS)
    stream = pa.RecordBatchReader.from_stream(rows).read_all()
    assert stream["class"].to_pylist() == ["cat", "dog", "猫"]
    lost = duckdb.sql("select sum(lost), count(*) from rows where \"class\" <> 'dog'").fetchall()
    assert lost == [(3, 2)]


def test_columns_are_those_asked_for_also_of_no_rows() -> None:
    assert table_of([], ["class", "low"]).column_names == ["class", "low"]
    rows = table_of([{"class": "cat", "low": None, "more": 1}], ["low", "class"])
    assert rows.schema == pa.schema({"low": pa.float64(), "class": pa.string()})
    assert rows.to_pylist() == [{"low": None, "class": "cat"}]
