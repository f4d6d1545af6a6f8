"""What an audit read, and what makes its numbers doubtful, as values of audit.json."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from piescope.store.audit_answers import AuditPart, SideName


class FileRead(AuditPart):
    """A file and how it was read.

    Attributes:
        name: of the file.
        how_read: which columns, what was left out.
    """

    name: str = ""
    how_read: tuple[str, ...] = Field((), alias="told")


class SideRead(FileRead):
    """One side's files.

    Attributes:
        values: ``labels``, ``probabilities`` or ``logits``.
        n_models: how many models.
        models: their names.
        file: that has both sides, each as a column that is its name; None: it has files or a model of its own.
    """

    may_lack = frozenset({"file"})

    values: str | None = None
    n_models: int = 1
    models: tuple[str, ...] = ()
    file: str | None = None


class MetadataRead(FileRead):
    """A metadata file.

    Attributes:
        columns: that make groups.
    """

    columns: tuple[str, ...] = ()


class PicturesSeen(AuditPart):
    """What models looked at.

    Attributes:
        name: of the data.
        examples: how many pictures.
        batch_size: pictures at once; None: no model was run.
    """

    name: str
    examples: int | None = None
    batch_size: int | None = None


Role = Literal[
    "dense", "compressed", "labels", "metadata", "classes", "data",
    "dense_embeddings", "compressed_embeddings", "dense_layers", "compressed_layers",
]  # fmt: skip
"""What a file was given as."""


class FileHash(AuditPart):
    """A file as it was when it was read, or a folder of pictures.

    Attributes:
        role: what it was given as.
        name: of it.
        bytes: its size; None: a folder.
        sha256: of its content; None: a folder.
        files: how many are in the folder; None: a file.
    """

    may_lack = frozenset({"bytes", "sha256", "files"})

    role: Role
    name: str
    bytes: int | None = None
    sha256: str | None = None
    files: int | None = None


class Inputs(AuditPart):
    """What was read.

    Attributes:
        dense: the side before.
        compressed: the side after.
        labels: true labels; None: there are none.
        metadata: None: there is none.
        data: pictures; None: there are none.
        matched_by: ``id`` or ``row``.
        left_out: examples that only some files have, by file.
        notes: what a reader should know of it.
        files: each with its size and hash; weights that a hub keeps, and what was given as arrays, are none.
        command: words of the command that asks the same of the same files; empty: there is none.
    """

    may_lack = frozenset({"files", "command"})

    dense: SideRead = SideRead()
    compressed: SideRead = SideRead()
    labels: FileRead | None = None
    metadata: MetadataRead | None = None
    data: PicturesSeen | None = None
    matched_by: Literal["id", "row"] = "row"
    left_out: dict[str, int] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[FileHash, ...] = ()
    command: tuple[str, ...] = ()

    def side(self, name: SideName) -> SideRead:
        """One of both sides."""
        return self.dense if name == "dense" else self.compressed


class MadeWith(AuditPart):
    """What made the audit.

    Attributes:
        date: the day in UTC; None: an earlier version made it.
        processor: None: an earlier version made it, and ran no model.
        libraries: name to version.
    """

    may_lack = frozenset({"date"})

    date: str | None = None
    processor: str | None = None
    libraries: dict[str, str] = Field(default_factory=dict)


class Renamed(AuditPart):
    """How classes would have to be renamed.

    Attributes:
        how: ``shift``, ``swap`` or ``permutation`` of class ids; ``spelling``: the same names, written differently.
        by: what is to be added to the ids, of a shift; None for the others.
        classes: pairs of a name as given and the name that it should be, the most frequent first, at most 20.
        moved: how many pairs there are.
    """

    how: Literal["shift", "swap", "permutation", "spelling"]
    by: int | None
    classes: tuple[tuple[str, str], ...]
    moved: int


class Warned(AuditPart):
    """What makes an audit's numbers doubtful: its ``kind`` and what is known of it."""

    def model_post_init(self, _context: Any) -> None:
        """The kind is always written."""
        self.model_fields_set.add("kind")


class OneFile(Warned):
    """Both sides are one file, or one object.

    Attributes:
        name: of the file.
        is_object: they are one array, or one model, given in Python.
    """

    may_lack = frozenset({"is_object"})

    kind: Literal["one_file"] = "one_file"
    name: str
    is_object: bool = False


class SideRelabelled(Warned):
    """One renaming of one side's classes explains most of the changes.

    Attributes:
        side: whose classes would be renamed: with true labels the side that is right less often, else the compressed.
        renamed: how.
        examples: all of them.
        before: examples whose labels differ as given.
        after: examples whose labels differ when that side's classes are renamed.
    """

    kind: Literal["side_relabelled"] = "side_relabelled"
    side: SideName
    renamed: Renamed
    examples: int
    before: int
    after: int


class LabelsRelabelled(Warned):
    """One renaming of the true labels makes a side right.

    Attributes:
        renamed: how.
        dense: share of modal labels that are right, in percent: as given, and with renamed labels.
        compressed: likewise.
    """

    kind: Literal["labels_relabelled"] = "labels_relabelled"
    renamed: Renamed
    dense: tuple[float, float]
    compressed: tuple[float, float]


class NoSharedNames(Warned):
    """Two files of class names have none in common.

    Attributes:
        between: two of ``dense``, ``compressed`` and ``labels``.
        names: a name of each.
    """

    kind: Literal["no_shared_names"] = "no_shared_names"
    between: tuple[str, str]
    names: tuple[str, str]


class OneAnswer(Warned):
    """A side answers (nearly) one class only.

    Attributes:
        side: which.
        answer: that class.
        share: of its answers, percent.
        expected: share of that class in what it is compared with, percent.
        against: what that is: ``labels``, ``dense`` or ``compressed``.
    """

    kind: Literal["one_answer"] = "one_answer"
    side: SideName
    answer: str
    share: float
    expected: float
    against: str


class NeverAnswered(Warned):
    """Classes that a side never answers, though there are examples of them.

    Attributes:
        side: which.
        classes: by name, the most frequent first, at most 20.
        examples: of each of these in what it is compared with.
        count: how many such classes there are.
        against: what that is: ``labels``, ``dense`` or ``compressed``.
    """

    kind: Literal["never_answered"] = "never_answered"
    side: SideName
    classes: tuple[str, ...]
    examples: tuple[int, ...]
    count: int
    against: str


class NearChance(Warned):
    """A side is right no more often than guesses that give each class as often would be.

    Attributes:
        side: which.
        accuracy: share of modal labels that are right, percent.
        chance: expected of such guesses, percent.
        has_sure_rows: rows were matched by id: no other order of them explains it.
    """

    kind: Literal["near_chance"] = "near_chance"
    side: SideName
    accuracy: float
    chance: float
    has_sure_rows: bool


AuditWarning = Annotated[
    OneFile | SideRelabelled | LabelsRelabelled | NoSharedNames | OneAnswer | NeverAnswered | NearChance,
    Field(discriminator="kind"),
]
"""What makes an audit's numbers doubtful."""
