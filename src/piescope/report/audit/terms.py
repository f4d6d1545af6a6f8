"""Who is compared with whom, and the words for it that every sentence about an audit shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from piescope.store.audit_answers import ClassChange, Ends, GroupChange, ImpactRow, SideName
from piescope.store.audit_record import AuditRecord
from piescope.wording import capital, count, counted, listed, name, percent, printable

R = TypeVar("R", bound=ImpactRow)


def made_with(audit: AuditRecord) -> str:
    """Libraries, to follow "Made by piescope ..."; or empty."""
    libraries = {} if audit.made_with is None else audit.made_with.libraries
    return "".join(f", {printable(library)} {printable(version)}" for library, version in libraries.items())


def class_name(text: object) -> str:
    """A class in a sentence: names that begin like a number need the word.

    Example:
        >>> class_name("cat"), class_name("3"), class_name("1st")
        ('cat', 'class 3', 'class 1st')
    """
    word = name(text)
    return f"class {word}" if word[:1].isdigit() or word[:1] in "-+−." else word


def at_start(sentence: str, text: object) -> str:
    """A sentence that begins with a class: our own word gets its capital, a name stays as it is."""
    return sentence if sentence.startswith(name(text)) else capital(sentence)


def has_models(audit: AuditRecord) -> str:
    """``models`` when the compressed side has more than one, else ``model``."""
    return "models" if are_many(audit, "compressed") else "model"


def are_many(audit: AuditRecord, which: SideName) -> bool:
    """Whether a side has more than one model."""
    return audit.inputs.side(which).n_models > 1


def compares_votes(audit: AuditRecord) -> bool:
    """Whether modal labels of equally many models are compared."""
    return audit.comparison == "vote against vote"


def compares_pairs(audit: AuditRecord) -> bool:
    """Whether counts are means over pairs of a dense model and a compressed one."""
    return audit.comparison == "mean over pairs of models"


def comparison(audit: AuditRecord) -> str:
    """What is compared, where that needs words."""
    if not compares_pairs(audit):
        return ""
    dense, compressed = audit.inputs.dense.n_models, audit.inputs.compressed.n_models
    return (
        f"Like with like: single models, {count(dense)} dense against {count(compressed)} compressed; every count is "
        f"the mean over these {counted(dense * compressed, 'pair')}. (A vote of several models beats any one of them, "
        "so that a single model would lose against it whatever was done to it.)"
    )


def changed_noun(audit: AuditRecord) -> str:
    """Populations have PIEs, single models changed examples."""
    return "PIE" if compares_votes(audit) else "changed example"


def title(audit: AuditRecord) -> str:
    """Who is compared with whom."""
    inputs = audit.inputs
    return f"{name(inputs.compressed.name)} against {name(inputs.dense.name)}"


def subject(audit: AuditRecord) -> str:
    """Whose numbers these are, at the start of a sentence; of several what-if copies the last."""
    if audit.what_if:
        copy = name(audit.what_if[-1].name)
        return f"The last copy, {copy}," if len(audit.what_if) > 1 else f"The copy, {copy},"
    return f"The compressed {has_models(audit)}"


def ends(pair: Ends | None) -> tuple[float | None, float | None]:
    """An interval's two ends; None twice where there is none."""
    return (None, None) if pair is None else (pair[0], pair[1])


def side(audit: AuditRecord, which: SideName) -> str:
    """``dense.csv: 3 models, probabilities``."""
    of = audit.inputs.side(which)
    parts = [counted(of.n_models, "model"), of.values or ""]
    return f"{name(of.name)}: {', '.join(part for part in parts if part)}"


def matched(audit: AuditRecord) -> str:
    """How the examples were brought together."""
    inputs = audit.inputs
    sentence = f"{counted(audit.n_examples, 'example')}, matched by {inputs.matched_by}"
    left = {which: number for which, number in inputs.left_out.items() if number}
    if left:
        sentence += "; left out: " + listed(
            [f"{count(number)} that only {which} has" for which, number in left.items()]
        )
    return sentence + "."


def confidence(audit: AuditRecord, table: Literal["accuracy", "classes", "groups"]) -> str:
    """Of the intervals of ``accuracy``, ``classes`` or ``groups``: ``95 %``, ``99.5 %``, ``98.33 %``."""
    level: float = getattr(audit.confidence, table)
    shown = next((decimals for decimals in range(2) if round(level, decimals) == round(level, 6)), 2)
    while round(level, shown) >= 100.0 > level and shown < 6:  # of a thousand classes 99.995 %
        shown += 1
    return percent(level, shown)


def row_name(row: ClassChange | GroupChange) -> str:
    """Of a class, or of a group ``camera = front``."""
    return name(row.name) if isinstance(row, ClassChange) else f"{name(row.column)} = {name(row.value)}"


def paid(rows: Iterable[R]) -> list[R]:
    """Classes or groups that lost beyond chance, worst first."""
    return sorted((row for row in rows if row.is_clear and row.change < 0), key=lambda row: row.change)


def gained(rows: Iterable[R]) -> list[R]:
    """Classes or groups that gained beyond chance, most first."""
    return sorted((row for row in rows if row.is_clear and row.change > 0), key=lambda row: -row.change)
