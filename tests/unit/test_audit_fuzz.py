"""Every reader of the audit against what no one would write: it reads it or says what is wrong, and does nothing else.

`PIESCOPE_FUZZ=audit-long pytest tests/unit/test_audit_fuzz.py` looks longer.
"""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from made_predictions import (
    ARRAYS,
    TABLES,
    as_csv,
    as_parquet,
    long_table,
    made,
    table_of_labels,
    table_of_lists,
    table_of_scores,
)
from pyarrow import csv, parquet

from piescope.audits import audit
from piescope.auditing.arrays import open_npy, open_npz, open_safetensors
from piescope.auditing.embeddings import read_points
from piescope.auditing.files import kind_of, named_files
from piescope.auditing.groups import read_metadata
from piescope.auditing.labels import read_class_names
from piescope.auditing.predictions import Reading, read_file, read_labels
from piescope.auditing.tables import open_table
from piescope.problems import InputError

CALM = dict(deadline=None, derandomize=False, suppress_health_check=list(HealthCheck))
settings.register_profile("audit", max_examples=40, **CALM)
settings.register_profile("audit-long", max_examples=4000, **CALM)
fuzzed = settings(settings.get_profile(os.environ.get("PIESCOPE_FUZZ", "audit")))

PATIENCE = 20
"""Seconds that one file may take, on a busy machine."""

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".arrow", ".feather", ".npy", ".npz", ".safetensors")


@contextmanager
def no_hang() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError(f"not done after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(read: Callable[[], object]) -> InputError | None:
    """None: it was read; else the message, which says all it should. Anything else fails the test."""
    with no_hang():
        try:
            read()
        except InputError as error:
            assert error.source
            assert error.problems
            for problem in error.problems:
                assert problem.where and problem.found and problem.expected and problem.cure, str(error)
            assert str(error).replace("\n", "").isprintable(), repr(str(error))
            assert len(str(error)) < 5000
            return error
    return None


def everything(path: Path, reading: Reading) -> Iterator[Callable[[], object]]:
    """Each way in which a file can be read, to its last value."""

    def predictions() -> None:
        for part in read_file(path, reading):
            assert part.examples > 0
            for rows in (slice(0, 2), np.array([part.examples - 1])):
                said = part.labels(rows) if part.values == "labels" else part.scores(rows)
                assert said.shape[0] == len(part.models)
            assert part.ids is None or len(part.ids.to_pylist()) == part.examples
            if part.truth is not None:
                assert part.truth.codes.part(slice(None)).max(initial=-1) <= part.truth.largest

    def labels() -> None:
        found = read_labels(path, reading)
        codes = found.codes.part(slice(None))
        assert codes.dtype == np.int32
        assert codes.min() >= 0
        assert found.names is None or codes.max() < len(found.names)
        assert found.ids is None or len(found.ids.to_pylist()) == found.examples

    def metadata() -> None:
        found = read_metadata(path, reading)
        for group in found.groups:
            codes = group.codes.part(slice(None))
            assert len(codes) == found.examples
            assert 0 <= codes.min() <= codes.max() < len(group.values)

    def points() -> None:
        found = read_points(path, reading)
        assert found.array.part(slice(0, 2)).shape[1] == found.dims

    yield predictions
    yield labels
    yield metadata
    yield points
    yield lambda: read_class_names(path)
    yield lambda: kind_of(path)


def read_all(name: str, content: bytes, reading: Reading | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        for read in everything(path, reading or Reading()):
            outcome(read)
        assert [each.name for each in Path(folder).iterdir()] == [name]


READINGS = some.builds(
    Reading,
    values=some.sampled_from([None, None, "labels", "probabilities", "logits"]),
    id_column=some.sampled_from([None, None, "id", "a", ""]),
    label_column=some.sampled_from([None, None, "label", "a", "id"]),
    examples=some.sampled_from([None, None, 1, 3, 12]),
)


# -- bytes ------------------------------------------------------------------------------------------------------------


STARTS = (
    b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", b"\x93NUMPY\x03\x00", b"PK\x03\x04", b"PK\x05\x06", b"PAR1", b"ARROW1\x00\x00",
    b"\xff\xff\xff\xff", b"\x80\x04", b"\x1f\x8b", b"\xef\xbb\xbf", b"\xff\xfe", b"{", b"[", b'"', b"id,prediction\n", b"a;b\n1;", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
)  # fmt: skip


@fuzzed
@given(
    start=some.sampled_from(STARTS), rest=some.binary(max_size=300), ending=some.sampled_from(ENDINGS), reading=READINGS
)
def test_any_bytes(start: bytes, rest: bytes, ending: str, reading: Reading) -> None:
    read_all(f"x{ending}", start + rest, reading)


@fuzzed
@given(
    text=some.text(some.sampled_from(list(",;\t|\"'\n\r 0123456789.-+eE{}[]:nulltrafsidNA\ufeff\x00é☃")), max_size=200),
    ending=some.sampled_from((".csv", ".tsv", ".txt", ".jsonl", ".json")),
    reading=READINGS,
)
def test_any_text(text: str, ending: str, reading: Reading) -> None:
    read_all(f"x{ending}", text.encode(), reading)


@cache
def valid_files() -> dict[str, bytes]:
    """A file of every format and layout."""
    data = made(examples=12, models=2)
    tables = {
        "labels": table_of_labels(data, "dense"),
        "names": table_of_labels(data, "dense", names=True),
        "scores": table_of_scores(data, "dense"),
        "lists": table_of_lists(data, "dense"),
        "long": long_table(data, "dense"),
    }
    arrays = {"models": data.labels("dense"), "three axes": data.dense, "logits": np.log(data.dense[0])}
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, (ending, write) in TABLES.items():
            for layout, table in tables.items():
                if layout == "lists" and ending in ("csv", "tsv"):
                    continue
                files[f"{kind} {layout}.{ending}"] = write(table, Path(folder) / f"{kind}.{ending}").read_bytes()
        for codec in ("gzip", "brotli", "zstd", "lz4"):
            place = Path(folder) / "packed.parquet"
            parquet.write_table(tables["scores"], place, compression=codec, data_page_version="2.0")
            files[f"parquet {codec}.parquet"] = place.read_bytes()
        for kind, (ending, write_array) in ARRAYS.items():
            for layout, array in arrays.items():
                place = Path(folder) / f"{kind}.{ending}".replace(" ", "-")
                files[f"{kind} {layout}.{ending}"] = write_array(array, place).read_bytes()
    return files


@some.composite
def damaged(draw: some.DrawFn) -> tuple[str, bytes]:
    files = valid_files()
    name = draw(some.sampled_from(sorted(files)))
    content = bytearray(files[name])
    for _ in range(draw(some.integers(1, 4))):
        if not content:
            break
        at = draw(
            some.integers(0, len(content) - 1)
            | some.integers(0, min(200, len(content) - 1))
            | some.integers(max(0, len(content) - 400), len(content) - 1)
        )
        length = draw(some.integers(1, 40))
        match draw(
            some.sampled_from(
                ("flip", "flip", "set", "set", "cut", "drop", "repeat", "zero tail", "splice", "insert", "number")
            )
        ):
            case "flip":
                content[at] ^= 1 << draw(some.integers(0, 7))
            case "set":
                content[at] = draw(
                    some.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x0A, 0x2C]) | some.integers(0, 255)
                )
            case "cut":
                del content[at:]
            case "drop":
                del content[at : at + length]
            case "repeat":
                content[at:at] = content[at : at + length] * draw(some.sampled_from([1, 2, 50]))
            case "zero tail":
                content[at:] = bytes(len(content) - at)
            case "splice":
                other = files[draw(some.sampled_from(sorted(files)))]
                content[:at] = other[:at]
            case "insert":
                content[at:at] = draw(some.binary(max_size=20))
            case "number":
                number = draw(some.sampled_from([0, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 10**15]))
                content[at : at + 8] = struct.pack("<q", number)[: draw(some.sampled_from([4, 8]))]
    return f"x.{name.rpartition('.')[2]}", bytes(content)


