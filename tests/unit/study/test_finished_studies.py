"""The studies that ship finished: unpacked once, whole, and what a run left."""

from __future__ import annotations

import csv
import importlib
import os
import re
import sys
from html import escape
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import piescope
from conftest import Run, run_program, run_python
from piescope.report.study.answer import answer
from piescope.report.study.results import load_results
from piescope.report.study.signal import Signal
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import Catalogue
from piescope.study import finished_studies as shipped
from piescope.study.catalogue import catalogue_of
from piescope.study.folder import study_of
from piescope.study.parse import load_study
from piescope.study.plan import make_plan

DOCUMENTS = Path(__file__).parents[3] / "docs" / "results"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def ship(code: str) -> str:
    """What a line of docs/results/ship.py says."""
    env = {**os.environ, "PYTHONPATH": str(DOCUMENTS)}
    done = run_program(
        [sys.executable, "-c", f"import ship, sys\nfrom pathlib import Path\nsys.stdout.write({code})"], env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of digits that the documents keep; nobody writes to it."""
    place = tmp_path_factory.mktemp("kept") / "digits"
    shipped.unpack((DOCUMENTS / "digits" / "run.zip.zst").read_bytes(), place)
    return place


@pytest.fixture
def kept_replicates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/results/replicates.py."""
    monkeypatch.syspath_prepend(str(DOCUMENTS))
    return importlib.import_module("replicates")


def test_the_kept_run_is_the_whole_study_as_it_is_built_in(kept: Path) -> None:
    results = load_results(kept)  # checks the hash of every file
    assert results is not None and not results.missing
    assert {arm.key for arm in results.arms} == {
        (item.arm.objective, item.arm.pruning, item.arm.sparsity) for item in make_plan(load_study("digits")).arms
    }
    assert results.images.shape == (797, 1, 8, 8)
    assert all((arm.representations() is not None) == arm.is_dense for arm in results.arms)
    told = catalogue_of(make_plan(study_of(kept)), Store(kept))  # its steps are those of this version
    assert not told.missing and [arm.compare for arm in told.arms] == [
        arm.compare for arm in Catalogue.of(layout.catalogue(kept).read_bytes()).arms
    ]


def test_the_page_of_digits_says_what_the_kept_run_says(cache: Path, kept: Path) -> None:
    page = layout.report(shipped.unpacked("digits")).read_text(encoding="utf-8")
    results = load_results(kept)
    assert results is not None
    signal = Signal(results)
    said = answer(results, signal)
    assert f">{escape(said.sentence)}<" in page and said.verdict.text in page, "run docs/results/ship.py page digits"
    assert f"piescope {piescope.__version__}" in page, "run docs/results/ship.py page digits"
    assert page.count("data:image/") > 20 and "default-src 'none'" in page
    with (shipped.unpacked("digits") / "results" / "tables" / "noise.csv").open(encoding="utf-8") as file:
        assert [int(row["pies"]) for row in csv.DictReader(file)] == [row.pies for row in signal.rows.noise]


def test_it_is_unpacked_once_and_what_a_killed_process_left_goes(cache: Path) -> None:
    (cache / "finished").mkdir(parents=True)
    child = run_python("import os; print(os.getpid())")
    left = cache / "finished" / f".tmp-digits-x-{int(child.stdout)}-0123abcd"
    left.mkdir()
    first = shipped.unpacked("cifar10-small")
    (first / "mine").touch()
    assert shipped.unpacked("cifar10-small") == first and (first / "mine").exists()
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_cache_that_cannot_be_written_is_said(cache: Path) -> None:
    cache.touch()
    with pytest.raises(OSError, match="cache"):
        shipped.unpacked("digits")


def test_what_ships_of_a_long_study_is_what_its_models_say(cache: Path, kept_replicates: ModuleType) -> None:
    folder, documents = shipped.unpacked("cifar10-small"), DOCUMENTS / "cifar10-small"
    page = layout.report(folder).read_text(encoding="utf-8")
    assert f"piescope {piescope.__version__}" in page, "run docs/results/ship.py page cifar10-small"
    assert page.count("data:image/") > 20 and "default-src 'none'" in page and layout.card(folder).is_file()
    for path in documents.glob("tables/*.csv"):
        assert (layout.results(folder) / path.relative_to(documents)).read_bytes() == path.read_bytes(), path
    assert layout.study(folder).read_bytes() == (documents / "study.toml").read_bytes()

    pieces = kept_replicates.pieces_of("cifar10-small")
    assert sum(map(len, pieces)) < 25e6
    arrays = [kept_replicates.unpacked(piece)[0] for piece in pieces]

    def modal(arm: str) -> np.ndarray:
        labels = np.concatenate([each[f"{arm}/labels"] for each in arrays])
        return np.asarray((labels[:, :, None] == np.arange(10)).sum(0).argmax(1))

    with (documents / "tables" / "pies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(make_plan(load_study("cifar10-small")).arms)
    for row in rows:
        sparsity = f" {float(row['sparsity']):g}" if float(row["sparsity"]) else ""
        own = modal(f"{row['objective']} {row['pruning']}{sparsity}")
        assert int(row["pies"]) == (own != modal(f"{row['objective']} dense")).sum()


def told_of_fewer() -> list[tuple[int, str, str]]:
    """What the page of the long study says that fewer models said."""
    with (DOCUMENTS / "cifar10-small" / "history.csv").open(encoding="utf-8") as file:
        return [(int(models), claim, verdict) for models, claim, verdict in list(csv.reader(file))[1:]]


def test_what_fewer_models_said_is_told_of_every_piece(kept_replicates: ModuleType) -> None:
    pieces = [kept_replicates.unpacked(piece)[1] for piece in kept_replicates.pieces_of("cifar10-small")]
    models = np.cumsum([len(piece["models"]["supervised dense"]) for piece in pieces]).tolist()
    told = told_of_fewer()
    assert [(number, claim) for number, claim, _ in told] == [
        (number, f"C{claim}") for number in models[:-1] for claim in range(1, 16)
    ], "run docs/results/replicates.py history cifar10-small"


@pytest.mark.sampled(8, heavy=True)
def test_what_fewer_models_said_is_what_their_answers_say_now(
    cifar10: Path, kept_replicates: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIESCOPE_DATA", str(cifar10))
    first = kept_replicates.history("cifar10-small", kept_replicates.pieces_of("cifar10-small")[:2])
    assert first and first == told_of_fewer()[: len(first)], "run docs/results/replicates.py history cifar10-small"


@pytest.mark.sampled(8, heavy=True)
def test_keeping_again_gives_the_same(kept: Path, tmp_path: Path) -> None:
    """So a run that is kept anew differs only where it is another one."""
    shipped.unpack(bytes.fromhex(ship(f"ship.keep(Path({str(kept)!r})).hex()")), tmp_path / "again")
    files = {
        folder: {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (kept, tmp_path / "again")
    }
    assert len(files[kept]) > 100
    assert files[kept] == files[tmp_path / "again"]


@pytest.mark.sampled(8, heavy=True)
def test_replicates_that_were_kept_one_by_one_are_the_run_again(
    tiny_run: Run, tmp_path: Path, kept_replicates: ModuleType
) -> None:
    pieces = [kept_replicates.keep(tiny_run.out, str(tiny_run.study), place, place) for place in (0, 1)]
    out = tmp_path / "again"
    kept_replicates.build(load_study(str(tiny_run.study)), pieces, out)
    ours, theirs = load_results(out), load_results(tiny_run.out)
    assert ours is not None and theirs is not None and len(ours.arms) == len(theirs.arms) > 5
    assert (ours.study, ours.data, ours.environments) == (theirs.study, theirs.data, theirs.environments)
    scored = re.compile(r"(?:.*_)?(?:q|z|l1|q_aaai24)")  # in 128 levels of each model's range; all else is as it was
    for one, other in zip(ours.arms, theirs.arms, strict=True):
        assert one.key == other.key and one.summary.pies == other.summary.pies
        assert one.summary.models == other.summary.models and one.seeds == other.seeds
        pairs = [(name, one.columns[name], other.columns[name]) for name in other.columns]
        for name, mine, their in [*pairs, *((name, one.models[name], other.models[name]) for name in other.models)]:
            if not scored.fullmatch(name):
                np.testing.assert_array_equal(mine, their, err_msg=name)
            elif name in ("z", "l1", "q_aaai24"):
                levels = np.ptp(their, axis=1, keepdims=True) / 127
                assert (np.abs(mine - their) <= 0.501 * levels + 1e-6).all(), name
            else:
                np.testing.assert_allclose(mine, their, atol=0.02 * np.ptp(their), err_msg=name)
        np.testing.assert_array_equal(one.embedding, other.embedding)
    tables = [layout.results(run) / "tables" for run in (out, tiny_run.out)]
    for name in ("noise", "decomposition", "overlap", "class_impact", "prediction_depth", "pies"):
        assert (tables[0] / f"{name}.csv").read_bytes() == (tables[1] / f"{name}.csv").read_bytes()
    with pytest.raises(AssertionError, match="1 models are kept, the study has 2"):
        kept_replicates.build(load_study(str(tiny_run.study)), pieces[:1], tmp_path / "half")


def test_a_piece_of_a_study_has_the_whole_study_s_models(tmp_path: Path, kept_replicates: ModuleType) -> None:
    whole, piece = tmp_path / "whole.toml", tmp_path / "piece.toml"
    fresh = '[controls.fresh_dense]\nkind = "fresh_dense"\nfirst_seed = 100\n'
    whole.write_text(f'extends = "digits"\nname = "grows"\nreplicates = 6\n{fresh}')
    models = {str(item.arm): [step.key for step in item.models] for item in make_plan(load_study(str(whole))).arms}
    for first, last in ((0, 1), (2, 5)):
        piece.write_text(kept_replicates.piece_of(str(whole), first, last))
        study = load_study(str(piece))
        assert study.name == "grows"
        for item in make_plan(study).arms:
            assert [step.key for step in item.models] == models[str(item.arm)][first : last + 1]
    with pytest.raises(AssertionError, match="has replicates 0 to 5"):
        kept_replicates.piece_of(str(whole), 4, 6)
    with pytest.raises(AssertionError, match="fresh_dense needs a first_seed"):
        kept_replicates.piece_of("digits", 0, 1)
