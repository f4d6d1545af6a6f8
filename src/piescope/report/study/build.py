"""Writes everything that people read: results/ and report.html, from what a study has stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import piescope
from piescope.machine import today
from piescope.report.layout.blocks import Document
from piescope.report.study.rows import Row
from piescope.store import layout
from piescope.store.audit_layout import is_card
from piescope.store.catalogue import Catalogue
from piescope.store.durable import sha256_of
from piescope.store.run_records import DamagedRecordError, ResultsManifest
from piescope.store.tables import as_csv

THE_PAPERS = range(1, 8)
"""Numbers of the paper's figures, which are written as PDF, too; `piescope figures` has the others."""


def is_current(out: Path) -> bool:
    """Whether the results were made from what is stored now, by this version, and are as they were written."""
    try:
        manifest = ResultsManifest.read(layout.results_manifest(out))
        return manifest is not None and manifest.made_from == _sources(out) and not manifest.changed(out)
    except (OSError, DamagedRecordError):
        return False


def build_report(folder: Path, into: Path | None = None, catalogue: Catalogue | None = None) -> Document | None:
    """Writes tables, figures, examples.parquet, summary.md and report.html.

    Args:
        folder: of the study.
        into: the folder to write to; left out: the study's.
        catalogue: of what the study's folder holds; left out: its catalogue.json.

    Returns:
        what the page says; None where no arm is complete yet, so that there is nothing to report.

    Raises:
        CorruptArtefactError: a stored file is not what was written.
    """
    from threadpoolctl import threadpool_limits

    from piescope.report.layout.html import page
    from piescope.report.layout.latex import latex
    from piescope.report.layout.markdown import markdown
    from piescope.report.study.claims import check_claims
    from piescope.report.study.document import study_document
    from piescope.report.study.explorer import study_explorer
    from piescope.report.study.figures import draw_all
    from piescope.report.study.forgotten import forgotten
    from piescope.report.study.frames import examples_table
    from piescope.report.study.results import load_results
    from piescope.report.study.run_facts import lost_models, populations
    from piescope.report.study.signal import Signal
    from piescope.report.study.signal_tables import signal_tables
    from piescope.report.study.tables import paper_tables, rows_of
    from piescope.store.artefacts import as_parquet

    out = folder if into is None else into
    made_from = _sources(folder, catalogue)  # before reading: what changes meanwhile makes the results stale
    results = load_results(folder, catalogue)
    if results is None:
        return None
    signal = Signal(results)
    with threadpool_limits(1):  # products of small matrices: threads would wait for each other most of the time
        claims = check_claims(results, signal=signal)
    rows = rows_of(results, claims)
    typeset = {**paper_tables(results, rows), **signal_tables(signal)}
    of_all = f"{populations(results)} {lost_models(results)}".rstrip()
    typeset = {name: replace(table, caption=f"{table.caption} {of_all}") for name, table in typeset.items()}
    figures = draw_all(signal)
    files = {layout.examples(out): as_parquet(examples_table(results))}
    for tables in (rows, signal.rows):
        for name, lines in tables.by_name().items():
            files[layout.table(out, name, "csv")] = csv_of(lines, tables.kinds()[name].columns())
            files[layout.table(out, name, "tex")] = latex(typeset[name]).encode()
    for drawn in figures:
        files[layout.figure(out, drawn.number, "svg")] = drawn.svg
        if drawn.number in THE_PAPERS:
            files[layout.figure(out, drawn.number, "pdf")] = drawn.pdf
        files[layout.figure(out, drawn.number, "csv")] = csv_of(
            drawn.rows, list(drawn.rows[0].cells()) if drawn.rows else []
        )
    document = study_document(results, signal, claims, typeset, figures, _how_made(made_from))
    files[layout.report(out)] = page(document, study_explorer(results, forgotten(signal)))
    files[layout.summary(out)] = markdown(document).encode()
    publish(out, files, made_from)
    return document


def publish(out: Path, files: Mapping[Path, bytes], made_from: Mapping[str, str]) -> None:
    """Writes results, removes those of before that are none now, and says in their manifest what they are.

    Killed in between, it leaves files that are whole each, and `is_current` says no until it is done again.
    """
    from piescope.store.durable import is_leftover, leftovers, write_file
    from piescope.store.ownership import belongings

    beside = [path for path in out.glob(f"{layout.TEMPORARY_PREFIX}*") if path.is_file() and is_leftover(path)]
    for path in (*leftovers(layout.results(out)), *beside):  # of a report that was killed
        path.unlink(missing_ok=True)
    for path, content in files.items():
        write_file(path, content)
    kept = {*files, layout.results_manifest(out)}
    for path in belongings(out):
        if layout.results(out) in path.parents and path not in kept:
            path.unlink(missing_ok=True)  # an earlier version wrote it, of earlier numbers; or another run did so, too
    for card in filter(is_card, [layout.card(out)]):  # of what was reported before
        card.unlink(missing_ok=True)
    written = {str(path.relative_to(out)): hashlib.sha256(content).hexdigest() for path, content in files.items()}
    write_file(layout.results_manifest(out), ResultsManifest(made_from=dict(made_from), files=written).as_bytes())


def csv_of(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """A table's or a figure's rows as a file."""
    return as_csv([row.cells() for row in rows], columns)


def _how_made(made_from: Mapping[str, str]) -> dict[str, str]:
    """The first lines of the page's footer."""
    hashes = f"catalogue {made_from['catalogue'][:16]}, study {made_from['study'][:16]} (SHA-256, first 16)"
    return {"Command": "piescope report", "Date": today(), "Made of": hashes}


def _sources(folder: Path, catalogue: Catalogue | None = None) -> dict[str, str]:
    """What results are made from: a version of piescope; hashes of study.toml and of catalogue.json, as it would be."""
    kept = None if catalogue is None else hashlib.sha256(catalogue.as_bytes()).hexdigest()
    return {
        "piescope": piescope.__version__,
        "catalogue": kept or sha256_of(layout.catalogue(folder)),
        "study": sha256_of(layout.study(folder)),
    }
