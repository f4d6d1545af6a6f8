"""An audit as a document: can it be shipped, what was lost and who paid, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import piescope
from piescope import wording
from piescope.report.audit import (
    budget_rows,
    cards,
    charts,
    copies,
    findings,
    gallery,
    glossary,
    headlines,
    measures,
    reading,
    tables,
    terms,
)
from piescope.report.audit.bars import bars
from piescope.report.audit.warnings import warnings
from piescope.report.layout import curves
from piescope.report.layout.blocks import (
    Answer,
    Beside,
    Block,
    Chart,
    Document,
    Drawer,
    Fact,
    FactList,
    Picture,
    Section,
    Words,
)
from piescope.store.audit_record import AuditRecord

FLIPS = (
    ("lost", "lost", "right before, wrong after"),
    ("rescued", "won back", "wrong before, right after"),
    ("moved", "moved", "wrong before and after, another label"),
)
"""What can happen to an example: its tone, what it is called, and what that means."""

Pictures = Mapping[str, Picture]


def audit_document(audit: AuditRecord, images: Mapping[str, bytes] | None = None) -> Document:
    """What an audit's page, its Markdown and the terminal say.

    Args:
        audit: what was found.
        images: PNG by example id; what is no PNG is left out.
    """
    pictures, left_out = gallery.fitting(audit, images or {})
    sections = (
        _changes(audit),
        _budgets(audit),
        _what_if(audit),
        *_who_paid(audit),
        _confusions(audit, pictures),
        _harmed(audit, pictures, left_out),
        _calibration(audit),
        _label_errors(audit, pictures),
        _representation(audit),
        _seeds(audit),
        _certainty(audit),
    )
    shown = tuple(section for section in sections if any(section.blocks))
    return Document("audit", terms.title(audit), _answer(audit, pictures), shown, tuple(_footer(audit)))


def _answer(audit: AuditRecord, pictures: Pictures) -> Answer:
    first, *rest = headlines.headline(audit)
    return Answer(
        headlines.chip(audit),
        first,
        tuple(rest),
        _about(audit),
        tuple(warnings(audit)),
        _curve(audit),
        gallery.wall(audit, pictures),
        (cards.cards(audit),),
    )


def _about(audit: AuditRecord) -> str:
    """What was compared."""
    inputs = audit.inputs
    before, after = (wording.counted(side.n_models, "model") for side in (inputs.dense, inputs.compressed))
    sentence = f"{terms.matched(audit).rstrip('.')}; {before} before, {after} after"
    if audit.what_if:
        last = wording.name(audit.what_if[-1].name)
        sentence += f". All but the curve and the what-if section is about the last copy, {last}"
    return sentence + "."


def _curve(audit: AuditRecord) -> Chart | None:
    curve = charts.changed(audit)
    if curve is None:
        return None
    joined = "a line" if curve.are_joined else "a colour"
    caption = f"Examples that a copy labels otherwise than the dense model does: a point a copy, {joined} a method."
    return Chart("", caption, curves.svg(curve, "curve"), curves.legend(curve))


def _changes(audit: AuditRecord) -> Section:
    table = measures.before_and_after(audit)
    noun = "PIE" if terms.compares_votes(audit) else "changed example"
    title = f"What happened to the {wording.counted(audit.changed, noun)}?" if audit.changed else "What changed?"
    facts = [*measures.figures(audit)]
    if audit.label_errors is not None and audit.label_errors.count:
        facts.append(Fact("likely label errors", wording.count(audit.label_errors.count)))
    told: tuple[Block, ...] = (
        *_strip(audit),
        *_words(findings.changes(audit)),
        *([FactList(tuple(facts))] if facts else []),
    )
    missing = _words([*measures.measure_words(audit), *measures.missing_figures(audit)], "small")
    blocks: tuple[Block, ...] = (*told, *missing) if table is None else (Beside((table, *missing), told),)
    return Section("measures", title, blocks, "What changed")


def _words(lines: Sequence[str], role: Literal["", "small"] = "") -> tuple[Words, ...]:
    """Sentences, if there are any; asides are the page's alone."""
    return (Words(tuple(lines), role, in_short=not role),) if lines else ()


