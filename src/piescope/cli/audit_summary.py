"""The audit on the terminal: plain lines that fit any width from 40 columns on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len, chop_cells

from piescope import wording
from piescope.report.audit import budget_rows, copies, findings, headlines, terms
from piescope.report.audit.measures import figure_rows, telling
from piescope.report.audit.reading import how_read
from piescope.report.audit.warnings import warnings
from piescope.store.audit_answers import ClassChange, Confusion, GroupChange
from piescope.store.audit_record import AuditRecord

NARROWEST = 20
"""Columns below which nothing is promised."""

WIDEST_TEXT = 100
"""Sentences wrap here on wider terminals, too."""

MOST_CLASSES = 5
MOST_CONFUSIONS = 3
MOST_HARMED = 3


def summary_lines(audit: AuditRecord, width: int) -> list[str]:
    """What was lost, who paid, which budgets are broken: the page's own sentences, short.

    Args:
        audit: what was found.
        width: columns of the terminal.

    Returns:
        Lines without trailing space, none wider than ``width`` (wide characters count as two), no control characters.
    """
    width = max(width, NARROWEST)
    lines = _wrapped(f"{terms.title(audit)}: {terms.matched(audit)}", width)
    for warning in warnings(audit):
        lines += ["", *_wrapped(f"warning: {warning}", width)]
    lines += ["", *_wrapped(" ".join(headlines.headline(audit)), width), ""]
    lines += _facts(audit, width)
    for head, block in (
        ("how the files were read", _listed(how_read(audit), width)),
        ("budgets, with one-sided 95 % bounds", _budgets(audit, width)),
        (f"classes, worst first{_level(audit, 'classes')}", _rows(audit.classes, "recall", width)),
        (f"groups, worst first{_level(audit, 'groups')}", _rows(audit.groups, "accuracy", width)),
        ("mix-ups that grew", _confusions(audit, width)),
        ("what if", _what_if(audit, width)),
        (findings.harmed(audit).lower(), _harmed(audit, width)),
        ("note", _notes(audit, width)),
    ):
        if block:
            lines += ["", *_wrapped(head, width), *block]
    return [line.rstrip() for line in lines]


def _level(audit: AuditRecord, table: Literal["classes", "groups"]) -> str:
    """Of the intervals of a table, where it is another than everywhere."""
    text = terms.confidence(audit, table)
    return "" if text == terms.confidence(audit, "accuracy") else f", {wording.plain(text)} intervals"


def _wrapped(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Lines of whole words; a word wider than a line is broken. No-break spaces hold until the end.

    Args:
        text: one paragraph.
        width: columns.
        indent: before every line.
        first: before the first line instead; as wide as ``indent`` or less.
    """
    room = min(width, WIDEST_TEXT) - cell_len(indent)
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        for piece in (
            chop_cells(wording.plain(word), room) if cell_len(wording.plain(word)) > room else [wording.plain(word)]
        ):
            if lines and cell_len(lines[-1]) + 1 + cell_len(piece) <= room:
                lines[-1] += " " + piece
            else:
                lines.append(piece)
    starts = [indent if first is None else first, *[indent] * len(lines)]
    return [start + line for start, line in zip(starts, lines, strict=False)]


def _columns(rows: Sequence[Sequence[str]], width: int, sides: str) -> list[str] | None:
    """Aligned columns, ``l`` on the left and ``r`` on the right; None if they do not fit."""
    plain = [[wording.plain(cell) for cell in row] for row in rows]
    sizes = [max(cell_len(row[column]) for row in plain) for column in range(len(sides))]
    if 2 + sum(sizes) + 2 * (len(sizes) - 1) > min(width, WIDEST_TEXT):
        return None
    lines = []
    for row in plain:
        cells = [
            (" " * (size - cell_len(cell)) + cell) if side == "r" else (cell + " " * (size - cell_len(cell)))
            for cell, size, side in zip(row, sizes, sides, strict=True)
        ]
        lines.append("  " + "  ".join(cells))
    return lines


def _facts(audit: AuditRecord, width: int) -> list[str]:
    facts = []
    accuracy, flips, share = audit.accuracy, audit.flips, audit.changed_share
    if accuracy is not None:
        intervals = (accuracy.dense_interval, accuracy.compressed_interval, accuracy.change_interval)
        before, after, change = (terms.ends(interval) for interval in intervals)
        facts.append(("dense accuracy", wording.with_interval(accuracy.dense, *before, "%")))
        facts.append(("compressed", wording.with_interval(accuracy.compressed, *after, "%")))
        facts.append(("change, points", wording.with_interval(accuracy.change, *change, signed=True)))
    if flips is not None:
        lost = flips.correct_to_wrong_share
        text = (
            ""
            if lost is None or lost.value is None
            else f" = {wording.with_interval(lost.value, lost.low, lost.high, '%')}"
        )
        facts.append(("lost", wording.count(flips.correct_to_wrong) + text))
        facts.append(("won back", wording.count(flips.wrong_to_correct)))
        if flips.mcnemar_p is not None:
            facts.append(("McNemar p", wording.p_value(flips.mcnemar_p)))
    text = (
        ""
        if share is None or share.value is None
        else f" = {wording.with_interval(share.value, share.low, share.high, '%')}"
    )
    facts.append((findings.pies(audit), wording.count(audit.changed) + text))
    seeds = audit.seeds
    if seeds is not None and seeds.changed.floor is not None:
        facts.append(("by seeds alone", wording.count(seeds.changed.floor)))
    if audit.is_population and audit.confirmed is not None and audit.confirmed.pies is not None:
        facts.append(("confirmed", wording.count(audit.confirmed.pies)))
    calibration = audit.calibration
    if calibration is not None and calibration.dense.ece is not None and calibration.compressed.ece is not None:
        facts.append(
            (
                "ECE",
                f"{wording.number(calibration.dense.ece)} → {wording.number(calibration.compressed.ece)} points",
            )
        )
    for row in telling(audit):
        facts.append((row.name, f"{row.before_after}{wording.SPACE + row.unit if row.unit else ''}  {row.change}"))
    facts += figure_rows(audit)
    if audit.label_errors is not None and audit.label_errors.count:
        facts.append(("label errors?", wording.count(audit.label_errors.count)))
    column = max(cell_len(name) for name, _ in facts) + 2
    lines = []
    for name, value in facts:
        lines += _wrapped(value, width, " " * column, f"{name:<{column}}")
    return lines


