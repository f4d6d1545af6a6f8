"""Makes what ships finished: studies for `piescope show`, and the predictions of `piescope audit --demo`.

python docs/results/ship.py run DIR NAME   keeps a finished run in docs/results/NAME: `piescope run NAME --out DIR`
python docs/results/ship.py page NAME      the page that ships, anew, from what docs/results/NAME keeps
python docs/results/ship.py demo DIR       DIR: a finished run of digits

A run is kept as it was left, without what no report reads (weights, most predictions, kNN labels), and is compared with
the run before it is written: every number that a report reads is the run's. Where none is kept, the page has the words
and tables of docs/results/NAME.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from piescope.cli.reports import write_card
from piescope.data.sources import load_digits
from piescope.report.study.results import Results, load_results
from piescope.runs import write_page
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import Catalogue
from piescope.study.finished_studies import SUFFIX, unpack

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "piescope"
KEPT = "run.zip.zst"
FINISHED, DEMO = PACKAGE / "study" / "finished", PACKAGE / "auditing" / "demo"
DEMO_MODELS = {"dense": "supervised dense, seed 0: predict", "pruned": "supervised gmp 0.95, seed 0: predict"}
"""The first dense model of the study, and the first that was pruned to 95 % while it was trained: none was picked."""
LARGEST_FIGURE = 500_000
"""Characters of a figure that ships."""
UNQUOTED = " /:=;,.'()!*@$+[]|^"
"""What a data URI in double quotes may have as it is."""


def pack(folder: Path, files: list[Path]) -> bytes:
    """Some files of a folder as one; equal files give equal bytes (for one version of Arrow)."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:  # compressed together: the files repeat each other
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    packed: bytes = pa.Codec("zstd", compression_level=22).compress(held.getvalue(), asbytes=True)
    return packed


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


def page_of_words(name: str) -> bytes:
    """The words, tables and pictures of docs/results/NAME as one file."""
    from markdown_it import MarkdownIt

    folder = HERE / name
    text = re.sub(r"<!--.*?-->\n", "", (folder / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    body = MarkdownIt("commonmark").enable("table").render(text)

    def picture(found: re.Match[str]) -> str:
        drawn = (folder / found[1]).read_text(encoding="utf-8")
        if len(drawn) > LARGEST_FIGURE:
            return f"<em>{found[2]}: a figure of {len(drawn) / 1e6:.1f} MB, left out here.</em>"
        return f'<img src="data:image/svg+xml,{quote(drawn, safe=UNQUOTED)}" alt="{found[2]}">'

    body = re.sub(r'<img src="(figures/[\w.-]+)" alt="([^"]*)" />', picture, body)
    body = re.sub(r'<a href="(?:\.\./\.\./[^"]*|figures)">(.*?)</a>', r"\1", body)  # these are not shipped
    body = re.sub(r"<table>.*?</table>", r'<div class="wide">\g<0></div>', body, flags=re.DOTALL)
    return (HERE / "page.html").read_text(encoding="utf-8").format(title=name, body=body).encode()


def pack_page(name: str) -> bytes:
    """The page that ships, with the tables and the study beside it."""
    folder = HERE / name
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / name
        if (folder / KEPT).is_file():
            unpack((folder / KEPT).read_bytes(), place)
            assert write_page(place) is not None
            write_card(place)
            tables = list((layout.results(place) / "tables").glob("*.csv"))
        else:
            shutil.copytree(folder, place)
            layout.report(place).write_bytes(page_of_words(name))
            tables = list((place / "tables").glob("*.csv"))
        cards = filter(Path.is_file, [layout.card(place)])
        return pack(place, [layout.report(place), layout.study(place), *cards, *tables])


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
