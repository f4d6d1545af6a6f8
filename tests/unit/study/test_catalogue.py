"""What catalogue.json says of a study's folder."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from piescope.machine import processor, today
from piescope.store import layout
from piescope.study.steps import LIBRARIES


def test_the_catalogue_tells_on_what_every_step_was_made(stored_run: Path) -> None:
    """Its models come from elsewhere, and were compared here."""
    here, elsewhere = json.loads(layout.catalogue(stored_run).read_bytes())["environments"]
    assert elsewhere["cpu"] == "stored"
    assert here["processor"] == processor() != ""
    cpuinfo = Path("/proc/cpuinfo")
    assert not cpuinfo.is_file() or "model name" not in cpuinfo.read_text() or here["processor"] in cpuinfo.read_text()
    assert here["libraries"] == {name: version(name) for name in LIBRARIES}
    assert {"numpy", "scipy", "scikit-learn", "faiss-cpu", "umap-learn", "numba"} == set(here["libraries"])


def test_the_day_is_in_utc_or_what_builds_that_are_to_be_equal_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 86_399.0)
    for epoch, day in (("", "1970-01-01"), ("86400", "1970-01-02"), ("yesterday", "1970-01-01")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        assert today() == day
