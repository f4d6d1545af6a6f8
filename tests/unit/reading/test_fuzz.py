"""Every reader of the audit against what no one would write: it reads it or says what is wrong, and does nothing else.

`make fuzz` looks longer.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import tempfile
import unicodedata
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
from pyarrow import csv, parquet
from safetensors.numpy import save

from made_attacks import YARDSTICK
from made_predictions import (
    ARRAYS,
    TABLES,
    long_table,
    made,
    table_of_labels,
    table_of_lists,
    table_of_scores,
)
from piescope.auditing.metadata import read_metadata
from piescope.auditing.representations import read_points
from piescope.audits import audit
from piescope.problems import InputError
from piescope.reading.files import kind_of, named_files
from piescope.reading.hints import Hints
from piescope.reading.inputs import read_file, read_labels
from piescope.reading.labels import read_class_names

CALM = dict(deadline=None, derandomize=False, suppress_health_check=list(HealthCheck))
settings.register_profile("audit", max_examples=60, **CALM)
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
            seen = (letter for letter in str(error).replace("\n", "") if unicodedata.category(letter) != "Zs")
            assert all(map(str.isprintable, seen)), repr(str(error))
            assert len(str(error)) < 5000
            return error
    return None


def everything(path: Path, reading: Hints) -> Iterator[Callable[[], object]]:
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
        truth = read_labels(path, reading)
        codes = truth.codes.part(slice(None))
        assert codes.dtype == np.int32
        assert codes.min() >= 0
        assert truth.names is None or codes.max() < len(truth.names)
        assert truth.ids is None or len(truth.ids.to_pylist()) == truth.examples

    def metadata() -> None:
        table = read_metadata(path, reading)
        for group in table.groups:
            codes = group.codes.part(slice(None))
            assert len(codes) == table.examples
            assert 0 <= codes.min() <= codes.max() < len(group.values)

    def points() -> None:
        rows = read_points(path, reading)
        assert rows.array.part(slice(0, 2)).shape[1] == rows.dims

    yield predictions
    yield labels
    yield metadata
    yield points
    yield lambda: read_class_names(path)
    yield lambda: kind_of(path)


def read_all(name: str, content: bytes, reading: Hints | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        for read in everything(path, reading or Hints()):
            outcome(read)
        assert [file.name for file in Path(folder).iterdir()] == [name]


READINGS = some.builds(
    Hints,
    values=some.sampled_from([None, None, "labels", "probabilities", "logits", "correct"]),
    id_columns=some.sampled_from([(), (), ("id",), ("a",), ("", "id")]),
    prediction_columns=some.sampled_from([(), (), (), ("a",), ("prediction",)]),
    score_columns=some.sampled_from([(), (), (), ("a", "b")]),
    right_from=some.sampled_from([None, None, 0.5]),
    has_header=some.sampled_from([None, None, True, False]),
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
def test_any_bytes(start: bytes, rest: bytes, ending: str, reading: Hints) -> None:
    read_all(f"x{ending}", start + rest, reading)


@fuzzed
@given(
    text=some.text(some.sampled_from(list(",;\t|\"'\n\r 0123456789.-+eE{}[]:nulltrafsidNA\ufeff\x00é☃")), max_size=200),
    ending=some.sampled_from((".csv", ".tsv", ".txt", ".jsonl", ".json")),
    reading=READINGS,
)
def test_any_text(text: str, ending: str, reading: Hints) -> None:
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
def test_damaged_files(file: tuple[str, bytes], reading: Hints) -> None:
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
def columns(draw: some.DrawFn, of: int | None = None) -> tuple[list[str], list[pa.Array]]:
    rows = draw(some.sampled_from([0, 1, 2, 3, 3, 12])) if of is None else of
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
def test_any_table(drawn: tuple[list[str], list[pa.Array]], ending: str, reading: Hints) -> None:
    names, arrays = drawn
    content = as_bytes(pa.Table.from_arrays(arrays, names=names), ending)
    if content is not None:
        read_all(f"x.{'arrow' if ending == 'stream' else ending}", content, reading)


def test_letters_that_are_none_are_refused_in_every_binary_format(tmp_path: Path) -> None:
    offsets = pa.py_buffer(np.array([0, 1, 3], np.int32))
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"a\xff\xfe")])
    for names in (["prediction", "id", "label"], ["id", "prediction", "label"], ["label", "id", "prediction"]):
        table = pa.Table.from_arrays([bad, pa.array(["a", "b"]), pa.array(["a", "b"])], names=names)
        for ending in ("parquet", "arrow", "stream"):
            content = as_bytes(table, ending)
            assert content is not None
            path = tmp_path / f"x.{'arrow' if ending == 'stream' else ending}"
            path.write_bytes(content)
            error = outcome(lambda path=path: read_file(path, Hints()))
            assert error is not None
            assert "UTF8" in str(error)


# -- arrays -----------------------------------------------------------------------------------------------------------


DTYPES = ("?", "i1", "u1", "<i2", ">i4", "<i8", ">u8", "<f2", "<f4", ">f8", "<f8", "g", "<U3", ">U2", "S4", "O", "c8", "m8[s]", "M8[D]", "i4,f4", "V3")  # fmt: skip
SHAPES = some.lists(some.sampled_from([0, 1, 1, 2, 3, 3, 12]), max_size=4).map(tuple)


@some.composite
def arrays(draw: some.DrawFn) -> np.ndarray:
    shape = draw(SHAPES)
    dtype = np.dtype(draw(some.sampled_from(DTYPES)))
    random = np.random.default_rng(draw(some.integers(0, 1000)))
    if dtype.kind in "US":
        values = random.choice(["", "a", "cat", "0", "1"], shape).astype(dtype)
    elif dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = random.choice([0, 1, 0.5, 0.25, -1, np.nan, np.inf, 1e300], shape).astype(dtype)
    elif dtype.kind in "biu":
        values = random.choice([0, 1, 2, -1, 127, 2**31, 2**63 - 1], shape).astype(dtype)
    else:
        values = np.zeros(shape, dtype)
    return np.asfortranarray(values) if draw(some.booleans()) else values


ARRAY_NAMES = some.sampled_from(["x", "logits", "predictions", "labels", "ids", "y", "class_names", "embeddings", "../../x", "a\nb", "", "é"])  # fmt: skip
PLAIN = ("b1", "i1", "u1", "i2", "i8", "f2", "f4", "f8")


@fuzzed
@given(
    named=some.dictionaries(ARRAY_NAMES, arrays(), max_size=4),
    ending=some.sampled_from(["npy", "npz", "small", "safetensors"]),
    reading=READINGS,
)
def test_any_arrays(named: dict[str, np.ndarray], ending: str, reading: Hints) -> None:
    sink = io.BytesIO()
    match ending:
        case "npy" if named:
            np.save(sink, next(iter(named.values())), allow_pickle=True)
        case "npz" | "small":
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED if ending == "small" else zipfile.ZIP_STORED) as file:
                for name, values in named.items():
                    with file.open(f"{name}.npy", "w") as member:
                        np.lib.format.write_array(member, values, allow_pickle=True)
            ending = "npz"
        case "safetensors":
            plain = {name: values for name, values in named.items() if values.dtype.str[1:] in PLAIN}
            sink.write(
                save(
                    {
                        name: np.ascontiguousarray(values, values.dtype.newbyteorder("="))
                        for name, values in plain.items()
                    }
                )
            )
    read_all(f"x.{ending}", sink.getvalue(), reading)


HEADERS = some.sampled_from(["'<f4'", "'<i8'", "'|S0'", "'<U0'", "'|O'", "'<U1000000'", "'|V8'", "[('a', '<f4')]", "'<f4', 'x': 1", "None", "1", "'spam'", "'<f99'", "'>i4'", "('<f4', (3,))"])  # fmt: skip
SIZES = some.sampled_from(["(3,)", "(1, 3)", "()", "(1000000000000000,)", "(1000000000000000, 0)", "(-1,)", "(1.5,)", "(True,)", "3", "None", "'a'", "(99999999999999999999,)", "(99999999999999999999, 0)", "(1, 1, 1, 1, 1, 1)", "((1,),)", "10**15,"])  # fmt: skip


@fuzzed
@given(descr=HEADERS, shape=SIZES, order=some.sampled_from(["False", "True", "1", "None"]), wrapped=some.booleans(), data=some.binary(max_size=40))  # fmt: skip
def test_any_header_of_npy(descr: str, shape: str, order: str, wrapped: bool, data: bytes) -> None:
    content = npy_bytes(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}", data)
    if wrapped:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as archive:
            archive.writestr("x.npy", content)
        content = sink.getvalue()
    read_all("x.npz" if wrapped else "x.npy", content)


def npy_bytes(header: str, data: bytes) -> bytes:
    text = header.encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


TENSORS = some.fixed_dictionaries(
    {
        "dtype": some.sampled_from(["F32", "BF16", "I64", "BOOL", "F8_E4M3", "C64", "Q9", 1, None]),
        "shape": some.sampled_from([[3], [1, 3], [], [10**15], [10**15, 0], [-1], ["a"], None, [1.5]]),
        "data_offsets": some.sampled_from([[0, 12], [0, 0], [0, 4 * 10**15], [12, 0], [-1, 3], [0], None, [0, 24]]),
    }
)


@fuzzed
@given(
    tensors=some.dictionaries(
        some.sampled_from(["x", "logits", "__metadata__", "ids"]), TENSORS | some.none(), max_size=2
    ),
    length=some.sampled_from([None, None, None, 0, 2**40, 2**63]),
    data=some.sampled_from([b"", bytes(12), bytes(24)]),
)
def test_any_header_of_safetensors(tensors: dict[str, Any], length: int | None, data: bytes) -> None:
    header = json.dumps(tensors).encode()
    read_all("x.safetensors", struct.pack("<Q", len(header) if length is None else length) + header + data)


# -- names of files ---------------------------------------------------------------------------------------------------


@fuzzed
@given(
    text=some.text(some.sampled_from(list("ab*?[]!{}~.\\ \n\x00é-:@%$'\"")), max_size=12),
    repeats=some.sampled_from([1, 1, 1, 500]),
)
def test_any_name(text: str, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.csv").write_text("1\n0\n")
        (Path(folder) / "b").mkdir()
        name = f"{folder}/{text * repeats}"
        outcome(lambda: named_files(name, "dense"))
        outcome(lambda: audit(f"{name}x", np.array([0, 1]), labels=name, metadata=name))
        outcome(lambda: audit(np.array([0, 1]), np.array([0, 1]), labels=name))
        outcome(lambda: audit(np.array([0, 1]), np.array([0, 1]), metadata=name))
        outcome(lambda: audit(np.array([0, 1]), np.array([0, 1]), classes=name))
        outcome(lambda: audit(np.array([0, 1]), np.array([0, 1]), dense_embeddings=name, compressed_embeddings=name))


# -- whole audits -----------------------------------------------------------------------------------------------------


@fuzzed
@given(
    drawn=some.lists(columns(), min_size=1, max_size=3),
    as_one=some.booleans(),
    more=some.lists(some.sampled_from(["labels", "metadata", "common"]), max_size=3, unique=True),
)
def test_an_audit_of_any_tables_writes_all_or_nothing(
    drawn: list[tuple[list[str], list[pa.Array]]], as_one: bool, more: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for place, (names, values) in enumerate(drawn):
            content = as_bytes(pa.Table.from_arrays(values, names=names), "arrow")
            assert content is not None
            paths.append(Path(folder) / f"{place}.arrow")
            paths[-1].write_bytes(content)
        asked: dict[str, Any] = {what: True if what == "common" else paths[-1] for what in more}
        out = Path(folder) / "deep" / "out"
        dense, compressed = paths[0], paths[0] if as_one or len(paths) == 1 else paths[1]
        error = outcome(lambda: audit(dense, compressed, out=out, **asked))
        assert out.parent.exists() == out.exists() == (error is None)
        assert error or {path.name for path in out.iterdir()} == {
            "audit.json",
            "audit.md",
            "examples.parquet",
            "report.html",
        }


SIZES_OF_LOGITS = some.sampled_from([0.0, 1e-6, 1.0, 50.0, 1e4, 1e30])


@some.composite
def asked(draw: some.DrawFn) -> dict[str, Any]:
    """What fits together, with values at the edge of what is plausible."""
    examples, classes = draw(some.sampled_from([1, 2, 3, 12, 40])), draw(some.sampled_from([1, 2, 3, 5]))
    random = np.random.default_rng(draw(some.integers(0, 10**6)))
    kind = draw(some.sampled_from(["labels", "names", "probabilities", "saturated", "logits"]))

    def side() -> np.ndarray:
        models = draw(some.sampled_from([1, 1, 2, 6])) if examples > 6 else 1  # else axes are not to be told apart
        if kind in ("labels", "names"):
            labels = random.integers(0, classes, (models, examples))
            return np.array(["cat", "dog", "<b>", "a\nb", "=1"])[labels] if kind == "names" else labels
        with np.errstate(over="ignore"):
            logits = (random.normal(0, 1, (models, examples, classes)) * draw(SIZES_OF_LOGITS)).astype(np.float32)
        if kind == "logits":
            return logits
        odds = np.exp(np.clip(logits, -80, 80) - np.clip(logits, -80, 80).max(2, keepdims=True)).astype(np.float32)
        return (
            np.eye(classes, dtype=np.float32)[odds.argmax(2)]
            if kind == "saturated"
            else odds / odds.sum(2, keepdims=True)
        )

    what: dict[str, Any] = {"dense": side(), "compressed": side()}
    if kind in ("probabilities", "saturated", "logits"):
        what["values"] = "logits" if kind == "logits" else "probabilities"
        for side_name in ("dense", "compressed"):  # drawn at random, an axis of models would not be taken for one
            what[side_name] = dict(enumerate(what[side_name]))
    else:  # drawn at random, they agree by chance: nothing but the user tells that they are models
        what["values"] = "labels"
    if draw(some.booleans()):
        truth = random.integers(0, classes, examples)
        what["labels"] = np.array(["cat", "dog", "<b>", "a\nb", "=1"])[truth] if kind == "names" else truth
    if draw(some.booleans()):
        what["metadata"] = draw(columns(examples))
    if draw(some.booleans()):
        scale = draw(SIZES_OF_LOGITS)
        for name in ("dense_embeddings", "compressed_embeddings"):
            what[name] = (random.normal(0, 1, (examples, draw(some.sampled_from([1, 2, 8])))) * scale).astype(
                np.float32
            )
    return what


@settings(fuzzed, max_examples=fuzzed.max_examples // 4)
@given(what=asked())
def test_what_is_plausible_is_audited(what: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("dense_embeddings", "compressed_embeddings"):
            if name in what:
                np.save(Path(folder) / f"{name}.npy", what[name])
                what[name] = Path(folder) / f"{name}.npy"
        if "metadata" in what:
            names, values = what["metadata"]
            content = as_bytes(pa.Table.from_arrays(values, names=names), "arrow")
            assert content is not None
            what["metadata"] = Path(folder) / "metadata.arrow"
            what["metadata"].write_bytes(content)
        out = Path(folder) / "out"
        error = outcome(lambda: audit(out=out, **what))
        if error is not None:
            assert error.source == "metadata.arrow" or rightly_strange(what, error), str(error)
            assert not out.exists()


def rightly_strange(what: dict[str, Any], error: InputError) -> bool:
    """By chance a side answers nothing but what no label names: with few classes, or one score an example."""
    if "no true label ever names it" not in str(error):
        return False
    strange = re.search(r"'(.*)' answered for", str(error))
    return strange is not None and strange[1] not in set(map(str, what["labels"]))


# -- bombs ------------------------------------------------------------------------------------------------------------


def lying_npz(path: Path, says: int, holds: int) -> None:
    """A compressed member whose directory says another size than it unpacks to."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        text = npy_bytes(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({says - 128},), }}", b"")
        assert len(text) == 128
        archive.writestr("x.npy", text + bytes(holds - len(text)))
    content = bytearray(sink.getvalue())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", says)
    path.write_bytes(content)


