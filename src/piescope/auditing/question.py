"""What is asked of an audit, and the two sides read and checked: ready to be counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piescope.auditing.idle_options import check_files_named, check_models_run
from piescope.auditing.options import Asked, GivenSide
from piescope.problems import InputError
from piescope.wording import LONGEST_PART, printable

if TYPE_CHECKING:
    from piescope.adapters.protocol import Model
    from piescope.auditing.metadata import Metadata
    from piescope.auditing.representations import Represented
    from piescope.data.pictures import Pictures
    from piescope.reading.hints import Hints
    from piescope.reading.inputs import SideInput
    from piescope.reading.predictions import LabelColumn
    from piescope.store.audit_inputs import FileHash


@dataclass(frozen=True, eq=False)
class Question:
    """Everything that an audit is about.

    Attributes:
        dense: what the models before say.
        compressed: what the models after say.
        labels: true labels; None: those that stand beside the predictions, if any.
        metadata: columns to group by.
        represented: representations of both sides.
        pictures: that models looked at.
        class_names: given by the user.
        common: audit the examples that all files have.
        match_tail: ids are paths under different roots.
        is_paired: model k of one side was made from model k of the other.
        seed: of what is drawn.
        notes: more to be said of the inputs.
        expect_accuracy: of the dense side, percent, as the user knows it; None: not told.
        has_said_scores: the user named the columns of scores.
        is_one_file: both sides are the same predictions of one file, or the same object.
        batch_size: pictures that models saw at once; None: no model was run.
        files: that were read.
        command: words that ask the same; empty: none can.
    """

    dense: SideInput
    compressed: SideInput
    labels: LabelColumn | None = None
    metadata: Metadata | None = None
    represented: Represented | None = None
    pictures: Pictures | None = None
    class_names: Sequence[str] | None = None
    common: bool = False
    match_tail: bool = False
    is_paired: bool = False
    seed: int = 0
    notes: tuple[str, ...] = field(default=())
    expect_accuracy: float | None = None
    has_said_scores: bool = False
    is_one_file: bool = False
    batch_size: int | None = None
    files: tuple[FileHash, ...] = ()
    command: tuple[str, ...] = ()

    @property
    def truth(self) -> LabelColumn | None:
        """True labels: given, or found beside the predictions; of answers that are right or wrong: right."""
        from piescope.reading.truths import truth_beside

        beside = truth_beside([*self.dense.parts, *self.compressed.parts])
        return beside if self.is_right_or_wrong else self.labels or beside

    @property
    def is_right_or_wrong(self) -> bool:
        """Whether it is known of each answer only whether it was right.

        Raises:
            InputError: of one side only.
        """
        kinds = {part.is_correctness for side in (self.dense, self.compressed) for part in side.parts}
        if len(kinds) > 1:
            raise InputError.of(
                self.compressed.name,
                "compressed",
                "right or wrong on one side, predictions on the other",
                "the same of both sides",
                "give right or wrong of both (a column named correct), or predictions of both",
            )
        return kinds == {True}


def check_budgets(asked: Asked, pictures: Pictures | None) -> None:
    """Refuses budgets that models on these pictures cannot answer, before any of them runs."""
    if asked.limits is not None:
        known = asked.labels is not None or (pictures is not None and pictures.labels is not None)
        asked.limits.check(known, asked.metadata is not None)


def hints_of(asked: Asked, side: str = "") -> Hints:
    """What the user says of the files; of a side's where one is named."""
    from piescope.reading.hints import Hints as HintsOf

    values: Any = asked.values
    if values is not None and not isinstance(values, str):
        values = None if not side else tuple(values)[side == "compressed"]
    return HintsOf(
        values=values,
        id_columns=_names(asked.id_column),
        label_column=asked.label_column,
        prediction_columns=_names(asked.prediction_column),
        score_columns=_names(asked.score_columns),
        right_from=asked.right_from,
        has_header=asked.header,
        labels_file=Path(fspath(asked.labels)) if isinstance(asked.labels, str | PathLike) else None,
    )


