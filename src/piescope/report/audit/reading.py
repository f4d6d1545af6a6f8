"""How the files of an audit were read, in a few lines: the first thing to look at where a number surprises."""

from __future__ import annotations

from collections.abc import Sequence

from piescope import wording
from piescope.report.audit import terms
from piescope.store.audit_inputs import SideRead
from piescope.store.audit_record import AuditRecord


def how_read(audit: AuditRecord) -> list[str]:
    """A line a file: what was taken for ids, predictions and labels, what was left out, and how rows found each other.

    Returns:
        three to five lines.
    """
    inputs = audit.inputs
    dense, compressed = (_side(side) for side in (inputs.dense, inputs.compressed))
    lines = [f"{wording.name(inputs.dense.name)}: {dense}"]
    lines.append(f"{wording.name(inputs.compressed.name)}: {'likewise' if dense == compressed else compressed}")
    if inputs.labels is not None:
        lines.append(f"{wording.name(inputs.labels.name)}: {_joined(inputs.labels.how_read)}")
    if inputs.metadata is not None:
        columns = wording.listed(inputs.metadata.columns[:6])
        lines.append(f"{wording.name(inputs.metadata.name)}: groups by {columns}")
    return [*lines, terms.matched(audit)]


def _side(side: SideRead) -> str:
    read = _joined(side.how_read) if side.how_read else wording.printable(side.values)
    return f"{wording.counted(side.n_models, 'model')}; {read}"


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(wording.printable(note) for note in notes[:4])
