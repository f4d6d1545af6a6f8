"""`piescope.audit`: from two sides to a folder of answers. Joins what `auditing` computes and `report` shows."""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import textwrap
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol

from piescope.dataframes import as_dataframe, table_of
from piescope.notebooks import ShownPage, opened
from piescope.problems import InputError
from piescope.store import audit_layout
from piescope.wording import count, counted

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from pydantic import JsonValue

    from piescope.adapters.compression import CopyFacts
    from piescope.adapters.protocol import Model
    from piescope.auditing.question import Question
    from piescope.dataframes import DataFrame
    from piescope.report.layout.blocks import Document
    from piescope.report.layout.canvas import Style, Width
    from piescope.report.layout.card import Card
    from piescope.store.audit_record import AuditRecord, BudgetRow, CopyRow
from piescope.auditing.command import command_of
from piescope.auditing.files_read import files_read
from piescope.auditing.folder import check_folder, published
from piescope.auditing.options import Asked, AuditOptions, GivenData, GivenSide
from piescope.auditing.question import (
    assembled,
    check_budgets,
    has_both_sides,
    hints_of,
    is_a_model,
    model_of,
    no_other_side,
    pictures_of,
    question_of,
)

CALIBRATION = 256
"""Pictures that int8 takes its ranges of activations from."""

PIES = {
    "example_id": "example_id",
    "label": "true",
    "dense_label": "before",
    "compressed_label": "after",
    "kind": "kind",
    "is_confirmed": "confirmed",
}
"""Columns of examples.parquet, and what they are called among the changed examples."""


