"""How the files of an audit were read, in a few lines: the first thing to look at where a number surprises."""

from __future__ import annotations

from typing import Any

from piescope import wording
from piescope.report.audit import terms

Audit = dict[str, Any]


def how_read(audit: Audit) -> list[str]:
    """A line a file: what was taken for ids, predictions and labels, what was left out, and how rows found each other.

    Args:
        audit: the content of audit.json.

    Returns:
        three to five lines.
    """
    inputs = audit["inputs"]
    told = {side: _side(inputs[side]) for side in ("dense", "compressed")}
    lines = [f"{wording.name(inputs['dense']['name'])}: {told['dense']}"]
    same = told["dense"] == told["compressed"]
    lines.append(f"{wording.name(inputs['compressed']['name'])}: {'likewise' if same else told['compressed']}")
    if inputs["labels"] is not None:
        lines.append(f"{wording.name(inputs['labels']['name'])}: {_joined(inputs['labels']['told'])}")
    if inputs["metadata"] is not None:
        lines.append(
            f"{wording.name(inputs['metadata']['name'])}: groups by {wording.listed(inputs['metadata']['columns'][:6])}"
        )
    return [*lines, terms.matched(audit)]


def _side(side: dict[str, Any]) -> str:
    models = wording.counted(side["n_models"], "model")
    read = _joined(side["told"]) if side["told"] else wording.printable(side["values"])
    return f"{models}; {read}"


def _joined(told: list[str]) -> str:
    return "; ".join(wording.printable(each) for each in told[:4])
