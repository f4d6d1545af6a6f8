"""report.html of an audit: one file, from disk, offline: what was lost, who paid, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

import piescope
from piescope import wording
from piescope.report.audit import budget_rows, caveats, charts, copies, findings, headlines, terms
from piescope.report.audit.bars import bars
from piescope.report.audit.gallery import TILES, confusions, fitting, tiles
from piescope.report.audit.measures import class_rows, figure_words, measure_rows, measure_words
from piescope.report.audit.warnings import warnings
from piescope.report.layout.standalone import content_hash, page_templates
from piescope.store.audit_answers import Flips, SideName
from piescope.store.audit_record import AuditRecord, CopyRow

MOST_MEASURED = 200
"""Classes whose precision, recall and F1 the page has; audit.json has all."""


FLIPS_ABOUT = (
    ("lost", "lost", "right before, wrong after"),
    ("rescued", "won back", "wrong before, right after"),
    ("moved", "moved", "wrong before and after, another label"),
)


@dataclass(frozen=True)
class Card:
    """One number that a reader takes away.

    Attributes:
        name: what it is.
        number: the number, as it is shown.
        details: lines below it.
        kind: CSS class.
    """

    name: str
    number: str
    details: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Strip:
    """What happened to the changed examples.

    Attributes:
        drawn: as one bar.
        legend: CSS class, number and meaning of each part.
    """

    drawn: Markup
    legend: list[tuple[str, str, str]]


def render_audit(audit: AuditRecord, images: dict[str, bytes]) -> bytes:
    """The whole page.

    Args:
        audit: what was found.
        images: PNG by example id; what is no PNG is left out.

    Returns:
        UTF-8 HTML that needs no other file, no network and no JavaScript.
    """
    templates = page_templates()
    css = templates.get_template("report.css").render() + templates.get_template("audit.css").render()
    pictures, left_out = fitting(audit, images)
    headline = headlines.headline(audit)
    flips = audit.flips
    calibration = audit.calibration
    several = audit.comparison != "one against one"
    page = templates.get_template("audit.html").render(
        audit=audit,
        terms=terms,
        findings=findings,
        budget_rows=budget_rows,
        wording=wording,
        title=terms.title(audit),
        css=css,
        css_hash=content_hash(css),
        version=piescope.__version__,
        made_with=terms.made_with(audit),
        warnings=warnings(audit),
        verdict=headline[0],
        lead=headline[1:],
        state=_state(audit),
        about=about(audit),
        cards=cards(audit),
        changes=[*findings.changes(audit), *figure_words(audit)],
        strip=None if flips is None else _strip(flips),
        class_bars=bars(audit.classes, "recall", "class", "classes"),
        class_words=findings.classes(audit),
        group_bars=bars(audit.groups, "accuracy", "group", "groups"),
        group_words=findings.groups(audit),
        measures=measure_rows(audit),
        measures_by_class=class_rows(audit)[:MOST_MEASURED],
        measure_words=measure_words(audit),
        confusions=confusions(audit, pictures),
        calibration_words=findings.calibration(audit),
        reliability=None if calibration is None else charts.reliability(calibration),
        shift=None if calibration is None else charts.shift_histogram(calibration.shift),
        keys={kind: charts.side_key(kind) for kind in ("dense", "compressed")},
        harmed_title=findings.harmed(audit),
        harmed=tiles(audit, audit.harmed, pictures),
        label_error_words=findings.label_errors(audit),
        label_errors=tiles(audit, audit.label_errors.examples if audit.label_errors else (), pictures),
        first_tiles=TILES,
        left_out=left_out,
        embedding_words=findings.embeddings(audit),
        embedding_rows=_embedding_rows(audit),
        seeds=[
            sentence
            for sentence in (findings.seeds(audit), findings.noise(audit), findings.confirmed(audit))
            if sentence and several
        ],
        what_if_words=copies.what_if(audit),
        what_if=_what_if(audit),
        sides=[_side(audit, "dense"), _side(audit, "compressed")],
        limits=caveats.limits(audit),
    )  # fmt: skip
    return page.encode("utf-8", "replace")


def _state(audit: AuditRecord) -> str:
    by_answer = {"safe": "kept", "harm shown": "broken", "too few to tell": "undecided"}
    return by_answer.get(audit.verdict.answer, "none")


def about(audit: AuditRecord) -> str:
    """One line below the verdict: what was compared."""
    inputs = audit.inputs
    before, after = (wording.counted(side.n_models, "model") for side in (inputs.dense, inputs.compressed))
    sentence = f"{terms.matched(audit).rstrip('.')}; {before} before, {after} after"
    if audit.what_if:
        last = wording.name(audit.what_if[-1].name)
        sentence += f". All but the what-if section is about the last copy, {last}"
    return sentence + "."


def cards(audit: AuditRecord) -> list[Card]:
    """The few numbers that matter; what is unknown has no card."""
    shown = []
    accuracy, flips, share = audit.accuracy, audit.flips, audit.changed_share
    examples = audit.n_examples
    if accuracy is not None and accuracy.dense is not None and accuracy.compressed is not None:
        low, high = terms.ends(accuracy.change_interval)
        change = wording.with_interval(accuracy.change, low, high, "points", signed=True)
        decimals = wording.digits(accuracy.dense, accuracy.compressed)
        shown.append(
            Card(
                "Accuracy",
                f"{wording.number(accuracy.dense, decimals)} → {wording.percent(accuracy.compressed, decimals)}",
                (change,) if accuracy.change is not None else (),
                "wide",
            )
        )
    if flips is not None and flips.correct_to_wrong is not None:
        lost = flips.correct_to_wrong_share
        details = ["right before, wrong after"]
        if lost is not None and lost.value is not None:
            details.insert(0, f"{wording.with_interval(lost.value, lost.low, lost.high, '%')}")
        shown.append(Card("Lost", wording.count(flips.correct_to_wrong), tuple(details), "lost"))
    if flips is not None and flips.wrong_to_correct is not None:
        shown.append(Card("Won back", wording.count(flips.wrong_to_correct), ("wrong before, right after",), "won"))
    details = [f"of {wording.count(examples)} examples"]
    if share is not None and share.value is not None:
        details = [wording.with_interval(share.value, share.low, share.high, "%")]
    confirmed = audit.confirmed
    if audit.is_population and confirmed is not None and confirmed.pies is not None:
        details.append(f"{wording.count(confirmed.pies)} confirmed one by one")
    else:
        details.append("another label than before")
    if audit.seeds is not None and audit.seeds.changed.floor is not None:
        details.append(f"{wording.count(audit.seeds.changed.floor)} by seeds alone")
    name = "PIEs" if terms.compares_votes(audit) else "Changed"
    shown.append(Card(name, wording.count(audit.changed), tuple(details), "changed"))
    shown += _worst(audit)
    if audit.budgets:
        shown.append(_budget_card(audit))
    return shown


def _worst(audit: AuditRecord) -> list[Card]:
    known = [row for row in audit.classes if row.impact is not None]
    clear = terms.paid(known)
    worst = clear[0] if clear else min(known, key=lambda row: row.change, default=None)
    if worst is None or worst.change >= 0:
        return []
    chance = "not beyond chance" if not clear else f"q {wording.equals(worst.q_value)}"
    if worst.q_value is None:
        chance = "no p-value"
    change = wording.with_interval(worst.impact, worst.low, worst.high, "points", signed=True)
    return [
        Card("Worst class", wording.printable(worst.name, 24) or "(empty)", (change, chance), "lost" if clear else "")
    ]


def _budget_card(audit: AuditRecord) -> Card:
    rows = audit.budgets
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("broken", "undecided", "kept")}
    state = next(verdict for verdict in counts if counts[verdict])
    sentence = tuple(f"{counts[verdict]} {verdict}" for verdict in counts if counts[verdict] and verdict != state)
    return Card(
        "Budgets",
        f"{counts[state]} {state}",
        sentence or (f"of {wording.counted(len(rows), 'budget')}",),
        f"budget {state}",
    )


def _strip(flips: Flips) -> Strip | None:
    counts = (flips.correct_to_wrong, flips.wrong_to_correct, flips.wrong_to_wrong)
    known = [(about, part) for about, part in zip(FLIPS_ABOUT, counts, strict=True) if part is not None]
    if not sum(part for _, part in known):
        return None
    legend = [(kind, f"{wording.count(part)} {name}", about) for (kind, name, about), part in known]
    return Strip(charts.strip([(kind, name, part) for (kind, name, _), part in known]), legend)


def _embedding_rows(audit: AuditRecord) -> list[tuple[str, ...]]:
    """Q-Score and depth of all, changed and other examples; before and after."""
    embeddings = audit.embeddings
    if embeddings is None:
        return []
    rows = list[tuple[str, float | None, float | None, int]]()
    q, depth = embeddings.q_score, embeddings.prediction_depth
    if q is not None:
        rows += [
            ("Q-Score, all examples", q.dense.q, q.compressed.q, 3),
            ("Z-Score, all", q.dense.z, q.compressed.z, 3),
            ("L1 norm, all", q.dense.l1, q.compressed.l1, 3),
            ("Q-Score, changed examples", q.changed.dense, q.changed.compressed, 3),
            ("Q-Score, the others", q.other.dense, q.other.compressed, 3),
        ]
    if depth is not None:
        rows += [
            ("Prediction depth, all examples", depth.dense, depth.compressed, 2),
            ("Prediction depth, changed examples", depth.changed.dense, depth.changed.compressed, 2),
            ("Prediction depth, the others", depth.other.dense, depth.other.compressed, 2),
        ]
    return [
        (text, wording.number(before, decimals), wording.number(after, decimals))
        for text, before, after, decimals in rows
        if (before, after) != (None, None)
    ]


@dataclass(frozen=True)
class WhatIf:
    """The what-if section.

    Attributes:
        charts: accuracy and changed labels against the amount.
        methods: a mark and a name each.
        table: cells of a row a copy.
        has_budgets: there are budgets to break.
    """

    charts: list[Markup]
    methods: list[tuple[Markup, str]]
    table: list[tuple[str, ...]]
    has_budgets: bool


def _what_if(audit: AuditRecord) -> WhatIf | None:
    rows = audit.what_if
    if not rows:
        return None
    before = None if audit.accuracy is None else audit.accuracy.dense
    known = [charts.CopyPoint(row, row.accuracy, row.low, row.high) for row in rows if row.accuracy is not None]
    shares = [
        charts.CopyPoint(row, 100 * row.changed / audit.n_examples)
        for row in rows
        if row.changed is not None and audit.n_examples
    ]
    drawn = [charts.curve(known, "accuracy, %", before), charts.curve(shares, "changed examples, %", None)]
    methods = enumerate(dict.fromkeys(row.method for row in rows))
    return WhatIf(
        [chart for chart in drawn if chart is not None],
        [(charts.method_key(index), wording.name(method)) for index, method in methods],
        [(str(index + 1), *_copy_cells(row)) for index, row in enumerate(rows)],
        bool(audit.budgets),
    )


def _copy_cells(row: CopyRow) -> tuple[str, ...]:
    worst = wording.NOTHING
    if row.worst_class is not None:
        worst = f"{wording.name(row.worst_class)} ({wording.number(row.worst_impact, 1, True)})"
    return (
        wording.name(row.name),
        wording.with_interval(row.accuracy, row.low, row.high, "%"),
        wording.with_interval(row.change, row.change_low, row.change_high, signed=True),
        wording.count(row.correct_to_wrong),
        wording.count(row.wrong_to_correct),
        wording.count(row.changed),
        worst,
        wording.listed([wording.name(lost) for lost in row.lost_classes], 4) or "none",
        wording.NOTHING if row.realised_sparsity is None else wording.number(row.realised_sparsity, 3),
        wording.listed([wording.name(budget) for budget in row.broken]) or "none",
    )


@dataclass(frozen=True)
class SideCells:
    """How a side's files were read.

    Attributes:
        which: of both.
        summary: files, models, values.
        notes: more of it.
        models: their names.
    """

    which: SideName
    summary: str
    notes: list[str]
    models: list[str]


def _side(audit: AuditRecord, which: SideName) -> SideCells:
    of = audit.inputs.side(which)
    notes = [wording.printable(note) for note in of.how_read]
    return SideCells(which, terms.side(audit, which), notes, [wording.name(model) for model in of.models])
