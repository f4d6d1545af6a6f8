"""Every try of a step is kept with its reason; damaged and old records are no hindrance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from piescope.store import failures, layout

KEY = "0123456789abcdef" * 2


def fail(out: Path, reason: str, may_pass: bool = True) -> failures.Failure:
    return failures.record(out, KEY, "a step", reason, f"Traceback: {reason} \ud800", may_pass)


def test_tries_are_counted_until_they_are_forgiven(tmp_path: Path) -> None:
    assert [fail(tmp_path, reason).is_final for reason in ("hung", "died", "hung")] == [False, False, True]
    failures.forgive(tmp_path)
    forgiven = failures.failure_of(tmp_path, KEY)
    assert forgiven is not None and not forgiven.is_final and forgiven.reason == "hung"
    again = fail(tmp_path, "died")
    assert [each.reason for each in again.tries] == ["hung", "died", "hung", "died"] and again.counted == 1
    assert layout.log(tmp_path, KEY).read_text().count("Traceback") == 4
    failures.clear(tmp_path, KEY)
    assert failures.failure_of(tmp_path, KEY) is None and not layout.log(tmp_path, KEY).exists()
    failures.clear(tmp_path, KEY)


def test_notes_are_found_among_traces_and_each_is_told_once(tmp_path: Path) -> None:
    label, other = "a step (of [odd] letters", "a step (of"
    fail(tmp_path, "died")
    for line in ("the first", "the second", "the first"):
        failures.note(tmp_path, KEY, label, line)
    failures.record(tmp_path, KEY, label, "hung", f"Traceback:\n{label}: no note", may_pass=True)
    assert failures.notes(tmp_path, KEY, label) == ["the first", "the second"]
    assert failures.notes(tmp_path, KEY, other) == []
    layout.log(tmp_path, KEY).unlink()
    assert failures.notes(tmp_path, KEY, label) == []


def test_what_will_not_pass_is_final_at_once(tmp_path: Path) -> None:
    assert fail(tmp_path, "ValueError", may_pass=False).is_final


def test_records_of_earlier_versions_are_read_and_count_as_forgiven(tmp_path: Path) -> None:
    path = layout.failure(tmp_path, KEY)
    path.parent.mkdir()
    path.write_text(json.dumps({"label": "a step", "reason": "it was", "time": "2026-01-01T00:00:00+00:00"}))
    old = failures.failure_of(tmp_path, KEY)
    assert old is not None and not old.is_final and old.reason == "it was"
    failures.forgive(tmp_path)
    assert fail(tmp_path, "now").counted == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"label": 3}'])
def test_damaged_records_are_none(tmp_path: Path, content: bytes) -> None:
    path = layout.failure(tmp_path, KEY)
    path.parent.mkdir()
    path.write_bytes(content)
    assert failures.failure_of(tmp_path, KEY) is None
    failures.forgive(tmp_path)
    assert fail(tmp_path, "now").counted == 1
