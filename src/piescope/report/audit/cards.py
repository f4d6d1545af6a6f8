"""The few numbers of an audit that a reader takes away."""

from __future__ import annotations

from piescope import wording
from piescope.report.audit import terms
from piescope.report.layout.blocks import Fact, FactList, Tone
from piescope.store.audit_answers import Share
from piescope.store.audit_record import AuditRecord


def cards(audit: AuditRecord) -> FactList:
    """A card each; what is unknown has none."""
    facts = [*_accuracy(audit), *_flips(audit), _changed(audit), *_worst(audit), *_budgets(audit)]
    return FactList(tuple(facts), "cards")


def _accuracy(audit: AuditRecord) -> list[Fact]:
    accuracy = audit.accuracy
    if accuracy is None or accuracy.dense is None or accuracy.compressed is None:
        return []
    decimals = wording.digits(accuracy.dense, accuracy.compressed)
    both = f"{wording.number(accuracy.dense, decimals)} → {wording.percent(accuracy.compressed, decimals)}"
    low, high = terms.ends(accuracy.change_interval)
    change = wording.with_interval(accuracy.change, low, high, "points", signed=True)
    return [Fact("Accuracy", both, (change,) if accuracy.change is not None else ())]


def _flips(audit: AuditRecord) -> list[Fact]:
    flips, shown = audit.flips, []
    if flips is not None and flips.correct_to_wrong is not None:
        details = (*_share(flips.correct_to_wrong_share), "right before, wrong after")
        shown.append(Fact("Lost", wording.count(flips.correct_to_wrong), details, "lost"))
    if flips is not None and flips.wrong_to_correct is not None:
        back = wording.count(flips.wrong_to_correct)
        shown.append(Fact("Won back", back, ("wrong before, right after",), "rescued"))
    return shown


def _share(share: Share | None) -> tuple[str, ...]:
    if share is None or share.value is None:
        return ()
    return (wording.with_interval(share.value, share.low, share.high, "%"),)


def _changed(audit: AuditRecord) -> Fact:
    details = [*_share(audit.changed_share)] or [f"of {wording.counted(audit.n_examples, 'example')}"]
    confirmed = audit.confirmed
    if audit.is_population and confirmed is not None and confirmed.pies is not None:
        details.append(f"{wording.count(confirmed.pies)} confirmed one by one")
    else:
        details.append("another label than before")
    if audit.seeds is not None and audit.seeds.changed.floor is not None:
        details.append(f"{wording.count(audit.seeds.changed.floor)} by seeds alone")
    name = "PIEs" if terms.compares_votes(audit) else "Changed"
    return Fact(name, wording.count(audit.changed), tuple(details), "changed")


def _worst(audit: AuditRecord) -> list[Fact]:
    known = [row for row in audit.classes if row.impact is not None]
    clear = terms.paid(known)
    worst = clear[0] if clear else min(known, key=lambda row: row.change, default=None)
    if worst is None or worst.change >= 0:
        return []
    chance = "no p-value" if worst.q_value is None else "beyond chance" if clear else "not beyond chance"
    change = wording.with_interval(worst.impact, worst.low, worst.high, "points", signed=True)
    level = () if worst.low is None else (f"{terms.confidence(audit, 'classes')} interval",)
    name = wording.printable(worst.name, 24) or "(empty)"
    return [Fact("Worst class", name, (change, *level, chance), "lost" if clear else "")]


def _budgets(audit: AuditRecord) -> list[Fact]:
    rows = audit.budgets
    if not rows:
        return []
    verdicts: tuple[Tone, ...] = ("broken", "undecided", "kept")
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in verdicts}
    state, *others = (verdict for verdict in verdicts if counts[verdict])
    details = tuple(f"{counts[verdict]} {verdict}" for verdict in others)
    return [
        Fact("Budgets", f"{counts[state]} {state}", details or (f"of {wording.counted(len(rows), 'budget')}",), state)
    ]
