"""How sure is all that? Closed drawers: tables, tests, figures, what was run, what each measure means, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from piescope.report.layout.blocks import Block, Chart, Drawer, Fact, FactList, Section, Table, Words
from piescope.report.study.claim_parts import Claim
from piescope.report.study.figures import Drawn
from piescope.report.study.glossary import glossary, limits
from piescope.report.study.results import Results
from piescope.report.study.run_facts import departures, facts
from piescope.report.study.signal import Signal
from piescope.report.study.signal_words import sentences


def how_sure(
    results: Results,
    signal: Signal,
    tables: Mapping[str, Table],
    figures: Sequence[Drawn],
    claims: Sequence[Claim],
) -> Section:
    """Everything that stands behind the evidence, closed."""
    drawers = [
        _drawer(replace(table, file=f"results/tables/{key}.csv, .tex"), f"{len(table.rows)} lines")
        for key, table in tables.items()
        if table.rows and (key != "prediction_depth" or results.probe_points)
    ]
    said = tuple(sentences(signal)) if results.pruned() else ()
    if said:
        drawers.insert(0, Drawer("Signal or noise, in words", "", (Words(said),)))
    effects = tuple(sentence for claim in claims for sentence in _effects(claim))
    if effects:
        drawers.append(Drawer("Effects behind the verdicts, in brief", f"{len(effects)} effects", (Words(effects),)))
    if any(figure.rows for figure in figures):
        drawers.append(
            Drawer("Figures for a paper", f"{sum(bool(f.rows) for f in figures)} figures", _figures(figures))
        )
    drawers.append(Drawer("What was run", "", (_run(results),)))
    departed = departures(results)
    if departed is not None and departed.rows:
        drawers.append(_drawer(departed, f"{len(departed.rows)} values"))
    terms = tuple(Fact(term, meaning) for term, meaning in glossary(results).items())
    drawers.append(Drawer("How to read each measure", f"{len(terms)} words", (FactList(terms),)))
    drawers.append(Drawer("Limits", "", (Words(tuple(limits(results))),)))
    return Section("sure", "How sure?", tuple(drawers), depth="certainty")


def _effects(claim: Claim) -> list[str]:
    """Of its comparisons, and what its verdict does not say."""
    note = [f"{claim.id}: {claim.note}."] if claim.note and claim.parts else []
    return [*(f"{claim.id}: {text}" for text in claim.effects), *note]


def _drawer(table: Table, size: str) -> Drawer:
    return Drawer(table.title, size, (table,))


def _run(results: Results) -> Block:
    return FactList(tuple(Fact(name, value) for name, value in facts(results)))


def _figures(figures: Sequence[Drawn]) -> tuple[Block, ...]:
    files = "`piescope figures DIR` draws them as SVG, PDF or PNG, for columns, pages, slides; numbers: results/figures"
    return Words((files,), "small"), *(
        Chart(
            f"Figure {figure.number}. {figure.title}",
            figure.caption,
            Markup('<img class="paper" src="{}" alt="Figure {}: {}">').format(
                figure.image, figure.number, figure.title
            ),
        )
        for figure in figures
        if figure.rows
    )
