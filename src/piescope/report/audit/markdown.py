"""audit.md: the audit in under 60 lines of GitHub-flavoured Markdown, for a pull request or a model card."""

from __future__ import annotations

import re
from collections.abc import Sequence

from piescope import wording
from piescope.report.audit import budget_rows, copies, findings, headlines, terms
from piescope.report.audit.measures import figure_rows, telling
from piescope.report.audit.reading import how_read
from piescope.report.audit.warnings import warnings
from piescope.store.audit_record import AuditRecord

MOST_CLASSES = 10
MOST_CONFUSIONS = 5
MOST_BUDGETS = 12
MOST_COPIES = 8

_SPECIAL = re.compile(
    r"(?P<interval>\[[−+]?[\d.,]+,[ \u00a0][−+]?[\d.,]+\](?![\[(]))"  # ours; a name that looks so is as harmless
    r"|(?P<start>^(?:[-+=](?=[-+=\s])|\d+(?=[.)](?:\s|$))))"  # would begin a list or underline a heading
    r"|(?P<scheme>://|www\.)"
    r"|(?P<letter>[\\`*_\[\]<>|~&$#@])"
)
_LETTERS = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@<!-- -->", "#": "#<!-- -->"}


def audit_markdown(audit: AuditRecord) -> str:
    """The audit as Markdown.

    Args:
        audit: what was found.

    Returns:
        Text that ends with a newline; names are escaped, so that none can break a table, link or mention anyone.
    """
    first, *rest = headlines.headline(audit)
    lines = [f"## piescope audit: {escaped(terms.title(audit))}", ""]
    for warning in warnings(audit):
        lines += [f"> **Warning:** {escaped(warning)}", ""]
    lines.append(f"**{escaped(first)}**")
    if rest:
        lines += ["", escaped(" ".join(rest))]
    lines += ["", *_before_after(audit)]
    lines += _budgets(audit)
    lines += _classes(audit)
    lines += _confusions(audit)
    lines += _what_if(audit)
    lines += ["", "### How the files were read", "", *(f"- {escaped(line)}" for line in how_read(audit))]
    lines += ["", escaped(_inputs(audit))]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Text in which nothing means anything to Markdown, HTML or GitHub: no link, no mention, no issue, no formula.

    Example:
        >>> print(escaped("a|b `c` <d> [e](f), 1.2 [0.9, 1.5]"))
        a\|b \`c\` &lt;d&gt; \[e\](f), 1.2 [0.9, 1.5]
        >>> print(escaped("@you http://x.example max_flips"))
        @<!-- -->you http&#58;//x.example max_flips
    """

    def one(match: re.Match[str]) -> str:
        letters = match.group()
        if match["interval"] and match.start():
            return letters
        if match["interval"]:  # it begins the text: what follows could make it a link's definition
            return "\\" + letters
        if match["start"]:
            return "\\" + letters if not letters.isdigit() else f"{letters}\\"
        if match["scheme"]:
            return "&#58;//" if letters == "://" else "www&#46;"
        if letters == "_" and _inside_a_word(text, match.start()):
            return letters
        return _LETTERS.get(letters, "\\" + letters)

    return _SPECIAL.sub(one, text)


def _inside_a_word(text: str, place: int) -> bool:
    """GitHub's Markdown emphasises nothing by an underscore between two letters or digits."""
    return text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """A GitHub table with escaped cells.

    Args:
        head: names of the columns.
        rows: cells.
        sides: a letter a column, ``l`` for left and ``r`` for right.
    """
    rule = ["---:" if letter == "r" else "---" for letter in sides]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *([escaped(cell) for cell in row] for row in rows))]


def _before_after(audit: AuditRecord) -> list[str]:
    rows = []
    accuracy, flips, share = audit.accuracy, audit.flips, audit.changed_share
    if accuracy is not None:
        before, after = terms.ends(accuracy.dense_interval), terms.ends(accuracy.compressed_interval)
        change = terms.ends(accuracy.change_interval)
        rows.append(
            (
                "accuracy, %",
                wording.with_interval(accuracy.dense, *before),
                wording.with_interval(accuracy.compressed, *after),
                wording.with_interval(accuracy.change, *change, signed=True),
            )
        )
    for row in telling(audit):
        rows.append((f"{row.name}, %" if row.unit else row.name, row.dense, row.compressed, row.change))
    calibration = audit.calibration
    if calibration is not None and calibration.dense.ece is not None:
        rows.append(
            (
                "calibration error (ECE), points",
                wording.number(calibration.dense.ece),
                wording.number(calibration.compressed.ece),
                wording.number(calibration.ece_change, 1, signed=True),
            )
        )
    lines = table(("", "before", "after", "change"), rows, "lrrr") if rows else []
    parts = []
    if flips is not None:
        parts.append(f"lost {wording.count(flips.correct_to_wrong)}, won back {wording.count(flips.wrong_to_correct)}")
        if flips.mcnemar_p is not None:
            parts[-1] += f" (McNemar p {wording.equals(flips.mcnemar_p)})"
    changed = f"{wording.count(audit.changed)} {'PIEs' if terms.compares_votes(audit) else 'changed labels'}"
    if share is not None and share.value is not None:
        changed += f" ({wording.with_interval(share.value, share.low, share.high, '%')})"
    parts.append(f"{changed} of {wording.counted(audit.n_examples, 'example')}")
    parts += [f"{title} {value}" for title, value in figure_rows(audit)]
    return [*lines, *([""] if lines else []), escaped(wording.capital("; ".join(parts)) + ".")]


def _budgets(audit: AuditRecord) -> list[str]:
    if not audit.budgets:
        return []
    order = {"broken": 0, "undecided": 1, "kept": 2}
    ranked = sorted(audit.budgets, key=lambda row: order.get(row.verdict, 3))
    rows = [
        (
            budget_rows.budget_name(row),
            wording.printable(row.verdict),
            budget_rows.observed(row),
            budget_rows.limit(row),
            wording.printable(row.reason, 200),
        )
        for row in ranked[:MOST_BUDGETS]
    ]
    lines = [
        "",
        "### Budgets",
        "",
        *table(("budget", "verdict", "observed (95 % bound)", "limit", "why"), rows, "llrrl"),
    ]
    return lines + _more(len(ranked) - MOST_BUDGETS)


def _classes(audit: AuditRecord) -> list[str]:
    if not audit.classes:
        return []
    clear = terms.paid(audit.classes)
    if not clear:
        return []  # the verdict has said so
    rows = [
        (
            wording.name(row.name),
            wording.number(row.before),
            wording.number(row.after),
            wording.with_interval(row.impact, row.low, row.high, signed=True),
            wording.count(row.examples),
            wording.p_value(row.q_value),
        )
        for row in clear[:MOST_CLASSES]
    ]
    head = ("class", "recall before", "after", f"change [{terms.confidence(audit, 'classes')}]", "examples", "q")
    lines = ["", "### Classes that paid", "", *table(head, rows, "lrrrrr")]
    return lines + _more(len(clear) - MOST_CLASSES)


def _confusions(audit: AuditRecord) -> list[str]:
    if not audit.confusions or audit.what_if:  # the last copy's own audit.md has them
        return []
    rows = [
        (
            findings.confusion_name(row),
            wording.count(row.dense),
            wording.count(row.compressed),
            wording.p_value(row.q_value),
        )
        for row in audit.confusions[:MOST_CONFUSIONS]
    ]
    return ["", "### Mix-ups that grew", "", *table(("", "before", "after", "q"), rows, "lrrr")]


def _what_if(audit: AuditRecord) -> list[str]:
    if not audit.what_if:
        return []
    rows = [
        (
            wording.name(row.name),
            wording.with_interval(row.accuracy, row.low, row.high),
            wording.with_interval(row.change, row.change_low, row.change_high, signed=True),
            wording.count(row.correct_to_wrong),
            wording.count(row.changed),
        )
        for row in audit.what_if[:MOST_COPIES]
    ]
    sentences = copies.what_if(audit)
    lines = ["", "### What if", ""]
    if sentences:
        lines += [escaped(" ".join(sentences)), ""]
    lines += table(("copy", "accuracy, %", "change", "lost", "changed"), rows, "lrrrr")
    return lines + _more(len(audit.what_if) - MOST_COPIES)


def _more(left: int) -> list[str]:
    return ["", f"{left:,} more in report.html."] if left > 0 else []


def _inputs(audit: AuditRecord) -> str:
    inputs = audit.inputs
    parts = [f"Dense: {terms.side(audit, 'dense')}", f"compressed: {terms.side(audit, 'compressed')}"]
    for key, given in (("labels", inputs.labels), ("metadata", inputs.metadata), ("data", inputs.data)):
        if given is not None:
            parts.append(f"{key}: {wording.name(given.name)}")
    version = "" if audit.piescope is None else f" Made by piescope {wording.name(audit.piescope)}."
    return f"{'; '.join(parts)}. {wording.capital(terms.matched(audit))}{version}"