def _budgets(audit: AuditRecord, width: int) -> list[str]:
    order = {"broken": 0, "undecided": 1, "kept": 2}
    lines: list[str] = []
    for row in sorted(audit.budgets, key=lambda row: order.get(row.verdict, 3)):
        verdict = wording.printable(row.verdict)
        called = f"{verdict.upper() if verdict == 'broken' else verdict} {budget_rows.budget_name(row)}"
        text = f"{called}: {budget_rows.observed(row)}, limit {budget_rows.limit(row)}"
        reason = wording.printable(row.reason)
        lines += _wrapped(f"{text}; {reason}" if reason else text, width, "    ", "  ")
    return lines


def _label(row: ClassChange | GroupChange) -> str:
    return wording.printable(row.name, 28 if isinstance(row, ClassChange) else 36) or "(empty)"


def _chance(row: ClassChange | GroupChange | Confusion) -> tuple[str, str]:
    if row.q_value is None:
        return "", ""
    return f"q {wording.equals(row.q_value)}", "" if row.is_clear else "not beyond chance"


def _rows(rows: Sequence[ClassChange | GroupChange], measure: str, width: int) -> list[str]:
    known = sorted((row for row in rows if row.impact is not None), key=lambda row: row.change)
    if not known:
        return []
    shown = [row for row in known if row.change < 0][:MOST_CLASSES]
    if not shown:
        return _wrapped(f"none lost {measure}", width, "  ")
    cells = [
        (
            _label(row),
            f"{wording.number(row.before)} → {wording.percent(row.after)}",
            wording.with_interval(row.impact, row.low, row.high, signed=True),
            *_chance(row),
        )
        for row in shown
    ]
    lines = _columns(cells, width, "lrrll")
    if lines is None:
        lines = []
        for label, both, change, q, unsure in cells:
            lines += _wrapped(f"{label}: {change}", width, "    ", "  ")
            lines += _wrapped(", ".join(filter(None, (both, q, unsure))), width, "    ")
    left = len(known) - len(shown)
    return lines + (_wrapped(f"{left:,} more in report.html", width, "  ") if left else [])


def _confusions(audit: AuditRecord, width: int) -> list[str]:
    rows = audit.confusions[:MOST_CONFUSIONS]
    if not rows:
        return []
    cells = [
        (
            wording.printable(findings.confusion_name(row), 56),
            f"{wording.count(row.dense)} → {wording.count(row.compressed)}",
            *_chance(row),
        )
        for row in rows
    ]
    lines = _columns(cells, width, "lrll")
    if lines is not None:
        return lines
    return [
        line
        for label, both, q, unsure in cells
        for line in _wrapped(", ".join(filter(None, (f"{label}: {both}", q, unsure))), width, "    ", "  ")
    ]


def _what_if(audit: AuditRecord, width: int) -> list[str]:
    if not audit.what_if:
        return []
    cells = [
        (
            wording.printable(row.name, 32),
            wording.percent(row.accuracy),
            wording.with_interval(row.change, row.change_low, row.change_high, signed=True),
            f"{wording.count(row.correct_to_wrong)} lost",
            f"{wording.count(row.changed)} changed",
        )
        for row in audit.what_if
    ]
    lines = _columns(cells, width, "lrrrr")
    if lines is None:
        lines = []
        for name, accuracy, change, lost, changed in cells:
            lines += _wrapped(f"{name}: {accuracy}, {change}", width, "    ", "  ")
            lines += _wrapped(f"{lost}, {changed}", width, "    ")
    for sentence in copies.what_if(audit):
        lines += _wrapped(sentence, width, "  ")
    return lines


def _harmed(audit: AuditRecord, width: int) -> list[str]:
    rows = audit.harmed[:MOST_HARMED]
    if not rows:
        return []
    cells = [
        (
            wording.printable(row.id, 40),
            "" if row.label is None else f"is {wording.printable(row.label, 28)}",
            f"{wording.printable(row.dense, 28)} → {wording.printable(row.compressed, 28)}",
            ""
            if row.dense_probability is None or row.compressed_probability is None
            else f"{wording.number(row.dense_probability, 2)} → {wording.number(row.compressed_probability, 2)}",
        )
        for row in rows
    ]
    lines = _columns(cells, width, "llll")
    if lines is not None:
        return lines
    return [
        line
        for name, label, both, fell in cells
        for line in _wrapped(", ".join(filter(None, (f"{name}: {both}", label, fell))), width, "    ", "  ")
    ]


def _notes(audit: AuditRecord, width: int) -> list[str]:
    return _listed([wording.printable(note) for note in audit.inputs.notes], width)


def _listed(sentences: Sequence[str], width: int) -> list[str]:
    return [line for sentence in sentences for line in _wrapped(sentence, width, "    ", "  - ")]