@fuzzed
@given(file=damaged(), reading=READINGS)
def test_damaged_files(file: tuple[str, bytes], reading: Reading) -> None:
    read_all(*file, reading)


# -- tables -----------------------------------------------------------------------------------------------------------


NAMES = some.sampled_from(
    [
        "id",
        "ID ",
        "",
        "a",
        "b",
        "a",
        "label",
        "prediction",
        "model",
        "true_label",
        "prob_cat",
        "prob_dog",
        "0",
        "1",
        "embedding",
        "confidence",
        "x\ny",
        "é☃",
        "\x00",
        "n" * 500,
        "<script>",
        "__index_level_0__",
    ]
)
NUMBERS = some.sampled_from([0, 1, 2, -1, 127]) | some.integers(-128, 127)
HUGE = some.sampled_from([0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
FRACTIONS = some.sampled_from(
    [0.0, 1.0, 0.5, 0.25, -1.5, float("nan"), float("inf"), -float("inf"), 1e30, 1e-30, 65504.0]
)
TEXTS = some.sampled_from(["", " ", "cat", "dog", "a", "0", "1", "1.5", "nan", "\n", "é☃", "=1+1", "x" * 1000, "\x00"])
DAYS = some.integers(-100, 20000)

TYPES: dict[str, tuple[pa.DataType, some.SearchStrategy[Any]]] = {
    "int8": (pa.int8(), NUMBERS),
    "int64": (pa.int64(), HUGE),
    "uint64": (pa.uint64(), some.sampled_from([0, 1, 2**64 - 1])),
    "ids": (pa.int32(), some.integers(0, 10**6)),
    "half": (pa.float16(), some.sampled_from([0.0, 1.0, 0.5, float("nan"), float("inf")])),
    "float": (pa.float32(), FRACTIONS),
    "double": (pa.float64(), FRACTIONS | some.sampled_from([1e300])),
    "bool": (pa.bool_(), some.booleans()),
    "null": (pa.null(), some.none()),
    "string": (pa.string(), TEXTS),
    "large string": (pa.large_string(), TEXTS),
    "string view": (pa.string_view(), TEXTS),
    "binary": (pa.binary(), some.binary(max_size=5)),
    "fixed binary": (pa.binary(2), some.binary(min_size=2, max_size=2)),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), TEXTS),
    "dictionary of large": (pa.dictionary(pa.int8(), pa.large_string()), TEXTS),
    "dictionary of numbers": (pa.dictionary(pa.int8(), pa.float64()), some.sampled_from([0.5, 1.0, float("nan")])),
    "decimal": (pa.decimal128(20, 2), some.sampled_from([Decimal("0.5"), Decimal(1), Decimal(-3), Decimal(10**15)])),
    "decimal 256": (pa.decimal256(60, 0), some.sampled_from([Decimal(0), Decimal(1), Decimal(10**40)])),
    "timestamp": (pa.timestamp("us", "UTC"), DAYS),
    "naive timestamp": (pa.timestamp("ns"), DAYS),
    "date": (pa.date32(), DAYS),
    "time": (pa.time64("us"), DAYS.map(abs)),
    "duration": (pa.duration("s"), DAYS),
    "list": (pa.list_(pa.float32()), some.lists(FRACTIONS | some.none(), max_size=3)),
    "list of two": (pa.list_(pa.float64()), some.lists(FRACTIONS, min_size=2, max_size=2)),
    "large list": (pa.large_list(pa.int64()), some.lists(HUGE, min_size=2, max_size=2)),
    "fixed list": (pa.list_(pa.float32(), 2), some.lists(FRACTIONS | some.none(), min_size=2, max_size=2)),
    "fixed list of none": (pa.list_(pa.float32(), 0), some.just([])),
    "list view": (pa.list_view(pa.float32()), some.lists(FRACTIONS, min_size=2, max_size=2)),
    "nested": (pa.list_(pa.list_(pa.float32())), some.lists(some.lists(FRACTIONS, max_size=2), max_size=2)),
    "list of text": (pa.list_(pa.string()), some.lists(TEXTS, max_size=2)),
    "struct": (pa.struct({"cat": pa.float32(), "dog": pa.float32()}), some.fixed_dictionaries({"cat": FRACTIONS | some.none(), "dog": FRACTIONS})),
    "struct of text": (pa.struct({"cat": pa.string(), "dog": pa.int64()}), some.fixed_dictionaries({"cat": TEXTS, "dog": HUGE})),
    "struct of one name": (pa.struct([("cat", pa.float32()), ("cat", pa.float32())]), some.none()),
    "empty struct": (pa.struct([]), some.just({})),
    "map": (pa.map_(pa.string(), pa.float32()), some.lists(some.tuples(TEXTS, FRACTIONS), max_size=2)),
    "interval": (pa.month_day_nano_interval(), some.just((1, 2, 3))),
    "run ends": (pa.run_end_encoded(pa.int32(), pa.int64()), NUMBERS),
}  # fmt: skip


