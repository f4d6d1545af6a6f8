"""Everything that may be said of how an audit is to be done: the one list behind function, command and fixture."""

# ruff: noqa: RUF009 - `_option` is `dataclasses.field`
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from piescope.problems import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from piescope.adapters.protocol import Model, Settings
    from piescope.auditing.budgets import Budgets
    from piescope.data.dataset import Dataset
    from piescope.data.pictures import Pictures

Named: TypeAlias = str | PathLike[str]
"""A path, or a text that names files or a model."""

GivenSide: TypeAlias = (
    "Named | ArrayLike | Mapping[str, ArrayLike] | Sequence[Named] | Model | Callable[[np.ndarray], ArrayLike]"
)
"""One side of an audit: predictions, or a model (an nn.Module is a callable)."""

GivenData: TypeAlias = (
    "Named | Dataset | Pictures | ArrayLike | Sequence[ArrayLike] | tuple[ArrayLike, ArrayLike | None]"
)
"""What models look at: images, with labels or without."""

OnProgress = Callable[[str, int, int], None]
"""Hears what is at work, how many examples are done and how many there are."""

FILES, MODELS, BUDGETS = "Files", "Models", "Budgets"
"""Parts of the command's help."""


@dataclass(frozen=True)
class Flag:
    """How an option is typed.

    Attributes:
        help: one line.
        panel: part of the help.
        kind: type of the typed value.
        split: ``names``: several, with commas between; ``kinds``: one, or one for each side.
        shown: what stands for the value in the help; None: the type.
    """

    help: str
    panel: str | None = FILES
    kind: Any = str | None
    split: Literal["names", "kinds"] | None = None
    shown: str | None = None


def _option(default: Any, help: str, panel: str | None = FILES, kind: Any = str | None, **more: Any) -> Any:
    """A field that is a flag of the command, too."""
    return field(default=default, metadata={"flag": Flag(help, panel, kind, **more)})


