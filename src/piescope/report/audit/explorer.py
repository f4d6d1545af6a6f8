"""What the page of an audit gives its explorer: every example before and after, of a what-if by each copy."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from piescope.reading.arrow import floats_of, numpy_of, texts
from piescope.report.audit import charts, copies, terms
from piescope.report.layout.explorer_data import (
    ArmShown,
    ArrayName,
    Axis,
    Cells,
    ExcessShown,
    ExplorerData,
    Head,
    Level,
    Packed,
    SideShown,
    SpriteSheets,
    Start,
)
from piescope.report.layout.standalone import png_pixels
from piescope.store.audit_answers import SeedFlips, SideName
from piescope.store.audit_record import AuditRecord, CopyRow
from piescope.wording import count, printable

MOST = 60_000
"""Examples of a page; of more those that changed, the most harmed first."""

ROOM = 4_000_000
"""Characters of the pictures: most stand in the page's galleries already."""

ONLY_ARM, ONLY = "audit", 1.0
"""The arm of an audit without copies, and its level."""

MEASURES = ("q", "depth")

CELLS = ("label", "share", "right", "as_before", "probability", "confidence")

STEPS = 10_000
"""Of a measured number: more than its digits on the page tell apart."""

KINDS = ("kept", "lost", "rescued", "moved")
"""In the page's order; without true labels what changed has moved."""


@dataclass(frozen=True)
class ExamplesRead:
    """What is shown of the files of examples.

    Attributes:
        tables: of each file; None: it is gone or damaged.
        notes: a sentence where only some examples are shown.
    """

    tables: tuple[pa.Table | None, ...]
    notes: tuple[str, ...] = ()


def read_examples(paths: Sequence[Path]) -> ExamplesRead:
    """What the explorer shows of examples.parquet, of an audit or of each copy of a what-if.

    Above 60,000 examples only those that any copy changes, the most harmed first; no more are held at once.
    """
    wanted = ["example_id", "label", "kind", "harm", "is_changed", "is_confirmed"]
    wanted += [f"{side}_{what}" for side in ("dense", "compressed") for what in (*CELLS, *MEASURES)]
    examples = max((_rows_of(path) for path in paths), default=0)
    if examples <= MOST:
        return ExamplesRead(tuple(_table(path, wanted, None) for path in paths))
    pa.default_memory_pool().release_unused()  # what came before has left much behind
    found = [table for path in paths if (table := _table(path, ["is_changed", "harm"], None)) is not None]
    found = [table for table in found if len(table) == examples]
    changed = np.logical_or.reduce([numpy_of(table["is_changed"]).astype(bool) for table in found])
    harm = np.max([floats_of(table["harm"], 0.0) for table in found], axis=0)
    places = np.flatnonzero(changed)
    kept = np.zeros(examples, bool)
    kept[places[np.argsort(-harm[places], kind="stable")[:MOST]]] = True
    which = "that changed" if kept.sum() == len(places) else "that changed and were harmed most"
    note = f"Of {count(examples)} examples the explorer has the {count(int(kept.sum()))} {which}."
    return ExamplesRead(tuple(_table(path, wanted, kept) for path in paths), (note,))