@some.composite
def columns(draw: some.DrawFn) -> tuple[list[str], list[pa.Array]]:
    rows = draw(some.sampled_from([0, 1, 2, 3, 3, 12]))
    names = draw(some.lists(NAMES, min_size=0, max_size=5))
    arrays = []
    for _ in names:
        kind, values = TYPES[draw(some.sampled_from(sorted(TYPES)))]
        has_nulls = draw(some.booleans()) and draw(some.booleans())
        cells = draw(some.lists(values | some.none() if has_nulls else values, min_size=rows, max_size=rows))
        if pa.types.is_run_end_encoded(kind):
            ends = pa.array(range(1, rows + 1), pa.int32())
            arrays.append(pa.RunEndEncodedArray.from_arrays(ends, pa.array(cells, kind.value_type)))
        else:
            arrays.append(pa.array(cells, kind))
    return names, arrays


def as_bytes(table: pa.Table, ending: str) -> bytes | None:
    """The table in a format; None where it cannot hold such columns."""
    sink = io.BytesIO()
    try:
        match ending:
            case "csv":
                csv.write_csv(table, sink)
            case "parquet":
                parquet.write_table(table, sink)
            case "arrow":
                with pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table)
            case "stream":
                with pa.ipc.new_stream(sink, table.schema) as writer:
                    writer.write_table(table)
            case "jsonl":
                rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
                return "".join(
                    json.dumps(dict(zip(table.schema.names, row, strict=True)), default=str) + "\n" for row in rows
                ).encode()
            case "json":
                return json.dumps(
                    {name: column.to_pylist() for name, column in zip(table.schema.names, table.columns, strict=True)},
                    default=str,
                ).encode()
    except (pa.ArrowException, ValueError, OSError, TypeError, OverflowError):
        return None
    return sink.getvalue()


@fuzzed
@given(
    drawn=columns(), ending=some.sampled_from(["csv", "parquet", "arrow", "stream", "jsonl", "json"]), reading=READINGS
)
def test_any_table(drawn: tuple[list[str], list[pa.Array]], ending: str, reading: Reading) -> None:
    names, arrays = drawn
    content = as_bytes(pa.Table.from_arrays(arrays, names=names), ending)
    if content is not None:
        read_all(f"x.{'arrow' if ending == 'stream' else ending}", content, reading)