def _names(given: Any) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def _check_files(asked: Asked) -> None:
    """Reads the small files, so that nobody waits for models to hear of a fault in them."""
    _metadata(asked)
    _class_names(asked)


def pictures_of(asked: Asked) -> Pictures:
    """What models are to look at."""
    from piescope.data.opening import open_pictures
    from piescope.data.pictures import Pictures as PicturesOf

    if asked.dataset is None:
        error = InputError("audit")
        error.add(
            "--data",
            "nothing",
            "the pictures that the model is to look at",
            "--data digits, cifar10, a folder of images, an .npz",
        )
        raise error
    if isinstance(asked.dataset, str | PathLike):
        return open_pictures(fspath(asked.dataset), asked.folder_of_data)
    return PicturesOf.of(asked.dataset)


def is_a_model(given: GivenSide, asked: Asked) -> bool:
    """Whether a side is a model, and no predictions."""
    from piescope.adapters.opening import is_model

    return is_model(given, asked.dataset is not None, asked.settings)


def model_of(given: GivenSide, side: str, asked: Asked, pictures: Pictures) -> Model:
    """A side's model, opened and tried."""
    from piescope.adapters.opening import open_model

    code, device, settings = asked.trust_code, asked.device, asked.settings
    return open_model(given, name=side, trust_code=code, device=device, pictures=pictures, settings=settings)


def question_of(dense: GivenSide, compressed: GivenSide, asked: Asked) -> Question:
    """Both sides read or run, with what they are compared by."""
    from piescope.reading.inputs import check_label_column, check_read_alike, read_side, read_truth

    if asked.label_column is not None and asked.label_column in (
        *_names(asked.prediction_column),
        *hints_of(asked).score_columns,
    ):
        found, cure = f"{asked.label_column!r}, a column of predictions, too", "name the column with the true labels"
        raise InputError.of("audit", "--label-column", found, "another column", cure)
    given = {"dense": dense, "compressed": compressed}
    is_one_file, columns = _is_one_file(dense, compressed), _columns_of_sides(dense, compressed, asked)
    models = {side: is_a_model(what, asked) for side, what in given.items()}
    if not any(models.values()):
        check_models_run(asked)
    else:
        _check_files(asked)
        if asked.dataset is None:
            from piescope.adapters.opening import check_no_predictions

            for side in given:
                if models[side]:
                    check_no_predictions(given[side])
    pictures = pictures_of(asked) if any(models.values()) or asked.dataset is not None else None
    labels = None if asked.labels is None else read_truth(asked.labels, hints_of(asked))
    if all(models.values()):
        check_budgets(asked, pictures)
    names = _class_names(asked)
    examples = len(pictures) if pictures is not None else None
    hints = replace(hints_of(asked), examples=examples, names=tuple(names or ()), classes_are_all=names is not None)
    hints = hints.with_labels(labels)
    sides: dict[str, SideInput] = {}
    for side in [side for side in given if not models[side]]:  # files first: they are the quicker to be wrong
        is_dense = side == "dense"
        of_side = replace(hints, values=hints_of(asked, side).values, side="dense" if is_dense else "compressed")
        if columns:
            other = columns["compressed" if is_dense else "dense"]
            of_side = replace(of_side, prediction_columns=(columns[side],), other_side=other)
        sides[side] = read_side(given[side], side, of_side)
        if columns:
            sides[side] = replace(sides[side], name=printable(columns[side], LONGEST_PART), file=sides[side].name)
        hints = hints.with_side(sides[side].parts[0])
    read = [part for side in sides.values() for part in side.parts]
    check_files_named(asked, given, read)
    _check_columns_of_files(asked, sides)
    check_label_column(asked.label_column, labels, read)
    if pictures is not None:
        from piescope.adapters.opening import check_same_classes
        from piescope.adapters.running import run_model

        opened = {side: model_of(given[side], side, asked, pictures) for side in given if models[side]}
        if len(opened) == 2:
            check_same_classes(opened["dense"], opened["compressed"], pictures)
        for side, model in opened.items():  # nobody waits for one side to hear of a fault in the other
            sides[side] = run_model(
                model, pictures, side, asked.on_progress, asked.pictures_at_once, hints_of(asked, side).values
            )
    if not any(models.values()) and not columns:
        check_read_alike(sides["dense"], sides["compressed"])
    are_names = isinstance(dense, str | PathLike) and isinstance(compressed, str | PathLike)
    is_same = fspath(dense) == fspath(compressed) if are_names else dense is compressed  # type: ignore[arg-type]
    is_same = is_same or (is_one_file and not any(models.values()))
    is_nothing_compared = is_same and not columns
    return assembled(sides, asked, pictures, labels, any(models.values()), is_nothing_compared)


