"""Who is compared with whom, and the words for it that every sentence about an audit shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from piescope.wording import capital, count, counted, listed, name, percent, printable

Audit = dict[str, Any]
"""The content of audit.json."""


Row = dict[str, Any]
"""One row of one of its lists."""


CLEAR = 0.05
"""A class or group whose q-value is at most this lost (or gained) beyond chance."""


def made_with(audit: dict[str, Any]) -> str:
    """Libraries, and the processor if models were run, to follow "Made by piescope ..."; or empty."""
    noted = audit.get("made_with")
    if noted is None:
        return ""
    told = "".join(f", {printable(library)} {printable(version)}" for library, version in noted["libraries"].items())
    return told if noted["processor"] is None else f"{told}; models were run on {printable(noted['processor'])}"


def class_name(text: object) -> str:
    """A class in a sentence: names that begin like a number need the word.

    Example:
        >>> class_name("cat"), class_name("3"), class_name("1st")
        ('cat', 'class 3', 'class 1st')
    """
    told = name(text)
    return f"class {told}" if told[:1].isdigit() or told[:1] in "-+−." else told


def at_start(told: str, text: object) -> str:
    """A sentence that begins with a class: our own word gets its capital, a name stays as it is."""
    return told if told.startswith(name(text)) else capital(told)


def has_models(audit: Audit) -> str:
    """``models`` when the compressed side has more than one, else ``model``."""
    return "models" if are_many(audit, "compressed") else "model"


def are_many(audit: Audit, which: str) -> bool:
    """Whether a side has more than one model."""
    models = audit["inputs"][which]["n_models"]
    return bool(audit["is_population"] if models is None else models > 1)


def compares_votes(audit: Audit) -> bool:
    """Whether modal labels of equally many models are compared."""
    return bool(audit["comparison"] == "vote against vote")


def compares_pairs(audit: Audit) -> bool:
    """Whether counts are means over pairs of a dense model and a compressed one."""
    return bool(audit["comparison"] == "mean over pairs of models")


def comparison(audit: Audit) -> str:
    """What is compared, where that needs words."""
    if not compares_pairs(audit):
        return ""
    dense, compressed = (audit["inputs"][side]["n_models"] for side in ("dense", "compressed"))
    if dense is None or compressed is None:
        return ""
    return (
        f"Like with like: single models, {count(dense)} dense against {count(compressed)} compressed; every count is "
        f"the mean over these {counted(dense * compressed, 'pair')}. (A vote of several models beats any one of them, "
        "so that a single model would lose against it whatever was done to it.)"
    )


def changed_noun(audit: Audit) -> str:
    """Populations have PIEs, single models changed examples."""
    return "PIE" if compares_votes(audit) else "changed example"


def title(audit: Audit) -> str:
    """Who is compared with whom."""
    inputs = audit["inputs"]
    return f"{name(inputs['compressed']['name'])} against {name(inputs['dense']['name'])}"


def subject(audit: Audit) -> str:
    """Whose numbers these are, at the start of a sentence; of several what-if copies the last."""
    if audit["what_if"]:
        copy = name(audit["what_if"][-1]["name"])
        return f"The last copy, {copy}," if len(audit["what_if"]) > 1 else f"The copy, {copy},"
    return f"The compressed {has_models(audit)}"


def ends(pair: Sequence[float] | None) -> tuple[float | None, float | None]:
    """An interval's two ends; None twice where there is none."""
    return (None, None) if pair is None else (pair[0], pair[1])


def side(audit: Audit, which: str) -> str:
    """``dense.csv: 3 models, probabilities``."""
    of = audit["inputs"][which]
    told = [counted(of["n_models"], "model") if of["n_models"] is not None else "", of["values"] or ""]
    return f"{name(of['name'])}: {', '.join(part for part in told if part)}"


def matched(audit: Audit) -> str:
    """How the examples were brought together."""
    inputs = audit["inputs"]
    told = f"{counted(audit['n_examples'], 'example')}, matched by {inputs['matched_by'] or 'row'}"
    left = {which: number for which, number in (inputs["left_out"] or {}).items() if number}
    if left:
        told += "; left out: " + listed([f"{count(number)} that only {which} has" for which, number in left.items()])
    return told + "."


def confidence(audit: Audit, table: str) -> str:
    """Of the intervals of ``accuracy``, ``classes`` or ``groups``: ``95 %``, ``99.5 %``, ``98.33 %``."""
    level = audit["confidence"][table]
    return percent(level, next((decimals for decimals in range(2) if round(level, decimals) == round(level, 6)), 2))


def paid(rows: Iterable[Row]) -> list[Row]:
    """Classes or groups that lost beyond chance, worst first."""
    lost = [row for row in rows if _is_clear(row) and row["impact"] < 0]
    return sorted(lost, key=lambda row: row["impact"])


def gained(rows: Iterable[Row]) -> list[Row]:
    """Classes or groups that gained beyond chance, most first."""
    won = [row for row in rows if _is_clear(row) and row["impact"] > 0]
    return sorted(won, key=lambda row: -row["impact"])


def _is_clear(row: Row) -> bool:
    return row["impact"] is not None and row["q_value"] is not None and row["q_value"] <= CLEAR
