"""An audit as a value: its rows, with and without a folder."""

from __future__ import annotations

import gc
import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import piescope
from piescope.problems import InputError
from piescope.report.audit.headlines import headline
from piescope.store import audit_layout

DENSE, COPY, TRUTH = [0, 1, 1, 0, 2, 2], [0, 1, 0, 1, 2, 0], [0, 1, 1, 1, 2, 1]


def rows(table: object) -> list[dict[str, object]]:
    return list(pa.table(table).to_pylist())


@pytest.mark.parametrize("has_folder", [True, False])
def test_rows_are_there_with_a_folder_and_without_one(has_folder: bool, tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH, out=tmp_path / "out" if has_folder else None)
    assert found.folder == (tmp_path / "out" if has_folder else None)
    assert [row["dense_label"] for row in rows(found.examples)] == [str(label) for label in DENSE]
    assert rows(found.pies) == [
        {"example_id": "2", "true": "1", "before": "1", "after": "0", "kind": "lost", "confirmed": False},
        {"example_id": "3", "true": "1", "before": "0", "after": "1", "kind": "won back", "confirmed": False},
        {"example_id": "5", "true": "1", "before": "2", "after": "0", "kind": "moved", "confirmed": False},
    ]


def test_tables_of_an_audit_have_columns_of_the_kinds_that_a_studys_have() -> None:
    from piescope.report.study.frames import PIES

    found = pa.table(piescope.audit(DENSE, COPY, labels=TRUTH).pies).schema
    text = (pa.string(), pa.large_string())
    for field in found:
        of_studies = PIES.field(field.name).type
        assert (field.type in text) if of_studies == pa.string() else (field.type == of_studies), field


