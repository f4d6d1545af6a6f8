"""Makes what ships finished: studies for `piescope show`, and the predictions of `piescope audit --demo`.

python docs/results/ship.py run DIR NAME   keeps a finished run in docs/results/NAME: `piescope run NAME --out DIR`
python docs/results/ship.py page NAME      the page that ships, anew, from what docs/results/NAME keeps
python docs/results/ship.py demo DIR       DIR: a finished run of digits

A run is kept as it was left, without what no report reads (weights, most predictions, kNN labels), and is compared with
the run before it is written: every number that a report reads is the run's. Of a long one there is what replicates.py
keeps.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import replicates

from piescope.cli.reports import write_card
from piescope.data.sources import load_digits
from piescope.report.study.results import Results, load_results
from piescope.runs import write_page
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import Catalogue
from piescope.study.finished_studies import SUFFIX, unpack
from piescope.study.parse import load_study

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "piescope"
KEPT = "run.zip.zst"
FINISHED, DEMO = PACKAGE / "study" / "finished", PACKAGE / "auditing" / "demo"
DEMO_MODELS = {"dense": "supervised dense, seed 0: predict", "pruned": "supervised gmp 0.95, seed 0: predict"}
"""The first dense model of the study, and the first that was pruned to 95 % while it was trained: none was picked."""


def pack(folder: Path, files: list[Path]) -> bytes:
    """Some files of a folder as one; equal files give equal bytes (for one version of Arrow)."""
    return replicates.packed({path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)})


def keep(run: Path) -> bytes:
    """What a report needs of a run, checked against it."""
    catalogue = Catalogue.of(layout.catalogue(run).read_bytes())
    theirs = load_results(run)
    assert not catalogue.missing and catalogue.data is not None and theirs is not None, "the run is not finished"
    steps = [("data", catalogue.data)]
    steps += [("compare", arm.compare) for arm in catalogue.arms]
    steps += [("project", arm.project) for arm in catalogue.arms if arm.project is not None]
    steps += [("predict", arm.predictions[0].key) for arm in theirs.arms if arm.is_dense and arm.predictions]
    files = [path for kind, key in dict.fromkeys(steps) for path in layout.artefact(run, kind, key).iterdir()]
    packed = pack(run, [layout.catalogue(run), layout.study(run), *files])
    with tempfile.TemporaryDirectory() as scratch:
        unpack(packed, Path(scratch) / "again")
        ours = load_results(Path(scratch) / "again")
        assert ours is not None
        check_equal(ours, theirs)
    return packed


def check_equal(ours: Results, theirs: Results) -> None:
    """Refuses a copy that differs from the run in anything that a report reads."""
    assert (ours.study, ours.data, ours.environments) == (theirs.study, theirs.data, theirs.environments)
    for one, other in zip(ours.arms, theirs.arms, strict=True):
        assert (one.key, one.summary) == (other.key, other.summary)
        for name in one.columns.keys() | other.columns.keys():
            np.testing.assert_array_equal(one.columns[name], other.columns[name])
        for name in one.models.keys() | other.models.keys():
            np.testing.assert_array_equal(one.models[name], other.models[name])
        if one.predictions:  # of pruned arms none are kept
            np.testing.assert_array_equal(one.representations(), other.representations())


def pack_page(name: str) -> bytes:
    """The page that ships, with the tables, the card and the study beside it."""
    kept = HERE / name / KEPT
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / name
        if kept.is_file():
            unpack(kept.read_bytes(), place)
            assert write_page(place) is not None
        else:
            replicates.build(load_study(name), replicates.pieces_of(name), place)
        write_card(place)
        tables = (layout.results(place) / "tables").glob("*.csv")
        return pack(place, [layout.report(place), layout.study(place), layout.card(place), *tables])


def demo_of(run: Path) -> dict[str, bytes]:
    """Each side's probabilities as CSV, with four decimals: what it says is what it said."""
    store, test = Store(run), load_digits().test
    labelled = {json.loads(path.read_bytes())["label"]: path.parent.name for path in store.manifests()}
    files = {}
    for side, label in DEMO_MODELS.items():
        logits = store.load("predict", labelled[label]).tensors(layout.PREDICTIONS)["logits"].astype(float)
        chances = np.exp(logits - logits.max(1, keepdims=True))
        chances = (chances / chances.sum(1, keepdims=True)).round(4)
        assert (chances.argmax(1) == logits.argmax(1)).all()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["id", *test.class_names])
        writer.writerows(
            [name, *(f"{chance:g}" for chance in row)] for name, row in zip(test.ids, chances, strict=True)
        )
        files[f"{side}.csv"] = text.getvalue().encode()
    return files


def main(what: str, *rest: str) -> None:
    """Does one of the three."""
    if what == "demo":
        written = {DEMO / name: content for name, content in demo_of(Path(rest[0])).items()}
    elif what == "run":
        written = {HERE / rest[1] / KEPT: keep(Path(rest[0]))}
    else:
        written = {FINISHED / f"{rest[0]}{SUFFIX}": pack_page(rest[0])}
    for path, content in written.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        sys.stdout.write(f"{path}: {len(content):,} bytes\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