def has_both_sides(given: GivenSide, asked: Asked) -> bool:
    """Whether a file that is named alone has the predictions of both sides: a column each, which the user names."""
    return len(_names(asked.prediction_column)) == 2 and _is_one_file(given, given)


def no_other_side(given: GivenSide, asked: Asked) -> InputError:
    """The fault of one side that is named alone, and is no table with a column for each."""
    columns = _names(asked.prediction_column)
    if len(columns) > 1 and isinstance(given, str | PathLike):
        from piescope.reading.files import named_file

        try:
            named_file(fspath(given), "dense")
        except InputError as error:
            return error
        if len(columns) > 2:
            found = f"{len(columns)} columns of one file"
            cure = "--prediction-column BEFORE,AFTER; write several models a side to a file a side; "
            cure += "a name with a comma in it stands in quotes: '\"a,b\",c'"
            return InputError.of("audit", "--prediction-column", found, "a column a side", cure)
        found, cure = "a folder or a pattern", "name the one table that has both columns, or a folder a side"
        return InputError.of("audit", "COMPRESSED", found, "the compressed side", cure)
    cure = "name it, or have copies made: --compress magnitude:0.5,0.7,0.9"
    if len(columns) < 2:
        cure += "; where a column of DENSE has it, name both: --prediction-column BEFORE,AFTER"
    return InputError.of("audit", "COMPRESSED", "nothing", "the compressed side", cure)


def _columns_of_sides(dense: GivenSide, compressed: GivenSide, asked: Asked) -> dict[str, str]:
    """The columns of the two sides where one file has both; empty: each side has a file of its own."""
    columns = _names(asked.prediction_column)
    if len(columns) < 2 or not _is_one_file(dense, compressed):
        return {}
    if len(columns) > 2 or columns[0] == columns[1]:
        found = "one column twice" if len(columns) == 2 else f"{len(columns)} columns of one file, named for both sides"
        cure = "--prediction-column DENSE,COMPRESSED; write several models a side to a file a side"
        raise InputError.of("audit", "--prediction-column", found, "a column a side", cure)
    return dict(zip(("dense", "compressed"), columns, strict=True))


def _check_columns_of_files(asked: Asked, sides: dict[str, SideInput]) -> None:
    """Refuses two names of columns of which some files have both and others one: two models, or a column a side."""
    if len(_names(asked.prediction_column)) != 2:
        return
    counts = {len(part.chosen) for side in sides.values() for part in side.parts}
    if len(counts) > 1:
        found, expected = "both columns in one file, one of them in another", "a column a side, or both in all files"
        cure = "where one file has both sides name it alone; else leave the other column out of the file that has both"
        raise InputError.of("audit", "--prediction-column", found, expected, cure)


def _is_one_file(dense: Any, compressed: Any) -> bool:
    """Whether both sides name the same regular file, or are the same data frame."""
    if dense is compressed and hasattr(dense, "columns"):
        from piescope.reading.data_frames import is_frame

        return is_frame(dense)
    if not isinstance(dense, str | PathLike) or not isinstance(compressed, str | PathLike):
        return False
    one, other = Path(fspath(dense)), Path(fspath(compressed))
    try:
        return one.is_file() and other.is_file() and one.samefile(other)
    except (OSError, ValueError):
        return False