@dataclass(frozen=True, eq=False)
class Audit:
    """The answers of an audit.

    Attributes:
        record: the answers, typed.
        folder: where the files are; None: they were not asked for.

    Example:
        >>> found = audit(["cat", "dog"], ["cat", "cat"], labels=["cat", "dog"], budgets={"max_flips": 0})
        >>> found["pies"], found.is_within_budget, found.content["budgets"][0]["verdict"]
        (1, False, 'broken')
        >>> list(found.pies["kind"]), len(found.examples), len(found.classes)
        (['lost'], 2, 2)
    """

    record: AuditRecord
    folder: Path | None

    @property
    def examples(self) -> DataFrame:
        """One row an example, as examples.parquet has them.

        Raises:
            InputError: the file is gone or damaged.
        """
        return as_dataframe(self._rows())

    @property
    def pies(self) -> DataFrame:
        """One row per changed example: class names ``true``, ``before`` and ``after``.

        ``kind`` is ``lost``, ``won back`` or ``moved`` (``changed``: there are no true labels); ``confirmed``: the
        votes changed beyond chance.

        Raises:
            InputError: the file is gone or damaged.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = self._rows(list(PIES), [("is_changed", "=", True)])
        named = {name: rows[column].cast(pa.string()) for column, name in PIES.items() if column != "is_confirmed"}
        named["kind"] = pc.if_else(pc.equal(named["kind"], "rescued"), "won back", named["kind"])
        return as_dataframe(pa.table(named | {PIES["is_confirmed"]: rows["is_confirmed"]}))

    @property
    def classes(self) -> DataFrame:
        """What each class lost, worst first, as ``classes`` of audit.json; no rows where that is not known."""
        from piescope.store.audit_answers import ClassChange

        columns = [field.alias or name for name, field in ClassChange.model_fields.items()]
        rows = (row.model_dump(by_alias=True) for row in self.record.classes)
        return as_dataframe(table_of(rows, sorted(columns, key=lambda name: name != "class")))

    def _rows(self, columns: list[str] | None = None, filters: list[tuple[str, str, bool]] | None = None) -> pa.Table:
        """Of examples.parquet, in the folder or aside."""
        from pyarrow import parquet

        folder = self.folder or getattr(self, "_aside", None)
        try:
            if folder is None:
                raise FileNotFoundError
            return parquet.read_table(audit_layout.examples(folder), columns=columns, filters=filters)
        except (OSError, ValueError):  # a damaged file is one of Arrow's kinds of ValueError
            expected, cure = "one row an example", "audit the same inputs again"
            raise InputError.of("audit", "examples.parquet", "missing or damaged", expected, cure) from None

    @cached_property
    def content(self) -> dict[str, JsonValue]:
        """What audit.json holds."""
        return self.record.content()

    def __getitem__(self, key: str) -> JsonValue:
        return self.content[key]

    @property
    def is_within_budget(self) -> bool:
        """Whether no budget is broken (one that cannot be judged is not)."""
        return all(row.verdict != "broken" for row in self.record.budgets)

    def markdown(self) -> str:
        """The answers for a pull request or a model card."""
        from piescope.report.audit.document import audit_document
        from piescope.report.layout.markdown import markdown

        return markdown(audit_document(self.record))

    def figure(self, number: int, style: Style = "paper", width: Width = "column") -> Figure:
        """A figure of matplotlib; nothing is shown by this.

        Args:
            number: 1: what each class lost, with intervals; 2: likewise each group of the metadata.
            style: for a paper's page, or large for a slide (``"talk"``).
            width: of a ``"column"``, or of the whole ``"page"``.

        Raises:
            ValueError: there is no figure of that number.
        """
        from piescope.report.audit.figures import figure

        return figure(self.record, number, style, width)

    def plot(self, style: Style = "paper", width: Width = "column") -> Figure:
        """What each class lost, worst first, as a matplotlib Figure; pale: not beyond chance."""
        return self.figure(1, style, width)

    def explore(self) -> ShownPage:
        """Its page, made anew where it is missing or stale: in a notebook shown, elsewhere opened in the browser.

        Waits for no browser and prints nothing; where there is none, the answer is the page's path. An audit without a
        folder has its page in a temporary one, which stays, as the browser may outlive this process.
        """
        if self.folder is not None:
            if not has_fresh_page(self.folder):
                render(self.folder)
            return opened(audit_layout.report(self.folder))
        from piescope.report.layout import html

        page = audit_layout.report(Path(tempfile.mkdtemp(prefix="piescope-page-")))
        page.write_bytes(html.page(self._document))
        return opened(page)

    @property
    def _document(self) -> Document:
        from piescope.report.audit.document import audit_document

        folder = self.folder or getattr(self, "_aside", None)
        return audit_document(self.record, {} if folder is None else _pictures_in(folder))

    def _repr_html_(self) -> str:
        """The first screen of its page."""
        from piescope.report.layout.html import in_a_cell

        return in_a_cell(self._document, self)

    def __repr__(self) -> str:
        inputs, answer = self.record.inputs, self.record.verdict.answer
        counts = f"{counted(self.record.n_examples, 'example')}, {count(self.record.changed)} changed, {answer}"
        return f"Audit({inputs.compressed.name!r} against {inputs.dense.name!r}: {counts})"


P = ParamSpec("P")


class _Audits(Protocol[P]):
    """The options are those of `AuditOptions`, whatever they are."""

    def __call__(
        self,
        dense: GivenSide,
        compressed: GivenSide | None = None,
        dataset: GivenData | None = None,
        *args: P.args,
        **options: P.kwargs,
    ) -> Audit: ...


def _with_options(kind: Callable[P, AuditOptions]) -> Callable[[Callable[..., Audit]], _Audits[P]]:
    """Gives a function the options of a class: for type checkers, `inspect.signature` and `help`."""

    def given(function: Callable[..., Audit]) -> _Audits[P]:
        sides = inspect.signature(function).parameters.values()
        listed = inspect.signature(kind)
        documented = (inspect.getdoc(kind) or "").split("Attributes:\n")[1]
        attributes = textwrap.indent(textwrap.dedent(documented), "        ").rstrip()
        function.__doc__ = (function.__doc__ or "").replace("        **options: of `AuditOptions`.", attributes)
        named = [side for side in sides if side.kind is not side.VAR_KEYWORD]
        signature = inspect.Signature([*named, *listed.parameters.values()], return_annotation="Audit")
        function.__signature__ = signature  # type: ignore[attr-defined]
        of_options = {name: parameter.annotation for name, parameter in listed.parameters.items()}
        function.__annotations__ = {side.name: side.annotation for side in named} | of_options | {"return": "Audit"}
        return function

    return given


@_with_options(AuditOptions)
def audit(
    dense: GivenSide, compressed: GivenSide | None = None, dataset: GivenData | None = None, **options: Any
) -> Audit:
    """What a model lost when it was compressed: which examples, which classes, and whether that is more than chance.

    Either side is predictions or a model. Predictions: a file (CSV, TSV, Parquet, Arrow, JSON lines, .npy, .npz,
    .safetensors), a folder or glob of them (one model a file), an array ``[examples]`` or ``[models, examples]`` of
    labels or ``[..., examples, classes]`` of probabilities or logits, or a mapping of model names to arrays. A model: a
    text (``timm:NAME``, ``hf:NAME_OR_FOLDER``, ``onnx:FILE``, ``WRN-16-2@FILE``, ``FILE.py:function``), an nn.Module or
    any callable of pixels; it needs a ``dataset``.

    Args:
        dense: the side before compression; one model or several.
        compressed: the side after it; None with ``compress``, or where a column of ``dense`` has its predictions.
        dataset: what models look at: ``"digits"``, ``"cifar10"``, a folder of images, an .npz, a Hugging Face data set
            folder, a `piescope.Dataset` or ``(images, labels)``.
        **options: of `AuditOptions`.

    Returns:
        the answers; ``.content`` is what audit.json holds.

    Raises:
        InputError: inputs that cannot be read, or that do not fit together; nothing is written then.

    Example:
        >>> import numpy as np
        >>> found = audit(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), labels=np.array([0, 1, 1, 1]))
        >>> found["changed"], found["flips"]["correct_to_wrong"], found["accuracy"]["change"]
        (1, 1, -25.0)
    """
    unknown = options.keys() - {option.name for option in fields(AuditOptions)}
    if unknown:
        raise TypeError(f"audit() got an unexpected keyword argument {min(unknown)!r}")
    asked = Asked(dataset=dataset, **options)
    if asked.out is not None:
        return run_audit(dense, compressed, asked, Path(fspath(asked.out)))
    aside = Path(tempfile.mkdtemp(prefix="piescope-audit-"))
    try:
        found = replace(run_audit(dense, compressed, asked, aside), folder=None)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    object.__setattr__(found, "_aside", aside)
    weakref.finalize(found, _remove, aside, os.getpid())
    return found


def _remove(aside: Path, owner: int) -> None:
    """Takes away what was not asked for; a fork of the process that made it leaves it to that."""
    if os.getpid() == owner:
        shutil.rmtree(aside, ignore_errors=True)


def run_audit(dense: GivenSide, compressed: GivenSide | None, asked: Asked, out: Path) -> Audit:
    """Does what was asked, and writes all files to a folder; arguments and errors as `audit`.

    The folder gets all files when all are there: until then it is as it was, whatever comes between.
    """
    check_folder(out)
    if asked.compress is not None:
        if compressed is not None:
            cure = "leave COMPRESSED out: --compress makes it"
            raise InputError.of("audit", "--compress", "a compressed side too", "one of the two", cure)
        return _audit_copies(dense, asked.compress, asked, out)
    if compressed is None and has_both_sides(dense, asked):
        compressed = dense
    if compressed is None:
        raise no_other_side(dense, asked)
    typed = command_of(dense, compressed, asked)
    question = replace(question_of(dense, compressed, asked), files=files_read(dense, compressed, asked), command=typed)
    with published(out) as place:
        return Audit(_finish(question, asked, place), out)


def _audit_copies(given: GivenSide, compress: str, asked: Asked, out: Path) -> Audit:
    """Makes the copies, audits each against the model, and puts the curve before the last one's answers."""
    from piescope.adapters.compression import parse_compressions
    from piescope.adapters.copies import compressed_copy
    from piescope.adapters.running import run_model
    from piescope.auditing.what_if import curve_row
    from piescope.reading.inputs import check_label_column

    compressions = parse_compressions(compress)
    check_folder(out, [compression.folder for compression in compressions])
    if not is_a_model(given, asked):
        cure = "name one: timm:NAME, hf:FOLDER, onnx:FILE, WRN-16-2@FILE"
        raise InputError.of("audit", "--compress", "a file of predictions", "a model", cure)
    pictures = pictures_of(asked)
    if asked.labels is None:  # of a file of labels its reader says so
        check_label_column(asked.label_column, None, ())
    check_budgets(asked, pictures)
    model = model_of(given, "dense", asked, pictures)
    calibration = _calibration(asked) if any(compression.method == "int8" for compression in compressions) else None
    made: dict[str, tuple[Model, CopyFacts]] = {}
    # one of each kind before any work: nobody waits to hear that it cannot be made
    for compression in {
        (compression.method, compression.group): compression for compression in reversed(compressions)
    }.values():
        made[compression.name] = compressed_copy(model, compression, asked.seed, calibration)
        made[compression.name][0].scores(pictures.batch(0, min(1, len(pictures))))
    seen = asked.on_progress, asked.pictures_at_once
    before = run_model(model, pictures, "dense", *seen, hints_of(asked, "dense").values)
    curve: list[CopyRow] = []
    judged: list[BudgetRow] = []
    last_audit: AuditRecord | None = None
    files, typed = files_read(given, None, asked), command_of(given, None, asked)
    with published(out) as place:
        for compression in compressions:
            if compression.name not in made:
                made[compression.name] = compressed_copy(model, compression, asked.seed, calibration)
            copy, facts = made.pop(compression.name)
            after = run_model(
                copy,
                pictures,
                compression.name,
                asked.on_progress,
                asked.pictures_at_once,
                hints_of(asked, "compressed").values,
            )
            after = replace(after, name=compression.name, notes=tuple(dict.fromkeys((*after.notes, *facts.notes))))
            question = assembled({"dense": before, "compressed": after}, asked, pictures)
            question = replace(question, files=files, command=typed)
            last = audit_layout.copy(place, compression.folder)
            last.mkdir()
            last_audit = _finish(question, asked, last, compression.name)
            curve.append(curve_row(last_audit, compression, facts))
            judged += last_audit.budgets
        assert last_audit is not None
        record = last_audit.with_answers(what_if=tuple(curve), budgets=tuple(judged))
        shutil.copyfile(audit_layout.images(last), audit_layout.images(place))
        shutil.copyfile(audit_layout.examples(last), audit_layout.examples(place))
        write_audit(record, place)
    return Audit(record, out)