def bombs(folder: Path) -> Iterator[str]:
    """Files that promise, or unpack to, more than any machine has; and some that are merely absurd."""

    def text(name: str, content: str | bytes) -> str:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def arrow(name: str, columns: dict[str, pa.Array]) -> str:
        schema = pa.schema({key: value.type for key, value in columns.items()})
        with pa.ipc.new_file(folder / name, schema, options=pa.ipc.IpcWriteOptions(allow_64bit=True)) as writer:
            writer.write_batch(pa.record_batch(list(columns.values()), list(columns)))
        return name

    for name, descr, shape in (
        ("promised", "<f4", (10**15,)),
        ("nothing", "|S0", (10**15,)),
        ("empty", "<f4", (10**15, 0)),
    ):
        yield text(
            f"{name}.npy", npy_bytes(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}", bytes(100))
        )
    lying_npz(folder / "huge.npz", 2**32 - 2, 2**20)
    yield "huge.npz"
    lying_npz(folder / "more.npz", 2**20, 2**27)
    yield "more.npz"
    header = json.dumps({"x": {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}}).encode()
    yield text("promised.safetensors", struct.pack("<Q", len(header)) + header)
    yield text("header.safetensors", struct.pack("<Q", 2**30) + b"{" + bytes(100))
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        for ending in ("json", "jsonl"):
            yield text(f"deep{len(opened)}.{ending}", '{"id": ' + opened * 100_000 + "1" + closed * 100_000 + "}")
    yield text("null.jsonl", "null")  # crashes Arrow's parser
    yield text("line.csv", b"id,prediction\n" + b"a" * 100_000_000)
    yield text("quote.csv", b'id,prediction\n"' + b"a" * 100_000_000)
    yield text("only.csv", b"a" * 100_000_000)
    yield text("line.jsonl", b'{"id": "' + b"a" * 100_000_000)
    yield text("columns.csv", ",".join(f"c{n}" for n in range(100_000)) + "\n" + ",".join(["0.5"] * 100_000) + "\n")
    yield text("columns.json", json.dumps([{f"c{n}": 1 for n in range(100_000)}]))
    yield text("names.csv", "prediction\n" + "".join(f"name{n}\n" for n in range(100_000)))
    with (folder / "large.json").open("wb") as file:
        file.write(b"[" + b" " * 1000)
        file.truncate(2**40)
    yield "large.json"
    yield arrow("nulls.arrow", {"prediction": pa.Array.from_buffers(pa.null(), 10**12, [None])})
    ends = pa.array([10**12], pa.int64())
    yield arrow("runs.arrow", {"prediction": pa.RunEndEncodedArray.from_arrays(ends, pa.array([1]))})
    many, long = pa.array(np.zeros(100_000, np.int8)), pa.array(["a" * 1_000_000])
    repeated = pa.DictionaryArray.from_arrays(many, long)
    yield arrow("text.arrow", {"prediction": repeated})
    parquet.write_table(pa.table({"prediction": repeated}), folder / "text.parquet", store_schema=False)
    yield "text.parquet"
    packed = {"compression": "zstd", "use_dictionary": False, "row_group_size": 2**20}
    page = pa.table({"prediction": ["a" * 100_000] * 2_000})
    parquet.write_table(page, folder / "page.parquet", data_page_size=2**31 - 1, **packed)
    yield "page.parquet"
    ids = pa.table({"id": [f"{n}" * 300 for n in range(100_000)], "prediction": many})
    parquet.write_table(ids, folder / "ids.parquet", **packed)
    yield "ids.parquet"
    zeros = pa.table({"prediction": np.zeros(2**24 + 1)})
    for codec, new in (("zstd", pa.ipc.new_file), ("lz4", pa.ipc.new_stream)):
        with new(folder / f"{codec}.arrow", zeros.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_table(zeros)
        yield f"{codec}.arrow"
    yield text("lists.json", "[" + "[],{}," * 4_000_000 + "[]]")
    yield text("own.json", json.dumps([{f"k{n}": 1} for n in range(20_000)]))
    yield text("own.jsonl", "\n".join(json.dumps({f"k{n}-{m}": 1 for m in range(50)}) for n in range(2_000)))
    yield text("within.jsonl", "\n".join(json.dumps({"a": {f"k{n}-{m}": 1 for m in range(300)}}) for n in range(300)))
    lists = pa.ListArray.from_arrays(pa.array([0, 2**23], pa.int32()), pa.array(np.zeros(2**23, np.float32)))
    parquet.write_table(pa.table({"logits": lists}), folder / "list.parquet")
    yield "list.parquet"


READ_EACH = f"""
import sys, time
{YARDSTICK}
from pathlib import Path
from piescope.auditing.representations import read_points
from piescope.auditing.metadata import read_metadata
from piescope.reading.labels import read_class_names
from piescope.reading.hints import Hints
from piescope.reading.inputs import read_file, read_labels
from piescope.problems import InputError

def class_names(path, _reading):
    return read_class_names(path)

def peak():
    "MB of this program alone; ru_maxrss would begin with what its parent held."
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

unit = yardstick()
for name in sys.argv[1:]:
    for read in (read_file, read_labels, read_metadata, read_points, class_names):
        start = time.process_time()
        try:
            read(Path(name), Hints())
            said = "read"
        except InputError as error:
            said = str(error).replace(chr(10), " ")[:90]
        taken, megabytes = time.process_time() - start, peak()
        print(name, read.__name__, taken, megabytes, said, sep="\\t", flush=True)
print(max(unit, yardstick()))
"""

LIMIT_MB = 500
LIMIT_YARDSTICKS = 16
"""Half a second of a processor each, where the yardstick was made."""


@pytest.mark.sampled(8, heavy=True)
def test_bombs_are_refused_in_seconds_and_without_memory(tmp_path: Path) -> None:
    names = list(bombs(tmp_path))
    command = [sys.executable, "-c", READ_EACH, *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    *rows, unit = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 5 * len(names)
    read = set()
    for name, reader, seconds, megabytes, said in rows:
        assert float(seconds) / float(unit[0]) < LIMIT_YARDSTICKS, (name, reader, seconds)
        assert int(megabytes) < LIMIT_MB, "\n".join(done.stdout.splitlines())
        if said == "read":
            read.add((name, reader))
        else:
            assert said.startswith(name), (name, reader, said)
    assert read == {
        ("null.jsonl", "class_names"),
        ("list.parquet", "read_points"),
    }  # a class named null, 8 million dims


# -- what would run code ----------------------------------------------------------------------------------------------


class Touch:
    """Its pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.path}'",)


def evil_files(touched: Path) -> Iterator[bytes]:
    """Pickles, alone, in arrays, and in the metadata of Arrow's extension types (CVE-2023-47248)."""
    for protocol in range(6):
        yield pickle.dumps(Touch(touched), protocol)
    sink = io.BytesIO()
    np.save(sink, np.array([Touch(touched)], object), allow_pickle=True)
    yield sink.getvalue()
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archived = io.BytesIO()
        with zipfile.ZipFile(archived, "w", compression) as archive:
            archive.writestr("predictions.npy", sink.getvalue())
        yield archived.getvalue()
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Touch(touched)),
    }
    schema = pa.schema([pa.field("prediction", pa.int64(), metadata=metadata)])
    for ending in ("arrow", "stream", "parquet"):
        content = as_bytes(pa.Table.from_arrays([pa.array([1, 0])], schema=schema), ending)
        assert content is not None
        yield content


def test_nothing_is_ever_executed(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    os.system(f"touch '{touched}'")  # what the pickles would do
    assert touched.exists()
    touched.unlink()
    for content in evil_files(touched):
        for ending in (*ENDINGS, ".pkl", ".pt", ".bin", ""):
            read_all(f"x{ending}", content)
            path = tmp_path / f"y{ending}"
            path.write_bytes(content)
            outcome(lambda path=path: audit(path, path))
            assert not touched.exists(), (ending, content)
