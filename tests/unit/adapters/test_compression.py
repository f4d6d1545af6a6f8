"""What is asked for, as it is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piescope.adapters.compression import kept_of_groups, parse_compressions
from piescope.problems import InputError


def test_the_syntax() -> None:
    made = parse_compressions("magnitude:0.5,0.7 random:.5 + int8+2:4  n:m:1:8")
    assert [each.name for each in made] == ["magnitude 0.5", "magnitude 0.7", "random 0.5", "int8", "2:4", "1:8"]
    assert [each.method for each in made] == ["magnitude", "magnitude", "random", "int8", "n:m", "n:m"]
    assert [each.amount for each in made] == [0.5, 0.7, 0.5, None, 0.5, 0.875]
    assert [each.folder for each in made] == ["magnitude-0.5", "magnitude-0.7", "random-0.5", "int8", "2-4", "1-8"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("magnitude:90", "write 0.9 for 90 %"),
        ("magnitude:1", "between 0 and 1"),
        ("magnitude:0", "between 0 and 1"),
        ("magnitude:-0.5", "between 0 and 1"),
        ("magnitude:nan", "between 0 and 1"),
        ("magnitude:inf", "between 0 and 1"),
        ("magnitude", "no amount"),
        ("magnitude:0.5,", "no amount"),
        ("magnitud:0.5", "did you mean 'magnitude:0.5'"),
        ("int4", "did you mean 'int8'"),
        ("int8:4", "unknown compression"),
        ("4:2", "n below m"),
        ("4:4", "n below m"),
        ("0:4", "n below m"),
        ("2:9999", "m up to"),
        ("magnitude:0.5,0.5", "twice"),
        ("2:4 n:m:2:4", "twice"),
        ("", "nothing"),
        ("+", "nothing"),
    ],
)
def test_what_is_no_compression(text: str, word: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_compressions(text)
    assert word in str(caught.value) and "cure" in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), st.text("magnitudermint8:,.0123456789+- enE", max_size=30)))
def test_any_text_is_compressions_or_a_fault(text: str) -> None:
    try:
        made = parse_compressions(text)
    except InputError as error:
        assert "cure" in str(error)
        return
    assert made and all(each.amount is None or 0 < each.amount < 1 for each in made)
    assert len({each.folder for each in made}) == len(made)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda method, amount: f"{method}:{amount!r}",
                st.sampled_from(["magnitude", "random"]),
                st.floats(0.001, 0.999),
            ),
            st.just("int8"),
            st.builds(lambda keep, more: f"{keep}:{keep + more}", st.integers(1, 8), st.integers(1, 8)),
        ),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    st.sampled_from([" ", "+", " + ", "\n"]),
)
def test_what_is_written_is_read(parts: list[str], between: str) -> None:
    made = parse_compressions(between.join(parts))
    assert [each.name.replace(" ", ":") for each in made] == parts


@pytest.mark.parametrize(("keep", "group"), [(2, 4), (1, 4), (1, 2), (3, 8)])
def test_groups_against_a_slow_loop(keep: int, group: int) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 16, 2, 2)).round(1)
    kept = kept_of_groups(weights, 1, keep, group)
    for out in range(3):
        for row in range(2):
            for column in range(2):
                for start in range(0, 16, group):
                    inside = range(start, start + group)
                    order = sorted(inside, key=lambda channel: (abs(weights[out, channel, row, column]), channel))
                    expected = set(order[group - keep :])
                    assert {channel for channel in inside if kept[out, channel, row, column]} == expected
    assert kept.sum() == weights.size * keep // group
    with pytest.raises(ValueError, match="multiple"):
        kept_of_groups(weights, 0, keep, group)
