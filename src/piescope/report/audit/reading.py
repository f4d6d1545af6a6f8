"""How the files of an audit were read: the first thing to look at where a number surprises."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from piescope import wording
from piescope.report.audit import terms
from piescope.report.layout.blocks import Block, Drawer, Fact, FactList, Words
from piescope.store.audit_inputs import FileHash, FileRead
from piescope.store.audit_record import AuditRecord


def how_read(audit: AuditRecord) -> list[Fact]:
    """What was taken for ids, predictions and labels of each file, what was left out, and how rows found each other."""
    inputs = audit.inputs
    dense, compressed = (_joined(side) or wording.printable(side.values) for side in (inputs.dense, inputs.compressed))
    facts = [Fact("dense", f"{terms.side(audit, 'dense')}; {dense}")]
    alike = "likewise" if dense == compressed else compressed
    facts.append(Fact("compressed", f"{terms.side(audit, 'compressed')}; {alike}"))
    labels = "none" if inputs.labels is None else _named(inputs.labels.name, _joined(inputs.labels))
    facts.append(Fact("labels", labels))
    if inputs.metadata is not None:
        columns = wording.listed(list(map(wording.name, inputs.metadata.columns)))
        facts.append(Fact("metadata", _named(inputs.metadata.name, columns and f"groups by {columns}")))
    if inputs.data is not None:
        seen = "" if inputs.data.examples is None else wording.counted(inputs.data.examples, "example")
        facts.append(Fact("data", _named(inputs.data.name, seen)))
    classes = ", ".join(map(wording.name, audit.class_names[:12])) + (", ..." if len(audit.class_names) > 12 else "")
    facts.append(Fact("classes", wording.count(len(audit.class_names)) + (f": {classes}" if classes else "")))
    return facts


def _named(name: str, read: str) -> str:
    return ": ".join(filter(None, (wording.name(name), read)))


def _joined(file: FileRead) -> str:
    return "; ".join(wording.printable(note) for note in file.how_read)


def files(audit: AuditRecord) -> Drawer:
    """The same to be looked up, with the names of the models and the notes."""
    inputs = audit.inputs
    notes = (Fact("note", wording.printable(note)) for note in inputs.notes)
    blocks: list[Block] = [FactList((*how_read(audit), *notes))]
    for side in ("dense", "compressed"):
        models = inputs.side(side).models
        if len(models) > 1:
            names = Words((", ".join(map(wording.name, models)),))
            blocks.append(Drawer(f"The {wording.counted(len(models), f'{side} model')}", "", (names,)))
    return Drawer("How the files were read", "", tuple(blocks), in_short=True)


MOST = 4
"""Files whose hashes are shown; audit.json has all."""


def hashes(files: Sequence[FileHash]) -> str:
    """Of what an audit was made: ``dense.csv 0123456789abcdef, images: 300 files (SHA-256, first 16)``."""
    shown = [
        f"{wording.name(file.name)}: {wording.counted(file.files or 0, 'file')}"
        if file.sha256 is None
        else f"{wording.name(file.name)} {wording.printable(file.sha256[:16])}"
        for file in files[:MOST]
    ]
    more = f" and {wording.counted(len(files) - MOST, 'more file')}, which audit.json has" if len(files) > MOST else ""
    return f"{', '.join(shown)}{more}" + (" (SHA-256, first 16)" if any(file.sha256 for file in files) else "")


def command(audit: AuditRecord) -> str:
    """What to type for such a page; empty: nothing, as arrays were given, or an earlier version made it."""
    return " ".join(map(_word, audit.inputs.command))


def _word(text: str) -> str:
    return shlex.quote(wording.printable(text))