def test_classes_are_those_of_the_answers(tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    classes = rows(found.classes)
    assert next(iter(classes[0])) == "class"
    assert [row["class"] for row in classes] == [row.name for row in found.record.classes]
    for row, told in zip(classes, found["classes"], strict=True):
        assert {name: row[name] for name in told} == told


def test_without_true_labels_examples_changed_and_no_class_lost() -> None:
    found = piescope.audit(DENSE, COPY)
    assert {row["kind"] for row in rows(found.pies)} == {"changed"}
    assert {row["true"] for row in rows(found.pies)} == {None}
    assert len(found.classes) == 0 and "impact" in pa.table(found.classes).column_names


def test_pies_are_as_many_as_the_answers_say() -> None:
    random = np.random.default_rng(0)
    dense, copy, truth = random.integers(0, 3, (3, 5000))
    found = piescope.audit(dense, copy, labels=truth)
    kinds = [row["kind"] for row in rows(found.pies)]
    flips = found.record.flips
    assert flips is not None
    assert len(kinds) == found.record.changed
    assert kinds.count("lost") == flips.correct_to_wrong and kinds.count("won back") == flips.wrong_to_correct


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """What audits without a folder leave beside them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lambda: sorted(tmp_path.iterdir())


def test_what_was_not_asked_for_goes_with_the_value(scratch: Callable[[], list[Path]]) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    assert len(scratch()) == 1 and len(found.examples) == 6
    del found
    gc.collect()
    assert scratch() == []


def test_a_fork_leaves_it_to_the_process_that_made_it(scratch: Callable[[], list[Path]]) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    child = os.fork()
    if child == 0:
        del found
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(scratch()) == 1 and len(found.examples) == 6


def test_what_cannot_be_audited_leaves_nothing(scratch: Callable[[], list[Path]]) -> None:
    with pytest.raises(InputError):
        piescope.audit(DENSE, [0, 1], labels=TRUTH)
    assert scratch() == []


def test_rows_that_are_gone_or_damaged_are_named(tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH, out=tmp_path / "out")
    audit_layout.examples(tmp_path / "out").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(found.examples)
    audit_layout.examples(tmp_path / "out").unlink()
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(found.pies)
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(piescope.Audit(found.record, None).examples)
    assert json.loads(audit_layout.audit(tmp_path / "out").read_bytes())["changed"] == 3


def test_it_says_in_a_line_what_it_is() -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    assert repr(found) == f"Audit('compressed' against 'dense': 6 examples, 3 changed, {found.record.verdict.answer})"


@pytest.mark.parametrize("has_folder", [True, False])
def test_a_notebook_sees_the_first_screen_with_its_pictures(has_folder: bool, tmp_path: Path) -> None:
    pictures = np.arange(6 * 64, dtype=np.uint8).reshape(6, 1, 8, 8)
    out = tmp_path / "out" if has_folder else None
    found = piescope.audit(DENSE, COPY, (pictures, np.array(TRUTH)), out=out)
    shown = html.unescape(html.unescape(found._repr_html_()))
    assert headline(found.record)[0] in shown and "data:image/png" in shown and repr(found) in shown
    assert "<script" not in shown


def test_names_of_classes_are_text_in_a_notebook() -> None:
    names = ["<script>alert(1)</script>", "\"><img src=x onerror='alert(2)'>", "</iframe><b>out</b>"]
    shown = piescope.audit([0, 1, 1] * 9, [0, 0, 2] * 9, labels=[0, 1, 1] * 9, classes=names)._repr_html_()
    for tag in ("<script", "<img", "<b>"):
        assert tag not in shown
    assert shown.count("</iframe>") == 1


def test_its_figures_are_matplotlibs() -> None:
    from matplotlib.figure import Figure

    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    assert isinstance(found.plot(), Figure) and len(found.plot().axes[0].patches) == 3
    assert isinstance(found.figure(2, "talk", "page"), Figure)


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piescope.notebooks.open_in_browser", lambda page: False)


@pytest.mark.usefixtures("no_browser")
def test_its_page_is_made_where_it_is_missing_or_stale_and_else_left(tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH, out=tmp_path / "out")
    page = audit_layout.report(tmp_path / "out")
    stamp = page.stat().st_mtime_ns
    assert Path(found.explore()) == page and page.stat().st_mtime_ns == stamp
    page.write_text("of another version")
    assert found.explore().path.read_text().startswith("<!")
    page.unlink()
    assert found.explore().path.read_text().startswith("<!")


@pytest.mark.usefixtures("no_browser")
def test_a_page_of_no_folder_outlives_the_value(scratch: Callable[[], list[Path]]) -> None:
    page = piescope.audit(DENSE, COPY, labels=TRUTH).explore().path
    gc.collect()
    assert page.read_text().startswith("<!") and scratch() == [page.parent]


def test_files_are_audited_and_their_page_is_made_without_anything_slow(tmp_path: Path) -> None:
    """Labels, groups with gaps, a page with its explorer: no pandas, no Pillow."""
    rows = range(40)
    tables = {
        "dense": [row % 3 for row in rows],
        "copy": [row % 4 % 3 for row in rows],
        "label": [row % 3 for row in rows],
    }
    for name, values in tables.items():
        lines = (f"i{row},{value}" for row, value in enumerate(values))
        (tmp_path / f"{name}.csv").write_text("\n".join([f"id,{'label' if name == 'label' else 'prediction'}", *lines]))
    groups = (f"i{row},{row % 5 or ''},{'red' if row % 2 else ''}" for row in rows)
    (tmp_path / "meta.csv").write_text("\n".join(["id,size,colour", *groups]))
    code = (
        "import sys\nfrom piescope.audits import audit\n"
        "found = audit('dense.csv', 'copy.csv', labels='label.csv', metadata='meta.csv', out='out')\n"
        "print(len(found.record.groups), sorted({'torch', 'pandas', 'PIL', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split(maxsplit=1) == ["7", "[]\n"]
    assert "explorer-head" in (tmp_path / "out" / "report.html").read_text()


def test_one_object_on_both_sides_is_nothing_compared(tmp_path: Path) -> None:
    labels = np.arange(60) % 3
    found = piescope.audit(labels, labels, labels=labels, budgets={"max_flips": "5%"}, out=tmp_path / "out")
    assert found["verdict"]["answer"] == "in doubt" and "is_object" in str(found["warnings"])
    assert "same object" in (tmp_path / "out" / "audit.md").read_text()
    assert not piescope.audit(labels, labels.copy(), labels=labels, out=tmp_path / "other")["warnings"]


@pytest.mark.parametrize("given", [{"metadata": {"light": [1, 2]}}, {"dense_embeddings": np.zeros((4, 2))}])
def test_what_is_no_name_of_a_file_is_refused(tmp_path: Path, given: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"(?s)the name of a file.*to_parquet"):
        piescope.audit(np.arange(4), np.arange(4)[::-1], out=tmp_path / "out", **given)
