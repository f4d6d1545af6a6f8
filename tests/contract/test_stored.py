"""Files that earlier versions wrote: they are read, and written again they are the same bytes.

`stored/` has catalogues of three studies: `tests/small.toml`, also with what was run in it; one with a recipe, controls, maps, named
seeds and an arm that is not done; one of two processors, the older of which was not recorded.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import SMALL, Run, run_piescope
from piescope.cli.app import app
from piescope.report.study.frames import load_results
from piescope.store import layout
from piescope.store.artefacts import as_json
from piescope.store.catalogue import Catalogue, ControlOf
from piescope.study.calibrate import Forecast

STORED = Path(__file__).parent / "stored"
CATALOGUES = sorted(STORED.glob("catalogue-*.json"))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_read_and_written_again_byte_for_byte(path: Path) -> None:
    content = path.read_bytes()
    catalogue = Catalogue.of(content)
    assert catalogue.as_bytes() == content
    said = json.loads(content)
    assert [arm.compare for arm in catalogue.arms] == [arm["compare"] for arm in said["arms"]]
    assert [(arm.objective, arm.pruning, arm.sparsity) for arm in catalogue.missing] == [
        (arm["objective"], arm["pruning"], arm["sparsity"]) for arm in said["missing"]
    ]


def test_the_catalogues_have_everything_that_one_can_say() -> None:
    small, everything, processors = (
        Catalogue.of((STORED / f"catalogue-{name}.json").read_bytes())
        for name in ("small", "everything", "two-processors")
    )
    assert small.recipe is None
    assert everything.recipe is not None
    assert {each.origin for each in everything.recipe.departures} >= {"text", "code", None}
    kinds = {arm.control.kind for arm in everything.arms if arm.control is not None}
    assert kinds == {"fresh_dense", "finetune_only", "random_masks"}
    assert ControlOf(kind="finetune_only", of="one_shot") in [arm.control for arm in everything.arms]
    assert everything.missing
    assert [arm for arm in everything.arms if arm.project is not None]
    assert [arm for arm in everything.arms if arm.project is None]
    assert small.described is everything.described is None
    described = Catalogue.of((STORED / "catalogue-described.json").read_bytes()).described
    assert described is not None
    assert described.name == "small"
    assert {environment.processor is None for environment in processors.environments} == {True, False}


def test_results_of_a_catalogue_that_does_not_say_what_was_run_name_the_command_that_writes_it(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = small_run.copy(tmp_path / "out")
    whole = layout.catalogue(out).read_bytes()
    assert load_results(out) is not None
    older = json.loads(whole)
    del older["described"]
    layout.catalogue(out).write_bytes(as_json(older))
    with pytest.raises(ValueError, match=r"`piescope report .*` writes it anew"):
        load_results(out)
    monkeypatch.setattr("piescope.study.calibrate.forecast", lambda plan, workers: Forecast(60.0, 10**9))
    assert CliRunner().invoke(app, ["plan", str(SMALL), "--out", str(out)]).exit_code == 0
    assert run_piescope("report", out).returncode == 0
    assert layout.catalogue(out).read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"study": "mine"}', CATALOGUES[0].read_bytes()[:-20]])
def test_what_is_no_catalogue_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="Catalogue"):
        Catalogue.of(content)