def _calibration(asked: Asked) -> list[Any] | None:
    """Pictures that none of the audited ones are among, for the ranges of activations; None: there are none."""
    from piescope.data.opening import open_pictures
    from piescope.data.sources import SOURCES

    if asked.dataset not in SOURCES:
        return None
    others = open_pictures(f"train:{asked.dataset}", asked.folder_of_data)
    step = max(1, len(others) // CALIBRATION)
    return [others.batch(row, row + 1)[0] for row in range(0, len(others), step)][:CALIBRATION]


def _finish(question: Question, asked: Asked, out: Path, of: str = "") -> AuditRecord:
    """Answers, judges and writes, to a folder that is there."""
    from piescope.auditing.run import answer
    from piescope.auditing.verdict import verdict_of

    if asked.limits is not None:
        asked.limits.check(question.truth is not None, question.metadata is not None, not question.is_right_or_wrong)
    record = answer(question, out, asked.on_progress)
    if asked.limits is not None:
        from piescope.auditing.budgets import judge
        from piescope.auditing.verdict import doubted

        record = record.with_answers(budgets=doubted(judge(record, asked.limits, of), record.warnings))
    record = record.with_answers(verdict=verdict_of(record))
    write_audit(record, out)
    return record


def write_audit(record: AuditRecord, out: Path) -> None:
    """Writes audit.json, and what people read of it."""
    from piescope.store.durable import write_file

    write_file(audit_layout.audit(out), record.as_bytes())
    render(out)


def render(out: Path) -> None:
    """Writes report.html and audit.md anew from audit.json, examples.parquet and images.parquet.

    Raises:
        InputError: no audit there.
    """
    from piescope.report.audit.document import audit_document
    from piescope.report.audit.explorer import audit_explorer, read_examples
    from piescope.report.layout import html, markdown
    from piescope.store.durable import write_file

    record, pictures = _read(out)
    document = audit_document(record, pictures)
    places = [audit_layout.copy(out, Path(row.folder).name) for row in record.what_if] or [out]
    explorer = audit_explorer(record, read_examples([audit_layout.examples(place) for place in places]), pictures)
    write_file(audit_layout.report(out), html.page(document, explorer))
    write_file(audit_layout.markdown(out), markdown.markdown(document).encode())


def card_of(out: Path) -> Card:
    """The card of an audit's folder.

    Raises:
        InputError: no audit there.
    """
    from piescope.report.audit.card import audit_card

    return audit_card(*_read(out))


def _read(out: Path) -> tuple[AuditRecord, dict[str, bytes]]:
    """The answers, and pictures of the examples that the page shows."""
    from piescope.store.audit_record import AuditRecord as Record

    record = Record.read(out)
    copies = [audit_layout.copy(out, Path(row.folder).name) for row in record.what_if]
    return record, {name: png for place in (*copies, out) for name, png in _pictures_in(place).items()}


def _pictures_in(folder: Path) -> dict[str, bytes]:
    """PNGs of the examples that the page shows, by id."""
    if not audit_layout.images(folder).is_file():
        return {}
    from pyarrow import parquet

    table = parquet.read_table(audit_layout.images(folder))
    return dict(zip(table.column("id").to_pylist(), table.column("png").to_pylist(), strict=True))


def has_fresh_page(folder: Path) -> bool:
    """Whether an audit's page is there, of these answers, and made by this version."""
    import piescope

    page, made_from = audit_layout.report(folder), audit_layout.audit(folder).stat().st_mtime
    is_ours = page.is_file() and f"piescope {piescope.__version__}".encode() in page.read_bytes()
    return is_ours and page.stat().st_mtime >= made_from
