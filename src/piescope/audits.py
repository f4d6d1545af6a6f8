"""`piescope.audit`: from two sides to a folder of answers. Joins what `auditing` computes and `report` shows."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piescope.problems import InputError
from piescope.store import audit_layout

if TYPE_CHECKING:
    from piescope.adapters.compression import Facts
    from piescope.adapters.protocol import Model, Settings
    from piescope.auditing.budgets import Budgets
    from piescope.auditing.run import Question
    from piescope.data.pictures import Pictures
    from piescope.reading.inputs import SideInput
    from piescope.reading.parts import Hints, LabelColumn

OnProgress = Callable[[str, int, int], None]

CALIBRATION = 256
"""Pictures that int8 takes its ranges of activations from."""


def _silent(_what: str, _done: int, _all: int) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Audit:
    """The answers of an audit.

    Attributes:
        content: what audit.json holds.
        folder: where the files are; None: they were not asked for.

    Example:
        >>> found = audit(["cat", "dog"], ["cat", "cat"], labels=["cat", "dog"], budgets={"max_flips": 0})
        >>> found["pies"], found.is_within_budget, found.content["budgets"][0]["verdict"]
        (1, False, 'broken')
    """

    content: dict[str, Any]
    folder: Path | None

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    @property
    def is_within_budget(self) -> bool:
        """Whether no budget is broken (one that cannot be judged is not)."""
        return all(row["verdict"] != "broken" for row in self.content["budgets"])

    def markdown(self) -> str:
        """The answers for a pull request or a model card."""
        from piescope.report.audit.markdown import audit_markdown

        return audit_markdown(self.content)

    def __repr__(self) -> str:
        return f"Audit({self.content['n_examples']} examples, {self.content['changed']} changed, folder={self.folder})"

    def _repr_markdown_(self) -> str:
        return self.markdown()


@dataclass(frozen=True)
class Asked:
    """How an audit is to be done; see `audit`."""

    labels: Any = None
    metadata: str | PathLike[str] | None = None
    budgets: Budgets | None = None
    dense_embeddings: str | PathLike[str] | None = None
    compressed_embeddings: str | PathLike[str] | None = None
    dense_layers: str | None = None
    compressed_layers: str | None = None
    classes: Any = None
    values: Any = None
    id_column: Any = None
    label_column: str | None = None
    prediction_column: Any = None
    score_columns: Any = None
    right_from: float | None = None
    header: bool | None = None
    match_tail: bool = False
    common: bool = False
    paired: bool = False
    data: Any = None
    data_dir: Path | None = None
    compress: str | None = None
    trust_code: bool = False
    device: str = "cpu"
    settings: Settings | None = None
    seed: int = 0
    expect_accuracy: float | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.expect_accuracy is not None and not 1 < self.expect_accuracy <= 100:
            error = InputError("audit")
            cure = "write 79 for 79 %"
            error.add("--expect-accuracy", f"{self.expect_accuracy:g}", "percent, above 1 and up to 100", cure)
            raise error
        if self.batch_size is not None and not (isinstance(self.batch_size, int) and self.batch_size >= 1):
            error = InputError("audit")
            error.add("--batch-size", str(self.batch_size), "a whole number from 1 on", "write 1 for one at a time")
            raise error

    @property
    def pictures_at_once(self) -> int:
        """How many pictures models see at once."""
        from piescope.adapters.batches import BATCH

        return self.batch_size or BATCH


def audit(
    dense: Any,
    compressed: Any = None,
    dataset: Any = None,
    *,
    labels: Any = None,
    metadata: str | PathLike[str] | None = None,
    budgets: Budgets | Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    dense_embeddings: str | PathLike[str] | None = None,
    compressed_embeddings: str | PathLike[str] | None = None,
    dense_layers: str | None = None,
    compressed_layers: str | None = None,
    classes: Any = None,
    values: Any = None,
    id_column: str | Sequence[str] | None = None,
    label_column: str | None = None,
    prediction_column: str | Sequence[str] | None = None,
    score_columns: Sequence[str] | None = None,
    right_from: float | None = None,
    header: bool | None = None,
    match_tail: bool = False,
    common: bool = False,
    paired: bool = False,
    data_dir: str | PathLike[str] | None = None,
    compress: str | None = None,
    trust_code: bool = False,
    device: str = "cpu",
    settings: Settings | None = None,
    seed: int = 0,
    expect_accuracy: float | None = None,
    batch_size: int | None = None,
    on_progress: OnProgress = _silent,
) -> Audit:
    """What a model lost when it was compressed: which examples, which classes, and whether that is more than chance.

    Either side is predictions or a model. Predictions: a file (CSV, TSV, Parquet, Arrow, JSON lines, .npy, .npz,
    .safetensors), a folder or glob of them (one model a file), an array ``[examples]`` or ``[models, examples]`` of
    labels or ``[..., examples, classes]`` of probabilities or logits, or a mapping of model names to arrays. A model: a
    text (``timm:NAME``, ``hf:NAME_OR_FOLDER``, ``onnx:FILE``, ``WRN-16-2@FILE``, ``FILE.py:function``), an nn.Module or
    any callable of pixels; it needs a ``dataset``.

    Args:
        dense: the side before compression; one model or several.
        compressed: the side after it; None only with ``compress``.
        dataset: what models look at: ``"digits"``, ``"cifar10"``, a folder of images, an .npz, a Hugging Face data set
            folder, a `piescope.Dataset` or ``(images, labels)``.
        labels: true labels: a file or an array ``[examples]``; None: those beside the predictions or of the dataset.
        metadata: a table whose columns make groups.
        budgets: what may be lost at most, `Budgets` or its values by name; judged in ``content["budgets"]``.
        out: folder for audit.json, audit.md, examples.parquet and report.html; None: nothing is written.
        dense_embeddings: a file with ``[examples, dims]``, of one model.
        compressed_embeddings: likewise.
        dense_layers: folder or glob of such files, one a layer, shallow to deep: adds prediction depth.
        compressed_layers: likewise.
        classes: class names in order of their ids, or a file with one a line.
        values: ``"labels"``, ``"probabilities"``, ``"logits"`` or ``"correct"`` (right and wrong), where that is not
            to be found out; a pair where the sides differ, dense first.
        id_column: name of the column with ids, if it is none of the usual ones; several where files differ.
        label_column: name of the column with true labels, likewise.
        prediction_column: name of the column with predicted classes; several: one a model.
        score_columns: names of the columns with scores, one a class; a single one is that of class 1 of two.
        right_from: the score from which on an answer is right, for files of scores of right and wrong.
        header: whether the first row of CSV files names the columns; None: it is found out.
        match_tail: ids are paths of one data set under different roots: match them by their common ends.
        common: audit the examples that all files have, instead of refusing files that differ.
        paired: model k of one side was made from model k of the other.
        data_dir: where ``"cifar10"`` lies.
        compress: make the compressed copies here, without training: ``"magnitude:0.5,0.7,0.9"``, ``"int8"``, ...
        trust_code: ``FILE.py:function`` may be executed.
        device: where torch models run.
        settings: what is known of a model's input: size, mean, std.
        seed: of what is drawn at random.
        batch_size: pictures that a model sees at once, 256 where it is not said; models that quantise activations
            dynamically answer otherwise in other batches.
        expect_accuracy: percent that the dense side is known to score; a clearly other one is an error: files misread.
        on_progress: hears what is at work, how many examples are done and how many there are.

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
    limits: Any = budgets
    if isinstance(budgets, Mapping):
        from piescope.auditing.budgets import Budgets as BudgetsOf

        limits = BudgetsOf.of(budgets)
    asked = Asked(
        labels,
        metadata,
        limits,
        dense_embeddings,
        compressed_embeddings,
        dense_layers,
        compressed_layers,
        classes,
        values,
        id_column,
        label_column,
        prediction_column,
        score_columns,
        right_from,
        header,
        match_tail,
        common,
        paired,
        dataset,
        None if data_dir is None else Path(data_dir),
        compress,
        trust_code,
        device,
        settings,
        seed,
        expect_accuracy,
        batch_size,
    )
    if out is not None:
        return run_audit(dense, compressed, asked, Path(fspath(out)), on_progress)
    with tempfile.TemporaryDirectory(prefix="piescope-audit-") as scratch:
        return replace(run_audit(dense, compressed, asked, Path(scratch), on_progress), folder=None)