def silent(_what: str, _done: int, _all: int) -> None:
    """Hears and says nothing."""


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """How an audit is to be done.

    Attributes:
        labels: true labels: a file or an array ``[examples]``; None: those beside the predictions or of the dataset.
        metadata: a table whose columns make groups.
        budgets: what may be lost at most, `Budgets`, its values by name, or a TOML file of them; judged in
            ``content["budgets"]``.
        out: folder for audit.json, audit.md, examples.parquet and report.html; None: nothing is written.
        dense_embeddings: a file with ``[examples, dims]``, of one model.
        compressed_embeddings: likewise.
        dense_layers: folder or glob of such files, one a layer, shallow to deep: adds prediction depth.
        compressed_layers: likewise.
        values: ``"labels"``, ``"probabilities"``, ``"logits"`` or ``"correct"`` (right and wrong), where that is not
            to be found out; a pair where the sides differ, dense first.
        classes: class names in order of their ids, by id (``model.config.id2label``), or a file with one a line.
        id_column: name of the column with ids, if it is none of the usual ones; several where files differ.
        label_column: name of the column with true labels, likewise.
        prediction_column: name of the column with predicted classes; several: one a model. Where one file has both
            sides (it is named for both, or alone), the dense side's column and the compressed one's.
        score_columns: names of the columns with scores, one a class; a single one is that of class 1 of two.
        right_from: the score from which on an answer is right, for files of scores of right and wrong.
        header: whether the first row of CSV files names the columns; None: it is found out.
        match_tail: ids are paths of one data set under different roots: match them by their common ends.
        common: audit the examples that all files have, instead of refusing files that differ.
        expect_accuracy: percent that the dense side is known to score; a clearly other one is an error: files misread.
        paired: model k of one side was made from model k of the other.
        data_dir: where ``"cifar10"`` lies.
        compress: make the compressed copies here, without training: ``"magnitude:0.5,0.7,0.9"``, ``"int8"``, ...
        settings: what is known of a model's input: size, mean, std.
        trust_code: ``FILE.py:function`` may be executed.
        batch_size: pictures that a model sees at once, 256 where it is not said; models that quantise activations
            dynamically answer otherwise in other batches.
        device: where torch models run.
        seed: of what is drawn at random.
        on_progress: hears what is at work, how many examples are done and how many there are.
    """

    labels: Named | ArrayLike | None = _option(None, "True labels; else those beside the predictions.")
    metadata: Named | None = _option(None, "A table whose columns make groups.")
    budgets: Budgets | Mapping[str, str | float | None] | Named | None = None
    out: Named | None = None
    dense_embeddings: Named | None = _option(None, "A file of numbers, examples x dims.")
    compressed_embeddings: Named | None = _option(None, "A file of numbers, examples x dims.")
    dense_layers: str | None = _option(None, "Folder or glob of such files, one a layer.")
    compressed_layers: str | None = _option(None, "Likewise.")
    values: str | Sequence[str] | None = _option(
        None,
        "What predictions are: labels, probabilities, logits, correct; DENSE,COMPRESSED where they differ.",
        shown="KIND[,KIND]",
        split="kinds",
    )
    classes: Named | Sequence[str] | Mapping[int, str] | None = _option(
        None, "Class names by id: a file, one a line.", kind=Path | None
    )
    id_column: str | Sequence[str] | None = _option(
        None, "Column with ids; several where files differ.", shown="NAME[,NAME]", split="names"
    )
    label_column: str | None = _option(None, "Column with true labels.")
    prediction_column: str | Sequence[str] | None = _option(
        None,
        "Columns with predictions, one a model; of one file for both sides, DENSE,COMPRESSED.",
        shown="NAME[,NAME]",
        split="names",
    )
    score_columns: Sequence[str] | None = _option(
        None, "Columns with scores, one a class.", shown="NAME,NAME", split="names"
    )
    right_from: float | None = _option(None, "Answers are right from this score on.", kind=float | None)
    header: bool | None = _option(None, "CSV files name their columns in row 1.", kind=bool | None)
    match_tail: bool = _option(False, "Ids are paths under different roots.", kind=bool)
    common: bool = _option(False, "Audit the examples that all files have.", kind=bool)
    expect_accuracy: float | None = _option(
        None, "Percent the dense side should score; else exit 2.", kind=float | None
    )
    paired: bool = _option(False, "Model k was made from model k.", kind=bool)
    data_dir: Named | None = _option(None, "Where cifar10 lies.", MODELS, Path | None)
    compress: str | None = _option(None, "Make the copies: magnitude:0.5,0.7,0.9, random:, int8, 2:4.", MODELS)
    settings: Settings | None = None
    trust_code: bool = _option(False, "Run FILE.py:function.", MODELS, bool)
    batch_size: int | None = _option(None, "Images that a model sees at once; 256.", MODELS, int | None)
    device: str = "cpu"
    seed: int = _option(0, "Of what is drawn at random.", None, int)
    on_progress: OnProgress = silent

    def __post_init__(self) -> None:
        for name in ("header", "match_tail", "common", "paired", "trust_code"):
            given = getattr(self, name)
            if not (isinstance(given, bool) or (name == "header" and given is None)):
                raise InputError.of("audit", name, repr(given), "True or False", f"write {name}=True")
        seed: Any = self.seed
        if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
            raise InputError.of("audit", "--seed", repr(self.seed), "a whole number from 0 on", "write 0")
        known = self.expect_accuracy
        if known is not None and not (isinstance(known, int | float) and 1 < known <= 100):
            found, cure = f"{known:g}" if isinstance(known, int | float) else repr(known), "write 79 for 79 %"
            raise InputError.of("audit", "--expect-accuracy", found, "percent, above 1 and up to 100", cure)
        for name in ("id_column", "label_column", "prediction_column", "score_columns"):
            given = getattr(self, name)
            names = (given,) if given is None or isinstance(given, str) else given
            if not isinstance(names, Iterable) or not all(each is None or isinstance(each, str) for each in names):
                option = f"--{name.replace('_', '-')}"
                raise InputError.of("audit", option, repr(given), "names of columns", "write them as texts: '0'")
        limit: Any = self.right_from
        if limit is not None and (isinstance(limit, bool | str) or not math.isfinite(limit)):
            raise InputError.of("audit", "--right-from", repr(limit), "a number", "write 0.5")
        if limit is not None and self.labels is not None:
            cure = "leave --labels out: answers are right or wrong by their scores; or --right-from, to compare labels"
            raise InputError.of("audit", "--right-from", f"{limit:g}, and true labels", "one of both", cure)
        kinds = {self.values} if isinstance(self.values, str | None) else {*self.values}
        if self.right_from is not None and not kinds <= {None, "correct"}:
            found = f"{self.right_from:g}, beside --values {','.join(sorted(map(str, kinds)))}"
            cure = "leave --values out, or --right-from"
            raise InputError.of("audit", "--right-from", found, "answers that are right or wrong", cure)
        if self.batch_size is not None and not (isinstance(self.batch_size, int) and self.batch_size >= 1):
            found, cure = str(self.batch_size), "write 1 for one at a time"
            raise InputError.of("audit", "--batch-size", found, "a whole number from 1 on", cure)


@dataclass(frozen=True, kw_only=True)
class Asked(AuditOptions):
    """How an audit is to be done, and on what.

    Attributes:
        dataset: what models look at; None: nothing.
        limits: the budgets, checked.
        folder_of_data: where data sets lie.
    """

    dataset: GivenData | None = None
    limits: Budgets | None = field(init=False, default=None)
    folder_of_data: Path | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.budgets is not None:
            from piescope.auditing.budgets import Budgets

            object.__setattr__(self, "limits", Budgets.of_any(self.budgets))
        if self.data_dir is not None:
            object.__setattr__(self, "folder_of_data", Path(fspath(self.data_dir)))

    @property
    def pictures_at_once(self) -> int:
        """How many pictures models see at once."""
        from piescope.adapters.batches import BATCH

        return self.batch_size or BATCH