def _strip(audit: AuditRecord) -> Iterator[Chart]:
    flips = audit.flips
    if flips is None:
        return
    counts = (flips.correct_to_wrong, flips.wrong_to_correct, flips.wrong_to_wrong)
    known = [(kind, name, about, part) for (kind, name, about), part in zip(FLIPS, counts, strict=True) if part]
    if known:
        drawing = charts.strip([(kind, name, part) for kind, name, _, part in known])
        legend = ((charts.swatch(kind), f"{wording.count(part)} {name}: {about}") for kind, name, about, part in known)
        yield Chart("", "", drawing, tuple(legend))


def _budgets(audit: AuditRecord) -> Section:
    title = "Are the budgets kept?"
    if not audit.budgets:
        return Section("budgets", title, ())
    said, table = Words((budget_rows.budgets(audit.budgets),), in_short=False), tables.budgets(audit)
    every = Drawer("Every budget of every copy", "", (table,), in_short=True)
    return Section("budgets", title, (said, every if audit.what_if else table), "Budgets")


def _what_if(audit: AuditRecord) -> Section:
    if not audit.what_if:
        return Section("what-if", "", ())
    curve, said = charts.accuracies(audit), tuple[Block, ...](_words(copies.what_if(audit)))
    if curve is not None:
        chart = Chart("", "Accuracy with its 95 % interval.", curves.svg(curve), curves.legend(curve))
        said = (Beside((chart,), said),)
    return Section("what-if", "What if it were compressed more, or less?", (*said, tables.copies(audit)), "What if")


def _who_paid(audit: AuditRecord) -> Iterator[Section]:
    classes = bars(audit.classes, "class", "recall", terms.confidence(audit, "classes"))
    if classes is not None:
        words = Words(tuple(findings.classes(audit)), in_short=False)
        yield Section("classes", "Who paid?", (words, classes), "Who paid")
    groups = bars(audit.groups, "group", "accuracy", terms.confidence(audit, "groups"))
    if groups is not None:
        words = Words(tuple(findings.groups(audit)), in_short=False)
        yield Section("groups", "Which groups paid?", (words, groups), "Groups")


def _confusions(audit: AuditRecord, pictures: Pictures) -> Section:
    said = Words((f"{findings.confusions(audit)} Below each: examples that moved there.",), in_short=False)
    blocks = (said, gallery.confusions(audit, pictures)) if audit.confusions else ()
    return Section("confusions", "Which mix-ups grew?", blocks, "Mix-ups", in_short=not audit.what_if)


def _harmed(audit: AuditRecord, pictures: Pictures, left_out: int) -> Section:
    title = findings.harmed(audit)
    if not audit.harmed:
        return Section("harmed", title, ())
    said: list[Block] = [Words((findings.order_of_harmed(audit),), in_short=False)]
    said.append(gallery.examples(audit, title, audit.harmed, pictures))
    if left_out:
        are = "is" if left_out == 1 else "are"
        more = f"{wording.counted(left_out, 'image')} more than this page can hold {are} in images.parquet."
        said.append(Words((more,), "small", in_short=False))
    return Section("harmed", title, tuple(said), in_short=not audit.what_if)  # the last copy's own audit has them


def _calibration(audit: AuditRecord) -> Section:
    answer = audit.calibration
    blocks: list[Block] = []
    if answer is not None:
        blocks = [*_words(findings.calibration(audit))]
        drawn = (*_reliability(audit), *_shift(audit))
        blocks += [Beside(drawn[:1], drawn[1:], even=True)] if len(drawn) == 2 else drawn
    title = "Does confidence still mean what it says?"
    return Section("calibration", title, tuple(blocks), "Confidence", in_short=False)


