"""How sure is all that? Closed drawers: tables, tests, figures, what was run, what each measure means, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from piescope.report.layout.blocks import Block, Chart, Drawer, Fact, FactList, Section, Table, Words
from piescope.report.study.claim_parts import Claim
from piescope.report.study.figures import Drawn
from piescope.report.study.glossary import glossary
from piescope.report.study.results import Results
from piescope.report.study.run_facts import departures, facts
from piescope.report.study.signal import Signal
from piescope.report.study.signal_words import sentences

MANY = 2_000
"""Examples from which on figures get little room: the explorer needs it."""

ROOM, ROOM_OF_MANY = 6_000_000, 500_000
"""Characters of all figures of a page."""


def how_sure(
    results: Results, signal: Signal, tables: Mapping[str, Table], figures: Sequence[Drawn], claims: Sequence[Claim]
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
        drawn = _figures(figures, ROOM if len(results.labels) <= MANY else ROOM_OF_MANY)
        drawers.append(Drawer("Figures for a paper", f"{len(drawn) - 1} figures", drawn))
    drawers.append(Drawer("What was run", "", (_run(results),)))
    departed = departures(results)
    if departed is not None and departed.rows:
        drawers.append(_drawer(departed, f"{len(departed.rows)} values"))
    meanings, limits = glossary(results)
    terms = tuple(Fact(term, meaning) for term, meaning in meanings.items())
    drawers.append(Drawer("How to read each measure", f"{len(terms)} words", (FactList(terms),)))
    drawers.append(Drawer("Limits", "", (Words(tuple(limits)),)))
    return Section("sure", "How sure?", tuple(drawers), depth="certainty")


def _effects(claim: Claim) -> list[str]:
    """Of its comparisons, and what its verdict does not say."""
    note = [f"{claim.id}: {claim.note}."] if claim.note and claim.parts else []
    return [*(f"{claim.id}: {text}" for text in claim.effects), *note]


def _drawer(table: Table, size: str) -> Drawer:
    return Drawer(table.title, size, (table,))


def _run(results: Results) -> Block:
    return FactList(tuple(Fact(name, value) for name, value in facts(results)))


def _figures(figures: Sequence[Drawn], room: int) -> tuple[Block, ...]:
    """Those that were drawn: as many as there is room for, the smallest first; the others by their names."""
    images = {figure.number: figure.image for figure in figures if figure.rows}
    for number, image in sorted(images.items(), key=lambda pair: len(pair[1])):
        room -= len(image)
        if room < 0:
            images[number] = ""
    files = (
        "`piescope figures DIR` draws a run's: SVG, PDF or PNG, for columns, pages, slides; numbers: results/figures"
    )
    drawn = (_figure(figure, images[figure.number]) for figure in figures if figure.rows)
    return Words((files,), "small"), *drawn


def _figure(figure: Drawn, image: str) -> Block:
    title = f"Figure {figure.number}. {figure.title}"
    if not image:
        return Words((f"{title}: too large for this page.",))
    drawing = Markup('<img class="paper" src="{}" alt="Figure {}: {}">').format(image, figure.number, figure.title)
    return Chart(title, figure.caption, drawing)