def run_audit(dense: Any, compressed: Any, asked: Asked, out: Path, on_progress: OnProgress = _silent) -> Audit:
    """Does what was asked, and writes all files to a folder; arguments and errors as `audit`.

    The folder gets all files when all are there: until then it is as it was, whatever comes between.
    """
    _check_folder(out)
    if compressed is None and asked.compress is None:
        error = InputError("audit")
        error.add(
            "COMPRESSED",
            "nothing",
            "the compressed side",
            "name it, or have copies made: --compress magnitude:0.5,0.7,0.9",
        )
        raise error
    if asked.compress is not None:
        if compressed is not None:
            error = InputError("audit")
            error.add(
                "--compress", "a compressed side too", "one of the two", "leave COMPRESSED out: --compress makes it"
            )
            raise error
        return _audit_copies(dense, asked.compress, asked, out, on_progress)
    question = _question(dense, compressed, asked, on_progress)
    with published(out) as place:
        return replace(_finish(question, asked, place, on_progress), folder=out)


def _audit_copies(given: Any, compress: str, asked: Asked, out: Path, on_progress: OnProgress) -> Audit:
    """Makes the copies, audits each against the model, and puts the curve before the last one's answers."""
    from piescope.adapters.compression import parse_compressions
    from piescope.adapters.copies import compressed_copy
    from piescope.adapters.running import run_model
    from piescope.auditing.what_if import curve_row

    compressions = parse_compressions(compress)
    _check_folder(out, [compression.folder for compression in compressions])
    if not _is_model(given, asked):
        error = InputError("audit")
        cure = "name one: timm:NAME, hf:FOLDER, onnx:FILE, WRN-16-2@FILE"
        error.add("--compress", "a file of predictions", "a model", cure)
        raise error
    pictures = _pictures(asked)
    _check_budgets(asked, pictures)
    model = _model(given, "dense", asked, pictures)
    calibration = _calibration(asked) if any(each.method == "int8" for each in compressions) else None
    made: dict[str, tuple[Model, Facts]] = {}
    # one of each kind before any work: nobody waits to hear that it cannot be made
    for compression in {(each.method, each.group): each for each in reversed(compressions)}.values():
        made[compression.name] = compressed_copy(model, compression, asked.seed, calibration)
        made[compression.name][0].scores(pictures.batch(0, min(1, len(pictures))))
    before = run_model(model, pictures, "dense", on_progress, asked.pictures_at_once, _hints(asked, "dense").values)
    curve: list[dict[str, Any]] = []
    judged: list[dict[str, Any]] = []
    found: Audit | None = None
    with published(out) as place:
        for compression in compressions:
            if compression.name not in made:
                made[compression.name] = compressed_copy(model, compression, asked.seed, calibration)
            copy, facts = made.pop(compression.name)
            after = run_model(
                copy,
                pictures,
                compression.name,
                on_progress,
                asked.pictures_at_once,
                _hints(asked, "compressed").values,
            )
            after = replace(after, name=compression.name, notes=tuple(dict.fromkeys((*after.notes, *facts.notes))))
            question = _assembled({"dense": before, "compressed": after}, asked, pictures)
            last = audit_layout.copy(place, compression.folder)
            last.mkdir()
            found = _finish(question, asked, last, on_progress, compression.name)
            curve.append(curve_row(found.content, compression, facts))
            judged += found.content["budgets"]
        assert found is not None
        content = {**found.content, "what_if": curve, "budgets": judged}
        shutil.copyfile(audit_layout.images(last), audit_layout.images(place))
        shutil.copyfile(audit_layout.examples(last), audit_layout.examples(place))
        write_audit(content, place)
    return Audit(content, out)