def _reliability(audit: AuditRecord) -> Iterator[Chart]:
    drawing = None if audit.calibration is None else charts.reliability(audit.calibration)
    caption = (
        "Of the examples with this confidence, how many are right. On the dashed line confidence is true; below it the "
        "model is too sure. Larger marks: more examples."
    )
    if drawing is not None:
        keys = (charts.side_key("dense"), "before"), (charts.side_key("compressed"), "after")
        yield Chart("Reliability", caption, drawing, keys)


def _shift(audit: AuditRecord) -> Iterator[Chart]:
    drawing = None if audit.calibration is None else charts.shift_histogram(audit.calibration.shift)
    caption = (
        f"Probability of the {'dense label' if audit.accuracy is None else 'true label'}, after minus before. Heights "
        "are square roots of counts, so that the few who moved far can be seen beside the many who did not."
    )
    if drawing is not None:
        keys = (charts.swatch("lost"), "fell"), (charts.swatch("rescued"), "rose")
        yield Chart("Where the probability went", caption, drawing, keys)


def _label_errors(audit: AuditRecord, pictures: Pictures) -> Section:
    said = findings.label_errors(audit)
    blocks: list[Block] = [*_words(said)]
    if said and audit.label_errors is not None and audit.label_errors.examples:
        rows = audit.label_errors.examples
        examples = gallery.examples(audit, "Likely label errors", rows, pictures)
        blocks.append(Drawer("Look at them", wording.counted(len(rows), "example"), (examples,)))
    return Section("label-errors", "Are some labels wrong?", tuple(blocks), "Label errors", in_short=False)


def _representation(audit: AuditRecord) -> Section:
    blocks: list[Block] = [*_words(findings.embeddings(audit))]
    table = tables.representations(audit)
    if table is not None:
        blocks.append(Drawer("Q-Score and depth", "of changed examples and others", (table,)))
    title = "What happened to the representation?"
    return Section("embeddings", title, tuple(blocks), "Representation", in_short=False)


def _seeds(audit: AuditRecord) -> Section:
    several = audit.comparison != "one against one"
    said = [findings.seeds(audit), findings.noise(audit), findings.confirmed(audit)] if several else []
    known = tuple(filter(None, said))
    why = (
        "Two groups of dense models that differ only in their seeds disagree on some examples, too. What compression "
        "does is what comes on top."
    )
    blocks = (Words((why,), "small"), Words(known)) if known else ()
    return Section("seeds", "Signal or noise?", blocks, in_short=False)


def _certainty(audit: AuditRecord) -> Section:
    meanings, limits = glossary.glossary(audit)
    words = tuple(Fact(term, meaning) for term, meaning in meanings.items())
    drawers = [
        reading.files(audit),
        Drawer("How to read each measure", "", (FactList(words),)),
        Drawer("Limits", "what these numbers cannot say", (Words(tuple(limits)),)),
    ]
    table = measures.by_class(audit)
    if table is not None:
        all_of_them = 0 if audit.measures is None else len(audit.measures.by_class)
        some = f"{wording.count(len(table.rows))} of " if len(table.rows) < all_of_them else ""
        count = f"{some}{wording.counted(all_of_them, 'class')}, the largest loss of F1 first"
        drawers.insert(0, Drawer(table.title, count, (table,)))
    return Section("sure", "How sure is that?", tuple(drawers), "How sure?", "certainty")


def _footer(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    of, made = piescope.__version__ if audit.piescope is None else wording.name(audit.piescope), audit.made_with
    if command := reading.command(audit):
        yield "Command", command
    if made is not None and made.date is not None:
        yield "Date", wording.printable(made.date)
    if audit.inputs.files:
        yield "Made of", reading.hashes(audit.inputs.files)
    if made is not None and made.processor is not None:
        yield "Made on", wording.printable(made.processor)
    yield (
        "A page like this",
        f"pip install piescope, then {'the command where the files lie' if command else 'piescope --help'}",
    )
    yield "Made by", f"piescope {of}{terms.made_with(audit)}; all numbers: audit.json; every example: examples.parquet"
