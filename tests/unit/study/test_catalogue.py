"""What catalogue.json says of a study's folder."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from piescope.machine import processor
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
