"""audit.json as a value: what an audit found. `auditing` writes it; budgets, reports and users' own scripts read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from piescope.problems import InputError
from piescope.store import audit_layout
from piescope.store.audit_answers import (
    AccuracyChange,
    AuditPart,
    Calibration,
    ClassChange,
    Confidences,
    Confirmed,
    Confusion,
    Count,
    Example,
    Flips,
    GroupChange,
    LabelErrors,
    Noise,
    Number,
    SeedNoise,
    Share,
)
from piescope.store.audit_inputs import AuditWarning, Inputs, MadeWith
from piescope.store.audit_measures import Figure, MeasuredSides
from piescope.store.durable import as_json, naming

FORMAT_VERSION: Literal[2] = 2

Comparison = Literal["one against one", "vote against vote", "mean over pairs of models"]
"""What is counted: labels of single models; modal labels of equally many; or of single models, over all pairs."""

BudgetVerdict = Literal["kept", "broken", "undecided"]

Where = Literal["accuracy", "class", "group"]

Answer = Literal["safe", "harm shown", "too few to tell", "no true labels", "in doubt"]


class BothSides(AuditPart):
    """A mean of each side.

    Attributes:
        dense: before.
        compressed: after.
    """

    dense: Number = None
    compressed: Number = None


class QMeans(AuditPart):
    """Mean Q-Score of some examples.

    Attributes:
        dense: before.
        compressed: after.
    """

    dense: Number = Field(None, alias="dense_q")
    compressed: Number = Field(None, alias="compressed_q")


class QScores(AuditPart):
    """Means over all examples of one side.

    Attributes:
        q: Q-Score.
        z: Z-Score.
        l1: L1 norm.
        degenerate: examples whose representation says nothing.
    """

    q: Number = None
    z: Number = None
    l1: Number = None
    degenerate: int | None = None


class QScoreOfSides(AuditPart):
    """Q-Score of both sides.

    Attributes:
        dense: all examples, before.
        compressed: after.
        changed: examples whose label changed.
        other: the others.
    """

    dense: QScores
    compressed: QScores
    changed: QMeans
    other: QMeans


class DepthOfSides(BothSides):
    """Mean prediction depth.

    Attributes:
        layers: of the representations.
        changed: of examples whose label changed.
        other: of the others.
    """

    layers: int
    changed: BothSides
    other: BothSides


class Embeddings(AuditPart):
    """What happened to the representation.

    Attributes:
        dims: of either side.
        examples: looked at.
        k: neighbours that vote.
        overlap_k: neighbours that are compared.
        cka: linear CKA, 0 to 1.
        neighbourhood_overlap: share of neighbours that stay, 0 to 1.
        knn_agreement: examples whose neighbours vote alike on both sides, percent.
        knn_accuracy: of those votes; None: no true labels.
        q_score: None in files of others.
        prediction_depth: None: no layers were given.
    """

    dims: tuple[int, int]
    examples: int | None = None
    k: int
    overlap_k: int | None = None
    cka: Number = None
    neighbourhood_overlap: Number = None
    knn_agreement: Number = None
    knn_accuracy: BothSides | None = None
    q_score: QScoreOfSides | None = None
    prediction_depth: DepthOfSides | None = None


class BudgetRow(AuditPart):
    """A budget and the verdict on it, see `piescope.auditing.budgets.judge`.

    Attributes:
        budget: its name.
        limit: as given.
        observed: None: nothing was.
        low: one-sided 95 % bound; None: there is none.
        high: likewise.
        unit: ``%``, ``examples`` or ``points``.
        verdict: on it.
        reason: a sentence.
        of: the copy that it is about; empty: there is one.
    """

    budget: str
    limit: int | float | str
    observed: Count | None = None
    low: Number = None
    high: Number = None
    unit: Literal["%", "examples", "points"]
    verdict: BudgetVerdict
    reason: str = ""
    of: str = ""


class CopyRow(AuditPart):
    """What one copy of a what-if lost.

    Attributes:
        name: of the copy.
        method: of compression.
        amount: of it; None: there are no amounts.
        folder: of the copy's own audit.
        accuracy: after.
        low: of its interval.
        high: likewise.
        change: of accuracy.
        change_low: of its interval.
        change_high: likewise.
        correct_to_wrong: lost.
        wrong_to_correct: won back.
        changed: labels that differ.
        verdict: on the copy.
        lost_classes: beyond chance.
        lost_groups: likewise.
        class_bound: the lowest change of a class that fits, one-sided 95 %.
        class_limit: what a class may lose.
        near_limit: classes of which a loss beyond the limit is not excluded.
        n_classes: that have examples.
        smallest_class: examples in it.
        worst_class: that lost most.
        worst_impact: how much.
        realised_sparsity: zeros among the weights that were pruned, 0 to 1.
        bytes_before: of the weights.
        bytes_after: likewise.
        zipped_before: compressed by zip.
        zipped_after: likewise.
        broken: names of the budgets that it breaks.
    """

    name: str
    method: str
    amount: Number = None
    folder: str = ""
    accuracy: Number = None
    low: Number = None
    high: Number = None
    change: Number = None
    change_low: Number = None
    change_high: Number = None
    correct_to_wrong: Count | None = None
    wrong_to_correct: Count | None = None
    changed: Count | None = None
    verdict: Answer
    lost_classes: tuple[str, ...] = ()
    lost_groups: tuple[str, ...] = ()
    class_bound: Number = None
    class_limit: Number = None
    near_limit: tuple[str, ...] = ()
    n_classes: int = 0
    smallest_class: int | None = None
    worst_class: str | None = None
    worst_impact: Number = None
    realised_sparsity: Number = None
    bytes_before: int | None = None
    bytes_after: int | None = None
    zipped_before: int | None = None
    zipped_after: int | None = None
    broken: tuple[str, ...] = ()


class Harm(AuditPart):
    """A loss beyond chance.

    Attributes:
        where: of what.
        name: of the class or group; empty for the accuracy.
        change: observed, in points.
    """

    where: Where
    name: str
    change: float


class Unsettled(AuditPart):
    """A loss that the sample is too small to exclude.

    Attributes:
        where: of what.
        name: of the class or group; empty for the accuracy.
        examples: how many there are.
        change: observed, in points.
        bound: down to which change fits with the sample, one-sided 95 %.
        limit: the largest loss that would be safe, in points.
        enough: of how many examples as many flips would settle it, one way or the other; None: that cannot be told.
    """

    where: Where
    name: str
    examples: int
    change: float
    bound: float
    limit: float
    enough: int | None


class Verdict(AuditPart):
    """Can it be shipped? See `piescope.auditing.verdict.verdict_of`.

    Attributes:
        answer: ``safe``: losses beyond the limits are excluded; ``harm shown``: they are not, and something lost
            beyond chance; ``too few to tell``: neither; ``no true labels``: nothing tells which change is a loss. With
            budgets: all kept, one broken, one undecided. ``in doubt``: a warning says that no number can be trusted.
        judged_by: by which limits.
        accuracy_limit: points; None: budgets judge.
        class_limit: points, of classes and groups; None: budgets judge.
        accuracy_bound: the change of accuracy that still fits, one-sided 95 %, in points; None: it is not known.
        class_bound: the lowest of the classes', each one-sided 95 %.
        group_bound: the lowest of the groups'.
        harms: what lost beyond chance, worst first; the accuracy first of all.
        unsettled: what decides that it is too few, largest possible loss first.
        empty_classes: classes without any example, of which nothing is said.
        enough: of how many examples as many flips would settle it all; None: that cannot be told.
    """

    answer: Answer = "no true labels"
    judged_by: Literal["budgets", "limits"] = "limits"
    accuracy_limit: Number = None
    class_limit: Number = None
    accuracy_bound: Number = None
    class_bound: Number = None
    group_bound: Number = None
    harms: tuple[Harm, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()
    empty_classes: int = 0
    enough: int | None = None


class AuditRecord(AuditPart):
    """Everything that an audit found; docs/audit.md says what each part is and how sure.

    Example:
        >>> record = AuditRecord.of({"format_version": 2, "n_examples": 500, "changed": 3})
        >>> record.changed, record.accuracy, record.verdict.answer
        (3, None, 'no true labels')
    """

    may_lack = frozenset({"figures"})

    format_version: Literal[2] = FORMAT_VERSION
    piescope: str | None = None
    made_with: MadeWith | None = None
    inputs: Inputs = Inputs()
    n_examples: int
    is_population: bool = False
    comparison: Comparison = "one against one"
    right_or_wrong: bool = False
    class_names: tuple[str, ...] = ()
    warnings: tuple[AuditWarning, ...] = ()
    verdict: Verdict = Verdict()
    accuracy: AccuracyChange | None = None
    flips: Flips | None = None
    changed: Count
    changed_share: Share | None = None
    pies: Count | None = None
    seeds: SeedNoise | None = None
    noise: Noise | None = None
    confirmed: Confirmed | None = None
    confidence: Confidences = Confidences()
    classes: tuple[ClassChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    measures: MeasuredSides | None = None
    figures: dict[str, Figure] = Field(default_factory=dict)
    calibration: Calibration | None = None
    harmed: tuple[Example, ...] = ()
    label_errors: LabelErrors | None = None
    embeddings: Embeddings | None = None
    what_if: tuple[CopyRow, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any] | bytes) -> Self:
        """Reads what `content` gives or `as_bytes` wrote, in this or an earlier version.

        Raises:
            ValueError: it is no audit.
        """
        return cls.model_validate_json(content) if isinstance(content, bytes) else cls.model_validate(content)

    @classmethod
    def read(cls, out: Path) -> Self:
        """The audit in a folder.

        Raises:
            InputError: it is missing, damaged, or of another version.
            OSError: the system cannot read it.
        """
        name, cure = audit_layout.audit(out).name, "run `piescope audit` again"
        try:
            with naming(audit_layout.audit(out)):
                content = audit_layout.audit(out).read_bytes()
            version = Version.model_validate_json(content).format_version
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
            raise InputError.of(name, "file", "missing or damaged", "the answers of an audit", cure) from None
        if version != FORMAT_VERSION:
            expected, cure = str(FORMAT_VERSION), f"{cure} with this version"
            raise InputError.of(name, "format_version", str(version), expected, cure)
        try:
            record = cls.of(content)
            where = next(record.lacks(), "")
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
        if where:
            raise InputError.of(name, where, "missing or damaged", "the answers of an audit", cure)
        return record

    def content(self) -> dict[str, Any]:
        """As plain values, as audit.json has them; what was not said when it was made is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def as_bytes(self) -> bytes:
        """The file."""
        return as_json(self.content())

    def with_answers(self, **changed: Any) -> Self:
        """The same with some parts replaced, by the names of the attributes."""
        return self.model_copy(update=changed)


class Version(AuditPart):
    """All that is asked of a file before it is read."""

    format_version: int
