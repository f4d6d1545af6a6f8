"""A study's report as a document: the answer, the evidence, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import piescope
from piescope.report.layout.blocks import Document, Table
from piescope.report.study.answer import answer
from piescope.report.study.certainty import how_sure
from piescope.report.study.claim_parts import Claim
from piescope.report.study.figures import Drawn
from piescope.report.study.questions import questions
from piescope.report.study.results import Results
from piescope.report.study.run_facts import processor_of
from piescope.report.study.signal import Signal


def study_document(
    results: Results,
    signal: Signal,
    claims: Sequence[Claim],
    tables: Mapping[str, Table],
    figures: Sequence[Drawn],
    made: Mapping[str, str],
) -> Document:
    """The whole report.

    Args:
        results: of the study.
        signal: its statistics.
        claims: the paper's findings, checked.
        tables: by name, typeset; empty ones are left out.
        figures: those that were drawn.
        made: how and of what the page was made, name and value: the footer's first lines.
    """
    sections = [*questions(results, signal, claims), how_sure(results, signal, tables, figures, claims)]
    footer = (
        *made.items(),
        *(("Made on", processor_of(environment)) for environment in results.environments),
        ("Data", f"{results.data.about}; fingerprint {results.data.fingerprint[:16]}"),
        (
            "A page like this",
            "pip install 'piescope[study]', then piescope run study.toml: the study lies beside this page",
        ),
        (
            "Made by",
            f"piescope {piescope.__version__}; every example: results/examples.parquet in the folder of the run",
        ),
    )
    return Document("study", results.study.title, answer(results, signal), tuple(sections), footer)