def _rows_of(path: Path) -> int:
    try:
        return int(parquet.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return 0


def _table(path: Path, wanted: Sequence[str], kept: np.ndarray | None) -> pa.Table | None:
    """Columns of a file, of those that it has; None: it is gone or damaged."""
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            names = [name for name in wanted if name in file.schema_arrow.names]
            if kept is None:
                return file.read(names, use_threads=False)
            parts, start = [], 0
            for group in range(file.num_row_groups):
                part = file.read_row_group(group, columns=names, use_threads=False)
                parts.append(part.filter(pa.array(kept[start : start + len(part)])))
                start += len(part)
                pa.default_memory_pool().release_unused()
            return pa.concat_tables(parts)
    except (OSError, pa.ArrowException):
        return None


def audit_explorer(audit: AuditRecord, examples: ExamplesRead, images: Mapping[str, bytes]) -> ExplorerData | None:
    """All that the explorer of an audit's page shows; None where no example's labels are known on both sides.

    One side, before; one arm, after, with one level. Of a what-if an arm a method and a level a copy, as its curve has
    them.

    Args:
        audit: what was found.
        examples: of the audit; of a what-if of each copy, in its order.
        images: pictures by example id; what is none is left out.
    """
    rows = audit.what_if
    tables = [table for table in examples.tables if table is not None and len(table)]
    if not tables or not audit.class_names or any(table["example_id"] != tables[0]["example_id"] for table in tables):
        return None
    packer = _Packer(audit, tables)
    if not packer.are_labels_known:
        return None
    side = SideShown("dense", "before", audit.inputs.dense.n_models, packer.cells(0, "dense"))
    there = [row for row, table in zip(rows, examples.tables, strict=True) if table is not None] if rows else []
    known, last = [(row, place) for place, row in enumerate(there)], there[-1] if there else None
    arms = _copies(audit, packer, known) if rows else (_only_arm(audit, packer),)
    pictures, lacking = packer.pictures(images)
    head = Head(
        kind="audit",
        title=terms.title(audit),
        axis=_axis(rows),
        classes=audit.class_names,
        ids=tuple(packer.ids),
        truth=packer.truth,
        sides=(side,),
        arms=arms,
        pictures=pictures,
        start=Start(ONLY_ARM, ONLY) if last is None else Start(last.method, _places(rows)[last.name]),
    )
    return ExplorerData(head, packer.packed, (*_counted_otherwise(audit), *examples.notes, *lacking))


def _counted_otherwise(audit: AuditRecord) -> tuple[str, ...]:
    """Where numbers of the page are means over pairs of models, and the explorer has whole examples."""
    if not terms.compares_pairs(audit):
        return ()
    return (
        "Here an example counts as what most pairs of a model before and one after do; the numbers above are means "
        "over all pairs, so these are others.",
    )


def _axis(rows: Sequence[CopyRow]) -> Axis:
    if not rows:
        return Axis("", "")
    return Axis(charts.what_places_are(rows), "")


def _places(rows: Sequence[CopyRow]) -> dict[str, float]:
    """Where the curve has each copy, as its points say it."""
    return {row.name: float(f"{place:g}") for row, place in zip(rows, charts.places_of(rows), strict=True)}


def _only_arm(audit: AuditRecord, packer: _Packer) -> ArmShown:
    seeds = audit.noise or (SeedFlips() if audit.seeds is None else audit.seeds.changed)
    of_these = (
        not terms.compares_pairs(audit)
        and audit.noise is not None
        and set(audit.noise.group_sizes or ())
        == {
            audit.inputs.dense.n_models,
            audit.inputs.compressed.n_models,
        }
    )  # else they are of groups of other sizes, or of pairs of models
    level = Level(
        value=ONLY,
        label="after",
        models=audit.inputs.compressed.n_models,
        cells=packer.cells(0, "compressed"),
        happened=packer.kinds(0) if terms.compares_pairs(audit) else None,
        seeds=seeds.floor if of_these else None,
        excess=None if seeds.excess is None else ExcessShown(seeds.excess, seeds.low, seeds.high),
        is_clear=None if seeds.low is None else seeds.low > 0,
        accuracy=None if audit.accuracy is None else audit.accuracy.compressed,
        clear_classes=packer.places([row.name for row in audit.classes if row.is_clear])
        if any(row.q_value is not None for row in audit.classes)
        else None,
    )
    return ArmShown(ONLY_ARM, "after", 0, 0, 0, (level,))


def _copies(audit: AuditRecord, packer: _Packer, known: Sequence[tuple[CopyRow, int]]) -> tuple[ArmShown, ...]:
    """An arm a method, in the curve's order and colours."""
    methods = list(dict.fromkeys(row.method for row in audit.what_if))
    places = _places(audit.what_if)
    arms = []
    for method in dict.fromkeys(row.method for row, _ in known):
        mine = sorted((places[row.name], row, place) for row, place in known if row.method == method)
        levels = tuple(
            Level(
                value=value,
                label=", ".join([printable(row.name), *copies.size(row)]),
                models=1,
                cells=packer.cells(place, "compressed"),
                accuracy=row.accuracy,
                clear_classes=None if packer.truth is None else packer.places(row.lost_classes),
            )
            for value, row, place in mine
        )
        index = methods.index(method)
        arms.append(ArmShown(method, charts.method_name(audit.what_if, method), 0, index % 4, index % 4, levels))
    return tuple(arms)


@dataclass(frozen=True)
class _Known:
    """Labels of one side of a table, as numbers of classes; -1: none."""

    dense: np.ndarray
    compressed: np.ndarray
    truth: np.ndarray


class _Packer:
    """Arrays of the examples that are shown."""

    def __init__(self, audit: AuditRecord, tables: Sequence[pa.Table]) -> None:
        self.packed = Packed()
        self._audit, self._tables = audit, tables
        names = texts(audit.class_names)
        self._labels = [
            _Known(*(_codes(table[f"{which}label"], names) for which in ("dense_", "compressed_", "")))
            for table in tables
        ]
        self.ids: list[str] = tables[0]["example_id"].to_pylist()
        self.are_labels_known = all((of.dense >= 0).all() and (of.compressed >= 0).all() for of in self._labels)
        self._truth = self._labels[0].truth
        self.truth = self._whole("truth", self._truth) if (self._truth >= 0).all() else None

    def _whole(self, name: ArrayName, labels: np.ndarray, xor: ArrayName | None = None) -> ArrayName:
        return self.packed.whole(name, labels, len(self._audit.class_names) - 1, xor)

    def places(self, names: Container[str]) -> tuple[int, ...]:
        """Of classes, by their names."""
        return tuple(place for place, name in enumerate(self._audit.class_names) if name in names)

    def cells(self, place: int, side: SideName) -> Cells:
        """What one side's models say, by the table of a copy."""
        table, own, before = self._tables[place], f"{place}/{side}", self._labels[place].dense
        labels = before if side == "dense" else self._labels[place].compressed
        models, packed, is_dense = self._audit.inputs.side(side).n_models, self.packed, side == "dense"

        def votes(part: str, column: str, are_for_it: np.ndarray) -> ArrayName | None:
            shares = self._column(table, column)
            if models == 1:
                shares = are_for_it.astype(np.float64)
            if shares is None or not np.isfinite(shares).all():  # a file of before there were these
                return None
            return packed.whole(f"{own}/{part}", np.rint(shares * models).astype(np.int64), models)

        modal = np.rint(floats_of(table[f"{side}_share"], 1.0) * models).astype(np.int64)
        tested = self._audit.confirmed
        is_tested = tested is not None and tested.pies is not None and not is_dense
        score = "confidence" if self.truth is None else "probability"
        return Cells(
            label=self._whole(f"{own}/label", labels, None if is_dense else "0/dense/label"),
            modal=packed.whole(f"{own}/modal", modal, models),
            right=None if self.truth is None else votes("right", f"{side}_right", labels == self._truth),
            dense=None if is_dense else votes("dense", "compressed_as_before", labels == before),
            confirmed=packed.whole(f"{own}/confirmed", numpy_of(table["is_confirmed"]), 1) if is_tested else None,
            score=packed.measured(f"{own}/score", self._column(table, f"{side}_{score}"), (0.0, 1.0), STEPS),
            **{name: self._measured(own, table, side, name) for name in MEASURES},
        )

    def _measured(self, own: str, table: pa.Table, side: SideName, name: str) -> ArrayName | None:
        values = [self._column(table, f"{which}_{name}") for table in self._tables for which in ("dense", "compressed")]
        known = np.concatenate([np.zeros(0), *(of[np.isfinite(of)] for of in values if of is not None)])
        if not len(known):
            return None
        span = float(known.min()), float(known.max())
        return self.packed.measured(f"{own}/{name}", self._column(table, f"{side}_{name}"), span, STEPS)

    def kinds(self, place: int) -> ArrayName:
        """What happened to each example, as the file says; of pairs of models what happens in most of them."""
        named = _codes(self._tables[place]["kind"], texts(KINDS))
        return self.packed.whole(f"{place}/kinds", np.where(named < 0, KINDS.index("moved"), named), len(KINDS) - 1)

    @staticmethod
    def _column(table: pa.Table, name: str) -> np.ndarray | None:
        return floats_of(table[name]) if name in table.column_names else None

    def pictures(self, images: Mapping[str, bytes]) -> tuple[SpriteSheets | None, tuple[str, ...]]:
        """Of the examples that have one, as many as there is room for; the most harmed first."""
        if not images:
            return None, ()
        from piescope.report.layout.sprites import sprites, without_picture

        found = ((place, png_pixels(images[name])) for place, name in enumerate(self.ids) if name in images)
        decoded = {place: pixels for place, pixels in found if pixels is not None}
        harm = np.max([floats_of(table["harm"], 0.0) for table in self._tables], axis=0)
        ranked = sorted(decoded, key=lambda place: -harm[place])
        shown, left_out = sprites(self.packed, decoded.__getitem__, ranked, len(self.ids), ROOM)
        return shown, without_picture(left_out, len(self.ids))


def _codes(column: pa.ChunkedArray, names: pa.Array) -> np.ndarray:
    """Numbers of classes; -1: none, or none of these."""
    found = pc.index_in(pc.cast(column, pa.string()), names)
    return floats_of(found, -1).astype(np.int64)