def assembled(
    sides: dict[str, SideInput],
    asked: Asked,
    pictures: Pictures | None,
    labels: LabelColumn | None = None,
    has_models: bool = True,
    is_one_file: bool = False,
) -> Question:
    """The question, when what both sides say is known."""
    from piescope.reading.inputs import read_truth
    from piescope.reading.truths import truth_beside

    parts = [part for side in sides.values() for part in side.parts]
    if labels is None and asked.labels is not None:
        labels = read_truth(asked.labels, hints_of(asked))
    if labels is None and pictures is not None and truth_beside(parts) is None:
        from piescope.adapters.running import truth_of_pictures

        labels = truth_of_pictures(pictures, parts[0].class_names)
    return Question(
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
    from piescope.auditing.metadata import read_metadata
    from piescope.reading.files import named_file

    _check_named("metadata", asked.metadata)
    return read_metadata(named_file(fspath(asked.metadata), "metadata"), hints_of(asked))


def _check_named(what: str, given: Any) -> None:
    """Refuses what is no name of a file; InputError."""
    if not isinstance(given, str | PathLike):
        found, cure = f"a {type(given).__name__}", "write it to a file, with the ids: FRAME.to_parquet, numpy.savez"
        raise InputError.of("audit", what, found, "the name of a file", cure)


def _class_names(asked: Asked) -> list[str] | None:
    if asked.classes is None:
        return None
    if isinstance(asked.classes, str | PathLike):
        from piescope.reading.labels import read_class_names

        return read_class_names(Path(fspath(asked.classes)))
    given: Any = asked.classes
    if isinstance(given, Mapping):
        given = {int(key) if str(key).isdecimal() else key: name for key, name in given.items()}  # JSON's are texts
        if sorted(given, key=str) != sorted(range(len(given)), key=str):
            found = f"a dict with the keys {', '.join(map(repr, list(given)[:4]))}"
            cure = "write {0: 'cat', 1: 'dog'}; of names with their ids: sorted(ids, key=ids.get)"
            raise InputError.of("audit", "classes", found, "names by id, 0, 1, 2 ...", cure)
        return [str(given[number]) for number in range(len(given))]
    if isinstance(given, Set) or not isinstance(given, Iterable):
        cure = "write them in the order of their ids: ['cat', 'dog']"
        raise InputError.of("audit", "classes", f"a {type(given).__name__}", "names in order", cure)
    return [str(name) for name in given]


def _represented(asked: Asked, sides: dict[str, SideInput]) -> Any:
    from piescope.reading.files import fault, named_file

    given = {"dense": asked.dense_embeddings, "compressed": asked.compressed_embeddings}
    for side, path in given.items():
        if path is not None:
            _check_named(f"{side}_embeddings", path)
    layers = {"dense": asked.dense_layers, "compressed": asked.compressed_layers}
    stored = {side: answers.representation for side, answers in sides.items()}
    if (
        not any(given.values())
        and not any(layers.values())
        and not all(beside is not None for beside in stored.values())
    ):
        return None
    from piescope.auditing.representations import Points, Represented, read_layers, read_points

    for kind, both in (("embeddings", given), ("layers", layers)):
        if (both["dense"] is None) != (both["compressed"] is None):
            missing = "dense" if both["dense"] is None else "compressed"
            raise fault(
                missing, f"--{missing}-{kind}", "nothing", "the same of both sides", f"give --{missing}-{kind} too"
            )
    reading = hints_of(asked)
    deep = {
        side: read_layers(fspath(text), f"{side} layers", reading) for side, text in layers.items() if text is not None
    }
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
        path, array = given[side], stored[side]
        if path is not None:
            points[side] = read_points(named_file(fspath(path), f"{side} embeddings"), reading)
        elif deep:
            points[side] = deep[side][-1]
        else:
            assert array is not None
            points[side] = Points(sides[side].name, array, sides[side].parts[0].ids)
    return Represented(
        points["dense"], points["compressed"], (tuple(deep.get("dense", ())), tuple(deep.get("compressed", ())))
    )
