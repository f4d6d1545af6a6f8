"""Pickles are read and not carried out: plain values come back, anything else is described, refused or damaged."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from conftest import LONG
from piescope.adapters.pickled_tensors import NoTensor, RunsCodeError, followed

PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: (
        some.lists(inner)
        | some.dictionaries(some.text() | some.integers(), inner)
        | some.lists(inner, max_size=6).map(tuple)
    ),
)


@given(value=PLAIN, protocol=some.integers(2, 5))
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    assert followed(io.BytesIO(pickle.dumps(value, protocol))) == value


def test_values_as_deep_as_pickle_writes_them_and_no_mark_after_mark() -> None:
    nested: Any = 0
    for _ in range(200):
        nested = [1, {"a": 1, "b": nested}]  # two marks each
    written = pickle.dumps(nested, 2)
    assert pickle.dumps(followed(io.BytesIO(written)), 2) == written
    marks = b"\x80\x02" + b"(" * 10_000 + b"t" * 10_000 + b"."
    assert followed(io.BytesIO(marks)) != 0
    with pytest.raises(ValueError, match="more than 10,000 values within each other"):
        followed(io.BytesIO(marks.replace(b"(t", b"((tt")))


def test_values_that_are_shared_and_dicts_in_order() -> None:
    shared = [1]
    read = followed(io.BytesIO(pickle.dumps(OrderedDict(b=shared, a=shared), 2)))
    assert list(read) == ["b", "a"] and read["a"] is read["b"]
    assert followed(io.BytesIO(pickle.dumps({"x": {1, 2}, "y": b"\x00", "z": complex(1, 2)}, 2)))["x"] == NoTensor()


@pytest.mark.parametrize("value", [print, eval, io.BytesIO, ValueError("x"), range(3), pytest.approx])
def test_whatever_would_be_called_is_refused_by_its_name(value: Any) -> None:
    for protocol in (2, 4):
        with pytest.raises(RunsCodeError, match=r"^\w+(\.\w+)+$"):
            followed(io.BytesIO(pickle.dumps(value, protocol)))


def test_a_dict_that_is_read_from_a_list_takes_it(recwarn: pytest.WarningsRecorder) -> None:
    """One long list, and thousands of calls that would each copy it."""
    many = b"]q\x00(" + b"X\x01\x00\x00\x00aK\x01\x86" * 1000 + b"e"
    call = b"ccollections\nOrderedDict\nh\x00\x85R"
    read = followed(io.BytesIO(b"\x80\x02]" + many + b"a" + b"(" + call * 3 + b"e."))
    assert read == [[], {"a": 1}, {}, {}]


@settings(max_examples=200 * LONG)
@given(content=some.binary(max_size=200), start=some.sampled_from([b"", b"\x80\x02", b"\x80\x02}(X\x01\x00\x00\x00a"]))
def test_any_bytes_are_a_value_or_a_fault(content: bytes, start: bytes) -> None:
    try:
        followed(io.BytesIO(start + content))
    except (ValueError, RunsCodeError):
        return