def _check_budgets(asked: Asked, pictures: Pictures | None) -> None:
    """Refuses budgets that models on these pictures cannot answer, before any of them runs."""
    if asked.budgets is not None:
        known = asked.labels is not None or (pictures is not None and pictures.labels is not None)
        asked.budgets.check(known, asked.metadata is not None)


def _calibration(asked: Asked) -> list[Any] | None:
    """Pictures that none of the audited ones are among, for the ranges of activations; None: there are none."""
    from piescope.data.opening import open_pictures
    from piescope.data.sources import SOURCES

    if asked.data not in SOURCES:
        return None
    others = open_pictures(f"train:{asked.data}", asked.data_dir)
    step = max(1, len(others) // CALIBRATION)
    return [others.batch(row, row + 1)[0] for row in range(0, len(others), step)][:CALIBRATION]


def _finish(question: Question, asked: Asked, out: Path, on_progress: OnProgress, of: str = "") -> Audit:
    """Answers, judges and writes, to a folder that is there."""
    from piescope.auditing.run import answer
    from piescope.auditing.verdict import verdict_of

    if asked.budgets is not None:
        asked.budgets.check(question.truth is not None, question.metadata is not None, not question.is_right_or_wrong)
    content = answer(question, out, on_progress)
    if asked.budgets is not None:
        from piescope.auditing.budgets import judge
        from piescope.auditing.verdict import doubted

        content["budgets"] = doubted(judge(content, asked.budgets, of), content["warnings"])
    content["verdict"] = verdict_of(content).content()
    write_audit(content, out)
    return Audit(content, out)


@contextmanager
def published(out: Path) -> Iterator[Path]:
    """A folder to write an audit to; its files take the place of the last audit's when all are there, or not at all.

    Files in ``out`` that are no audit's stay as they are. If anything is raised, everything is as it was before.

    Args:
        out: the audit's folder; made if missing.
    """
    from piescope.store.artefacts import naming, temporary_name

    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    place = temporary_name(out / "audit")
    try:
        out.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        place.mkdir()
        yield place
        with naming(out):
            _put_in_place(place, out)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is not None:  # by the name that people know
            error.filename = str(error.filename).replace(str(place), str(out))
        shutil.rmtree(place, ignore_errors=True)
        for folder in made:  # the innermost first
            with suppress(OSError):  # not empty: another hand was here
                folder.rmdir()
        raise


def _put_in_place(place: Path, out: Path) -> None:
    """Moves files to where people look for them; what the last audit left goes first, audit.json comes last."""
    new = [path.relative_to(place) for path in place.rglob("*") if path.is_file()]
    old = [path.relative_to(out) for path in audit_layout.written(out) or []]
    for stale in [path for path in old if path not in new]:
        (out / stale).unlink()
    for folder in {path.parent for path in old if path not in new} - {Path()}:
        with suppress(OSError):  # somebody put a file there
            (out / folder).rmdir()
    for path in sorted(new, key=lambda each: (each == Path(audit_layout.AUDIT), each)):
        (out / path).parent.mkdir(exist_ok=True)
        (place / path).replace(out / path)
    shutil.rmtree(place)


def _remove_leftovers(out: Path) -> None:
    """Takes away what an audit of this folder left that was killed."""
    from piescope.store.artefacts import is_leftover

    for path in out.iterdir():
        if is_leftover(path):
            shutil.rmtree(path, ignore_errors=True)


def write_audit(content: dict[str, Any], out: Path) -> None:
    """Writes audit.json, and what people read of it."""
    from piescope.store.artefacts import as_json, write_file

    write_file(audit_layout.audit(out), as_json(content))
    render(out)


def render(out: Path) -> None:
    """Writes report.html and audit.md anew from audit.json and images.parquet.

    Raises:
        InputError: no audit there.
    """
    from piescope.report.audit.markdown import audit_markdown
    from piescope.report.audit.page import render_audit
    from piescope.store.artefacts import write_file

    content = read_audit(out)
    images: dict[str, bytes] = {}
    if audit_layout.images(out).is_file():
        from pyarrow import parquet

        table = parquet.read_table(audit_layout.images(out))
        images = dict(zip(table.column("id").to_pylist(), table.column("png").to_pylist(), strict=True))
    write_file(audit_layout.report(out), render_audit(content, images))
    write_file(audit_layout.markdown(out), audit_markdown(content).encode())


def read_audit(out: Path) -> dict[str, Any]:
    """What audit.json holds.

    Raises:
        InputError: it is missing, damaged, or of another version.
    """
    from piescope.auditing.answers import FORMAT_VERSION

    error = InputError(str(audit_layout.audit(out).name))
    try:
        content = json.loads(audit_layout.audit(out).read_bytes())
        version = content["format_version"]
    except (OSError, ValueError, KeyError, TypeError):
        error.add("file", "missing or damaged", "the answers of an audit", "run `piescope audit` again")
        raise error from None
    if version != FORMAT_VERSION:
        error.add("format_version", str(version), str(FORMAT_VERSION), "run `piescope audit` again with this version")
        raise error
    return dict(content)


def _check_folder(out: Path, copies: Sequence[str] = ()) -> None:
    """An audit replaces an audit, and nothing else; and it must be possible to write there."""
    error = InputError(out.name or str(out))
    try:
        if out.is_dir():
            _check_content(out, copies, error)
            above = out
        else:
            above = next((folder for folder in (out, *out.parents) if os.path.lexists(folder)), Path())
            if above == out:
                error.add("--out", "a file", "a folder", "name a folder")
            elif not above.is_dir():
                error.add("--out", f"a file above it, {above.name}", "a folder", "name another folder")
        if not error and not os.access(above, os.W_OK | os.X_OK):
            error.add("--out", "a folder that may not be written", "one that may", "name another folder")
    except (OSError, ValueError) as reason:
        error.add("--out", getattr(reason, "strerror", None) or str(reason), "a folder", "name another folder")
    error.raise_if_any()


def _check_content(out: Path, copies: Sequence[str], error: InputError) -> None:
    """A folder that is there is empty, or an audit's; what a copy is to be written to is nobody else's."""
    from piescope.store.artefacts import is_leftover

    written = audit_layout.written(out)
    if written is None and not all(map(is_leftover, out.iterdir())):
        expected, cure = "an empty folder, or one that holds an audit", "name another folder"
        error.add("--out", "a folder with other files", expected, cure)
    for name in copies:
        place = audit_layout.copy(out, name)
        ours = written is not None and audit_layout.audit(place) in written
        if os.path.lexists(place) and not ours:
            error.add("--out", f"{name} in it, which no audit wrote", "nothing of that name", "name another folder")


def _hints(asked: Asked, side: str = "", known: Known | None = None) -> Hints:
    """What the user says of the files, and what the labels and the other side tell of this one."""
    from piescope.reading.parts import Hints as HintsOf

    values = asked.values
    if values is not None and not isinstance(values, str):
        values = None if not side else tuple(values)[side == "compressed"]
    told = known or Known()
    return HintsOf(
        values=values,
        id_columns=_names(asked.id_column),
        label_column=asked.label_column,
        prediction_columns=_names(asked.prediction_column),
        score_columns=_names(asked.score_columns),
        right_from=asked.right_from,
        has_header=asked.header,
        examples=told.examples,
        names=told.names,
        classes_are_all=told.are_all,
        num_ids=told.num_ids,
        ids=told.ids,
    )


def _names(given: Any) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


@dataclass(frozen=True)
class Known:
    """What is known of a file before it is read, from the files before it.

    Attributes:
        examples: how many there are.
        names: of classes.
        are_all: no class has another name.
        num_ids: how many classes there are, where the labels are ids and each occurs.
        ids: of the labels, where some of them does not occur.
    """

    examples: int | None = None
    names: tuple[str, ...] = ()
    are_all: bool = False
    num_ids: int | None = None
    ids: tuple[int, ...] = ()

    def with_labels(self, labels: LabelColumn | None) -> Known:
        """The same, and what true labels tell."""
        if labels is None:
            return self
        found = replace(self, examples=labels.examples)
        if labels.names is not None and not self.are_all:
            return replace(found, names=labels.names)
        if labels.names is None and labels.distinct == labels.largest + 1:
            return replace(found, num_ids=labels.distinct)
        return found if labels.names is not None else replace(found, ids=labels.ids_that_occur())

    def with_side(self, side: SideInput) -> Known:
        """The same, and what one side tells of the other."""
        part = side.parts[0]
        found = replace(self, examples=self.examples or part.examples)
        if self.names or part.is_correctness:
            return found
        if part.class_names is not None:
            return replace(found, names=part.class_names, are_all=part.values != "labels")
        return found.with_labels(part.truth) if part.truth is not None else found


def _check_files(asked: Asked) -> None:
    """Reads the small files, so that nobody waits for models to hear of a fault in them."""
    _metadata(asked)
    _class_names(asked)


def _pictures(asked: Asked) -> Pictures:
    from piescope.data.opening import open_pictures
    from piescope.data.pictures import Pictures as PicturesOf

    if asked.data is None:
        error = InputError("audit")
        error.add(
            "--data",
            "nothing",
            "the pictures that the model is to look at",
            "--data digits, cifar10, a folder of images, an .npz",
        )
        raise error
    if isinstance(asked.data, str | PathLike):
        return open_pictures(fspath(asked.data), asked.data_dir)
    return PicturesOf.of(asked.data)


def _is_model(given: Any, asked: Asked) -> bool:
    from piescope.adapters.opening import is_model

    return is_model(given, asked.data is not None, asked.settings)


def _model(given: Any, side: str, asked: Asked, pictures: Pictures) -> Model:
    from piescope.adapters.opening import opened

    return opened(
        given,
        name=side,
        trust_code=asked.trust_code,
        device=asked.device,
        pictures=pictures,
        settings=asked.settings,
    )


def _question(dense: Any, compressed: Any, asked: Asked, on_progress: OnProgress) -> Question:
    from piescope.reading.inputs import check_read_alike, read_side, read_truth

    given = {"dense": dense, "compressed": compressed}
    is_one_file = _is_one_file(dense, compressed)
    if is_one_file and len(_names(asked.prediction_column)) == 2:
        error = InputError("audit")
        cure = "write the columns of the two sides to a file each, with the ids"
        error.add("--prediction-column", "two columns of one file, named for both sides", "a file a side", cure)
        raise error
    models = {side: _is_model(what, asked) for side, what in given.items()}
    if asked.batch_size is not None and not any(models.values()):
        error = InputError("audit")
        error.add("--batch-size", "predictions on both sides", "a model that is run here", "leave --batch-size out")
        raise error
    if any(models.values()):
        _check_files(asked)
        if asked.data is None:
            from piescope.adapters.opening import check_no_predictions

            for side in given:
                if models[side]:
                    check_no_predictions(given[side])
    pictures = _pictures(asked) if any(models.values()) or asked.data is not None else None
    labels = None if asked.labels is None else read_truth(asked.labels, _hints(asked))
    if all(models.values()):
        _check_budgets(asked, pictures)
    names = _class_names(asked)
    known = Known(len(pictures) if pictures is not None else None, tuple(names or ()), names is not None)
    known = known.with_labels(labels)
    sides: dict[str, SideInput] = {}
    for side in [side for side in given if not models[side]]:  # files first: they are the quicker to be wrong
        sides[side] = read_side(given[side], side, _hints(asked, side, known))
        known = known.with_side(sides[side])
    if pictures is not None:
        from piescope.adapters.opening import check_alike
        from piescope.adapters.running import run_model

        opened = {side: _model(given[side], side, asked, pictures) for side in given if models[side]}
        if len(opened) == 2:
            check_alike(opened["dense"], opened["compressed"], pictures)
        for side, model in opened.items():  # nobody waits for one side to hear of a fault in the other
            sides[side] = run_model(
                model, pictures, side, on_progress, asked.pictures_at_once, _hints(asked, side).values
            )
    if not any(models.values()):
        check_read_alike(sides["dense"], sides["compressed"])
    return _assembled(sides, asked, pictures, labels, any(models.values()), is_one_file and not any(models.values()))


def _is_one_file(dense: Any, compressed: Any) -> bool:
    """Whether both sides name the same regular file."""
    if not isinstance(dense, str | PathLike) or not isinstance(compressed, str | PathLike):
        return False
    one, other = Path(fspath(dense)), Path(fspath(compressed))
    try:
        return one.is_file() and other.is_file() and one.samefile(other)
    except (OSError, ValueError):
        return False


def _assembled(
    sides: dict[str, SideInput],
    asked: Asked,
    pictures: Pictures | None,
    labels: LabelColumn | None = None,
    has_models: bool = True,
    is_one_file: bool = False,
) -> Question:
    """The question, when what both sides say is known."""
    from piescope.auditing.run import Question as QuestionOf
    from piescope.reading.inputs import agreed_truth, read_truth

    parts = [part for each in sides.values() for part in each.parts]
    if labels is None and asked.labels is not None:
        labels = read_truth(asked.labels, _hints(asked))
    if labels is None and pictures is not None and agreed_truth(parts) is None:
        from piescope.adapters.running import truth_of_pictures

        labels = truth_of_pictures(pictures, parts[0].class_names)
    return QuestionOf(
        dense=sides["dense"],
        compressed=sides["compressed"],
        labels=labels,
        metadata=_metadata(asked),
        represented=_represented(asked, sides),
        pictures=pictures,
        class_names=_class_names(asked),
        common=asked.common,
        match_tail=asked.match_tail,
        is_paired=asked.paired,
        seed=asked.seed,
        expect_accuracy=asked.expect_accuracy,
        has_said_scores=bool(asked.score_columns),
        is_one_file=is_one_file,
        batch_size=asked.pictures_at_once if has_models else None,
    )


def _metadata(asked: Asked) -> Any:
    if asked.metadata is None:
        return None
    from piescope.auditing.groups import read_metadata
    from piescope.reading.files import named_file

    return read_metadata(named_file(fspath(asked.metadata), "metadata"), _hints(asked))


def _class_names(asked: Asked) -> list[str] | None:
    if asked.classes is None:
        return None
    if isinstance(asked.classes, str | PathLike):
        from piescope.reading.labels import read_class_names

        return read_class_names(Path(fspath(asked.classes)))
    return [str(name) for name in asked.classes]


def _represented(asked: Asked, sides: dict[str, SideInput]) -> Any:
    from piescope.reading.files import fault, named_file

    given = {"dense": asked.dense_embeddings, "compressed": asked.compressed_embeddings}
    layers = {"dense": asked.dense_layers, "compressed": asked.compressed_layers}
    held = {side: answers.representation for side, answers in sides.items()}
    if not any(given.values()) and not any(layers.values()) and not all(found is not None for found in held.values()):
        return None
    from piescope.auditing.embeddings import Points, Represented, read_layers, read_points

    for kind, both in (("embeddings", given), ("layers", layers)):
        if (both["dense"] is None) != (both["compressed"] is None):
            missing = "dense" if both["dense"] is None else "compressed"
            raise fault(
                missing, f"--{missing}-{kind}", "nothing", "the same of both sides", f"give --{missing}-{kind} too"
            )
    reading = _hints(asked)
    deep = {side: read_layers(fspath(text), side, reading) for side, text in layers.items() if text is not None}
    if deep and len(deep["dense"]) != len(deep["compressed"]):
        raise fault(
            "layers",
            "--compressed-layers",
            f"{len(deep['compressed'])} files",
            f"{len(deep['dense'])}, as many as dense layers",
            "give the same layers of both",
        )
    points: dict[str, Points] = {}
    for side in ("dense", "compressed"):
        path, stored = given[side], held[side]
        if path is not None:
            points[side] = read_points(named_file(fspath(path), f"{side} embeddings"), reading)
        elif deep:
            points[side] = deep[side][-1]
        else:
            assert stored is not None
            points[side] = Points(sides[side].name, stored, sides[side].parts[0].ids)
    return Represented(
        points["dense"], points["compressed"], (tuple(deep.get("dense", ())), tuple(deep.get("compressed", ())))
    )
